"""kill -9 at any time, at every named step, and failing disks: nobody is without mail,
copies only where promised.
"""

import collections
import os
import random
import re
import signal
import string
import subprocess
import threading
import time

import mail
import processes
from actions import USUAL
from harness import Skip, limit, needs_root, same, slow
from reports import Report
from spool import DAEMON_UID, PRODUCER_UID

QUICK = {"queue.minimal_backoff_time": "300ms", "queue.maximal_backoff_time": "1s"}
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "queue.md")
KINDS = ("ok", "rcpt550", "dot552", "soft", "dot451once")


class Store:
    """The peer's memory: every final reply, with its transaction, for each message and recipient."""

    def __init__(self, t):
        # (message id, address) -> transactions that ended with 250
        self.finals = collections.defaultdict(list)
        self.attempts = collections.Counter()
        self.peer = t.peer({"final": self.final, "rcpt": self.rcpt})
        self.reports = t.peer()

    def final(self, session, address):
        key = (session.message.id, address)
        self.attempts[key] += 1
        if address.startswith("dot552"):
            return "552 5.2.2 <%s> Quota exceeded" % address
        if address.startswith("dot451once") and self.attempts[key] == 1:
            return "451 4.3.0 <%s> Temporary error" % address
        self.finals[key].append(session.message)
        return "250 2.0.0 <%s> Saved" % address

    def rcpt(self, session, address):
        if address.startswith("rcpt550"):
            return "550 5.1.1 <%s> User doesn't exist" % address
        if address.startswith("soft") and random.random() < 0.3:
            return "450 4.2.0 <%s> Busy" % address
        return "250 2.1.5 Ok"

    def reported(self):
        """The (message id, address) pairs that reports have named."""
        pairs = set()
        for message in list(self.reports.messages):
            report = Report(mail.split_trace(message.content)[1])
            ident = re.search(r"(?im)^Message-ID:\s*<([^>]+)>", report.returned).group(1)
            pairs |= {(ident, address) for address in report.recipients}
        return pairs


class Traffic:
    """Messages with mixed outcomes, and what must have become of each recipient."""

    def __init__(self, daemon, seed):
        self.daemon, self.random = daemon, random.Random(seed)
        self.sent = 0
        self.delivered, self.refused = set(), set()     # (message id, address) pairs that are expected

    def _message(self):
        self.sent += 1
        ident = "crash%d@client.test" % self.sent
        kinds = ["ok", *self.random.choices(KINDS, k=self.random.randrange(4))]
        addresses = ["%s.%d@there.test" % (kind, place) for place, kind in enumerate(kinds)]
        for address in addresses:
            refused = address.startswith(("rcpt550", "dot552"))
            (self.refused if refused else self.delivered).add((ident, address))
        return mail.transaction("a@client.test", addresses, mail.message("x" * 200 + "\n", ident=ident))

    def drop(self, count):
        """COUNT files, some adopted, some with several messages."""
        for _ in range(count):
            self.drop_file(self.random.choice((PRODUCER_UID, DAEMON_UID)), self.random.choice((1, 1, 1, 3)))

    def drop_file(self, uid, messages):
        self.daemon.drop(b"".join(self._message() for _ in range(messages)), uid=uid)


def daemon_for(t, store, settings=None):
    routes = "inline:{there.test=lmtp:%s, client.test=lmtp:%s}" % (store.peer.nexthop, store.reports.nexthop)
    return t.daemon(None, {"transport_maps": routes, **QUICK, **(settings or {})}, start=False)


class Kill:
    """The death of the processes PIDS, or of all that there are. A context: they die inside.

    When the queue process dies, its couriers live on for a moment, and may begin what they were told before.
    """

    def __init__(self, pids=None):
        self.pids = pids

    def __enter__(self):
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.ended = time.monotonic()

    def hides(self, first, second):
        """Whether it may have kept the reply to transaction FIRST from the journal,
        and so be the cause of SECOND.

        The reply may come long after the kill: what the courier had sent is read from its closed connection.
        """
        concerned = first.began < self.ended if self.pids is None else first.session.client in self.pids
        return concerned and self.began < second.began


def needless_copies(store, kills):
    """The (message id, address) pairs that were delivered again although no kill hid an earlier reply."""
    found = []
    for key, transactions in store.finals.items():
        ordered = sorted(transactions, key=lambda message: message.began)
        for first, second in zip(ordered, ordered[1:]):
            if not any(each.hides(first, second) for each in kills):
                found.append(key)
    return found


