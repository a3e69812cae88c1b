"""DANE (RFC 7672) against a signed zone on loopback: what is published, what the server shows,
what becomes of mail.
"""

import re

from certificates import Authority
from finger import Validator, posttls_finger
from harness import limit, same
from secure_peer import SecurePeer
from signed_zones import SignedZones

VERIFIED, HALF = ("sent", "Verified", "dane"), ("sent", "Trusted", "halfdane")
REFUSED = ("deferred 4.7.5", "Untrusted", "!dane")
NO_HOST = ("deferred 4.7.5", None, None)
MAY, ENCRYPT, WEAK = ("sent", "Untrusted", "may"), ("sent", "Untrusted",
                                                    "encrypt"), ("sent", "Untrusted", "dane:encrypt")
NO_TLS = ("deferred 4.7.4", None, "!dane")

# name: (TLSA records as usage selector matching of a certificate, or in full; the server; level dane;
# level # dane-only)
SAME = "same"       # at dane-only as at dane
TABLE = {
    "ee311": (["leaf 3 1 1"], "leaf", VERIFIED, SAME),
    "ee312": (["leaf 3 1 2"], "leaf", VERIFIED, SAME),
    "ee310": (["leaf 3 1 0"], "leaf", VERIFIED, SAME),
    "ee301": (["leaf 3 0 1"], "leaf", VERIFIED, SAME),
    "ee302": (["leaf 3 0 2"], "leaf", VERIFIED, SAME),
    "ee300": (["leaf 3 0 0"], "leaf", VERIFIED, SAME),
    "ta201": (["middle 2 0 1"], "leaf", VERIFIED, SAME),
    "ta211": (["middle 2 1 1"], "leaf", VERIFIED, SAME),
    "ta200": (["root 2 0 0"], "leaf", VERIFIED, SAME),
    "ta210": (["root 2 1 0"], "leaf", VERIFIED, SAME),
    "tanotsent": (["root 2 0 1"], "leaf", REFUSED, SAME),
    "taname": (["middle 2 0 1"], "othername", REFUSED, SAME),
    "taexpired": (["root 2 0 0"], "expired", REFUSED, SAME),
    "eename": (["othername 3 1 1"], "othername", VERIFIED, SAME),
    "eeexpired": (["expired 3 1 1"], "expired", VERIFIED, SAME),
    "eeself": (["self 3 0 1"], "self", VERIFIED, SAME),
    "mismatch": (["self 3 1 1"], "leaf", REFUSED, SAME),
    "onematches": (["self 3 1 1", "leaf 3 1 1"], "leaf", VERIFIED, SAME),
    "agility": (["self 3 1 2", "leaf 3 1 1"], "leaf", REFUSED, SAME),
    "agilityfull": (["self 3 1 2", "leaf 3 1 0"], "leaf", VERIFIED, SAME),
    "pkix": (["root 0 0 1", "leaf 1 1 1"], "leaf", ENCRYPT, NO_HOST),
    "private": (["3 1 255 abcdef"], "leaf", ENCRYPT, NO_HOST),
    "pkixandee": (["leaf 1 1 1", "leaf 3 1 1"], "leaf", VERIFIED, SAME),
    "badlength": (["3 1 1 abcdef"], "leaf", WEAK, REFUSED),
    "unknowntype": (["3 1 9 abcdef"], "leaf", WEAK, REFUSED),
    "unknownselector": (["3 7 1 " + "ab" * 32], "leaf", WEAK, REFUSED),
    "none": ([], "leaf", MAY, NO_HOST),
    "nostarttls": (["leaf 3 1 1"], "plain", NO_TLS, SAME),
    "bogus": (["leaf 3 1 1"], "leaf", NO_HOST, SAME),
    "servfail": ([], "leaf", NO_HOST, SAME),
    # the domain's MX, and how its host is found: see zones()
    "insecuremx": (["leaf 3 1 1"], "leaf", HALF, NO_HOST),
    "insecuremxmismatch": (["self 3 1 1"], "leaf", ("deferred 4.7.5", "Untrusted", "!halfdane"), NO_HOST),
    "insecurehost": (["leaf 3 1 1"], "leaf", MAY, NO_HOST),
    "aliastarget": (["leaf 3 1 1"], "leaf", VERIFIED, SAME),
    "aliasitself": (["leaf 3 1 1"], "leaf", VERIFIED, SAME),
    "aliasinsecure": (["leaf 3 1 1"], "leaf", VERIFIED, SAME),
    "aliasnothing": ([], "leaf", MAY, NO_HOST),
}


