"""TLS on the wire: what is said and when, hostile bytes around the handshake, and going back to clear text.
"""

import os
import re
import shutil
import ssl

import actions
import processes
from certificates import Authority, openssl
from harness import limit, same
from secure_peer import SecurePeer


def authority(t):
    a = Authority(t.path("tls"))
    return a, a.leaf("leaf", ["mx.peer.test", "127.0.0.1"])


def secure_peer(t, certificate, script=None, **options):
    peer = SecurePeer(("127.0.0.1", 0), script, certificate=certificate, **options)
    t.peers.append(peer)
    return peer


def daemon_for(t, peer, level, **settings):
    return t.daemon(peer, {"lmtp.tls_security_level": level, "lmtp.tls_loglevel": "1",
                           **{"lmtp." + k: v for k, v in settings.items()}})


def send(daemon, **options):
    daemon.send("u@example.org", **options)
    return daemon.wait_delivery("u@example.org")


def result(line):
    return line["status"], line["dsn"], line["tls"]


# --- what is said -------------------------------------------------------------------------------

def test_T_1_and_H_8_starttls_and_lhlo_again(t):
    """behaviour T-1, T-2, H-8, E-12; parameter lmtp_log_tls_feature_status"""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "may")
    same(result(send(daemon)), ("sent", "2.0.0", "may"))
    same([c.split()[0] for c in peer.sessions[0].commands[:4]], ["LHLO", "STARTTLS", "LHLO", "MAIL"])
    daemon.wait_log(
        r"Untrusted TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3 with cipher "
                    r"TLS_AES_256_GCM_SHA384 \(256/256 bits\) key-exchange X25519 server-signature ECDSA \(P-256\) "
                    r"server-digest SHA256")


def test_pieces_of_content_of_which_nothing_is_left(t):
    """Rules may drop more than is read at once, which leaves TLS nothing to send for a while."""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "encrypt", body_checks="regexp:{{/^drop/ IGNORE}}")
    daemon.send("u@example.org", b"Subject: x\n\n" + b"drop this line\n" * 20000 + b"keep\n")
    same(result(daemon.wait_delivery("u@example.org")), ("sent", "2.0.0", "encrypt"))
    assert peer.messages[0].content.endswith(b"Subject: x\r\n\r\nkeep\r\n"), peer.messages[0].content[-200:]


def test_tls_wrappermode_begins_with_tls(t):
    """parameter lmtp_tls_wrappermode; behaviour T-14"""
    _, files = authority(t)
    peer = secure_peer(t, files, tls_first=True)
    daemon = daemon_for(t, peer, "encrypt", tls_wrappermode=True)
    same(result(send(daemon)), ("sent", "2.0.0", "encrypt"))
    same([c.split()[0] for c in peer.sessions[0].commands[:2]], ["LHLO", "MAIL"])
    other = t.daemon(peer, {"lmtp.tls_security_level": "may", "lmtp.tls_wrappermode": True}, name="may")
    line = send(other)
    same((line["status"], line["dsn"]), ("deferred", "4.3.0"))
    other.wait_log("tls_wrappermode needs level encrypt")


def test_tls_connection_is_kept_and_used_again(t):
    """T-27, behaviour J-27; sessions with TLS are kept like any other (parameter lmtp_tls_connection_reuse
    means nothing)"""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "encrypt", destination_concurrency_limit=1,
                        initial_destination_concurrency=1,
                        connection_cache_time_limit="10s")
    for _ in range(3):
        daemon.send("u@example.org")
    daemon.wait_deliveries(3, status="sent")
    same((len(peer.sessions), peer.handshakes), (1, 1))
    daemon.wait_log(r"TLS connection reused to 127\.0\.0\.1\[127\.0\.0\.1\]", count=2)