def judge(store, traffic, daemon, kills):
    """Everybody got the message or was reported on; second copies only for replies that a kill hid."""
    without = [key for key in traffic.delivered if not store.finals[key]]
    same(without, [], "recipients without mail")
    same(sorted(traffic.refused - store.reported()), [], "refused recipients without a report")
    same(set(store.finals) - traffic.delivered - {k for k in store.finals if not store.finals[k]}, set(),
         "strangers")
    same(needless_copies(store, kills), [], "second copies, and no kill hid the first reply")
    logged = collections.Counter((d["id"], d["to"]) for d in daemon.deliveries(status="sent"))
    same([key for key, count in logged.items() if count > 1], [], "recipients logged as sent twice")
    print("  %d messages, %d recipients delivered, %d refused, %d kills, %d second copies"
          % (traffic.sent, len(traffic.delivered), len(traffic.refused), len(kills),
             sum(len(copies) - 1 for copies in store.finals.values() if copies)))
    same(daemon.spool.names("drop/bad"), [])


def victim(daemon, chooser):
    """A process of the daemon: the supervisor, the queue process or a courier; its role and pid."""
    role = chooser.choice(("supervisor", "queue", "courier", "courier"))
    return role, daemon.process.pid if role == "supervisor" else chooser.choice(daemon.wait_pids(role, 1))


def kill(daemon, role, pid):
    """Kill the process; with the queue process or the supervisor its couriers die. Returns the Kill."""
    supervisor = daemon.process.pid
    os.kill(supervisor, signal.SIGSTOP)     # it starts no courier while they are listed
    processes.wait_for(lambda: processes.stat(supervisor)[0] == "T", 10, "the supervisor stopped")
    with Kill({pid} if role == "courier" else set(processes.descendants(supervisor))) as done:
        daemon.kill(pid)
    if role != "supervisor":
        os.kill(supervisor, signal.SIGCONT)
    return done


def all_gone(daemon):
    """Whether no message is left. One is held if its courier was killed twice and had nothing else:
    it is released.
    """
    left = daemon.spool.unfinished()
    if 0 < len(left) < 5 and "nothing else to do: it is held" in daemon.log():
        daemon.ctl("release", "ALL", check=False)
    return not left


@slow
@limit(600)
def test_kill_9_fifty_times_over_two_thousand_messages(t):
    store, chooser = Store(t), random.Random(62)
    daemon = daemon_for(t, store).start()
    traffic, kills = Traffic(daemon, 2000), []
    for _ in range(50):
        traffic.drop(30)
        done = len(store.peer.messages)
        goal = done + chooser.randrange(1, 40)
        store.peer.wait(lambda: len(store.peer.messages) >= goal or all_gone(daemon), 60, "progress")
        role, pid = victim(daemon, chooser)
        kills.append(kill(daemon, role, pid))
        if role == "supervisor":
            daemon.start()
    while traffic.sent < 2000:
        traffic.drop(20)
    processes.wait_for(lambda: all_gone(daemon), 240,
                       lambda: "an empty queue, but %r" % daemon.spool.unfinished()[:5])
    judge(store, traffic, daemon, kills)


def need_hooks(t):
    """Skip unless the build can be told to crash."""
    with open(t.options.program("causewayd"), "rb") as file:
        if b"CAUSEWAY_TEST_CRASH" not in file.read():
            raise Skip("not a build with --enable-test-hooks")


# Steps of a claim by a copy: test_pickup has a second file system.
OTHER_FILE_SYSTEM = ("claim-copied", "original-unlinked")


def steps():
    """The named steps of doc/queue.md: the first column of its tables of steps."""
    names, inside = [], False
    with open(DOCUMENT) as file:
        for line in file:
            if re.match(r"\|\s*step\s*\|", line):
                inside = True
            elif not line.startswith("|"):
                inside = False
            elif inside:
                names += re.findall(r"`([a-z-]+)`", line.split("|")[1].split(" with ")[0])
    return list(dict.fromkeys(names))