def make_peers(t):
    a = Authority(t.path("tls"))
    a.intermediate("middle")
    names = ["mx.%s.test" % name for name in TABLE] + ["mx.insecuremx.insecure.test"]
    kinds = {"leaf": a.leaf("leaf", names, issuer="middle", chain=("middle",)),
             "othername": a.leaf("othername", ["mx.elsewhere.test"], issuer="middle", chain=("middle",)),
             "expired": a.leaf("expired", names, expired=True),
             "self": a.self_signed("self", names)}
    peers = {kind: SecurePeer(("127.0.0.1", 0), certificate=files, smtp=True)
             for kind, files in kinds.items()}
    peers["plain"] = SecurePeer(("127.0.0.1", 0), certificate=kinds["leaf"], keywords=("PIPELINING",),
                                smtp=True)
    t.peers.extend(peers.values())
    return a, peers


def record(authority, text):
    words = text.split()
    return text if words[0].isdigit() else authority.tlsa(words[0], *map(int, words[1:]))


def zones(t, authority, peers):
    """The zones' lines; where a domain's host is not mx.NAME.test in the signed zone, it is said here."""
    lines, insecure = [], []
    for name, (records, kind, _, _) in TABLE.items():
        owner, host = name + ".test.", "mx.%s.test." % name
        tlsa = "_%d._tcp.%s" % (peers[kind].address[1], host)
        if name.startswith("insecuremx"):
            insecure.append("%s.insecure.test. MX 10 %s" % (name, host))
        else:
            lines.append("%s MX 10 %s" % (owner, host))
        if name == "insecurehost":
            lines[-1] = "%s MX 10 mx.%s.insecure.test." % (owner, name)
            insecure.append("mx.%s.insecure.test. A 127.0.0.1" % name)
        elif name == "aliastarget":
            lines += ["%s CNAME host.%s" % (host, owner), "host.%s A 127.0.0.1" % owner]
            tlsa = "_%d._tcp.host.%s" % (peers[kind].address[1], owner)
        elif name == "aliasitself":
            lines += ["%s CNAME host.%s" % (host, owner), "host.%s A 127.0.0.1" % owner]
        elif name in ("aliasinsecure", "aliasnothing"):
            lines.append("%s CNAME %s.insecure.test." % (host, name))
            insecure.append("%s.insecure.test. A 127.0.0.1" % name)
        else:
            lines.append("%s A 127.0.0.1" % host)
        lines += ["%s TLSA %s" % (tlsa, record(authority, text)) for text in records]
    return SignedZones(t.path("dns"), lines, insecure, broken=["_tcp.mx.servfail.test."],
                       altered=["_%d._tcp.mx.bogus.test." % peers["leaf"].address[1]]).start()


def domain_of(name):
    return name + (".insecure.test" if name.startswith("insecuremx") else ".test")


def start(t, more=None, name="", made=[]):
    """A daemon; zones and peers are made once for a test."""
    if not made:
        authority, peers = make_peers(t)
        dns = zones(t, authority, peers)
        t.on_end(dns.stop)
        made += [peers, dns]
    peers, dns = made
    levels = ("dane", "dane-only")
    settings = {"transport %s.%s" % (level, name): value for level in levels for name, value in {
        "protocol": "smtp", "tls_security_level": level, "dns_support_level": "dnssec", "tls_loglevel": "1",
        **(more or {})}.items()}
    routes = ["%s@%s=%s:%s:%d" % (level, domain_of(name), level, domain_of(name), peers[row[1]].address[1])
              for name, row in TABLE.items() for level in levels]
    daemon = t.daemon(None, {"resolver.servers": dns.resolver, "resolver.trust_anchor_file": dns.anchor,
                             "transport_maps": "inline:{%s}" % ", ".join(routes), **settings}, name=name)
    return daemon


