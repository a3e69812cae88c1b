"""Parameters of the couriers' lives."""

import processes
from harness import same

ONE = {"workers": 1, "lmtp.destination_concurrency_limit": 1}


def send(daemon, count, name="u"):
    for number in range(count):
        daemon.send("%s%d@example.org" % (name, number))
    return daemon.wait_deliveries(count, status="sent")


def test_max_use(t):
    """A courier is replaced after so many requests, nothing is lost or sent twice, and it is no failure."""
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "max_use": 10})
    lines = send(daemon, 35)
    used = [line["pid"] for line in lines]
    same(sorted(used.count(pid) for pid in set(used)), [5, 10, 10, 10])
    same(len(peer.messages), 35)
    assert "warning" not in daemon.log(), daemon.log()


def test_max_use_with_several_couriers(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"workers": 2, "max_use": 7})
    used = [line["pid"] for line in send(daemon, 60)]
    assert max(used.count(pid) for pid in set(used)) <= 7, used
    same(len(peer.messages), 60)
    assert "warning" not in daemon.log(), daemon.log()


def test_max_use_while_a_peer_is_silent(t):
    """The successor comes at once: what the old courier still waits for keeps nobody else."""
    silent = t.peer({"final": lambda session, address: (session.wait_closed_for(60), "250 2.0.0 Saved")[1]})
    peer = t.peer()
    daemon = t.daemon(None, {**ONE, "max_use": 2, "transport_maps":
                             "inline:{silent.test=lmtp:%s, well.test=lmtp:%s, "
                             "client.test=lmtp:%s}" % (silent.nexthop, peer.nexthop, peer.nexthop)})
    daemon.send("u@silent.test")
    silent.wait_command("^DATA")
    for number in range(4):
        daemon.send("u%d@well.test" % number)
    daemon.wait_deliveries(4, status="sent", timeout=20)
    same([d["to"] for d in daemon.deliveries() if "silent" in d["to"]], [])


def test_max_idle(t):
    """A courier without work is replaced after that time; one whose session waits for mail says QUIT first.
    """
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "max_idle": "1s", "lmtp.connection_cache_time_limit": "60s",
                             "connection_cache_ttl_limit": "60s"})
    first = send(daemon, 1)[0]["pid"]
    processes.wait_for(lambda: not processes.alive(int(first)), 10, "the idle courier gone")
    peer.wait(lambda: not peer.sessions[0].open, what="its connection closed")
    assert "QUIT" in peer.sessions[0].commands
    processes.wait_for(lambda: daemon.pids("courier"), 10, "a new courier")
    daemon.send("v@example.org")
    assert daemon.wait_delivery("v@example.org", "sent")["pid"] != first


def test_max_idle_and_max_use_are_off_by_default(t):
    peer = t.peer()
    daemon = t.daemon(peer, ONE)
    used = {line["pid"] for line in send(daemon, 250)}
    same(len(used), 1)
    same([daemon.ctl("config", name).split()[-1] for name in ("max_use", "max_idle")], ["0", "0s"])


def test_max_idle_does_not_end_a_courier_with_work(t):
    """A peer that takes its time: the courier has a request in its hands all the while."""
    def final(session, address):
        session.wait_closed_for(2.5)
        return "250 2.0.0 Saved"
    peer = t.peer({"final": final})
    daemon = t.daemon(peer, {**ONE, "max_idle": "1s"})
    send(daemon, 1)
    same(len(peer.messages), 1)
