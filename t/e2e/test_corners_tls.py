"""Corners of TLS: policies that fail, keys that are too weak, sockets, and how a connection ends."""

import os
import ssl
import subprocess

from cases import outcome
from certificates import Authority, openssl
from harness import limit, same
from secure_peer import SecurePeer
from servers import need
from signed_zones import SignedZones
from test_tls import authority, daemon_for, result, secure_peer, send


ONE = {"lmtp.destination_concurrency_limit": 1, "lmtp.initial_destination_concurrency": 1,
       "lmtp.connection_cache_time_limit": "30s", "connection_cache_ttl_limit": "60s"}


class Policies:
    """A table of tls_policy_maps that postmap(1) writes while the daemon reads it."""

    def __init__(self, t):
        need(("/usr/sbin/postmap", "postfix"), ("/usr/lib/postfix/postfix-lmdb.so", "postfix-lmdb"))
        self.dir = t.path("policies")
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        with open(os.path.join(self.dir, "main.cf"), "w") as file:
            file.write("compatibility_level = 3.6\n")
        self.name = os.path.join(self.dir, "table")
        self.spec = "lmdb:" + self.name

    def write(self, key, entry):
        with open(self.name, "w") as file:
            file.write("%s %s\n" % (key, entry))
        subprocess.run(["/usr/sbin/postmap", "-c", self.dir, self.spec], check=True, timeout=100)


def test_R_12_and_J_27_each_request_asks_for_its_policy(t):
    """A connection that is kept in clear serves nobody who needs TLS,
    and one with TLS goes on at the same level.
    """
    _, files = authority(t)
    peer = secure_peer(t, files)
    policies, key = Policies(t), "[127.0.0.1]:%d" % peer.address[1]
    policies.write(key, "none")
    daemon = t.daemon(peer, {**ONE, "lmtp.tls_policy_maps": policies.spec, "lmtp.tls_loglevel": "1"})
    lines = []
    for number, entry in enumerate(("none", "none", "encrypt", "encrypt")):
        policies.write(key, entry)
        daemon.send("u%d@example.org" % number)
        lines.append(daemon.wait_delivery("u%d@example.org" % number, "sent"))
    same([(line["tls"], line["conn_use"]) for line in lines],
         [("none", None), ("none", "2"), ("encrypt", None), ("encrypt", "2")])
    same([(bool(s.secure), s.transactions) for s in peer.sessions], [(False, 2), (True, 2)])


def test_L_5_and_J_27_so_it_is_with_the_obsolete_table(t):
    """parameter lmtp_tls_per_site"""
    _, files = authority(t)
    peer, sites = secure_peer(t, files), Policies(t)
    sites.write("127.0.0.1", "NONE")
    daemon = t.daemon(peer, {**ONE, "lmtp.tls_per_site": sites.spec})
    lines = []
    for number, word in enumerate(("NONE", "MUST_NOPEERMATCH", "must_nopeermatch", "MAY", "no such word")):
        sites.write("127.0.0.1", word)
        daemon.send("u%d@example.org" % number)
        lines.append(daemon.wait_delivery("u%d@example.org" % number))
    same([(line["status"], line["tls"], line["conn_use"]) for line in lines],
         [("sent", "none", None), ("sent", "encrypt", None), ("sent", "encrypt", "2"), ("sent", "may", None),
          ("deferred", None, None)])
    same([(bool(s.secure), s.transactions) for s in peer.sessions], [(False, 1), (True, 2), (True, 1)])


def test_L_13_policy_failure(t):
    """An MTA-STS policy that could not be had: no certificate is good enough, and its reason is told."""
    a, files = authority(t)
    peer = secure_peer(t, files)
    with open(t.path("policy"), "w") as out:
        out.write(
            "[127.0.0.1]:%d secure match=mx.peer.test policy_type=sts { policy_failure = sts-policy-fetch-error }\n"
                  % peer.address[1])
    line = send(daemon_for(t, peer, "may", tls_CAfile=a.ca, tls_policy_maps="texthash:" + t.path("policy")))
    same(result(line), ("deferred", "4.7.5", "!secure"))
    assert "Server certificate not verified (sts-policy-fetch-error)" in line["reason"], line["reason"]
    same(peer.messages, [])