def outcome(daemon, level, name):
    daemon.send("%s@%s" % (level, domain_of(name)))
    line = daemon.wait_delivery("%s@%s" % (level, domain_of(name)), timeout=30)
    said = re.findall(r"%s: (\w+) TLS connection established to" % line["id"], daemon.log())
    status = line["status"] if line["status"] == "sent" else "%s %s" % (line["status"], line["dsn"])
    return status, said[0] if said else None, line["tls"]


def in_words(level, want):
    """The row for dane as it is at dane-only."""
    return (want[0], want[1], want[2] and want[2].replace("dane", level)) if level != "dane" else want


@limit(200)
def test_X_1_to_X_22_dane_table(t):
    """behaviour X-2 to X-18, X-22, T-17; parameters smtp_tls_security_level, tls_dane_digests"""
    daemon = start(t)
    wrong = []
    for name, (_, _, dane, only) in TABLE.items():
        for level, want in (("dane", dane), ("dane-only", dane if only == SAME else only)):
            got, want = outcome(daemon, level, name), in_words(level, want)
            if got != want:
                wrong.append("%s at %s: %r, expected %r" % (name, level, got, want))
    same(wrong, [], "cells of the table")


@limit(120)
def test_X_17_insecure_mx_policy(t):
    """parameter smtp_tls_dane_insecure_mx_policy"""
    for policy, want in (("may", MAY), ("encrypt", ENCRYPT)):
        daemon = start(t, {"tls_dane_insecure_mx_policy": policy}, policy)
        same(outcome(daemon, "dane", "insecuremx"), want, policy)
        same(outcome(daemon, "dane", "ee311"), VERIFIED, "others")


def test_X_6_insecure_host_tlsa_lookup_forced(t):
    """parameter smtp_tls_force_insecure_host_tlsa_lookup: an insecure answer is no record"""
    daemon = start(t, {"tls_force_insecure_host_tlsa_lookup": "yes"})
    same(outcome(daemon, "dane", "insecurehost"), MAY)


def test_X_1_preconditions(t):
    """dane is may, and dane-only nothing,
    where answers could not be believed (parameter smtp_dns_support_level)
    """
    daemon = start(t, {"dns_support_level": "enabled"})
    same(outcome(daemon, "dane", "ee311"), MAY)
    same(outcome(daemon, "dane-only", "ee311"), NO_HOST)
    daemon.wait_log(r"warning: DANE needs dns_support_level = dnssec")


def test_explain_tells_the_policy_and_where_it_came_from(t):
    daemon = start(t)
    way = daemon.ctl("--json", "explain", "dane@ta201.test")
    host = way["hosts"][0]
    same((host["tls"], host["tls_from"], host["tlsa_records"]), ("dane", "tls_security_level", 1))
    same(host["tls_names"], "mx.ta201.test ta201.test")
    same(daemon.ctl("--json", "explain", "dane@none.test")["hosts"][0]["tls"], "may")
    assert "TLSA lookup error" in daemon.ctl("--json", "explain",
                                             "dane@bogus.test")["hosts"][0]["tls_failure"]


@limit(240)
def test_posttls_finger_comes_to_the_same_verdicts(t):
    """Each cell of the table again, by Postfix's own look at the same server.

    Where dane-only gives a host no mail, posttls-finger looks at it nevertheless:
    it then sees what level dane sees."""
    authority, peers = make_peers(t)
    dns = zones(t, authority, peers)
    t.on_end(dns.stop)
    resolver = Validator(t.path("resolver"), dns).start()
    t.on_end(resolver.stop)
    wrong = []
    for name, (_, kind, dane, only) in TABLE.items():
        for level, want in (("dane", dane), ("dane-only", dane if only in (SAME, NO_HOST) else only)):
            said = posttls_finger(level, "%s:%d" % (domain_of(name), peers[kind].address[1]),
                                  resolver=resolver)
            if said != want[1]:
                wrong.append("%s at %s: posttls-finger %s, we %s" % (name, level, said, want[1]))
    same(wrong, [], "verdicts")
