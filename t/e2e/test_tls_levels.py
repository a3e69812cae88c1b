"""Each level against each kind of certificate, with real servers: what becomes of the mail,
and what is said of the peer.

posttls-finger(1) is asked about the same servers, and must come to the same verdict.
"""

import re

from certificates import EMBEDDED_NUL, Authority
from finger import posttls_finger
from harness import limit, same
from secure_servers import LmtpServers, SmtpServers

NAMES = "mx.good.test b\u00fccher.test"
LEVELS = ("none", "may", "encrypt", "fingerprint", "verify", "secure")


def make_certificates(t):
    """One of each kind: name -> (chain file, key file); and the authority."""
    a = Authority(t.path("tls"))
    issuer = "root"
    for name in ("first", "second", "third"):
        a.intermediate(name, issuer)
        issuer = name
    return a, {
        "good": a.leaf("good", ["mx.good.test"]),
        "common": a.leaf("common", common_name="mx.good.test"),
        "expired": a.leaf("expired", ["mx.good.test"], expired=True),
        "selfsigned": a.self_signed("selfsigned", ["mx.good.test"]),
        "wrong": a.leaf("wrong", ["mx.other.test"], common_name="mx.good.test"),
        "wildcard": a.leaf("wildcard", ["*.good.test"]),
        "partial": a.leaf("partial", ["m*.good.test"]),
        "nul": a.leaf("nul", raw_name=EMBEDDED_NUL.replace(b"good", b"mx.good")),
        "idn": a.leaf("idn", ["xn--bcher-kva.test"]),
        "deep": a.leaf("deep", ["mx.good.test"], issuer="third", chain=("third", "second", "first")),
    }


def expected(level, kind):
    """(status, dsn, how the peer is called, tls=) for each cell of the table."""
    if level == "none":
        return "sent", "2", None, "none"
    if level in ("may", "encrypt"):
        trusted = kind not in ("expired", "selfsigned", "deep")
        return "sent", "2", "Trusted" if trusted else "Untrusted", level
    if level == "fingerprint":
        matches = kind in ("good", "expired", "selfsigned")
        return ("sent", "2", "Verified", level) if matches else ("deferred", "4.7.5", "Untrusted",
                                                                 "!" + level)
    if kind in ("good", "common", "wildcard", "idn"):
        return "sent", "2", "Verified", level
    return "deferred", "4.7.5", "Untrusted", "!" + level


def settings(protocol, authority, servers, kinds):
    """One transport a level, and a domain for each cell."""
    s = {}
    for level in LEVELS:
        section = "transport %s." % level
        s.update({section + "protocol": protocol, section + "tls_security_level": level,
                  section + "tls_CAfile": authority.ca, section + "tls_loglevel": "2",
                  section + "tls_scert_verifydepth": "3",
                  section + "tls_verify_cert_match": NAMES, section + "tls_secure_cert_match": NAMES,
                  section + "tls_fingerprint_cert_match": ", ".join(fingerprints(authority)),
                  section + "destination_concurrency_limit": "1"})
    prefix = "inet:" if protocol == "lmtp" else ""
    s["transport_maps"] = "inline:{%s}" % ", ".join(
        "%s-%s.test=%s:%s[%s]:%d" % (level, kind, level, prefix, *servers.address[kind])
        for level in LEVELS for kind in kinds)
    return s


def verdicts(t, protocol, servers, authority, kinds):
    """Send a message through every cell; name -> (delivery line, lines about TLS of that message)."""
    daemon = t.daemon(None, settings(protocol, authority, servers, kinds))
    cells = [(level, kind) for level in LEVELS for kind in kinds]
    for level, kind in cells:
        daemon.send("u@%s-%s.test" % (level, kind))
    found = {}
    for level, kind in cells:
        line = daemon.wait_delivery("u@%s-%s.test" % (level, kind), timeout=60)
        notes = re.findall(r"%s: (\w+) TLS connection established to" % line["id"], daemon.log())
        found[level, kind] = line["status"], line["dsn"], notes[0] if notes else None, line["tls"]
    return found


def check_table(t, protocol, servers):
    authority, certificates = make_certificates(t)
    running = servers(t.path("server"), certificates).start()
    t.on_end(running.stop)
    found = verdicts(t, protocol, running, authority, certificates)
    wrong = []
    for (level, kind), (status, dsn, peer, tls) in found.items():
        want = expected(level, kind)
        if (status, peer, tls) != (want[0], *want[2:]) or not dsn.startswith(want[1]):
            wrong.append("%s %s: %r, expected %r" % (level, kind, (status, dsn, peer, tls), want))
    same(wrong, [], "cells of the table")
    same(len(found), len(LEVELS) * len(certificates), "cells")
    return authority, certificates, running


def fingerprints(authority):
    """What the level fingerprint asks for: a certificate, a key, and a certificate with colons."""
    return [authority.fingerprint("good"), authority.fingerprint("expired", of_key=True),
            ":".join(re.findall("..", authority.fingerprint("selfsigned")))]


def check_agreement(protocol, authority, certificates, running):
    """posttls-finger calls each peer what we call it, at each level that has TLS."""
    wrong, asked = [], 0
    match = {"verify": NAMES.split(), "secure": NAMES.split(), "fingerprint": fingerprints(authority)}
    for kind in certificates:
        for level in LEVELS[1:]:
            if kind == "deep" and level != "fingerprint":
                continue    # how long a chain may be cannot be said to posttls-finger
            said = posttls_finger(level, "[%s]:%d" % running.address[kind], match.get(level, []),
                                  authority.ca,
                                  lmtp=protocol == "lmtp")
            want, asked = expected(level, kind)[2], asked + 1
            if said != want:
                wrong.append("%s %s: posttls-finger %s, we %s" % (level, kind, said, want))
    same(wrong, [], "verdicts of %d" % asked)
    same(asked, len(certificates) * (len(LEVELS) - 1) - (len(LEVELS) - 2))


@limit(240)
def test_T_15_to_T_21_levels_with_postfix(t):
    """parameters smtp_tls_CAfile, smtp_tls_fingerprint_cert_match, smtp_tls_verify_cert_match,
    smtp_tls_secure_cert_match, smtp_tls_scert_verifydepth, smtp_tls_loglevel, smtp_tls_security_level,
    smtp_log_tls_feature_status; behaviour T-18 to T-21, T-27, D2-11"""
    authority, certificates, running = check_table(t, "smtp", SmtpServers)
    check_agreement("smtp", authority, certificates, running)


@limit(240)
def test_T_15_to_T_21_levels_with_dovecot(t):
    """parameters lmtp_tls_CAfile, lmtp_tls_fingerprint_cert_match, lmtp_tls_verify_cert_match,
    lmtp_tls_secure_cert_match, lmtp_tls_scert_verifydepth, lmtp_tls_loglevel, lmtp_tls_security_level,
    lmtp_log_tls_feature_status"""
    authority, certificates, running = check_table(t, "lmtp", LmtpServers)
    check_agreement("lmtp", authority, certificates, running)