def weak_server(t, a):
    """RSA with 768 bits, below what OpenSSL's security level 1 takes."""
    key, certificate = a.at("weak.key"), a.at("weak.crt")
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768", "-out", key)
    request = openssl("req", "-new", "-key", key, "-subj", "/CN=mx.peer.test", "-addext",
                      "subjectAltName=DNS:mx.peer.test")
    openssl("x509", "-req", "-CA", a.ca, "-CAkey", a.at("root.key"), "-copy_extensions", "copy", "-days",
            "10",
            "-out", certificate, given=request)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate, key)
    return secure_peer(t, None, context=context)


def test_T_22_weak_keys_only_where_nobody_is_asked_for(t):
    """The library's security level is 1 where the certificate counts, and 0 where any will do."""
    a = Authority(t.path("tls"))
    peer = weak_server(t, a)
    for level, want in (("encrypt", ("sent", "2.0.0", "encrypt")),
                        ("secure", ("deferred", "4.7.5", "!secure"))):
        daemon = t.daemon(peer, {"lmtp.tls_security_level": level, "lmtp.tls_CAfile": a.ca,
                                 "lmtp.tls_secure_cert_match": "mx.peer.test"}, name=level)
        same(result(send(daemon)), want, level)


def test_T_29_a_connection_ends_without_waiting(t):
    """The close notice is sent, so that the peer knows of the end; what it says to that is not waited for."""
    _, files = authority(t)
    seen = []

    def stay(session, line):
        session.say("221 2.0.0 Bye")
        session.sock.settimeout(100)
        try:
            seen.append(session.sock.recv(100))   # b"" after a close notice only
        except ssl.SSLError as error:
            seen.append(error)
        return None
    peer = secure_peer(t, files, {"quit": stay})
    daemon = daemon_for(t, peer, "encrypt", connection_cache_on_demand=False)
    same(result(send(daemon)), ("sent", "2.0.0", "encrypt"))
    peer.wait(lambda: seen, 10, "the end of the connection")
    same(seen, [b""])


def test_T_32_sockets(t):
    """may is none there; from encrypt on our own name stands for the host and the nexthop;
    DANE levels make no sense."""
    a = Authority(t.path("tls"))
    files = a.leaf("leaf", ["own.name.test"])
    peer = SecurePeer(t.path("socket"), certificate=files)
    t.peers.append(peer)
    rows = (("may", {}, ("sent", "2.0.0", None)), ("encrypt", {}, ("sent", "2.0.0", "encrypt")),
            ("verify", {}, ("sent", "2.0.0", "verify")), ("secure", {}, ("sent", "2.0.0", "secure")),
            ("secure", {"myhostname": "other.name.test"}, ("deferred", "4.7.5", "!secure")),
            ("dane", {}, ("deferred", "4.7.5", None)), ("dane-only", {}, ("deferred", "4.7.5", None)))
    for number, (level, settings, want) in enumerate(rows):
        daemon = t.daemon(peer, {"lmtp.tls_security_level": level, "lmtp.tls_CAfile": a.ca,
                                 "myhostname": "own.name.test",
                                 **settings}, name="d%d" % number)
        line = send(daemon)
        same(result(line), want, level)
        assert want[2] or want[0] == "sent" or "is not for a UNIX socket" in line["reason"] + daemon.log(
            ), daemon.log()
        daemon.stop()


def test_T_33_a_reply_too_many_inside_tls(t):
    """Differs: it does not shift the replies that follow, but ends the session;
    tls_block_early_mail_reply says so.
    """
    _, files = authority(t)
    for block in (False, True):
        peer = secure_peer(t, files,
                           {"lhlo": lambda s, line: s.usual_capabilities()
                            + ("\n550 5.1.1 too early" * bool(s.secure))})
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt",
                                 "lmtp.tls_block_early_mail_reply": block},
                          name="d%d" % block)
        line = send(daemon)
        same((line["status"], line["dsn"]), ("deferred", "4.7.0" if block else "4.5.0"), block)
        same("unexpected server message" in line["reason"], block, line["reason"])
        same(peer.messages, [])


