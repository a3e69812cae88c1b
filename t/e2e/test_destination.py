"""Destinations: how many connections, how much at once, and what happens when one is dead or busy."""

import os
import re
import socket
import threading
import time

import processes
from actions import End, first, only, silence, then_close
from harness import limit, needs_root, same
from ports import reserved_port

DEAD = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"}


class Gate:
    """Final replies wait until it is opened."""

    def __init__(self):
        self.event = threading.Event()

    def final(self, session, address):
        self.event.wait(60)
        return "250 2.0.0 <%s> Saved" % address


def settled(peer, count):
    """Wait until COUNT connections are open, and no more come although more mail waits."""
    peer.wait_sessions(count)
    processes.wait_for(lambda: len([s for s in peer.sessions if "DATA" in s.commands]) >= count, 20,
                       "%d transactions under way" % count)


def test_window_starts_at_the_initial_concurrency(t):
    gate = Gate()
    peer = t.peer({"final": gate.final})
    daemon = t.daemon(peer)
    for number in range(60):
        daemon.send("u%d@example.org" % number)
    settled(peer, 5)
    same(peer.connections_max, 5, "connections before the first success")
    gate.event.set()
    daemon.wait_deliveries(60, status="sent")
    assert 5 < peer.connections_max <= 20, peer.connections_max


def test_window_grows_to_the_limit_and_not_beyond(t):
    """parameter destination_concurrency_limit"""
    barrier = threading.Semaphore(0)

    def final(session, address):
        barrier.acquire(timeout=60)
        return "250 2.0.0 <%s> Saved" % address
    peer = t.peer({"final": final})
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 8})
    for number in range(150):
        daemon.send("u%d@example.org" % number)
    settled(peer, 5)
    barrier.release(40)
    settled(peer, 8)
    barrier.release(200)
    daemon.wait_deliveries(150, status="sent")
    same(peer.connections_max, 8)


def test_limit_of_one_is_exact_with_two_workers(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1,
                             "lmtp.initial_destination_concurrency": 1})
    for number in range(200):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(200, status="sent")
    same(peer.connections_max, 1)


def test_idle_connections_count(t):
    """Bursts that leave idle sessions behind never lead to more connections than the limit."""
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 3, "workers": 4})
    for burst in range(6):
        for number in range(25):
            daemon.send("u%d@example.org" % number)
        daemon.wait_deliveries(25 * (burst + 1), status="sent")
    assert peer.connections_max <= 3, peer.connections_max


def test_limit_of_a_transport_is_its_own(t):
    """parameter transport_destination_concurrency_limit"""
    gate = Gate()
    peers = {name: t.peer({"final": gate.final}) for name in ("narrow", "wide")}
    daemon = t.daemon(None, {
        "transport_maps": "inline:{%s}" % ", ".join("%s.test=%s:%s" % (n, n, p.nexthop)
                                                    for n, p in peers.items()),
        "transport narrow.protocol": "lmtp", "transport narrow.destination_concurrency_limit": 2,
        "transport wide.protocol": "lmtp", "transport wide.initial_destination_concurrency": 7})
    for name in peers:
        for number in range(30):
            daemon.send("u%d@%s.test" % (number, name))
    settled(peers["wide"], 7)
    settled(peers["narrow"], 2)
    same((peers["narrow"].connections_max, peers["wide"].connections_max), (2, 7))
    gate.event.set()
    daemon.wait_deliveries(60, status="sent")
    same(peers["narrow"].connections_max, 2)


def test_a_stuck_destination_does_not_hold_up_another(t):
    gate = Gate()
    daemon, peers = t.destinations({"stuck": {"final": gate.final}, "silent": {"greeting": silence},
                                    "fine": None})
    for name in ("stuck", "silent"):
        for number in range(100):
            daemon.send("u%d@%s.test" % (number, name))
    settled(peers["stuck"], 5)
    for number in range(30):
        daemon.send("u%d@fine.test" % number)
    peers["fine"].wait_messages(30)
    gate.event.set()


def test_many_recipients_are_split(t):
    """parameter destination_recipient_limit"""
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_recipient_limit": 50})
    daemon.send(["u%d@example.org" % n for n in range(120)])
    daemon.wait_deliveries(120, status="sent")
    same(sorted(len(m.recipients) for m in peer.messages), [20, 50, 50])
    everyone = [address for m in peer.messages for address in m.recipients]
    same(len(set(everyone)), 120)


