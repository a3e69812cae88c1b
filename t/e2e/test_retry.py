"""When a deferred message is tried again, and when that ends."""

import email
import re
import time

import mail
import processes
from actions import first
from cases import delays
from harness import limit, same

QUICK = {"queue.minimal_backoff_time": "400ms", "queue.maximal_backoff_time": "1600ms"}


def attempts(peer, pattern="^RCPT"):
    """The times at which commands like PATTERN came."""
    return sorted(stamp for session in peer.sessions
                  for stamp, command in zip(session.stamps, session.commands)
                  if re.search(pattern, command))


def test_a_deferred_recipient_is_tried_again(t):
    peer = t.peer({"final": first(2, "451 4.3.0 <u@example.org> Temporary error")})
    daemon = t.daemon(peer, QUICK)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
    same([d["status"] for d in daemon.deliveries()], ["deferred", "deferred", "sent"])
    same({d["id"] for d in daemon.deliveries()}, {daemon.deliveries()[0]["id"]}, "one id")
    daemon.spool.wait_empty()
    same(len(peer.messages), 3)


def test_only_the_deferred_recipients_are_tried_again(t):
    peer = t.peer()
    daemon = t.daemon(peer, QUICK)
    daemon.send(["ok@example.org", "rcpt450@example.org", "dot451@example.org", "rcpt550@example.org"])
    daemon.wait_deliveries(3, "dot451@example.org")
    daemon.wait_deliveries(3, "rcpt450@example.org")
    same(len(daemon.deliveries("ok@example.org")), 1)
    same(len(daemon.deliveries("rcpt550@example.org")), 1)
    same([m.recipients for m in peer.messages if "ok@example.org" in m.recipients],
         [["ok@example.org", "dot451@example.org"]])


def test_retry_times_follow_the_age_within_bounds(t):
    """The wait before a retry is the message's age, never below the least nor above the most,
    with some jitter.

    parameter minimal_backoff_time
    """
    peer = t.peer()
    daemon = t.daemon(peer, QUICK)
    began = time.monotonic()
    daemon.send("rcpt450@example.org")
    peer.wait_command("^RCPT", 8, 40)
    times = [stamp - began for stamp in attempts(peer)]
    # a busy machine is late, but never early
    for came, earliest in zip(times, (0, 0.4, 0.8, 1.5, 3.0, 4.5, 6.0, 7.5)):
        assert came >= earliest, times
    assert times[7] < 24, "twice as long each time: %r" % times
    daemon = t.daemon(t.peer(), {**QUICK, "queue.maximal_backoff_time": "100s"}, name="most")
    daemon.send("rcpt450@example.org")
    daemon.wait_deliveries(3, status="deferred")        # or it would always be the most


def test_jitter_spreads_retries(t):
    """By a tenth, upwards from the least wait."""
    daemon = t.daemon(t.peer(), {"queue.minimal_backoff_time": "10000s",
                                 "queue.maximal_backoff_time": "100000s"})
    for number in range(20):
        daemon.send("rcpt450.%d@example.org" % number)
    daemon.wait_deliveries(20, status="deferred")
    waits = sorted((m["next"] - m["arrived"]) / 1000 for m in daemon.queue())
    assert 10_000 <= waits[0] and waits[-1] < 11_500 and waits[-1] - waits[0] > 200, waits


def test_expiry_returns_the_mail(t):
    daemon, peers = t.destinations({"there": None}, {**QUICK, "queue.maximal_queue_lifetime": "2s"})
    daemon.send(["ok@there.test", "rcpt450@there.test"])
    daemon.wait_log(r"/qmgr\[\d+\]: \w+: from=<a@client\.test>, status=expired, returned to sender",
                    timeout=30)
    report = peers["client"].wait_messages(1)[0]
    same((report.sender, report.recipients), ("", ["a@client.test"]))
    parts = email.message_from_bytes(report.content).get_payload()
    status = parts[1].as_string()
    assert "rcpt450@there.test" in status and "ok@there.test" not in status, status
    assert re.search(r"(?m)^Action: failed", status), status
    assert "450 4.2.0" in status, "the peer's last words are missing: " + status
    daemon.spool.wait_empty()
    same(len(peers["client"].messages), 1)


def test_bounce_lifetime_is_for_the_null_sender(t):
    """It expires without a report, after a time of its own."""
    daemon, peers = t.destinations({"there": None}, {
        **QUICK, "queue.maximal_queue_lifetime": "1h", "queue.bounce_queue_lifetime": "1s"})
    daemon.send("rcpt450@there.test", sender="")
    daemon.send("rcpt450@there.test")
    daemon.wait_log(r"from=<>, status=expired", timeout=30)
    processes.wait_for(lambda: len(daemon.spool.messages()) == 1, 10, "the other one alone")
    same(daemon.log().count("status=expired"), 1)
    same(peers["client"].messages, [])


def test_the_queue_survives_a_restart(t):
    """Recipients that were delivered are not tried again; the deferred ones are, under the same id."""
    peer = t.peer({"final": lambda s, a: "451 4.3.0 no" if a.startswith("late") and not ready else
                   "250 2.0.0 <%s> Saved" % a})
    ready = []
    daemon = t.daemon(peer, QUICK)
    daemon.send(["ok@example.org", "late@example.org"])
    ident = daemon.wait_delivery("late@example.org", "deferred")["id"]
    same(daemon.stop(), 0)
    ready.append(True)
    daemon.start()
    same(daemon.wait_delivery("late@example.org", "sent")["id"], ident)
    daemon.spool.wait_empty()
    same([m.recipients for m in peer.messages if "ok@example.org" in m.recipients],
         [["ok@example.org", "late@example.org"]])


@limit(90)
def test_waiting_messages_keep_their_time_over_a_restart(t):
    """A message that is not due yet is not tried at once because the daemon was started."""
    peer = t.peer()
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"})
    daemon.send("rcpt450@example.org")
    daemon.wait_delivery("rcpt450@example.org", "deferred")
    daemon.stop()
    daemon.start()
    daemon.send("ok@example.org")
    daemon.wait_delivery("ok@example.org", "sent")
    same(len(daemon.deliveries("rcpt450@example.org")), 1)


def test_delay_fields_of_a_retry(t):
    peer = t.peer({"final": first(1, "451 4.3.0 later")})
    daemon = t.daemon(peer, QUICK)
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org", "sent")
    assert float(line["delay"]) >= 0.4, line
    assert delays(line)[0] >= 0.3, line


def test_corrupt_queue_file_is_kept_for_inspection(t):
    peer = t.peer({"final": "451 4.3.0 later"})
    daemon = t.daemon(peer, QUICK)
    daemon.send("u@example.org")
    daemon.send("v@example.org", content=mail.message("second\n"))
    daemon.wait_deliveries(2, status="deferred")
    daemon.stop()
    broken = daemon.spool.messages()[0]
    path = daemon.spool.at("queue/" + broken)
    with open(path, "r+b") as file:
        file.write(b"\0\0\0\0\0\0\0\0")
    daemon.start()
    daemon.wait_log(r"%s.*corrupt|corrupt.*%s" % (broken, broken))
    same(len(daemon.spool.messages()), 1)
    assert any(name.startswith(broken) for name in daemon.spool.names("corrupt"))