def test_Y_18_a_failed_handshake_at_may_is_no_dead_destination(t):
    """Each message is tried; where TLS is a must the second one waits for the destination."""
    for level, tried in (("may", 3), ("encrypt", 1)):
        peer = secure_peer(t, None)   # without a certificate it has no cipher in common
        daemon = t.daemon(peer, {"lmtp.tls_security_level": level, "queue.minimal_backoff_time": "1h",
                                 "queue.maximal_backoff_time": "2h"}, name=level)
        for number in range(3):
            daemon.send("u%d@example.org" % number)
            if number < tried:
                same(outcome(daemon.wait_delivery("u%d@example.org" % number)), ("deferred", "4.7.5"), level)
        same(("cannot be reached" in daemon.log()), level == "encrypt", level)
        daemon.stop()


@limit(90)
def test_A_21_a_host_without_a_policy_counts(t):
    """Its TLSA records cannot be found, so it is passed over, and is one of mx_address_limit all the same."""
    a = Authority(t.path("tls"))
    peer = SecurePeer(("127.0.0.1", 0), certificate=a.leaf("leaf", ["h2.d.test"]), smtp=True)
    t.peers.append(peer)
    tlsa = "_%d._tcp.h2.d.test. TLSA %s" % (peer.address[1], a.tlsa("leaf", 3, 1, 1))
    dns = SignedZones(t.path("dns"), ["d.test. MX 10 h1.d.test.", "d.test. MX 20 h2.d.test.",
                                      "h1.d.test. A 127.0.0.1",
                                      "h2.d.test. A 127.0.0.1", tlsa], [], broken=["_tcp.h1.d.test."]).start()
    t.on_end(dns.stop)
    for number, want in ((1, ("deferred", "4.7.5")), (2, ("sent", "2.0.0"))):
        daemon = t.daemon(None, {
            "resolver.servers": dns.resolver, "resolver.trust_anchor_file": dns.anchor,
            "transport_maps": "inline:{d.test=smtp:d.test:%d}" % peer.address[1],
            "smtp.tls_security_level": "dane",
            "smtp.dns_support_level": "dnssec", "smtp.mx_address_limit": number}, name="d%d" % number)
        daemon.send("u@d.test")
        line = daemon.wait_delivery("u@d.test", timeout=30)
        same((outcome(line), len(peer.messages)), (want, number - 1), number)


@limit(90)
def test_smtp_dns_reply_filter_sees_TLSA_records(t):
    """Those that are ignored count for nothing: the others decide,
    and where none is left the host is passed over.
    """
    a = Authority(t.path("tls"))
    peer = SecurePeer(("127.0.0.1", 0), certificate=a.leaf("leaf", ["h1.d.test"]), smtp=True)
    t.peers.append(peer)
    tlsa = "_%d._tcp.h1.d.test. TLSA " % peer.address[1]
    right, wrong = a.tlsa("leaf", 3, 1, 1), "3 1 1 " + "ab" * 32
    dns = SignedZones(t.path("dns"), ["d.test. MX 10 h1.d.test.", "h1.d.test. A 127.0.0.1", tlsa + right,
                                      tlsa + wrong],
                      []).start()
    t.on_end(dns.stop)
    for number, (pattern, want) in enumerate((
            ("/ IN TLSA 3 1 1 ABAB/", ("sent", "2.0.0", "dane")),
            ("/^_%d\\._tcp\\.h1\\.d\\.test\\. [0-9]+ IN TLSA 3 1 1 %s$$/"
             % (peer.address[1], right.split()[3].upper()),
             ("deferred", "4.7.5", "!dane")),
            ("/ IN TLSA /", ("deferred", "4.7.5", None)))):
        daemon = t.daemon(None, {
            "resolver.servers": dns.resolver, "resolver.trust_anchor_file": dns.anchor,
            "transport_maps": "inline:{d.test=smtp:d.test:%d}" % peer.address[1],
            "smtp.tls_security_level": "dane",
            "smtp.dns_support_level": "dnssec", "smtp.dns_reply_filter": "regexp:{{%s IGNORE}}" % pattern},
                          name="d%d" % number)
        daemon.send("u@d.test")
        same(result(daemon.wait_delivery("u@d.test", timeout=30)), want, pattern)
        daemon.wait_log(r"ignoring DNS RR: _%d\._tcp\.h1\.d\.test\. \d+ IN TLSA 3 1 1 " % peer.address[1])