def claim_by_hand(spool):
    """What a daemon that died right after its claims left of the files in drop/new."""
    digits, now = string.digits + string.ascii_uppercase + string.ascii_lowercase, time.time_ns() // 1000
    for number, name in enumerate(spool.names("drop/new")):
        ident = "".join(digits[(now + 10 * number) // 62 ** place % 62] for place in range(9, -1, -1))
        os.rename(spool.at("drop/new/" + name), spool.at("queue/%s.drop" % ident))


def crash_or_end(daemon, step, broken):
    """Wait until the queue process has crashed, or is done with everything. True if it crashed."""
    def over():
        log = daemon.log()
        if re.search(r"queue process \d+ was killed by signal 9", log):
            return "crashed"
        # said after the last thing that becomes of the file, so nothing is left that it could crash at
        told = "refused: %s " % broken in log
        return told and not daemon.spool.unfinished() and "idle"
    return processes.wait_for(over, 60, "a crash at %s, or all done" % step) == "crashed"


def run_into_crash(daemon, traffic, step, occurrence):
    """Run a daemon that kills itself at the step, and does so again each time that it gets there."""
    for uid in (PRODUCER_UID, DAEMON_UID):      # each way in at least once
        for messages in (1, 3):
            traffic.drop_file(uid, messages)
    if step == "adopt-renamed":
        traffic.drop(10)    # only a claim that a start found is adopted by a second rename
        claim_by_hand(daemon.spool)
    broken = daemon.drop(b"MAIL FROM:<a@b>\r\nRCPT TO:<>\r\nDATA\r\n.\r\n",
                         name="refused-%s-%d" % (step, occurrence))
    daemon.start(wait=False, environment={"CAUSEWAY_TEST_CRASH": "%s:%d" % (step, occurrence)})
    for _ in range(4):
        traffic.drop(3)
    crashed = crash_or_end(daemon, step, broken)
    daemon.kill()
    return crashed


def forget_the_refused(daemon, step):
    """One file was refused, with a reason; reasons without a file may be left behind."""
    names = daemon.spool.names("drop/bad")
    refused = [name for name in names if not name.endswith(".reason")]
    same(len(refused), 1, "refused files after a crash at %s" % step)
    assert daemon.spool.reason(refused[0]), refused
    for name in names:
        os.unlink(daemon.spool.at("drop/bad/" + name))


def crash_at(t, step, number, occurrence):
    """Run with a crash asked for at a step, then without; True if the crash happened."""
    store = Store(t)
    daemon = daemon_for(t, store)
    traffic = Traffic(daemon, number)
    with Kill() as crashes:
        crashed = run_into_crash(daemon, traffic, step, occurrence)
    daemon.start()
    daemon.spool.wait_empty(60)
    forget_the_refused(daemon, step)
    judge(store, traffic, daemon, [crashes])
    daemon.end()
    store.peer.stop()
    store.reports.stop()
    os.rename(daemon.dir + "/spool", daemon.dir + "/spool-%s-%d" % (step, occurrence))
    open(daemon.log_file, "w").close()
    return crashed


@slow
@limit(900)
def test_crash_at_every_step(t):
    """Each step of the crash argument, at its first and at a later time; steps that never came are named."""
    need_hooks(t)
    names = steps()
    assert len(names) > 10, names
    missed = []
    for number, step in enumerate(names):
        if step.startswith("rewrite") or step in OTHER_FILE_SYSTEM:
            continue
        reached = [crash_at(t, step, 10 * number + occurrence, occurrence) for occurrence in (1, 4)]
        if not any(reached):
            missed.append(step)
    same(missed, [], "steps that no crash was seen at")


def test_a_file_goes_when_the_log_has_its_results(t):
    """A crash right behind the removal: no message is gone of which the log does not say what became of it.
    """
    need_hooks(t)
    for step, uid in (("drop-unlinked", PRODUCER_UID), ("unlinked", DAEMON_UID)):
        daemon = t.daemon(t.peer(), start=False, name=step)
        daemon.start(environment={"CAUSEWAY_TEST_CRASH": step + ":1"})
        daemon.send("u@example.org", uid=uid)
        daemon.wait_log(r"queue process \d+ was killed by signal 9")
        same(len(daemon.deliveries("u@example.org", "sent")), 1, step)
        daemon.end()


@needs_root
@limit(120)
def test_sync_that_fails(t):
    """While fsync and fdatasync fail nothing is called delivered; when they work again all mail arrives."""
    if not os.path.exists("/usr/bin/strace"):
        raise Skip("strace is not installed")
    store = Store(t)
    daemon = daemon_for(t, store).start()
    traffic = Traffic(daemon, 5)
    traffic.drop(5)
    daemon.spool.wait_empty()
    queue = daemon.pids("queue")[0]
    tracer = subprocess.Popen(["strace", "-f", "-p", str(queue), "-e", "trace=fsync,fdatasync", "-o",
                               t.path("strace"),
                               "-e", "inject=fsync,fdatasync:error=EIO"], stderr=subprocess.PIPE)
    if not re.search(rb"attached", tracer.stderr.readline()):
        raise Skip("strace cannot attach here")
    before = len(daemon.deliveries(status="sent"))
    traffic.drop(10)
    processes.wait_for(lambda: os.path.getsize(t.path("strace")) > 200, 20, "a sync that fails")
    daemon.wait_log(r"(?i)Input/output error")
    same(len(daemon.deliveries(status="sent")), before,
         "deliveries called final although nothing could be synced")
    tracer.terminate()
    tracer.wait()
    daemon.spool.wait_empty(60)
    without = [key for key in traffic.delivered if not store.finals[key]]
    same(without, [], "recipients without mail")


def test_damaged_journal_line(t):
    """It is skipped with a warning; at worst there is a second copy, and no mail is lost."""
    ready = threading.Event()
    peer = t.peer({"final": lambda session, address: USUAL if ready.is_set() or address.startswith("ok")
                   else "451 4.3.0 no"})
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "1h"})
    for number in range(10):
        daemon.send(["ok%d@example.org" % number, "late%d@example.org" % number])
    daemon.wait_deliveries(10, status="deferred")
    daemon.wait_deliveries(10, status="sent")
    daemon.stop()
    path = daemon.spool.at("queue/journal")
    with open(path, "rb") as file:
        lines = file.read().splitlines(True)
    target = next(n for n, line in enumerate(lines) if b" result " in line)
    lines[target] = lines[target][:12] + b"#" + lines[target][13:]
    with open(path, "wb") as file:
        file.write(b"".join(lines) + b"torn line without an en")
    os.chown(path, daemon.spool.uid, daemon.spool.uid)
    daemon.start()
    daemon.wait_log(r"(?i)journal.*(damaged|skipped|crc)")
    ready.set()
    daemon.retry_all()
    daemon.spool.wait_empty()
    copies = collections.Counter((m.id, a) for m in peer.messages for a in m.recipients if a.startswith("ok"))
    same(len(copies), 10)
    assert sum(copies.values()) <= 11, copies
    for number in range(10):
        daemon.wait_delivery("late%d@example.org" % number, "sent")


