"""AUTH GSSAPI in a Kerberos realm of the test's own, with Postfix' smtpd and Cyrus lmtpd, inside the sandbox.
"""

import os
import pwd

from actions import End
from cases import outcome
from cyrus import Cyrus
from harness import limit, same
from kerberos import Kerberos
from ports import reserved_port
from postfix import PostfixMX
from spool import DAEMON_UID
from test_sasl import commands_in_log, deliver, table
from test_sasl_real import LOGGED_IN

CLIENT = "causeway"


def realm_for(t):
    realm = Kerberos(t.path("realm"))
    t.on_end(realm.stop)
    return realm.start()


def client(t, realm, protocol, host, port, variables, settings=None):
    """A daemon that logs in at the host as whom its environment says."""
    with open(t.path("hosts"), "w") as file:
        file.write("127.0.0.1 %s\n" % host)
    nexthop = "[%s]:%d" % (host, port)
    daemon = t.daemon(None, {
        "mailbox_domains": "example.org", "sandbox": "require", "workers": 1,
        "resolver.hosts_file": t.path("hosts"),
        "mailbox_transport": "%s:%s%s" % (protocol, "inet:" if protocol == "lmtp" else "", nexthop),
        "transport_maps": "inline:{client.test=lmtp:%s}" % t.peer().nexthop,
        protocol + ".host_lookup": "native",
        protocol + ".connection_cache_on_demand": False, protocol + ".sasl_auth_enable": True,
        protocol + ".sasl_password_maps": table(t, (nexthop, CLIENT + ":")), "debug_peer_list": host,
        "queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "2s", **(settings or {})},
                      start=False)
    return daemon.start(environment={**realm.environment, **variables})


def postfix(t, realm):
    keytab = realm.keytab("smtp/mx.test", pwd.getpwnam("postfix").pw_uid)
    server = PostfixMX(t.path("mx"), reserved_port(), LOGGED_IN + "smtpd_sasl_auth_enable = yes\n"
                       "smtpd_sasl_type = cyrus\nsmtpd_sasl_path = smtpd\n"
                       "import_environment = MAIL_CONFIG KRB5_CONFIG=%s\n" % realm.environment["KRB5_CONFIG"])
    server.write("etc/sasl/smtpd.conf", "mech_list: GSSAPI\nkeytab: %s\n" % keytab)
    t.on_end(server.stop)
    server.start()
    return server


@limit(120)
def test_keytab_and_postfix(t):
    """With the keys themselves a courier asks the KDC once, and keeps the tickets in its memory."""
    realm = realm_for(t)
    server = postfix(t, realm)
    daemon = client(t, realm, "smtp", "mx.test", server.port, {
        "KRB5_CLIENT_KTNAME": "FILE:" + realm.keytab(CLIENT, DAEMON_UID), "KRB5CCNAME": "MEMORY:couriers"})
    same(outcome(deliver(daemon, "good1@example.org"))[0], "sent")
    realm.stop()
    same(outcome(deliver(daemon, "good2@example.org"))[0], "sent")
    same(commands_in_log(daemon, "AUTH"), ["AUTH GSSAPI"] * 2)
    server.wait_log("sasl_method=GSSAPI, sasl_username=causeway")


@limit(120)
def test_tickets_and_cyrus(t):
    """Tickets that others get and renew: nobody is asked for what is there; without them mail waits."""
    realm = realm_for(t)
    keytab = realm.keytab("lmtp/cyrus.test", pwd.getpwnam("cyrus").pw_uid)
    os.environ.update(realm.environment)      # of lmtpd
    store = Cyrus(t.path("cyrus"),
                  extra="sasl_mech_list: GSSAPI\nsasl_keytab: %s\nlmtpinet_admins: %s\n" % (keytab, CLIENT))
    t.on_end(store.stop)
    store.start()
    own = realm.keytab(CLIENT, DAEMON_UID)
    os.mkdir(t.path("tickets"))
    daemon = client(t, realm, "lmtp", "cyrus.test", store.address[1],
                    {"KRB5CCNAME": "FILE:" + t.path("tickets/now")})
    line = deliver(daemon, "one@example.org")
    same(outcome(line), ("deferred", "4.7.0"))
    assert "No Kerberos credentials available" in line["reason"], line
    realm.ticket(CLIENT, own, t.path("tickets/now"), DAEMON_UID, ["lmtp/cyrus.test"])
    realm.stop()
    daemon.wait_delivery("one@example.org", status="sent")
    same(len(store.mail("one")), 1)


def silent_for(t, realm):
    kdc = realm.silent()
    t.on_end(kdc.stop)
    return kdc


def tickets_by_key(realm):
    """The environment of a courier that has to ask the KDC."""
    return {"KRB5_CLIENT_KTNAME": "FILE:" + realm.keytab(CLIENT, DAEMON_UID), "KRB5CCNAME": "MEMORY:couriers"}


@limit(180)
def test_a_silent_kdc_holds_up_nobody_else(t):
    """More logins than begin at the same time wait for it; all other mail of the courier goes on,
    and theirs goes when it speaks."""
    many = 24
    realm = Kerberos(t.path("realm"))
    t.on_end(realm.stop)
    kdc, server = silent_for(t, realm), postfix(t, realm)
    daemon = client(t, realm, "smtp", "mx.test", server.port, tickets_by_key(realm), {
        "smtp.destination_concurrency_limit": many, "smtp.initial_destination_concurrency": many})
    for n in range(many):
        daemon.send("good%d@example.org" % n)
    assert kdc.asked.wait(60), "nobody asks for a ticket"
    for n in range(5):
        same(deliver(daemon, "u%d@client.test" % n)["status"], "sent")
    same([d["to"] for d in daemon.deliveries() if d["to"].endswith("example.org")], [])
    kdc.stop()
    realm.start()
    for n in range(many):
        daemon.wait_delivery("good%d@example.org" % n, status="sent", timeout=60)
    server.wait_log("(?s)" + many * "sasl_method=GSSAPI, sasl_username=causeway.*")


@limit(120)
def test_a_silent_kdc_has_its_time(t):
    """helo_timeout is for the login as a whole, and neither reload nor stop waits for the library."""
    realm = Kerberos(t.path("realm"))
    kdc = silent_for(t, realm)
    peer = t.peer(address=("127.0.0.1", 0), keywords=("PIPELINING", "AUTH GSSAPI"), smtp=True)
    daemon = client(t, realm, "smtp", "mx.test", peer.address[1], tickets_by_key(realm), {
        "smtp.helo_timeout": "2s", "queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "1h"})
    line = deliver(daemon, "u@example.org")
    same(outcome(line), ("deferred", "4.7.0"))
    assert line["reason"].endswith("no ticket came within 2 s"), line["reason"]
    assert kdc.asked.is_set()
    peer.wait(lambda: not peer.sessions[0].open, what="the session is over")
    same([c.split()[0] for c in peer.sessions[0].commands], ["EHLO", "QUIT"])
    daemon.reload()
    same(deliver(daemon, "u@client.test")["status"], "sent")
    same(daemon.stop(), 0)
    assert "was killed" not in daemon.log(), daemon.log()


@limit(120)
def test_a_server_that_leaves_while_the_kdc_is_asked(t):
    realm = Kerberos(t.path("realm"))
    kdc = silent_for(t, realm)

    def wait_and_leave(session, line):
        session.say("250-mx.test\n250 AUTH GSSAPI")
        kdc.asked.wait(60)
        raise End
    peer = t.peer({"ehlo": wait_and_leave}, address=("127.0.0.1", 0), smtp=True)
    daemon = client(t, realm, "smtp", "mx.test", peer.address[1], tickets_by_key(realm),
                    {"smtp.helo_timeout": "60s"})
    line = deliver(daemon, "u@example.org")
    same(outcome(line), ("deferred", "4.4.2"))
    assert "lost connection" in line["reason"], line["reason"]
    same(deliver(daemon, "u@client.test")["status"], "sent")
    daemon.stop()
    assert "was killed" not in daemon.log(), daemon.log()
