"""Parameters about TLS that no other file tries: each shows its effect, in smtp_ and lmtp_ where both exist.
"""

import os
import shutil
import ssl
import threading
import time

import actions
import mx
from certificates import Authority, openssl
from harness import limit, same
from secure_peer import SecurePeer

BOTH = ("smtp", "lmtp")


class Place:
    """A certificate that everybody uses, peers, and daemons that send them the mail of x.test."""

    def __init__(self, t):
        self.t, self.authority = t, Authority(t.path("tls"))
        self.files = self.authority.leaf("leaf", ["mx.peer.test"])

    def peer(self, protocol, script=None, certificate=None, **options):
        peer = SecurePeer(("127.0.0.1", 0), script, certificate=certificate or self.files,
                          smtp=protocol == "smtp", **options)
        self.t.peers.append(peer)
        return peer

    def daemon(self, protocol, peer, settings=None, glob=None, **options):
        """SETTINGS are those of the protocol's transport, GLOB all others."""
        nexthop = "smtp:[127.0.0.1]:%d" if protocol == "smtp" else "lmtp:inet:[127.0.0.1]:%d"
        return self.t.daemon(None, {
            "transport_maps": "inline:{x.test=%s}" % (nexthop % peer.address[1]), "workers": 1,
            protocol + ".tls_security_level": "encrypt",
            **{protocol + "." + k: v for k, v in (settings or {}).items()}, **(glob or {})},
            name="d%d" % len(self.t.daemons), **options)


def send(daemon, to="u@x.test", **how):
    daemon.send(to, **how)
    return daemon.wait_delivery(to)


# --- the end of a connection --------------------------------------------------------------------------

def parting(quits, stays):
    """What a peer does that keeps its close notice back for good, or closes at once; when it was told QUIT.
    """
    def quit(session, line):
        quits.append(time.monotonic())
        session.say("221 2.0.0 Bye")
        stays.wait(60)
        return None
    return quit


@limit(120)
def test_tls_fast_shutdown_enable(t):
    """parameter tls_fast_shutdown_enable; behaviour T-29: the next connection comes when the peer has said
    its close notice, or at the latest when the time for that is over"""
    place, under_way = Place(t), []
    one = {"destination_concurrency_limit": 1, "connection_cache_on_demand": False}
    for protocol in BOTH:
        for fast, bound, says_it, least, most in (("yes", "300s", False, 0, 60),
                                                  ("no", "300s", False, 4.9, 60),
                                                  ("no", "4s", False, 3.9, 60), ("no", "300s", True, 0, 4.9)):
            quits, stays = [], threading.Event()
            t.on_end(stays.set)
            if says_it:
                stays.set()
            peer = place.peer(protocol, {"quit": parting(quits, stays)})
            daemon = place.daemon(protocol, peer, {**one, "starttls_timeout": bound},
                                  {"tls_fast_shutdown_enable": fast})
            for n in range(3):
                daemon.send("u%d@x.test" % n)
            under_way.append(((protocol, fast, bound, says_it), least, most, daemon, peer, quits))
    for what, least, most, daemon, peer, quits in under_way:
        delay = sorted(float(line["delay"]) for line in daemon.wait_deliveries(3, status="sent"))[1]
        waits = [peer.sessions[n + 1].started - quits[n] for n in range(2)]
        assert delay >= least and min(waits) < most, (what, delay, waits)


# --- trust ------------------------------------------------------------------------------------------------