@limit(90)
def test_content_of_every_size_arrives_as_it_was(t):
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "encrypt")
    for size in (10, 16384, 70000, 3000000):
        body = b"Subject: %d\n\n" % size + b"0123456789 some line of text that is not short at all\n" * (
            size // 53 + 1)
        daemon.send("u@example.org", content=body)
        daemon.wait_deliveries(1, status="sent")
    peer.wait_messages(4)
    for message in peer.messages:
        size = int(re.search(rb"Subject: (\d+)", message.content).group(1))
        same(message.content.count(b"0123456789 some line"), size // 53 + 1, "lines of %d" % size)


def test_a_piece_of_content_of_which_nothing_is_sent_yet(t):
    """A field that is longer than several pieces of a file is kept back until its end is there."""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt", "header_size_limit": 300000,
                             "lmtp.header_checks": "inline:{{nothing = DUNNO}}"})
    field = b"X-Long:" + b" 0123456789 0123456789 0123456789 0123456789\n" * 5500
    line = send(daemon, content=b"Subject: x\n" + field + b"\nbody\n")
    same(result(line), ("sent", "2.0.0", "encrypt"), line["reason"])
    same(peer.messages[0].content.count(b" 0123456789 0123456789 0123456789"), 5500)


def test_client_certificate_is_shown_on_request(t):
    """parameters lmtp_tls_cert_file, lmtp_tls_key_file, lmtp_tls_chain_files; behaviour T-31"""
    a, files = authority(t)
    chain, key = a.leaf("client", common_name="causeway client")
    with open(t.path("tls/both.pem"), "w") as out:
        out.write(open(key).read() + open(chain).read())
    for n, options in enumerate(({"tls_cert_file": chain, "tls_key_file": key},
                                 {"tls_chain_files": t.path("tls/both.pem")},
                                 {"tls_eccert_file": chain, "tls_eckey_file": key})):
        context = SecurePeer.make_context(files)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(a.ca)
        seen = []
        peer = secure_peer(t, files, {"mail": lambda s, line: seen.append(s.sock.getpeercert()) or "250 ok"},
                           context=context)
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt",
                                 **{"lmtp." + k: v for k, v in options.items()}},
                          name="d%d" % n)
        same(result(send(daemon)), ("sent", "2.0.0", "encrypt"), str(options))
        assert "causeway client" in str(seen[0]["subject"]), seen


def test_tls_protocols_and_ciphers(t):
    """parameters lmtp_tls_mandatory_protocols, lmtp_tls_protocols, lmtp_tls_mandatory_ciphers,
    lmtp_tls_mandatory_exclude_ciphers, lmtp_tls_exclude_ciphers, tls_high_cipherlist; behaviour T-24, T-25"""
    _, files = authority(t)
    context = SecurePeer.make_context(files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    peer = secure_peer(t, files, context=context)
    rows = (({}, "sent"), ({"lmtp.tls_mandatory_protocols": ">=TLSv1.3"}, "deferred"),
            ({"lmtp.tls_mandatory_protocols": "!TLSv1.2"}, "deferred"),
            ({"lmtp.tls_mandatory_protocols": "TLSv1.2"}, "sent"),
            ({"lmtp.tls_mandatory_protocols": "<=0303"}, "sent"),
            ({"lmtp.tls_protocols": ">=TLSv1.3"}, "sent"),
            ({"lmtp.tls_mandatory_exclude_ciphers": "AES256"}, "sent"),
            ({"lmtp.tls_mandatory_exclude_ciphers": "AESGCM"}, "deferred"),
            ({"lmtp.tls_exclude_ciphers": "aECDSA"}, "deferred"),
            ({"lmtp.tls_mandatory_ciphers": "high", "tls_high_cipherlist": "AES128-SHA"}, "deferred"))
    for n, (settings, status) in enumerate(rows):
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt", **settings}, name="d%d" % n)
        line = send(daemon)
        same(line["status"], status, str(settings))
        if status == "deferred":
            same((line["dsn"], line["tls"]), ("4.7.5", "!encrypt"))
            assert "Cannot start TLS: handshake failure" in line["reason"], line["reason"]
        daemon.stop()


def test_T_26_servername(t):
    """parameter lmtp_tls_servername"""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "encrypt", tls_servername="sni.peer.test")
    send(daemon)
    same(peer.servernames, ["sni.peer.test"])


