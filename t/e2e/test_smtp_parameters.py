"""The parameters of smtp { } that mean there what they mean in lmtp { }, each by its name: they act on SMTP,
and on it alone. What they do in detail is tested with LMTP."""

import os
import socket
import time

from actions import close, hang, silence, then_close
from cases import outcome
from harness import limit, same

ONE = {"smtp.destination_concurrency_limit": 1}

# stage of the script, parameter, words of the log line
STAGES = {
    "greeting": ("helo_timeout", "receiving the initial server greeting"),
    "ehlo": ("helo_timeout", "performing the EHLO handshake"),
    "mail": ("mail_timeout", "sending MAIL FROM"),
    "rcpt": ("rcpt_timeout", "sending RCPT TO"),
    "data": ("data_init_timeout", "sending DATA command"),
    "content": ("data_xfer_timeout", "sending message body"),
    "dot": ("data_done_timeout", "sending end of data -- message may be sent more than once"),
}


def deliver(daemon, *addresses):
    for address in addresses:
        daemon.send(address)
        same(outcome(daemon.wait_delivery(address)), ("sent", "2.0.0"))


@limit(120)
def test_smtp_time_limits(t):
    """parameters smtp_helo_timeout, smtp_mail_timeout, smtp_rcpt_timeout, smtp_data_init_timeout,
    smtp_data_xfer_timeout, smtp_data_done_timeout"""
    peers, settings = {}, {"transport_maps": "inline:{%s}"}
    for stage, (parameter, _) in STAGES.items():
        peers[stage] = t.peer({stage: hang if stage == "content" else silence}, ("127.0.0.1", 0), smtp=True)
        settings.update({"transport %s.protocol" % stage: "smtp",
                         "transport %s.%s" % (stage, parameter): "4s"})
    settings["transport_maps"] %= ", ".join("%s.test=%s:%s" % (s, s, peers[s].nexthop) for s in peers)
    daemon = t.daemon(None, settings)
    big = b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 200_000
    for stage in STAGES:
        daemon.send("u@%s.test" % stage, big if stage == "content" else None)
    for stage, (_, words) in STAGES.items():
        line = daemon.wait_delivery("u@%s.test" % stage)
        same(outcome(line), ("deferred", "4.4.2"), stage)
        same(line["reason"], "conversation with 127.0.0.1[127.0.0.1] timed out while " + words)


def test_smtp_rset_timeout(t):
    daemon, peers = t.smtp_destinations({"a": {"rset": silence}}, {**ONE, "smtp.rset_timeout": "1s"})
    daemon.send("rcpt550@a.test", sender="")
    daemon.wait_delivery("rcpt550@a.test", "bounced")
    deliver(daemon, "u@a.test")
    same(len(peers["a"].sessions), 2)


def test_smtp_quit_timeout(t):
    """parameters smtp_quit_timeout, smtp_skip_quit_response"""
    daemon, peers = t.smtp_destinations({"a": {"quit": silence}}, {
        "smtp.quit_timeout": "1s", "smtp.skip_quit_response": False,
        "smtp.connection_cache_on_demand": False})
    deliver(daemon, "u@a.test")
    session = peers["a"].sessions[0]
    peers["a"].wait_command("QUIT")
    peers["a"].wait(lambda: not session.open, 10, "the connection closed")
    assert time.monotonic() - session.stamps[-1] > 0.8, "closed at once"


def test_smtp_skip_quit_response_yes(t):
    daemon, peers = t.smtp_destinations({"a": {"quit": silence}}, {"smtp.connection_cache_on_demand": False})
    deliver(daemon, "u@a.test")
    peers["a"].wait_command("QUIT")
    peers["a"].wait_idle()


def test_smtp_connect_timeout(t):
    """A host that takes no connection: its queue of them is full."""
    full = socket.socket()
    t.on_end(full.close)
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    held = [socket.socket() for _ in range(3)]
    for sock in held:
        sock.setblocking(False)
        sock.connect_ex(full.getsockname())
        t.on_end(sock.close)
    daemon = t.daemon(None, {"transport_maps": "inline:{a.test=smtp:[127.0.0.1]:%d}" % full.getsockname()[1],
                             "smtp.connect_timeout": "1s"})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test", timeout=15)
    same(outcome(line), ("deferred", "4.4.1"))
    assert "timed out" in line["reason"], line["reason"]


def test_smtp_per_request_deadline(t):
    """parameters smtp_per_request_deadline, smtp_min_data_rate:
    a reply in drops is not waited for anew with each.
    """
    def drops(session, line):
        for byte in b"250 2.1.0 Ok\r\n":
            session.raw(bytes([byte]))
            time.sleep(0.5)
    daemon, _ = t.smtp_destinations({"a": {"mail": drops}}, {
        "smtp.mail_timeout": "2s", "smtp.per_request_deadline": True, "smtp.min_data_rate": 1000})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test")
    same(outcome(line), ("deferred", "4.4.2"))
    assert line["reason"].endswith("timed out while sending MAIL FROM"), line["reason"]


