"""Parameters of connections that are kept: for whom, how long, how often."""

import threading
import time

from actions import silence
from cases import outcome
from harness import same

ONE = {"lmtp.destination_concurrency_limit": 1}
LONG = {"lmtp.connection_cache_time_limit": "60s", "connection_cache_ttl_limit": "60s"}


def deliver(daemon, *names):
    for name in names:
        daemon.send(name + "@example.org")
        same(outcome(daemon.wait_delivery(name + "@example.org")), ("sent", "2.0.0"))


def closed_after(peer):
    """How long the last connection was open after its last command or reply, and whether it said QUIT."""
    session = peer.sessions[-1]
    peer.wait(lambda: not session.open, 10, "the connection closed")
    return time.monotonic() - peer.messages[-1].time, "QUIT" in session.commands


def test_connection_cache_on_demand_no(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "lmtp.connection_cache_on_demand": False})
    deliver(daemon, "a", "b", "c")
    same([s.transactions for s in peer.sessions], [1, 1, 1])
    assert all("QUIT" in s.commands for s in peer.sessions), peer.sessions[0].commands


def test_J_1_connection_cache_destinations(t):
    """Those listed keep their connections, the others do not: sockets, hosts, tables."""
    local, inet, other = t.peer(), t.peer(address=("127.0.0.1", 0)), t.peer()
    peers = {"local": local, "inet": inet, "other": other}
    daemon = t.daemon(None, {
        **LONG, "lmtp.connection_cache_on_demand": False,
        "lmtp.connection_cache_destinations": [local.address, "inline:{127.0.0.1=x}"],
        "transport_maps": "inline:{%s}" % ", ".join("{%s.test = lmtp:%s}" % (n, p.nexthop)
                                                    for n, p in peers.items()),
        "lmtp.destination_concurrency_limit": 1})
    for name in peers:
        for number in range(3):
            daemon.send("u%d@%s.test" % (number, name))
            daemon.wait_delivery("u%d@%s.test" % (number, name), "sent")
    same({name: [s.transactions for s in peer.sessions] for name, peer in peers.items()},
         {"local": [3], "inet": [3], "other": [1, 1, 1]})


def test_connection_cache_destinations_static_all(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, **LONG, "lmtp.connection_cache_on_demand": False,
                             "lmtp.connection_cache_destinations": "static:all"})
    deliver(daemon, "a", "b", "c")
    same([s.transactions for s in peer.sessions], [3])


def test_J_21_connection_cache_ttl_limit_is_the_upper_bound(t):
    """parameters connection_cache_time_limit, connection_cache_ttl_limit"""
    for name, settings in (("limit", {"lmtp.connection_cache_time_limit": "1s"}),
                           ("ttl", {"lmtp.connection_cache_time_limit": "60s",
                                    "connection_cache_ttl_limit": "1s"})):
        peer = t.peer()
        daemon = t.daemon(peer, {**ONE, **settings}, name=name)
        deliver(daemon, "a")
        took, _ = closed_after(peer)
        assert 0.9 <= took < 50, (name, took)
        daemon.end()


def test_J_21_default_is_two_seconds(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "lmtp.connection_cache_time_limit": "60s",
                             "connection_cache_ttl_limit": None})
    deliver(daemon, "a")
    took, _ = closed_after(peer)
    assert 1.8 <= took < 50, took
    assert "no connection is kept for longer than connection_cache_ttl_limit, which is 2 s" in \
        daemon.log() + daemon.stderr()


def test_connection_reuse_count_limit(t):
    """N allows N + 1 transactions; the last of them is followed by QUIT (Z-6)."""
    for number, transactions in ((1, [2, 2, 1]), (2, [3, 2]), (0, [5])):
        peer = t.peer()
        daemon = t.daemon(peer, {**ONE, **LONG, "lmtp.connection_reuse_count_limit": number},
                          name="d%d" % number)
        deliver(daemon, "a", "b", "c", "d", "e")
        same([s.transactions for s in peer.sessions], transactions, number)
        assert all("QUIT" in s.commands for s in peer.sessions[:-1])
        daemon.end()


