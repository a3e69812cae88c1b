"""Nobody waits for somebody else's mail: not for a message to very many,
nor for a destination that is dead or slow.
"""

import threading

from actions import silence
from harness import limit, same
from processes import wait_for

FOREVER = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "1h"}


def total(daemon):
    return daemon.ctl("status", "--json")["queue"]["total"]


@limit(240)
def test_fifty_thousand_recipients_do_not_delay_others(t):
    """Messages to the same destination and to another one overtake the large one."""
    others_came = threading.Event()

    def final(session, address):
        others_came.wait(60)
        return "250 2.0.0 <%s> Saved" % address
    daemon, peers = t.destinations({"a": {"final": final}, "b": None},
                                   {"lmtp.destination_concurrency_limit": 2})
    daemon.send(["u%d@a.test" % n for n in range(50_000)])
    peers["a"].wait_messages(1, 60)
    daemon.send("small@a.test")
    daemon.send("small@b.test")
    daemon.spool.wait_taken()
    others_came.set()
    daemon.wait_delivery("small@a.test", "sent", 60)
    daemon.wait_delivery("small@b.test", "sent", 60)
    large = [m for m in peers["a"].messages if m.recipients != ["small@a.test"]]
    assert len(large) < 1000, "the large message was through before the small one"
    daemon.spool.wait_empty(150)
    delivered = [r for m in peers["a"].messages for r in m.recipients]
    same((len(delivered), len(set(delivered))), (50_001, 50_001))


@limit(120)
def test_a_dead_destination_does_not_delay_others(t):
    """Ten times as many messages as may be active wait for it; new mail, and mail after a restart,
    goes elsewhere.
    """
    daemon, peers = t.destinations({"a": None, "b": None}, {"queue.active_limit": 500, **FOREVER})
    peers["a"].stop()
    for number in range(5000):
        daemon.send("u%d@a.test" % number, sync=False)
    daemon.send("first@b.test")
    daemon.wait_delivery("first@b.test", "sent")
    wait_for(lambda: total(daemon) == 5000, 60, "all of it in the queue")
    daemon.send("second@b.test")
    daemon.wait_delivery("second@b.test", "sent")
    tried = {d["to"] for d in daemon.deliveries(status="deferred")}
    assert len(tried) < 50, "%d messages were tried in vain" % len(tried)
    daemon.kill()
    daemon.start()
    daemon.send("third@b.test")
    daemon.wait_delivery("third@b.test", "sent")
    wait_for(lambda: total(daemon) == 5000, 60, "all of it read again")
    peers["a"].start()
    daemon.ctl("retry", "ALL")
    daemon.spool.wait_empty(90)


@limit(120)
def test_a_slow_destination_does_not_delay_others(t):
    """It takes connections and says nothing; its mail does not fill the memory that other mail needs."""
    daemon, peers = t.destinations({"a": {"greeting": silence}, "b": None},
                                   {"queue.active_limit": 100, "lmtp.lhlo_timeout": "60s", **FOREVER})
    for number in range(1000):
        daemon.send("u%d@a.test" % number, sync=False)
    wait_for(lambda: peers["a"].sessions, 30, "a connection")
    for number in range(20):
        daemon.send("v%d@b.test" % number)
    daemon.wait_deliveries(20, status="sent")
    same(peers["a"].messages, [])


@limit(120)
def test_a_destination_that_refuses_everything_does_not_delay_others(t):
    """Each message is tried; the deferred ones come back at their time and not before those that are new."""
    daemon, peers = t.destinations({"a": {"rcpt": "451 4.3.0 not now"}, "b": None},
                                   {"queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "2s"})
    for number in range(1000):
        daemon.send("u%d@a.test" % number, sync=False)
    daemon.wait_deliveries(1000, status="deferred", timeout=60)
    for number in range(20):
        daemon.send("v%d@b.test" % number)
    daemon.wait_deliveries(20, status="sent")
    peers["a"].script.clear()
    daemon.spool.wait_empty(60)
