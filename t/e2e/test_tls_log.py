"""What is logged about TLS with whom, and what is not done about it."""

from harness import same
from test_tls import authority, result, secure_peer, send


def test_lmtp_tls_loglevel_maps_and_smtp_tls_loglevel_maps(t):
    """By the host's address; the level that is for all where there is no entry."""
    _, files = authority(t)
    line = "Untrusted TLS connection established to 127.0.0.1"
    for protocol in ("lmtp", "smtp"):
        for entry, level, told in (("127.0.0.1=1", 0, True), ("127.0.0=1", 0, True),
                                   ("127.0.0.1=0", 1, False),
                                   ("127.0.0.2=0", 1, True), ("127.0.0.1=DUNNO", 1, True)):
            peer = secure_peer(t, files, smtp=protocol == "smtp")
            daemon = t.daemon(None, {"transport_maps": "inline:{a.test=%s:%s}" % (protocol, peer.nexthop),
                                     protocol + ".tls_security_level": "encrypt",
                                     protocol + ".tls_loglevel": level,
                                     protocol + ".tls_loglevel_maps": "inline:{%s}" % entry},
                              name="d%d" % len(t.daemons))
            daemon.send("u@a.test")
            daemon.wait_delivery("u@a.test", "sent")
            same(line in daemon.log(), told, "%s %s with %d" % (protocol, entry, level))


def test_tlsrpt_is_not_built_in(t):
    """parameters smtp_tlsrpt_enable, smtp_tlsrpt_socket_name, smtp_tlsrpt_skip_reused_handshakes,
    lmtp_tlsrpt_enable, lmtp_tlsrpt_socket_name, lmtp_tlsrpt_skip_reused_handshakes: one warning says so, and
    mail goes on."""
    for protocol in ("smtp", "lmtp"):
        daemon = t.daemon(t.peer(), {protocol + "_tlsrpt_enable": True,
                                     protocol + "_tlsrpt_socket_name": "run/tlsrpt",
                                     protocol + "_tlsrpt_skip_reused_handshakes": True}, name=protocol)
        send(daemon)
        same(daemon.log().count("TLSRPT is not built in: nothing is reported"), 1)
        same(daemon.ctl("config", protocol + "_tlsrpt_enable").strip(), protocol + "_tlsrpt_enable = yes")


def test_no_traces_are_written(t):
    """parameters smtp_tls_trace_size_limit, lmtp_tls_trace_size_limit, tls_trace_rate_limit: the word of
    tls_loglevel that asks for them is told at the start."""
    _, files = authority(t)
    peer = secure_peer(t, files)
    daemon = t.daemon(peer, {"lmtp.tls_security_level": "encrypt", "lmtp.tls_loglevel": "1, trace",
                             "lmtp.tls_trace_size_limit": 0,
                             "smtp.tls_trace_size_limit": 4096, "tls_trace_rate_limit": 0})
    same(result(send(daemon)), ("sent", "2.0.0", "encrypt"))
    daemon.wait_log("lmtp.tls_loglevel: 'trace' is no level and no name of one, it is passed over")


def test_tls_chain_files_take_the_place_of_pairs(t):
    """What is not read is told at the start, and need not be there."""
    a, files = authority(t)
    chain, key = files
    with open(t.path("tls/both.pem"), "w") as out:
        for name in (key, chain):
            with open(name) as part:
                out.write(part.read())
    daemon = t.daemon(t.peer(), {"lmtp.tls_chain_files": t.path("tls/both.pem"),
                                 "lmtp.tls_cert_file": "/no/such/file",
                                 "smtp_tls_eccert_file": a.bundle("leaf", ()), "smtp_tls_eckey_file": key})
    daemon.wait_log("warning: %s:[0-9]+: lmtp.tls_cert_file: not read, tls_chain_files takes its place"
                    % daemon.conf)
    assert "eccert_file: not read" not in daemon.log(), daemon.log()