def test_recipient_limit_of_one(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_recipient_limit": 1})
    daemon.send(["u%d@example.org" % n for n in range(10)])
    daemon.wait_deliveries(10, status="sent")
    same([len(m.recipients) for m in peer.messages], [1] * 10)


def test_rate_delay(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_rate_delay": "300ms"})
    began = time.monotonic()
    for number in range(5):
        daemon.send("u%d@example.org" % number)
    times = [message.time - began for message in peer.wait_messages(5)]
    for number, came in enumerate(sorted(times)):
        assert came >= 0.3 * number, times      # a busy machine is late, but never early


def test_dead_unix_socket_that_appears_again(t):
    """One message is logged as deferred, the others wait without a line each; all go as soon as it is back.

    It comes when it was asked for after 1, 2, 4 and 8 s, so 16 s before it would be asked for again.
    """
    peer = t.peer()
    daemon = t.daemon(peer, DEAD)
    peer.stop()
    daemon.send("first@example.org")
    line = daemon.wait_delivery("first@example.org", "deferred")
    same(line["dsn"], "4.4.1")
    assert "connect to" in line["reason"], line["reason"]
    for number in range(30):
        daemon.send("waits%d@example.org" % number)
    daemon.spool.wait_taken()
    daemon.wait_log(r"nrcpt=1 \(queue active\)", 31)
    daemon.wait_deliveries(5, status="deferred", timeout=30)
    peer.start()
    started = time.monotonic()
    daemon.wait_deliveries(31, status="sent")
    assert time.monotonic() - started < 14, "a socket that is back was not noticed at once"
    deferred = [d["to"] for d in daemon.deliveries(status="deferred")]
    assert len([to for to in deferred if to.startswith("waits")]) <= 4, deferred
    dead_lines = re.findall(r"(?m)^.*/qmgr\[\d+\]: .*lmtp0.*$", daemon.log())
    assert dead_lines, "no line names the dead destination"


def test_refused_connection(t):
    address = ("127.0.0.1", reserved_port())
    daemon = t.daemon("inet:[127.0.0.1]:%d" % address[1], DEAD)
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org", "deferred")
    same((line["dsn"], line["relay"]), ("4.4.1", "none"))
    assert "connect to 127.0.0.1[127.0.0.1]:%d: Connection refused" % address[1] in line["reason"], line[
        "reason"]
    t.peer(address=address)
    daemon.wait_delivery("u@example.org", "sent")


def test_a_host_that_is_passed_over_is_told_in_the_courier_s_name(t):
    peer = t.peer(address=("127.0.0.1", 0))
    closed = reserved_port()
    daemon = t.daemon("inet:[127.0.0.1]:%d, [127.0.0.1]:%d" % (closed, peer.address[1]))
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org", "sent")
    daemon.wait_log(
        r"causeway/lmtp\[%s\]: %s: connect to 127\.0\.0\.1\[127\.0\.0\.1\]:%d: Connection refused$"
                    % (line["pid"], line["id"], closed))


@limit(90)
def test_dead_destination_is_probed_after_1_2_4_seconds(t):
    peer = t.peer({"greeting": first(4, then_close("421 4.3.2 Shutting down"))})
    daemon = t.daemon(peer, DEAD)
    began = time.monotonic()
    daemon.send("first@example.org")
    daemon.wait_delivery("first@example.org", "deferred")
    daemon.wait_log("cannot be reached: .*421.*; its mail waits, next try in 1 s$")
    for number in range(10):
        daemon.send("waits%d@example.org" % number)
    daemon.wait_deliveries(11, status="sent", timeout=40)
    starts = [session.started - began for session in peer.sessions[:5]]
    # a busy machine is late, but never early
    for came, earliest in zip(starts, (0, 1, 3, 7, 15)):
        assert earliest <= came < earliest + 60, starts


def test_dead_destination_wakes_everyone_after_one_success(t):
    """Everything that waited moves with the first successful probe, not message by message."""
    peer = t.peer(address=("127.0.0.1", 0))
    daemon = t.daemon(peer, DEAD)
    peer.stop()
    for number in range(100):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(1, status="deferred")
    daemon.spool.wait_taken()
    peer.start()
    daemon.wait_deliveries(1, status="sent", timeout=20)
    daemon.wait_deliveries(100, status="sent", timeout=20)     # a retry of its own has each after an hour


def test_close_before_the_greeting_means_busy(t):
    """As Dovecot does over its process limit: soon again, no dead host, nothing counted as failure for long.
    """
    turned_away = threading.Event()

    def busy(session):
        if session.number == 0:
            assert turned_away.wait(30), "no second connection beside one that waits"
        elif not turned_away.is_set() or session.peer.connections > 2:
            turned_away.set()
            raise End
        return "220 peer.test LMTP"
    daemon = t.daemon(t.peer({"greeting": busy}), DEAD)
    for number in range(100):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(100, status="sent", timeout=40)
    assert turned_away.is_set()


def test_full_backlog_means_busy(t):
    """connect() to a UNIX socket with a full backlog says EAGAIN: not a dead host, but soon again."""
    path = t.path("full")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(0)
    filler = socket.socket(socket.AF_UNIX)
    filler.connect(path)
    daemon = t.daemon("unix:" + path, DEAD)
    for number in range(10):
        daemon.send("u%d@example.org" % number)
    daemon.wait_log(r"nrcpt=1 \(queue active\)", 10)
    filler.close()
    listener.close()
    peer = t.peer(address=path)
    daemon.wait_deliveries(10, status="sent", timeout=40)
    same(len(peer.messages), 10)


def test_Y_15_refusals_do_not_make_a_destination_dead(t):
    """MAIL, RCPT, DATA and final replies say nothing about the host."""
    daemon, peers = t.destinations({"there": {"mail": only("bad", "451 4.3.0 no")}}, DEAD)
    for number in range(20):
        daemon.send("rcpt450.%d@there.test" % number)
        daemon.send("dot451.%d@there.test" % number)
        daemon.send("u@there.test", sender="bad%d@client.test" % number)
    daemon.wait_deliveries(60, status="deferred")
    daemon.send("fine@there.test")
    daemon.wait_delivery("fine@there.test", "sent")


@needs_root
def test_a_socket_that_may_not_be_opened_is_told_so(t):
    """Not only that permission is denied: whose, and of what; in the log twice, and in the queue."""
    peer = t.peer()
    os.chmod(peer.address, 0o600)
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    told = "]: Permission denied: the daemon's user may not open this socket, see to its mode and group"
    line = daemon.wait_delivery("u@example.org", "deferred")
    same((line["dsn"], line["reason"].endswith(peer.address + told)), ("4.4.1", True), line["reason"])
    daemon.wait_log(r"warning: destination lmtp:unix:\S+ cannot be reached: .*%s; its mail waits, next try in"
                    % told)
    os.chmod(peer.address, 0o666)
    daemon.wait_delivery("u@example.org", "sent")
