"""Hosts by name: asked of the configured servers, from inside the courier's sandbox."""

from dns import SERVFAIL, NameServer
from harness import same


def one_store(t, names, nexthop, settings=None, name=""):
    """A daemon whose mail for example.org goes to NEXTHOP, looked up in NAMES; its name server."""
    server = NameServer(names)
    t.on_end(server.close)
    daemon = t.daemon(nexthop, {"resolver.servers": [server.address], "resolver.trust_anchor_file": "",
                                "resolver.hosts_file": "/dev/null", **(settings or {})}, name=name)
    return daemon, server


def test_N_12_a_name_with_two_families(t):
    peer = t.peer(address=("127.0.0.1", 0))
    daemon, server = one_store(t, {"store.test": ["127.0.0.1", "::1"]},
                               "inet:store.test:%d" % peer.address[1],
                               {"sandbox": "require"})
    daemon.send("u@example.org")
    same(daemon.wait_delivery("u@example.org", "sent")["relay"], "store.test[127.0.0.1]:%d" % peer.address[1])
    same(set(server.asked), {"store.test"})


def test_inet_protocols_limits_what_is_asked(t):
    peer = t.peer(address=("127.0.0.1", 0))
    daemon, _ = one_store(t, {"store.test": ["127.0.0.1", "::1"]}, "inet:store.test:%d" % peer.address[1],
                          {"inet_protocols": "ipv6"})
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org")
    same((line["status"], line["dsn"]), ("deferred", "4.4.1"))
    assert "[::1]" in line["reason"], line["reason"]


def test_N_14_what_the_servers_say(t):
    """Not there: returned. A server that fails: kept. No address of a wanted family: returned."""
    for name, wanted in (("nosuch.test", ("bounced", "5.4.4")), ("fail.test", ("deferred", "4.4.3")),
                         ("empty.test", ("bounced", "5.4.4"))):
        daemon, _ = one_store(t, {"fail.test": SERVFAIL, "empty.test": []}, "inet:" + name, name=name)
        daemon.send("u@example.org", sender="")
        line = daemon.wait_delivery("u@example.org")
        same((line["status"], line["dsn"], line["relay"]), wanted + ("none",), name)
        assert name in line["reason"], line["reason"]


def test_an_idle_connection_needs_no_look_up(t):
    peer = t.peer(address=("127.0.0.1", 0))
    daemon, server = one_store(t, {"store.test": ["127.0.0.1"]}, "inet:store.test:%d" % peer.address[1],
                               {"workers": 1, "inet_protocols": "ipv4",
                                "lmtp.connection_cache_time_limit": "30s",
                                "connection_cache_ttl_limit": "60s"})
    for number in range(3):
        daemon.send("u%d@example.org" % number)
        daemon.wait_delivery("u%d@example.org" % number, "sent")
    same(server.asked, ["store.test"])
    same(len(peer.sessions), 1)