def test_tls_trust_anchor_file(t):
    """parameters lmtp_tls_trust_anchor_file, lmtp_tls_CAfile, lmtp_tls_CApath; behaviour T-20"""
    a = Authority(t.path("tls"))
    a.intermediate("middle")
    a.intermediate("other")
    files = a.leaf("leaf", ["mx.peer.test"], issuer="middle", chain=("middle",))
    peer = secure_peer(t, files)
    with open(t.path("tls/middle.pub"), "wb") as out:
        out.write(openssl("x509", "-in", a.at("middle.crt"), "-noout", "-pubkey"))
    rows = (({"tls_CAfile": a.ca}, "sent"), ({}, "deferred"),
            ({"tls_trust_anchor_file": a.at("middle.crt")}, "sent"),
            ({"tls_trust_anchor_file": a.at("middle.pub")}, "sent"),
            ({"tls_trust_anchor_file": a.at("leaf.crt")}, "sent"),
            ({"tls_trust_anchor_file": a.at("other.crt")}, "deferred"),
            ({"tls_trust_anchor_file": a.at("other.crt"), "tls_CAfile": a.ca}, "deferred"))
    for n, (options, status) in enumerate(rows):
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "secure",
                                 "lmtp.tls_secure_cert_match": "mx.peer.test",
                                 **{"lmtp." + k: v for k, v in options.items()}}, name="d%d" % n)
        line = send(daemon)
        same((line["status"], line["tls"]), (status, "secure" if status == "sent" else "!secure"),
             str(options))
        daemon.stop()


def test_tls_note_starttls_offer(t):
    """parameter lmtp_tls_note_starttls_offer"""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "none", tls_note_starttls_offer=True)
    same(result(send(daemon)), ("sent", "2.0.0", "none"))
    daemon.wait_log(r"Host offered STARTTLS: \[127\.0\.0\.1\]")


# --- policies -----------------------------------------------------------------------------------

def test_L_1_to_L_10_tls_policy_maps(t):
    """parameters lmtp_tls_policy_maps, lmtp_tls_per_site; behaviour L-3, L-4, L-6"""
    a, files = authority(t)
    peer = secure_peer(t, files)
    key = "[127.0.0.1]:%d" % peer.address[1]
    with open(t.path("policy"), "w") as out:
        out.write("")
    rows = (("none", ("sent", "2.0.0", "none")), ("may", ("sent", "2.0.0", "may")),
            ("encrypt protocols=TLSv1.3", ("sent", "2.0.0", "encrypt")),
            ("secure match=mx.peer.test", ("sent", "2.0.0", "secure")),
            ("secure match=mx.other.test", ("deferred", "4.7.5", "!secure")),
            ("secure match=mx.peer.test tafile=" + a.ca, ("sent", "2.0.0", "secure")),
            ("fingerprint match=%s|%s" % ("00" * 32, a.fingerprint("leaf")),
             ("sent", "2.0.0", "fingerprint")),
            ("fingerprint match=" + "00" * 32, ("deferred", "4.7.5", "!fingerprint")),
            ("very much", ("deferred", "4.7.5", None)), ("secure nonsense=1", ("deferred", "4.7.5", None)),
            ("secure match=mx.peer.test policy_type=sts mx_host_pattern=*.elsewhere.test",
             ("deferred", "4.3.0", None)))
    for n, (entry, want) in enumerate(rows):
        with open(t.path("policy%d" % n), "w") as out:
            out.write("%s %s\n" % (key, entry))
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt", "lmtp.tls_CAfile": a.ca,
                                 "lmtp.tls_policy_maps": "texthash:" + t.path("policy%d" % n)},
                          name="d%d" % n)
        same(result(send(daemon)), want, entry)
        if want[2] is None:
            daemon.wait_log("warning: TLS policy lookup for 127.0.0.1/127.0.0.1: ")
        daemon.stop()