@limit(60)
def test_tls_policy_maps_with_a_tafile_anywhere(t):
    """parameters smtp_tls_policy_maps, lmtp_tls_policy_maps: what an entry names is read ahead of the
    sandbox, or refused at the start"""
    place = Place(t)
    elsewhere = t.path("far/away")
    os.makedirs(elsewhere)
    anchor, table = os.path.join(elsewhere, "anchor.pem"), t.path("table")
    os.rename(place.authority.ca, anchor)
    for protocol in BOTH:
        peer = place.peer(protocol)
        entry = "secure match=mx.peer.test tafile=%s" % anchor
        key = "[127.0.0.1]:%d" % peer.address[1]
        with open(table, "w") as file:
            file.write("%s %s\n" % (key, entry))
        for maps in ("inline:{{%s=%s}}" % (key, entry), "texthash:" + table, "regexp:{{/./ %s}}" % entry,
                     "static:{%s}" % entry):
            daemon = place.daemon(protocol, peer, {"tls_policy_maps": maps})
            line = send(daemon)
            same((line["status"], line["tls"]), ("sent", "secure"), "%s %s" % (maps, line["reason"]))
            daemon.stop()
        bad = place.daemon(protocol, peer, {"tls_policy_maps": "inline:{{%s=%s.missing}}" % (key, entry)},
                           start=False)
        bad.start(wait=False)
        same(bad.exit_status(), 78)
        assert "%s.missing" % anchor in bad.stderr() and "tls_policy_maps" in bad.stderr(), bad.stderr()


def secure(match="mx.peer.test", **more):
    return {"tls_security_level": "secure", "tls_secure_cert_match": match, **more}


@limit(90)
def test_whom_to_believe(t):
    """parameters smtp_tls_CApath, lmtp_tls_CApath, smtp_tls_trust_anchor_file, lmtp_tls_trust_anchor_file,
    smtp_tls_fingerprint_digest, lmtp_tls_fingerprint_digest, tls_append_default_CA"""
    place = Place(t)
    ca, other = place.authority.ca, Authority(t.path("other")).ca
    hashed = t.path("hashed")
    os.makedirs(hashed)
    shutil.copy(ca, os.path.join(hashed, openssl("x509", "-in", ca, "-noout", "-hash").decode().strip()
                                 + ".0"))

    def fingerprint(digest, made_by):
        return {"tls_security_level": "fingerprint", "tls_fingerprint_digest": digest,
                "tls_fingerprint_cert_match": place.authority.fingerprint("leaf", digest=made_by)}

    rows = ((secure(tls_CApath=hashed), {}, True), (secure(tls_CApath=t.path("other")), {}, False),
            (secure(tls_trust_anchor_file=ca), {}, True), (secure(tls_trust_anchor_file=other), {}, False),
            (fingerprint("sha512", "sha512"), {}, True), (fingerprint("sha1", "sha1"), {}, True),
            (fingerprint("sha1", "sha512"), {}, False), (fingerprint("sha512", "sha1"), {}, False),
            (secure(tls_CAfile=other), {"tls_append_default_CA": "yes"}, True),
            (secure(tls_CAfile=other), {"tls_append_default_CA": "no"}, False))
    for protocol in BOTH:
        peer = place.peer(protocol)
        for settings, glob, good in rows:
            daemon = place.daemon(protocol, peer, settings, glob, start=False)
            daemon.start(environment={"SSL_CERT_FILE": ca})
            line = send(daemon)
            level = settings["tls_security_level"]
            same((line["status"], line["tls"]), ("sent", level) if good else ("deferred", "!" + level),
                 "%s %s %s: %s" % (protocol, settings, glob, line["reason"]))
            daemon.stop()


def test_tls_enforce_sts_mx_patterns(t):
    """parameters lmtp_tls_enforce_sts_mx_patterns, smtp_tls_enforce_sts_mx_patterns"""
    place = Place(t)
    for protocol in BOTH:
        peer = place.peer(protocol)
        entry = "[127.0.0.1]:%d = secure match=mx.peer.test policy_type=sts mx_host_pattern=mx.elsewhere.test" % peer.address[1]
        for enforce, expected in (("yes", ("deferred", "4.3.0")), ("no", ("sent", "2.0.0"))):
            daemon = place.daemon(protocol, peer, {"tls_policy_maps": "inline:{{%s}}" % entry,
                                                   "tls_CAfile": place.authority.ca,
                                                   "tls_enforce_sts_mx_patterns": enforce})
            line = send(daemon)
            same((line["status"], line["dsn"]), expected, "%s %s: %s" % (protocol, enforce, line["reason"]))
            daemon.stop()


