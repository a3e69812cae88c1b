"""The wall clock jumps, an hour back or a year ahead, while the daemon runs or over a restart: mail neither
expires for it nor stands still. The daemon under test sees a clock of its own (clock.c)."""

import os
import struct
import subprocess
import time

import mail
from harness import same

HERE = os.path.dirname(os.path.abspath(__file__))
HOUR, DAY, YEAR = 3600, 24 * 3600, 365 * 24 * 3600
JUMPS = (-HOUR, YEAR, -YEAR)


class Clock:
    """The wall clock of a daemon: the machine's with an offset in seconds."""

    def __init__(self, t, name=""):
        self.library, self._file = t.path("clock.so"), t.path("clock" + name)
        if not os.path.exists(self.library):
            subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-o", self.library,
                            os.path.join(HERE, "clock.c"), "-ldl"], check=True)
        self.set(0)
        os.chmod(self._file, 0o644)

    def set(self, seconds):
        with open(self._file, "r+b" if os.path.exists(self._file) else "wb") as file:
            file.write(struct.pack("q", int(seconds)))

    @property
    def environment(self):
        return {"LD_PRELOAD": self.library, "CAUSEWAY_CLOCK": self._file,
                "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}


def waiting(t, name="", **settings):
    """A daemon with a clock, and a message that is deferred, to be tried again in some seconds."""
    clock, peer = Clock(t, name), t.peer({"rcpt": "451 4.3.0 not now"})
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "3s", "queue.maximal_backoff_time": "3s",
                             **settings},
                      start=False, name=name)
    daemon.start(environment=clock.environment)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "deferred")
    return clock, daemon, peer


def all_waiting(t):
    """One for each jump: (seconds, clock, daemon, peer); they wait at the same time."""
    return [(jump, *waiting(t, "jump%+d" % jump)) for jump in JUMPS]


def tried_again(daemon, times=1, to="u@example.org"):
    """How many lines there will be when TO has been tried so many times more."""
    return len(daemon.deliveries(to)) + times


def not_returned(daemon):
    assert "status=expired" not in daemon.log() and "non-delivery" not in daemon.log(), "it was returned"


def all_sent(daemons, count):
    """Now they are taken, and nothing is left."""
    for _, _, _, peer in daemons:
        peer.script.clear()
    for _, _, daemon, _ in daemons:
        daemon.wait_deliveries(count, status="sent")
        daemon.spool.wait_empty()
        same(daemon.ctl("queue"), "")


def test_the_clock_jumps_while_mail_waits(t):
    """The waits go on; new mail goes at once; nothing expires."""
    daemons = all_waiting(t)
    for jump, clock, daemon, _ in daemons:
        clock.set(jump)
        daemon.send("v@example.org")
        daemon.wait_delivery("v@example.org", "deferred")
        daemon.wait_log("the clock was set by")
    goals = [tried_again(daemon) for _, _, daemon, _ in daemons]
    for (_, _, daemon, _), goal in zip(daemons, goals):
        daemon.wait_deliveries(goal, "u@example.org")
        not_returned(daemon)
    all_sent(daemons, 2)


def test_the_clock_jumps_over_a_restart(t):
    """What the journal says of times is moved by the jump, as it happened within one boot."""
    daemons = all_waiting(t)
    for jump, clock, daemon, _ in daemons:
        daemon.kill()
        clock.set(jump)
        daemon.start(environment=clock.environment)
    goals = [tried_again(daemon, 2) for _, _, daemon, _ in daemons]
    for (_, _, daemon, _), goal in zip(daemons, goals):
        daemon.wait_deliveries(goal, "u@example.org", "deferred")
        not_returned(daemon)
    all_sent(daemons, 1)


def test_the_clock_jumps_before_the_restart(t):
    """The jump was seen, and written down, before the end."""
    daemons = all_waiting(t)
    for jump, clock, daemon, _ in daemons:
        clock.set(jump)
        daemon.send("v@example.org")
        daemon.wait_delivery("v@example.org", "deferred")
        daemon.stop()
        daemon.start(environment=clock.environment)
        ages = [time.time() + jump - m["arrived"] / 1000 for m in daemon.queue()]
        assert ages and all(-5 < age < 1000 for age in ages), ages
    goals = [tried_again(daemon) for _, _, daemon, _ in daemons]
    for (_, _, daemon, _), goal in zip(daemons, goals):
        daemon.wait_deliveries(goal, "u@example.org")
        not_returned(daemon)
    all_sent(daemons, 2)


def test_old_mail_still_expires_on_a_clock_that_is_wrong(t):
    """A jump does not make anything younger: what has waited for its whole lifetime is returned."""
    clock, daemon, peer = waiting(t, **{"queue.maximal_queue_lifetime": "6s",
                                        "queue.bounce_queue_lifetime": "6s"})
    clock.set(-YEAR)
    daemon.wait_log("status=expired", timeout=60)


def test_drops_from_the_future_and_the_past_are_taken(t):
    """A file's own times say nothing."""
    peer = t.peer()
    daemon = t.daemon(peer)
    for number, seconds in enumerate((-10 * YEAR, 10 * YEAR)):
        name = daemon.drop(mail.transaction("a@client.test", ["u%d@example.org" % number], mail.message(),
                                            b"\r\n", ""))
        try:
            os.utime(daemon.spool.at("drop/new/" + name), (time.time() + seconds,) * 2)
        except FileNotFoundError:
            pass                    # it was taken already
    peer.wait_messages(2)
    daemon.spool.wait_empty()