def test_tls_per_site_is_mapped_with_a_warning(t):
    """parameters lmtp_tls_per_site, lmtp_use_tls, lmtp_enforce_tls, lmtp_tls_enforce_peername; behaviour L-5
    """
    _, files = authority(t)
    peer = secure_peer(t, files)
    rows = (({"lmtp.tls_per_site": "inline:{127.0.0.1=MUST_NOPEERMATCH}"}, "encrypt"),
            ({"lmtp.tls_per_site": "inline:{127.0.0.1=MAY}"}, "may"), ({"lmtp.use_tls": True}, "may"),
            ({"lmtp.enforce_tls": True, "lmtp.tls_enforce_peername": False}, "encrypt"))
    for n, (settings, tls) in enumerate(rows):
        daemon = t.daemon(peer, settings, name="d%d" % n)
        same(result(send(daemon)), ("sent", "2.0.0", tls), str(settings))
        for name in settings:
            assert re.search(r"%s is obsolete" % name.replace(".", r"\."),
                             daemon.log() + daemon.stderr()), name
        daemon.stop()


# --- when it does not work ----------------------------------------------------------------------

def test_T_6_a_key_that_is_no_good(t):
    """parameter lmtp_tls_key_file: mail that needs no TLS goes on"""
    a, (chain, key) = authority(t)
    peer = secure_peer(t, (chain, key))
    broken = t.path("broken.key")
    open(broken, "w").close()
    for level, want in (("may", ("sent", "2.0.0", "may:none")),
                        ("encrypt", ("deferred", "4.7.5", "!encrypt"))):
        daemon = t.daemon(peer, {"lmtp.tls_security_level": level, "lmtp.tls_cert_file": chain,
                                 "lmtp.tls_key_file": broken}, name=level)
        same(result(send(daemon)), want, level)
        daemon.wait_log("TLS is off: tls_cert_file: cannot use the private key in")


def test_T_6_wrappermode_with_a_key_that_is_no_good(t):
    """The courier lives on, and nothing is said in clear."""
    _, files = authority(t)
    peer = secure_peer(t, files, tls_first=True)
    broken = t.path("broken.key")
    open(broken, "w").close()
    daemon = daemon_for(t, peer, "encrypt", tls_wrappermode=True, tls_cert_file=files[0], tls_key_file=broken)
    line = send(daemon)
    same(result(line), ("deferred", "4.7.5", "!encrypt"))
    assert "TLS engine is unavailable" in line["reason"], line["reason"]
    assert not re.search("signal|crash", daemon.log()), daemon.log()


def test_T_14_wrappermode_with_a_level_dane_that_comes_to_nothing(t):
    """Neither less than TLS from the first byte, nor a retry in clear."""
    _, files = authority(t)
    peer = secure_peer(t, files, tls_first=True)
    line = send(daemon_for(t, peer, "dane", tls_wrappermode=True))
    same((line["status"], line["dsn"]), ("deferred", "4.7.5"))
    assert "tls_wrappermode needs encrypt" in line["reason"], line["reason"]
    same(peer.sessions, [])


@limit(90)
def test_T_12_no_retry_in_clear_of_a_connection_that_was_used_before(t):
    """TLS works with that host: what breaks the second message of a connection is something else."""
    _, files = authority(t)
    ready = []

    def mail(session, line):
        session.mails = getattr(session, "mails", 0) + 1
        return "250 2.1.0 ok"

    def rcpt(session, address):
        if ready and session.mails > 1 and len(ready) < 2:
            ready.append("broken")
            raise actions.End
        return "250 2.1.5 ok" if ready else "451 4.2.0 later"

    peer = secure_peer(t, files, {"mail": mail, "rcpt": rcpt})
    daemon = t.daemon(peer, {"lmtp.tls_security_level": "may", "minimal_backoff_time": "1s",
                             "maximal_backoff_time": "1s",
                             "lmtp.destination_concurrency_limit": 1,
                             "lmtp.initial_destination_concurrency": 1,
                             "lmtp.connection_cache_time_limit": "20s"})
    for _ in range(3):
        daemon.send("u@example.org")
    daemon.wait_deliveries(3, status="deferred")
    ready.append("go")
    daemon.wait_deliveries(3, status="sent", timeout=60)
    same(ready, ["go", "broken"])
    assert all(m.session.secure for m in peer.messages), [s.commands for s in peer.sessions]
    assert "(null)" not in daemon.log(), daemon.log()


