"""The time limit of each stage (RFC 5321 4.5.3.2), and the words for it."""

import socket
import time

import mail
from actions import End, hang, only, silence
from cases import outcome, results, short
from harness import limit, same

# stage of the script, parameter, words of the log line
STAGES = [
    ("greeting", "lhlo_timeout", "receiving the initial server greeting"),
    ("lhlo", "lhlo_timeout", "performing the LHLO handshake"),
    ("mail", "mail_timeout", "sending MAIL FROM"),
    ("rcpt", "rcpt_timeout", "sending RCPT TO"),
    ("data", "data_init_timeout", "sending DATA command"),
    ("final", "data_done_timeout", "sending end of data -- message may be sent more than once"),
]


def stages_time_out(t, stages, keywords):
    """A peer and a transport for each, whose only short limit is that stage's:
    no other can have ended the session.
    """
    peers = {stage: t.peer({stage: silence}, keywords=keywords) for stage, _, _ in stages}
    settings = {}
    for stage, parameter, _ in stages:
        settings.update({"transport %s.protocol" % stage: "lmtp",
                         "transport %s.%s" % (stage, parameter): "4s"})
    daemon = t.daemon(None, {**settings, "transport_maps": "inline:{%s}" % ", ".join(
        "%s.test=%s:%s" % (stage, stage, peer.nexthop) for stage, peer in peers.items())})
    for stage in peers:
        daemon.send("u@%s.test" % stage)
    for stage, _, words in stages:
        line = daemon.wait_delivery("u@%s.test" % stage)
        same(outcome(line), ("deferred", "4.4.2"), stage)
        same(line["reason"], "conversation with causeway.test[%s] timed out while %s"
             % (peers[stage].address, words))


def test_H2_1_and_8_stage_limits_without_pipelining(t):
    """parameters lhlo_timeout, mail_timeout, rcpt_timeout, data_init_timeout, data_done_timeout"""
    stages_time_out(t, STAGES, ("8BITMIME",))


def test_H2_3_stage_limits_with_pipelining(t):
    stages_time_out(t, STAGES[2:], ("PIPELINING", "8BITMIME"))


def test_B_31_content_that_is_not_taken(t):
    """parameter data_xfer_timeout"""
    daemon, peers = t.destinations({"a": {"content": hang}}, {"lmtp.data_xfer_timeout": "1s"})
    daemon.send("u@a.test", b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 100_000)
    line = daemon.wait_delivery("u@a.test", timeout=15)
    same(outcome(line), ("deferred", "4.4.2"))
    assert line["reason"].endswith("timed out while sending message body"), line["reason"]


def test_H2_2_slow_but_steady_content_is_no_timeout(t):
    """data_xfer_timeout bounds each standstill, not the whole transfer."""
    def slowly(session):
        end = time.monotonic() + 6
        while time.monotonic() < end:
            session.fill()
            session.wait_closed_for(0.1)
    daemon, peers = t.destinations({"a": {"content": slowly}}, short("data_xfer"))
    content = mail.message(b"0123456789012345678901234567890123456789\n" * 100_000)
    daemon.send("u@a.test", content)
    same(outcome(daemon.wait_delivery("u@a.test")), ("sent", "2.0.0"))


def test_H2_9_the_stage_is_that_of_the_reply_awaited(t):
    """Lost right after MAIL, RCPT and DATA were pipelined: it is MAIL whose reply is due."""
    def leave(session, *_):
        raise End
    _, _, lines = results(t, {"a": {"mail": leave}})
    assert lines["a"]["reason"].endswith("while sending MAIL FROM"), lines["a"]["reason"]


@limit(90)
def test_I_5_one_limit_for_the_burst_and_ten_seconds_for_each_further_reply(t):
    """With LMTP the limit after the dot is for the first reply; what follows has at most ten seconds each."""
    peer = t.peer({"final": only("^second", silence)})
    daemon = t.daemon(peer, short("data_done"))
    daemon.send(["first@example.org", "second@example.org"])
    daemon.wait_delivery("first@example.org", "sent")
    began = time.monotonic()
    line = daemon.wait_delivery("second@example.org", timeout=30)
    same(outcome(line), ("deferred", "4.4.2"))
    assert time.monotonic() - began < 60, time.monotonic() - began


def test_a_recipient_that_takes_long_does_not_time_out_early(t):
    def final(session, address):
        session.wait_closed_for(2)
        return "250 2.0.0 Saved"
    daemon, peers = t.destinations({"a": {"final": final}}, {"lmtp.data_done_timeout": "5s"})
    daemon.send(["one@a.test", "two@a.test", "three@a.test"])
    same(len(daemon.wait_deliveries(3, status="sent", timeout=20)), 3)


def test_connect_timeout_of_an_address_that_never_answers(t):
    """A listener whose backlog is full drops further SYNs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    t.on_end(listener.close)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    daemon = t.daemon("inet:[127.0.0.1]:%d" % listener.getsockname()[1], {"lmtp.connect_timeout": "1s"})
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org", timeout=20)
    same(outcome(line), ("deferred", "4.4.1"))
    assert "timed out" in line["reason"], line["reason"]