def test_tls_force_insecure_host_tlsa_lookup(t):
    """parameters lmtp_tls_force_insecure_host_tlsa_lookup, smtp_tls_force_insecure_host_tlsa_lookup: with it
    the records of a host are asked for even if nobody vouches for its address"""
    place = Place(t)
    for protocol in BOTH:
        peer = place.peer(protocol)
        port = peer.address[1]
        for forced in ("no", "yes"):
            way = ("smtp:[h.x.test]:%d" if protocol == "smtp" else "lmtp:inet:[h.x.test]:%d") % port
            daemon, server = mx.daemon_with_dns(t, {"h.x.test": ["127.0.0.1"]}, {
                "transport_maps": "inline:{x.test=%s}" % way, protocol + ".tls_security_level": "dane",
                protocol + ".dns_support_level": "dnssec",
                protocol + ".tls_force_insecure_host_tlsa_lookup": forced})
            same(send(daemon)["tls"], "may")
            same("TLSA" in server.types_asked("_%d._tcp.h.x.test" % port), forced == "yes",
                 "%s %s" % (protocol, forced))
            daemon.stop()


def test_lmtp_tls_ciphers(t):
    """parameter lmtp_tls_ciphers: the grade at level may"""
    place = Place(t)
    context = SecurePeer.make_context(place.files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = place.peer("lmtp", context=context)
    for grade, expected in (("medium", ("sent", "2.0.0")), ("high", ("deferred", "4.7.5"))):
        daemon = place.daemon("lmtp", peer, {"tls_security_level": "may", "tls_ciphers": grade},
                              {"tls_high_cipherlist": "CAMELLIA128-SHA"})
        line = send(daemon)
        same((line["status"], line["dsn"]), expected, grade + ": " + line["reason"])
        daemon.stop()


# --- who we are -------------------------------------------------------------------------------------------

def client_certificates(authority):
    """Certificates with keys of each algorithm, signed by the authority: name -> (chain file, key file)."""
    made = {}
    for name, arguments in (("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                            ("ec", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])):
        openssl("genpkey", *arguments, "-out", authority.at(name + ".key"))
        made[name] = authority.at(name + ".crt"), authority.at(name + ".key")
    openssl("dsaparam", "-genkey", "-noout", "-out", authority.at("dsa.key"), "1024")
    made["dsa"] = authority.at("dsa.crt"), authority.at("dsa.key")
    for name, (chain, key) in made.items():
        request = openssl("req", "-new", "-key", key, "-subj", "/CN=our %s" % name)
        with open(authority.at(name + ".csr"), "wb") as file:
            file.write(request)
        openssl("x509", "-req", "-in", authority.at(name + ".csr"), "-CA", authority.ca, "-CAkey",
                authority.at("root.key"),
                "-CAcreateserial", "-days", "2", "-out", chain)
        os.chmod(key, 0o644)
    with open(authority.at("both.pem"), "w") as out:
        out.write(open(made["ec"][1]).read() + open(made["ec"][0]).read())
    return made


def asking_context(place):
    """A server that wants to know who its client is, of TLS 1.2, so that old algorithms will do."""
    context = SecurePeer.make_context(place.files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(place.authority.ca)
    return context


@limit(120)
def test_own_certificates(t):
    """parameters smtp_tls_cert_file, smtp_tls_key_file, smtp_tls_eccert_file, smtp_tls_eckey_file,
    smtp_tls_dcert_file, smtp_tls_dkey_file, smtp_tls_chain_files, lmtp_tls_eccert_file, lmtp_tls_eckey_file,
    lmtp_tls_dcert_file, lmtp_tls_dkey_file"""
    place = Place(t)
    made = client_certificates(place.authority)

    def pair(prefix, kind):
        return {"tls_%scert_file" % prefix: made[kind][0], "tls_%skey_file" % prefix: made[kind][1]}

    rows = ((pair("", "rsa"), "our rsa"), (pair("ec", "ec"), "our ec"), (pair("d", "dsa"), "our dsa"),
            ({}, None),
            ({"tls_chain_files": place.authority.at("both.pem"), **pair("", "rsa")}, "our ec"))
    for protocol in BOTH:
        for settings, name in rows:
            seen = []
            peer = place.peer(protocol, {"mail": lambda s, line,
                                         seen=seen: seen.append(s.sock.getpeercert()) or "250 ok"},
                              context=asking_context(place))
            daemon = place.daemon(protocol, peer, settings)
            same(send(daemon)["status"], "sent")
            shown = dict(part[0] for part in seen[0]["subject"])["commonName"] if seen[0] else None
            same(shown, name, "%s %s" % (protocol, settings))
            daemon.stop()
        wrong = place.daemon(protocol, peer, {"tls_dcert_file": made["dsa"][0],
                                              "tls_dkey_file": made["rsa"][1]})
        wrong.wait_log("TLS is off: tls_dcert_file: the private key in")


# --- the conversation ---------------------------------------------------------------------------------------

def offers_early(session, line):
    """Inside TLS a reply more than was asked for."""
    return session.usual_capabilities() + ("\n250 2.1.0 early" if session.secure else "")


@limit(90)
def test_the_conversation(t):
    """parameters smtp_tls_wrappermode, smtp_tls_note_starttls_offer, smtp_starttls_timeout,
    smtp_tls_block_early_mail_reply
    """
    place = Place(t)
    for protocol in BOTH:
        wrapped = place.daemon(protocol, place.peer(protocol, tls_first=True), {"tls_wrappermode": "yes"})
        same(send(wrapped)["tls"], "encrypt")
        for note in ("yes", "no"):
            daemon = place.daemon(protocol, place.peer(protocol),
                                  {"tls_security_level": "none", "tls_note_starttls_offer": note})
            same(send(daemon)["tls"], "none")
            same("Host offered STARTTLS: [127.0.0.1]" in daemon.log(), note == "yes", protocol)
        slow = place.daemon(protocol, place.peer(protocol, {"starttls": actions.then_silence("220 go")}),
                            {"starttls_timeout": "1s"})
        line = send(slow)
        same((line["dsn"], "handshake failure (timed out)" in line["reason"]), ("4.7.5", True),
             line["reason"])
        early = place.daemon(protocol, place.peer(protocol, {"lhlo": offers_early}),
                             {"tls_block_early_mail_reply": "yes"})
        line = send(early)
        same((line["status"], line["dsn"], line["reason"]),
             ("deferred", "4.7.0", "unexpected server message"))
        early.wait_log("warning: .*unexpected server message ahead of MAIL: 250 2.1.0 early")


def test_sessions(t):
    """parameters smtp_tls_session_cache_database, smtp_tls_session_cache_timeout, smtp_tls_connection_reuse,
    lmtp_tls_connection_reuse: sessions are resumed where a database is named;
    connections are kept in any case"""
    place = Place(t)
    apart = {"connection_cache_on_demand": False}
    for protocol in BOTH:
        for settings, resumed in (({"tls_session_cache_database": "btree:/any"}, 1), ({}, 0),
                                  ({"tls_session_cache_database": "btree:/any",
                                    "tls_session_cache_timeout": "0s"}, 0)):
            peer = place.peer(protocol)
            daemon = place.daemon(protocol, peer, {**settings, **apart})
            for to in ("a@x.test", "b@x.test"):
                same(send(daemon, to)["status"], "sent")
            same((peer.handshakes, peer.resumed), (2, resumed), "%s %s" % (protocol, settings))
        for reuse in ("yes", "no"):
            peer = place.peer(protocol)
            daemon = place.daemon(protocol, peer, {"tls_connection_reuse": reuse})
            for to in ("a@x.test", "b@x.test"):
                send(daemon, to)
            same(peer.handshakes, 1, "%s %s" % (protocol, reuse))


def test_tls_enable_rpk(t):
    """parameters smtp_tls_enable_rpk, lmtp_tls_enable_rpk: where OpenSSL knows no raw public keys one warning
    says so, and a certificate is asked for; where it does, nothing is said"""
    place = Place(t)
    knows = ssl.OPENSSL_VERSION_INFO >= (3, 2)
    for protocol in BOTH:
        daemon = place.daemon(protocol, place.peer(protocol), {"tls_enable_rpk": "yes"})
        same(send(daemon)["tls"], "encrypt")
        same((daemon.log() + daemon.stderr()).count("knows no raw public keys"), 0 if knows else 1, protocol)