def test_T_8_to_T_13_clear_only_for_mail_that_has_waited(t):
    """behaviour T-8, T-9, T-10, T-11, T-13; parameter minimal_backoff_time"""
    _, files = authority(t)
    peer = secure_peer(t, files, {"starttls": actions.then_close("220 go")})
    daemon = daemon_for(t, peer, "may")
    daemon.settings.update({"minimal_backoff_time": "2s", "maximal_backoff_time": "2s"})
    daemon.write_config()
    daemon.stop()
    daemon.start()
    line = send(daemon)
    same((line["status"], line["tls"]), ("deferred", "may?"))
    sent = daemon.wait_deliveries(1, status="sent", timeout=30)[0]
    same(sent["tls"], "may:none")
    assert "STARTTLS" not in peer.messages[0].session.commands


def test_T_9_never_in_clear_where_tls_is_a_must(t):
    _, files = authority(t)
    peer = secure_peer(t, files, {"starttls": actions.then_close("220 go")})
    daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt", "minimal_backoff_time": "1s",
                             "maximal_backoff_time": "1s"})
    daemon.send("u@example.org")
    peer.wait_sessions(3, timeout=40)
    same(peer.messages, [])
    assert all("MAIL" not in c for s in peer.sessions for c in s.commands)
    same(set(d["tls"] for d in daemon.deliveries()), {"!encrypt"})


def test_starttls_timeout(t):
    """parameter lmtp_starttls_timeout"""
    _, files = authority(t)
    peer = secure_peer(t, files, {"starttls": actions.then_silence("220 go")})
    line = send(daemon_for(t, peer, "encrypt", starttls_timeout="2s"))
    same(result(line), ("deferred", "4.7.5", "!encrypt"))
    assert "handshake failure (timed out)" in line["reason"], line["reason"]


INJECTED = b"250-x\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 stolen\r\n"


def test_bytes_before_the_handshake_end_the_session(t):
    """behaviour T-2, safer 8: behind the answer to STARTTLS, in the same segment and a little later"""
    _, files = authority(t)
    for n, late in enumerate((False, True)):
        def answer(session, line, late=late):
            if late:
                session.peer.before_handshake = INJECTED
                return "220 go"
            session.raw(b"220 go\r\n" + INJECTED)
            return None
        peer = secure_peer(t, files, {"starttls": answer})
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt"}, name="d%d" % n)
        line = send(daemon)
        same(line["status"], "deferred")
        assert line["dsn"] in ("4.5.0", "4.7.5"), line
        same(peer.messages, [])


def test_bytes_right_behind_the_handshake_are_no_replies(t):
    _, files = authority(t)

    class Early(SecurePeer.session_class):
        def shake_hands(self):
            done = super().shake_hands()
            self.raw(INJECTED)
            return done

    peer = secure_peer(t, files)
    peer.session_class = Early
    line = send(daemon_for(t, peer, "encrypt"))
    same((line["status"], line["dsn"]), ("deferred", "4.5.0"))
    same(peer.messages, [])


def test_tls_block_early_mail_reply(t):
    """parameter lmtp_tls_block_early_mail_reply: what is there before MAIL is said is no answer to it"""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "encrypt", tls_block_early_mail_reply=True)
    same(result(send(daemon)), ("sent", "2.0.0", "encrypt"))
    extra = secure_peer(t, files, {"lhlo": lambda s, line: (s.usual_capabilities() + "\n250 2.1.0 early")
                                   if s.secure else s.usual_capabilities()})
    other = t.daemon(extra, {"lmtp.tls_security_level": "encrypt", "lmtp.tls_block_early_mail_reply": True},
                     name="early")
    line = send(other)
    same((line["status"], line["dsn"]), ("deferred", "4.7.0"))
    same(extra.messages, [])