def test_connection_reuse_time_limit(t):
    """Under steady use a connection is given up when it is older than that, with QUIT (Z-6)."""
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, **LONG, "lmtp.connection_reuse_time_limit": "1s"})
    sent = 0
    while len(peer.sessions) < 2:
        deliver(daemon, "u%d" % sent)
        sent += 1
    assert peer.sessions[0].transactions > 1, "not used again at all"
    assert 0.9 <= peer.sessions[1].started - peer.sessions[0].started < 50
    peer.wait(lambda: "QUIT" in peer.sessions[0].commands, what="QUIT on the old one")


def test_cache_connection_is_obsolete_and_without_effect(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, **LONG, "lmtp.cache_connection": False})
    deliver(daemon, "a", "b")
    same([s.transactions for s in peer.sessions], [2])
    assert "cache_connection is obsolete" in daemon.stderr() + daemon.log()


def test_J_20_no_quit_while_a_connection_is_kept(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, **LONG})
    deliver(daemon, "a", "b")
    same([c.split(" ")[0].split(":")[0] for c in peer.sessions[0].commands],
         ["LHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"])


def test_J_5_and_6_the_host_that_served_is_asked_first(t):
    """The first of two hosts is dead: what follows goes straight over the connection to the second."""
    first = t.peer(address=("127.0.0.1", 0))
    second = t.peer(address=("127.0.0.1", 0))
    first.stop()
    daemon = t.daemon("inet:[127.0.0.1]:%d [127.0.0.1]:%d" % (first.address[1], second.address[1]),
                      {**ONE, **LONG})
    deliver(daemon, "a", "b", "c")
    same([s.transactions for s in second.sessions], [3])
    same(daemon.log().count("Connection refused"), 1)


def test_J_14_a_kept_connection_s_host_is_not_asked_again(t):
    """It says 4xx on the kept connection; the next host gets it, without another connection to the first."""
    one = t.peer({"rcpt": lambda s, a: "450 4.2.0 no" if s.transactions else "250 2.1.5 Ok"},
                 address=("127.0.0.1", 0))
    two = t.peer(address=("127.0.0.1", 0))
    daemon = t.daemon("inet:[127.0.0.1]:%d [127.0.0.1]:%d" % (one.address[1], two.address[1]),
                      {**ONE, **LONG})
    deliver(daemon, "a", "b")
    same((len(one.sessions), len(two.messages)), (1, 1))


def test_J_26_sessions_of_a_socket_are_found_by_its_path(t):
    peers = [t.peer(), t.peer()]
    daemon = t.daemon(None, {**LONG, **ONE, "transport_maps": "inline:{%s}" % ", ".join(
        "{%s.test = lmtp:%s}" % (n, p.nexthop) for n, p in zip("ab", peers))})
    for number, name in enumerate("abab"):
        daemon.send("u@%s.test" % name)
        daemon.wait_deliveries(number + 1, status="sent")
    same([[s.transactions for s in p.sessions] for p in peers], [[2], [2]])


def test_connection_cache_protocol_timeout(t):
    """A courier that is replaced, but has a request in its hands, gives a kept connection back: its store
    does not answer QUIT, and mail for it, which may have one connection only, need not wait for
    quit_timeout."""
    gate = threading.Event()

    def final(session, address):
        gate.wait(30)
        return "250 2.0.0 Saved"
    daemon, peers = t.destinations({"stuck": {"final": final}, "kept": {"quit": silence}},
                                   {**ONE, **LONG, "workers": 1, "connection_cache_protocol_timeout": "1s"})
    daemon.send("u@kept.test")
    daemon.wait_delivery("u@kept.test", "sent")
    daemon.send("u@stuck.test")
    peers["stuck"].wait_messages(1)
    daemon.ctl("reload")
    peers["kept"].wait_command("^QUIT$")
    daemon.send("v@kept.test")
    daemon.wait_delivery("v@kept.test", "sent", 15)
    same(peers["kept"].connections_max, 1)
    gate.set()
    daemon.wait_delivery("u@stuck.test", "sent")
