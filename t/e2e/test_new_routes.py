"""A reload changes the routes while mail waits for the old ones: it goes the new way at once,
wherever it waited.
"""

import threading

from actions import USUAL
from harness import same
from processes import PATIENCE, wait_for

LONG = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "1h"}
MANY = 30                  # more than a destination's window, so that most have not been tried


def send(daemon, count=MANY):
    for number in range(count):
        daemon.send("u%d@example.org" % number)
    daemon.wait_log("queue active", count)


def turn_to(daemon, peer, count=MANY):
    """The new way for all mail, which has so many messages to take."""
    daemon.reconfigure({"mailbox_transport": "lmtp:" + peer.nexthop})
    peer.wait_messages(count)


def test_mail_for_a_dead_destination(t):
    """Both what was deferred and what only waits in its line."""
    old, new = t.peer(), t.peer()
    old.stop()
    daemon = t.daemon(old, LONG)
    send(daemon)
    daemon.wait_log("cannot be reached")
    turn_to(daemon, new)
    daemon.spool.wait_empty()
    same(len(new.messages), MANY)


def test_mail_for_a_suspended_destination(t):
    old, new = t.peer(), t.peer()
    daemon = t.daemon(old, LONG)
    daemon.ctl("suspend", "lmtp:" + old.nexthop)
    send(daemon)
    turn_to(daemon, new)
    daemon.spool.wait_empty()
    same(old.messages, [])


def slow_transport(t):
    """A transport of one connection, on which the second message is not answered while others wait behind it;
    and who lets it go on. As the connection is kept, some of them wait at the courier."""
    answered = threading.Event()

    def act(session, *_):
        if len(session.peer.messages) > 1:
            answered.wait(40 * PATIENCE)
        return USUAL

    old = t.peer({"final": act})
    daemon = t.daemon(None, {**LONG, "mailbox_domains": ["example.org"],
                             "mailbox_transport": "slow:" + old.nexthop,
                             "transport slow.protocol": "lmtp",
                             "transport slow.destination_concurrency_limit": 1})
    send(daemon)
    old.wait_messages(2)
    wait_for(lambda: len(daemon.queue()) == MANY - 1, 20, "the first message gone")
    return daemon, old, answered


def test_transport_that_is_removed(t):
    """What is at a courier goes on; what waits behind it, even at the courier, goes the new way."""
    daemon, old, answered = slow_transport(t)
    new = t.peer()
    for name in [name for name in daemon.settings if name.startswith("transport slow.")]:
        del daemon.settings[name]
    turn_to(daemon, new, MANY - 2)
    answered.set()
    daemon.spool.wait_empty()
    same([len(old.messages), len(new.messages)], [2, MANY - 2])
    same({d["status"] for d in daemon.deliveries()}, {"sent"})


def test_hold_and_delete_while_mail_finds_its_new_way(t):
    """What the operator keeps back does not move, and what he deletes goes nowhere."""
    daemon, old, answered = slow_transport(t)
    new = t.peer()
    ids = [m["id"] for m in daemon.queue()]
    daemon.ctl("hold", *ids)
    daemon.ctl("delete", *ids[:5])
    daemon.reconfigure({"mailbox_transport": "lmtp:" + new.nexthop})
    answered.set()
    sent = {d["id"] for d in daemon.wait_deliveries(2, status="sent")}
    kept = {i: "held" for i in ids[5:] if i not in sent}
    wait_for(lambda: {m["id"]: m["state"] for m in daemon.queue()} == kept, 20, "the others held")
    daemon.ctl("release", "ALL")
    daemon.spool.wait_empty()
    same({d["id"] for d in daemon.deliveries(status="sent")}, sent | set(ids[5:]))
    same([len(old.messages), len(new.messages)], [2, len(set(ids[5:]) - sent)])