def test_T_30_a_peer_that_just_closes(t):
    """No close_notify is no error, after mail was taken."""
    _, files = authority(t)
    peer = secure_peer(t, files, {"quit": actions.close})
    same(result(send(daemon_for(t, peer, "encrypt"))), ("sent", "2.0.0", "encrypt"))


def test_lost_inside_tls_says_where(t):
    _, files = authority(t)
    peer = secure_peer(t, files, {"mail": actions.close})
    line = send(daemon_for(t, peer, "may"))
    same((line["status"], line["dsn"], line["tls"]), ("deferred", "4.4.2", "may"))


def test_tls_sessions_are_resumed_by_all_and_after_a_restart(t):
    """parameters lmtp_tls_session_cache_database, lmtp_tls_session_cache_timeout; behaviour T-28"""
    a, files = authority(t)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = SecurePeer.make_context(files)
        context.maximum_version = version
        peer = secure_peer(t, files, context=context)
        settings = {"lmtp.tls_security_level": "secure", "lmtp.tls_secure_cert_match": "mx.peer.test",
                    "lmtp.tls_CAfile": a.ca,
                    "lmtp.tls_loglevel": "2", "lmtp.tls_session_cache_database": "btree:/any/where",
                    "lmtp.connection_cache_on_demand": False}
        daemon = t.daemon(peer, settings, name=version.name)
        for count in (1, 2):
            daemon.send("u@example.org")
            daemon.wait_deliveries(count, status="sent")
        same((peer.handshakes, peer.resumed), (2, 1), version.name)
        daemon.wait_log(r"reusing old session")
        daemon.wait_log(r"Verified TLS connection established", count=2)
        daemon.stop()
        daemon.start()
        daemon.send("u@example.org")
        daemon.wait_deliveries(3, status="sent")
        same((peer.handshakes, peer.resumed), (3, 2), version.name)
        daemon.stop()