def test_unknown_format_ends_the_start(t):
    daemon = t.daemon(t.peer())
    daemon.stop()
    with open(daemon.spool.at("queue/format"), "r+") as file:
        text = file.read()
        file.seek(0)
        file.write(re.sub(r"\d+", lambda m: str(int(m.group()) + 1), text))
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "format" in daemon.stderr() + daemon.log()


def much_mail(daemon, messages=900, recipients=50):
    """Enough results to make the journal worth rewriting; every recipient is to be delivered to."""
    addresses = ["u%d@example.org" % number for number in range(recipients)]
    for _ in range(messages):
        daemon.send(addresses, sync=False)
    return messages * recipients


def rewriting_daemon(t, **options):
    """A daemon with a message of two recipients, one delivered and one waiting; and its peer."""
    peer = t.peer({"final": lambda session, address: "451 4.3.0 no" if address.startswith("late") else USUAL})
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "1h"}, **options)
    daemon.send(["first@example.org", "late@example.org"])
    daemon.wait_delivery("late@example.org", "deferred")
    return peer, daemon


def deliver_the_waiting(peer, daemon):
    """What waited before the rewriting is still known, and what was delivered is not tried again."""
    peer.script.clear()
    daemon.retry_all()
    daemon.wait_delivery("late@example.org", "sent")
    daemon.spool.wait_empty(60)
    same(len(daemon.deliveries("first@example.org")), 1)


@slow
@limit(180)
def test_journal_is_rewritten_and_nothing_is_forgotten(t):
    peer, daemon = rewriting_daemon(t)
    journal = daemon.spool.at("queue/journal")
    before = os.stat(journal).st_ino
    total = much_mail(daemon)
    processes.wait_for(lambda: len(daemon.spool.unfinished()) == 1, 120, "one message left")
    same(sum(len(m.recipients) for m in peer.messages), total + 2)
    processes.wait_for(lambda: os.stat(journal).st_ino != before, 10, "the journal rewritten")
    assert os.path.getsize(journal) < 100 * total, "the journal has %d bytes" % os.path.getsize(journal)
    daemon.stop()
    daemon.start()
    same(len(daemon.spool.messages()), 1)
    deliver_the_waiting(peer, daemon)


@slow
@limit(400)
def test_crash_at_every_step_of_rewriting(t):
    need_hooks(t)
    names = [step for step in steps() if step.startswith("rewrite")]
    assert len(names) >= 4, names
    for step in names:
        peer, daemon = rewriting_daemon(t, name=step)
        daemon.stop()
        daemon.start(environment={"CAUSEWAY_TEST_CRASH": step + ":1"})
        queue = daemon.wait_pids("queue", 1)[0]
        total = much_mail(daemon)
        processes.wait_for(lambda: not processes.alive(queue), 90, "a crash at " + step)
        daemon.kill()
        daemon.start()
        processes.wait_for(lambda: len(daemon.spool.unfinished()) == 1, 90, "one message left")
        assert sum(len(m.recipients) for m in peer.messages) >= total + 2
        deliver_the_waiting(peer, daemon)
        daemon.end()
