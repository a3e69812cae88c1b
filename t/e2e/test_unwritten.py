"""A small message of another user has no queue file before it needs one;
see "Copied into memory" in doc/queue.md.
"""

import ctypes
import os
import re
import signal
import struct
import threading

import mail
import processes
from harness import same
from spool import DAEMON_UID

CREATED, MOVED_TO = 0x100, 0x80
LIBC = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Every name that has appeared in a directory since."""

    def __init__(self, path):
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if LIBC.inotify_add_watch(self.fd, path.encode(), CREATED | MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")

    def names(self):
        found = []
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return found
            while data:
                length, = struct.unpack_from("12xI", data)
                found.append(data[16:16 + length].rstrip(b"\0").decode())
                data = data[16 + length:]


def messages(names):
    return [name for name in names if re.fullmatch(r"[0-9A-Za-z]{10}", name)]


def watched(t, peer, settings=None):
    daemon = t.daemon(peer, settings or {})
    return daemon, Watch(daemon.spool.at("queue"))


def in_a_moment(daemon, watch, to, status, **options):
    """The names in the queue of a message whose recipient is judged at once;
    what takes longer has a file anyway.
    """
    for count in range(1, 50):
        watch.names()
        daemon.send(to, **options)
        line = daemon.wait_deliveries(count, to, status)[-1]
        daemon.spool.wait_empty()
        names = watch.names()
        if float(line["delay"]) < 0.8:
            return names
    raise AssertionError("this machine is too slow to have anything delivered at once")


def sent_at_once(t, expected, **options):
    """The queue files that a message has had which is delivered at once."""
    daemon, watch = watched(t, t.peer())
    names = in_a_moment(daemon, watch, "b@example.org", "sent", **options)
    assert [name for name in names if re.match(r"[0-9A-Za-z]{10}", name)], names
    same(len(messages(names)), expected, "queue files among %r" % names)


def test_delivered_at_once_never_has_a_file(t):
    sent_at_once(t, 0)


def test_a_large_one_has_a_file(t):
    sent_at_once(t, 1, content=mail.message(body=b"x" * 60 + b"\r\n" + b"y" * 70 * 1024))


def test_the_daemons_own_has_a_file(t):
    sent_at_once(t, 1, uid=DAEMON_UID)


def test_refused_never_has_a_file_but_its_report_has(t):
    daemon, watch = watched(t, t.peer())
    names = in_a_moment(daemon, watch, "rcpt550@example.org", "bounced", sender="back@example.org")
    same(messages(names), [], "queue files among %r" % names)
    same(len([name for name in names if re.fullmatch(r"[0-9A-Za-z]{10}-1", name)]), 1,
         "reports among %r" % names)


def test_deferred_has_a_file_before_that_is_logged(t):
    peer = t.peer()
    daemon, watch = watched(t, peer)
    daemon.send(["ok@example.org", "rcpt450@example.org"])
    queue_id = daemon.wait_delivery("rcpt450@example.org", "deferred")["id"]
    same(messages(watch.names()), [queue_id])
    same(daemon.wait_delivery("ok@example.org", "sent")["id"], queue_id)
    same(daemon.spool.messages(), [queue_id])


def test_what_waits_for_a_slow_peer_has_a_file_after_a_while(t):
    """The courier goes on with what it has; a kill then leaves the message as any other."""
    go_on = threading.Event()
    peer = t.peer({"final": lambda session, address: go_on.wait(60) and None
                   or "250 2.0.0 <%s> Saved" % address})
    daemon, watch = watched(t, peer)
    daemon.send("b@example.org")
    peer.wait_command("^DATA")
    processes.wait_for(lambda: messages(watch.names()), 20, "a queue file")
    processes.wait_for(lambda: not daemon.spool.claimed(), 20, "the drop file removed")
    go_on.set()
    daemon.wait_delivery("b@example.org", "sent")
    daemon.spool.wait_empty()


def test_killed_before_it_had_a_file(t):
    """It is taken in again under its old id; an answer that nobody recorded means a second copy."""
    go_on = threading.Event()

    def final(session, address):
        go_on.wait(60)
        return "250 2.0.0 <%s> Saved" % address

    peer = t.peer({"final": final})
    daemon = t.daemon(peer)
    queue, = daemon.pids("queue")
    for count in range(1, 50):      # on a slow machine it may have got its file before we look
        daemon.send("b@example.org")
        peer.wait_messages(count)
        os.kill(queue, signal.SIGSTOP)
        if not daemon.spool.messages():
            break
        os.kill(queue, signal.SIGCONT)
        go_on.set()
        daemon.spool.wait_empty()
        go_on.clear()
    claimed, = daemon.spool.claimed()
    daemon.kill(queue)
    go_on.set()
    same(daemon.wait_deliveries(count, "b@example.org", "sent")[-1]["id"], claimed.split(".")[0])
    daemon.spool.wait_empty()
