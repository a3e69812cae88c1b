"""AUTH with real servers: Postfix' smtpd with Dovecot's auth service and with sasldb,
and Cyrus lmtpd on inet.
"""

import pwd

from auth import PASSWORD
from cases import outcome
from cyrus import Cyrus
from harness import limit, same
from ports import reserved_port
from postfix import PostfixMX
from sasl_servers import DovecotAuth, Sasldb
from test_sasl import commands_in_log, deliver, shows_no_secret, table

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
LOGGED_IN = """
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_restrictions =
"""


def client(t, protocol, port, user, password=PASSWORD, mechanism="", name="", **settings):
    """A daemon that delivers there as that user."""
    nexthop = "[127.0.0.1]:%d" % port
    return t.daemon(None, {
        "mailbox_domains": "example.org",
        "mailbox_transport": "%s:%s%s" % (protocol, "inet:" if protocol == "lmtp" else "",
                                                                            nexthop),
        "transport_maps": "inline:{client.test=lmtp:%s}" % t.peer().nexthop,
        protocol + ".sasl_auth_enable": True, protocol + ".sasl_security_options": "noanonymous",
        protocol + ".sasl_mechanism_filter": mechanism,
        protocol + ".sasl_password_maps": table(t, (nexthop, "%s:%s" % (user, password)),
                                                name=name + "passwords"),
        "debug_peer_list": "127.0.0.1", **{protocol + "." + k: v for k, v in settings.items()}}, name=name)


def each_mechanism(t, protocol, port, user, to):
    """Every mechanism is let in with the password, and none with another."""
    for mechanism in MECHANISMS:
        daemon = client(t, protocol, port, user, mechanism=mechanism, name="d" + mechanism)
        line = deliver(daemon, to)
        same(outcome(line)[0], "sent", (mechanism, line))
        assert "AUTH " + mechanism in daemon.log(), mechanism
        shows_no_secret(daemon, PASSWORD)
        wrong = client(t, protocol, port, user, PASSWORD + "x", mechanism, "w" + mechanism)
        line = deliver(wrong, to)
        same(outcome(line)[0], "deferred", mechanism)
        assert "SASL authentication failed" in line["reason"], line
        shows_no_secret(wrong, PASSWORD + "x")


@limit(180)
def test_postfix_with_dovecot(t):
    passwords = DovecotAuth(t.path("auth"), [("user@example.org", PASSWORD)])
    t.on_end(passwords.stop)
    server = PostfixMX(t.path("mx"), reserved_port(), passwords.start().postfix + LOGGED_IN)
    t.on_end(server.stop)
    server.start()
    each_mechanism(t, "smtp", server.port, "user@example.org", "good1@example.org")
    server.wait_log("sasl_method=SCRAM-SHA-256, sasl_username=user@example.org")


@limit(180)
def test_postfix_with_sasldb(t):
    passwords = Sasldb(t.path("sasl"), [("user", PASSWORD)], "mx.test", pwd.getpwnam("postfix").pw_uid)
    server = PostfixMX(t.path("mx"), reserved_port(), passwords.postfix(" ".join(MECHANISMS)) + LOGGED_IN)
    passwords.configure_postfix(server)
    t.on_end(server.stop)
    server.start()
    each_mechanism(t, "smtp", server.port, "user", "good1@example.org")


@limit(90)
def test_postfix_wants_a_login(t):
    """Without one it takes nothing; one login serves all mail of a connection; AUTH=<> is taken."""
    passwords = DovecotAuth(t.path("auth"), [("user@example.org", PASSWORD)])
    t.on_end(passwords.stop)
    server = PostfixMX(t.path("mx"), reserved_port(), passwords.start().postfix + LOGGED_IN)
    t.on_end(server.stop)
    server.start()
    daemon = client(t, "smtp", server.port, "user@example.org", destination_concurrency_limit=1,
                    send_dummy_mail_auth=True, connection_cache_on_demand=True)
    for number in range(5):
        same(outcome(deliver(daemon, "good%d@example.org" % number))[0], "sent")
    same(daemon.deliveries()[-1]["conn_use"], "5")
    same(len(commands_in_log(daemon, "AUTH")), 1)
    same(set(c.rpartition(" ")[2] for c in commands_in_log(daemon, "MAIL")), {"AUTH=<>"})
    off = client(t, "smtp", server.port, "user@example.org", name="off", sasl_auth_enable=False)
    same(outcome(deliver(off, "good1@example.org")), ("bounced", "5.7.1"))


@limit(180)
def test_cyrus_on_inet(t):
    """LMTP with AUTH: lmtpd takes mail on inet only from an admin who has logged in."""
    passwords = Sasldb(t.path("sasl"), [("lmtpadmin", PASSWORD), ("other", PASSWORD)], "cyrus.test",
                       pwd.getpwnam("cyrus").pw_uid)
    store = Cyrus(t.path("cyrus"), extra=passwords.cyrus(" ".join(MECHANISMS))
                  + "lmtpinet_admins: lmtpadmin\nallowplaintext: yes\n")
    t.on_end(store.stop)
    store.start()
    each_mechanism(t, "lmtp", store.address[1], "lmtpadmin", "one@example.org")
    same(len(store.mail("one")), len(MECHANISMS))
    off = client(t, "lmtp", store.address[1], "lmtpadmin", name="off", sasl_auth_enable=False)
    line = deliver(off, "one@example.org")
    same(outcome(line), ("deferred", "4.0.0"))
    assert "430 Authentication required" in line["reason"], line
    same(len(store.mail("one")), len(MECHANISMS))