def test_tls_sessions_are_resumed_with_the_same_certificate_of_ours_only(t):
    """behaviour T-28: to the server a session that is resumed is still that of the client who began it"""
    a, files = authority(t)
    chain, key = a.leaf("client", common_name="causeway client")
    context = SecurePeer.make_context(files)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(a.ca)
    peer = secure_peer(t, files, context=context)
    settings = {"transport_maps": "inline:{other.test=other:%s}" % peer.nexthop,
                "transport other.protocol": "lmtp",
                "transport other.tls_cert_file": "", "transport other.tls_key_file": ""}
    for section in ("lmtp.", "transport other."):
        settings.update({section + "tls_security_level": "encrypt",
                         section + "connection_cache_on_demand": False,
                         section + "tls_session_cache_database": "btree:/any/where"})
    daemon = t.daemon(peer, {**settings, "lmtp.tls_cert_file": chain, "lmtp.tls_key_file": key})
    for count, rcpt in enumerate(("u@example.org", "u@other.test", "u@other.test"), 1):
        daemon.send(rcpt)
        daemon.wait_deliveries(count, status="sent")
        same((peer.handshakes, peer.resumed), (count, count // 3), rcpt)


def test_tls_sessions_end_with_the_files_that_made_them_trusted(t):
    """parameters lmtp_tls_CAfile, lmtp_tls_CApath, lmtp_tls_trust_anchor_file, lmtp_tls_cert_file: a file of
    the same name that says something else ends the trust of before, with a reload"""
    a, files = authority(t)
    other = Authority(t.path("other"))
    certificates = t.path("certificates")
    os.makedirs(certificates)
    chain, key = a.leaf("client", common_name="causeway client")
    for n, (option, source, change) in enumerate((
            ("tls_CAfile", a.ca, other.ca), ("tls_CApath", a.ca, other.ca),
            ("tls_trust_anchor_file", a.ca, other.ca),
            ("tls_cert_file", chain, a.leaf("renewed", common_name="causeway client")[0]))):
        where = t.path("file%d" % n)
        if option == "tls_CApath":
            where = os.path.join(certificates, openssl("x509", "-in", a.ca, "-noout",
                                                       "-hash").decode().strip() + ".0")
        shutil.copy(source, where)
        peer = secure_peer(t, files)
        trust = {"lmtp.tls_CAfile": a.ca} if option == "tls_cert_file" else {}
        value = certificates if option == "tls_CApath" else where
        own_key = {"lmtp.tls_key_file": key} if option == "tls_cert_file" else {}
        daemon = t.daemon(peer, {"lmtp.tls_security_level": "secure",
                                 "lmtp.tls_secure_cert_match": "mx.peer.test",
                                 "lmtp.tls_session_cache_database": "btree:/any/where", "workers": 1,
                                 "lmtp.connection_cache_on_demand": False, "lmtp." + option: value, **trust,
                                 **own_key},
                          name="d%d" % n)
        for count in (1, 2):
            daemon.send("u@example.org")
            daemon.wait_deliveries(count, status="sent")
        same(peer.resumed, 1, option)
        couriers = daemon.pids("courier")
        shutil.copy(change, where)
        if option == "tls_cert_file":
            shutil.copy(a.at("renewed.key"), key)
        daemon.reload()
        processes.wait_for(lambda d=daemon, old=couriers: len(set(d.pids("courier")) - set(old)) == 1
                           and not set(d.pids("courier")) & set(old), 20, "new couriers")
        daemon.send("last@example.org")
        same(daemon.wait_delivery("last@example.org")["status"],
             "sent" if option == "tls_cert_file" else "deferred", option)
        same((peer.handshakes, peer.resumed), (3, 1), option)
        daemon.stop()


def test_a_peer_proves_itself_again_when_the_time_of_a_session_is_over(t):
    """What is kept of a session that is resumed is what its first handshake gave, with its end."""
    a, files = authority(t)
    peer = secure_peer(t, files)
    daemon = t.daemon(peer, {"lmtp.tls_security_level": "secure",
                             "lmtp.tls_secure_cert_match": "mx.peer.test",
                             "lmtp.tls_CAfile": a.ca, "lmtp.tls_session_cache_database": "btree:/any/where"})
    kept = []
    for count in (1, 2):
        daemon.send("u@example.org")
        daemon.wait_deliveries(count, status="sent")
        daemon.stop()
        with open(daemon.at(os.path.join("spool", "kept")), "rb") as file:
            kept.append(file.read())
        daemon.start()
    same((peer.handshakes, peer.resumed), (2, 1))
    same(kept[0], kept[1])


def test_a_policy_that_holds_control_characters_is_told_without_them(t):
    _, files = authority(t)
    peer = secure_peer(t, files)
    name = peer.nexthop
    for n, entry in enumerate(("strict\001er", "encrypt protocols=\001",
                               "encrypt ciphers=high exclude=\001")):
        path = t.path("policy%d" % n)
        with open(path, "w") as out:
            out.write("%s %s\n" % (name.split("inet:")[-1], entry))
        daemon = t.daemon(peer, {"lmtp.tls_policy_maps": "texthash:" + path}, name="p%d" % n)
        line = send(daemon)
        same((line["status"], line["dsn"]), ("deferred", "4.7.5"), line["reason"])
        assert not re.search("link|signal|crash", daemon.log()), daemon.log()


def test_tls_sessions_are_not_resumed_unless_asked_for(t):
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "encrypt", connection_cache_on_demand=False)
    for count in (1, 2):
        daemon.send("u@example.org")
        daemon.wait_deliveries(count, status="sent")
    same((peer.handshakes, peer.resumed), (2, 0))


def test_destinations_show_how_a_peer_is_spoken_to(t):
    a, files = authority(t)
    peer = secure_peer(t, files)
    daemon = daemon_for(t, peer, "secure", tls_CAfile=a.ca, tls_secure_cert_match="mx.peer.test")
    send(daemon)
    same(daemon.ctl("--json", "destinations")[0]["tls"], "Verified TLSv1.3 TLS_AES_256_GCM_SHA384")
    assert "TLS: Verified TLSv1.3" in daemon.ctl("destinations")