def test_smtp_tcp_port(t):
    peer = t.peer(None, ("127.0.0.1", 0), smtp=True)
    daemon = t.daemon(None, {"transport_maps": "inline:{a.test=smtp:[127.0.0.1]}",
                             "smtp.tcp_port": peer.address[1]})
    deliver(daemon, "u@a.test")


def test_smtp_bind_address(t):
    """parameters smtp_bind_address, smtp_bind_address_enforce"""
    froms = []

    def greeting(session):
        froms.append(session.sock.getpeername()[0])
        return "220 peer.test ESMTP"
    daemon, _ = t.smtp_destinations({"a": {"greeting": greeting}}, {
        "smtp.bind_address": "127.0.0.77", "smtp.bind_address_enforce": True})
    deliver(daemon, "u@a.test")
    same(froms, ["127.0.0.77"])


def test_smtp_bind_address_enforce(t):
    daemon, _ = t.smtp_destinations({"a": None}, {"smtp.bind_address": "192.0.2.1",
                                                  "smtp.bind_address_enforce": True})
    daemon.send("u@a.test")
    same(outcome(daemon.wait_delivery("u@a.test")), ("deferred", "4.4.0"))


def test_smtp_bind_address_enforce_is_not_about_inet_interfaces(t):
    """parameters inet_interfaces, smtp_bind_address_enforce: an interface that is not ours costs a warning"""
    daemon, _ = t.smtp_destinations({"a": None}, {"inet_interfaces": "192.0.2.1",
                                                  "smtp.bind_address_enforce": True})
    deliver(daemon, "u@a.test")
    daemon.wait_log(r"warning: cannot connect to \S+ from 192\.0\.2\.1: .*; connecting from any address")


def test_smtp_bind_address6(t):
    froms = []

    def greeting(session):
        froms.append(session.sock.getpeername()[0])
        return "220 peer.test ESMTP"
    peer = t.peer({"greeting": greeting}, ("::1", 0), smtp=True)
    daemon = t.daemon(None, {"transport_maps": "inline:{{a.test = smtp:%s}}" % peer.nexthop,
                             "smtp.bind_address6": "::1"})
    deliver(daemon, "u@a.test")
    same(froms, ["::1"])


def test_smtp_connection_cache_on_demand(t):
    """parameters smtp_connection_cache_on_demand, smtp_connection_cache_destinations:
    those listed are kept all the same."""
    daemon, peers = t.smtp_destinations({"a": None}, {**ONE, "smtp.connection_cache_on_demand": False})
    deliver(daemon, "one@a.test", "two@a.test")
    same([s.transactions for s in peers["a"].sessions], [1, 1])


def test_smtp_connection_cache_destinations(t):
    daemon, peers = t.smtp_destinations({"a": None}, {**ONE, "smtp.connection_cache_on_demand": False,
                                                      "smtp.connection_cache_destinations": "127.0.0.1"})
    deliver(daemon, "one@a.test", "two@a.test")
    same([s.transactions for s in peers["a"].sessions], [2])


def test_smtp_connection_cache_destinations_with_files_and_exceptions(t):
    path = t.path("kept")
    with open(path, "w") as file:
        file.write("# one of ours\n127.0.0.1, other.test\n")
    os.chmod(path, 0o644)
    for number, (listed, expected) in enumerate({path: [2], "!%s, static:all" % path: [1, 1],
                                                 "!other.test, static:all": [2]}.items()):
        peer = t.peer(None, ("127.0.0.1", 0), smtp=True)
        daemon = t.daemon(None, {**ONE, "transport_maps": "inline:{a.test=smtp:%s}" % peer.nexthop,
                                 "smtp.connection_cache_on_demand": False,
                                 "smtp.connection_cache_destinations": listed},
                          name="d%d" % number)
        deliver(daemon, "one@a.test", "two@a.test")
        same([s.transactions for s in peer.sessions], expected, listed)


def test_smtp_connection_cache_time_limit(t):
    daemon, peers = t.smtp_destinations({"a": None}, {**ONE, "smtp.connection_cache_time_limit": "1s"})
    deliver(daemon, "one@a.test")
    peers["a"].wait_command("QUIT", timeout=10)
    deliver(daemon, "two@a.test")
    same([s.transactions for s in peers["a"].sessions], [1, 1])


def test_smtp_connection_reuse_count_limit(t):
    daemon, peers = t.smtp_destinations({"a": None}, {**ONE, "smtp.connection_reuse_count_limit": 1})
    deliver(daemon, *("u%d@a.test" % n for n in range(4)))
    same([s.transactions for s in peers["a"].sessions], [2, 2])
    peers["a"].wait_command("QUIT", 2)


def test_smtp_connection_reuse_time_limit(t):
    daemon, peers = t.smtp_destinations({"a": None}, {
        **ONE, "smtp.connection_reuse_time_limit": "1s", "smtp.connection_cache_time_limit": "30s",
        "connection_cache_ttl_limit": "30s"})
    deliver(daemon, "one@a.test")
    time.sleep(1.1)
    deliver(daemon, "two@a.test")
    same([s.transactions for s in peers["a"].sessions], [1, 1])


def test_smtp_destination_concurrency_limit(t):
    """parameters smtp_destination_concurrency_limit, smtp_destination_recipient_limit: exact across couriers.
    """
    def dot(session, message):
        time.sleep(0.05)
        return "250 2.0.0 Ok"
    daemon, peers = t.smtp_destinations({"a": {"dot": dot}}, {
        "smtp.destination_concurrency_limit": 3, "smtp.initial_destination_concurrency": 3,
        "smtp.destination_recipient_limit": 2, "workers": 4})
    for number in range(20):
        daemon.send(["u%d-%d@a.test" % (number, n) for n in range(4)])
    daemon.wait_deliveries(80, status="sent")
    assert peers["a"].connections_max <= 3, peers["a"].connections_max
    same({len(m.recipients) for m in peers["a"].messages}, {2})


def test_dead_host_memory_is_one_for_all_couriers(t):
    """One connection fails; the other messages wait for the probe, whichever courier would have had them."""
    seen = []

    def greeting(session):
        seen.append(session)
        return then_close("421 4.3.2 down")(session)
    daemon, _ = t.smtp_destinations({"a": {"greeting": greeting}}, {
        "smtp.initial_destination_concurrency": 1, "workers": 4})
    for number in range(12):
        daemon.send("u%d@a.test" % number)
    daemon.wait_deliveries(1, status="deferred")
    state = [d for d in daemon.ctl("destinations", "--json") if "127.0.0.1" in d["nexthop"]]
    same([d["state"] for d in state], ["dead"])
    assert len(seen) < 6, "%d connections to a dead host" % len(seen)      # some probes may have come already


def test_smtp_quote_rfc821_envelope(t):
    daemon, peers = t.smtp_destinations({"a": None}, {"smtp.quote_rfc821_envelope": False})
    daemon.send('"a..b"@a.test')
    daemon.wait_deliveries(1, status="sent")
    same(peers["a"].messages[0].rcpts, ["RCPT TO:<a..b@a.test>"])


def test_smtp_reply_filter(t):
    daemon, _ = t.smtp_destinations({"a": {"rcpt": "550 5.1.1 no"}},
                                    {"smtp.reply_filter": "inline:{{550 5.1.1 no = 450 4.1.1 later}}"})
    daemon.send("u@a.test")
    same(outcome(daemon.wait_delivery("u@a.test")), ("deferred", "4.1.1"))


def test_smtp_line_length_limit(t):
    daemon, peers = t.smtp_destinations({"a": None}, {"smtp.line_length_limit": 100})
    daemon.send("u@a.test", b"Subject: x\n\n" + b"x" * 150 + b"\n")
    daemon.wait_deliveries(1, status="sent")
    assert b"\r\n" + b"x" * 100 + b"\r\n " + b"x" * 50 + b"\r\n" in peers["a"].messages[0].content


def test_tcp_windowsize_of_smtp(t):
    """parameter tcp_windowsize"""
    daemon, peers = t.smtp_destinations({"a": {"content": hang}},
                                        {"tcp_windowsize": 4096, "smtp.data_xfer_timeout": "1s"})
    daemon.send("u@a.test", b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 200_000)
    same(outcome(daemon.wait_delivery("u@a.test")), ("deferred", "4.4.2"))


def test_smtp_mx_session_limit(t):
    """parameters smtp_mx_session_limit, smtp_mx_address_limit, smtp_randomize_addresses:
    of one element of the nexthop."""
    peers = [t.peer({"mail": "451 4.3.0 no"}, ("127.0.0.%d" % n, 0), smtp=True) for n in (1, 2)]
    daemon = t.daemon(None, {"transport_maps": "inline:{{a.test = smtp:%s, %s}}"
                             % tuple(p.nexthop for p in peers),
                             "smtp.mx_session_limit": 1, "smtp.mx_address_limit": 1,
                             "smtp.randomize_addresses": False})
    daemon.send("u@a.test")
    same(outcome(daemon.wait_delivery("u@a.test")), ("deferred", "4.3.0"))
    same([len(p.sessions) for p in peers], [1, 1])


def test_smtp_fallback_relay(t):
    """parameter smtp_fallback_relay"""
    bad, good = t.peer({"greeting": close}, ("127.0.0.1", 0), smtp=True), t.peer(address=("127.0.0.1", 0),
                                                                                 smtp=True)
    daemon = t.daemon(None, {"transport_maps": "inline:{{a.test = smtp:%s}}" % bad.nexthop,
                             "smtp_fallback_relay": good.nexthop})
    deliver(daemon, "u@a.test")
    same(len(good.messages), 1)
