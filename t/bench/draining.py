"""How fast waiting messages leave the spool, and what they cost: the runs with Causeway and with Postfix that
t/bench/drain and t/bench/tls compare.

The messages wait in the spool before the program is started; Postfix has them in its incoming queue, put
there by its own smtpd and cleanup while no queue manager ran. The time is from the start of the program until
the last message is logged as removed. The CPU time is what all its processes have used until then, from
/proc/PID/stat: user and system time of every living process of the tree and of the children that each has
waited for. The store is not counted.
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

import load
import mail
import processes
import servers
import usage
from harness import Options, Test
from ports import reserved_port
from postfix import Postfix
from spool import ROOT

PATIENCE = 300


class Counter:
    """Counts a word in a log file that grows."""

    def __init__(self, path, word):
        self.file, self.word, self.count, self.rest = open(path, "rb"), word, 0, b""

    def look(self):
        data = self.rest + self.file.read()
        end = data.rfind(b"\n") + 1
        self.count += data.count(self.word, 0, end)
        self.rest = data[end:]
        return self.count


def wait_removed(path, count, started):
    """Wait until COUNT messages are logged as removed; the seconds since STARTED."""
    processes.wait_for(lambda: os.path.exists(path), 30, "a log file")
    counter, end = Counter(path, b": removed\n"), time.monotonic() + PATIENCE
    while counter.look() < count:
        if time.monotonic() > end:
            raise AssertionError("only %d of %d messages were removed in %d s, see %s"
                                 % (counter.count, count, PATIENCE, path))
        time.sleep(0.01)
    return time.monotonic() - started


class Result:
    """Rate and cost of one run."""

    def __init__(self, count, seconds, cpu):
        self.rate = count / seconds
        self.cost = 1e6 * cpu / count if cpu else None

    def __str__(self):
        cost = "  %6.0f us CPU a message" % self.cost if self.cost else ""
        return "%7.0f messages/s%s" % (self.rate, cost)


class Bench:
    """One set of runs, with what they have in common: COUNT messages of SIZE bytes."""

    def __init__(self, arguments):
        self.count, self.size = arguments.count, arguments.size
        self.options = Options(os.path.abspath(arguments.builddir))
        self.test, self._runs = None, 0

    def run(self, kind):
        """One run of a KIND, the name of a method, with a store and a directory of its own."""
        self.test = Test("drain", self.options)
        # in memory: the store's disk is not what is measured
        self._runs += 1
        store = self.store("/dev/shm/causeway-drain-%d-%d" % (os.getpid(), self._runs))
        try:
            return getattr(self, kind)(store.start())
        finally:
            self.test.finish()
            store.stop()
            processes.kill_below(os.getpid())
            shutil.rmtree(self.test.dir, ignore_errors=True)
            shutil.rmtree(store.dir, ignore_errors=True)

    def store(self, directory):
        """A fresh server to deliver to."""
        raise NotImplementedError

    def check(self, store):
        """Whether all has arrived in the store."""

    def drain_causeway(self, store, nexthop, uid, settings):
        """A run with Causeway; the files are of the user UID."""
        settings = {"workers": 0, "mailbox_domains": "example.org", "mailbox_transport": nexthop, **settings}
        daemon = self.test.daemon(None, settings, start=False)
        content = load.body(self.size)
        for number in range(self.count):
            message = b"Message-ID: <%d@drain.test>\n" % number + content
            daemon.drop(mail.transaction("load@client.test", load.box(number), message), uid=uid, sync=False)
        return self._measure(daemon.log_file, lambda: daemon.start(wait=False), daemon, store)

    def drain_postfix(self, store, nexthop, extra):
        """A run with Postfix; EXTRA is more of its main.cf."""
        postfix = Postfix(self.test.path("postfix"), "unix:/nowhere",
                          "relay_transport = %s\n%s" % (nexthop, extra))
        self._fill(postfix, reserved_port())
        os.unlink(postfix.at("log"))
        return self._measure(postfix.at("log"), postfix.run_master, postfix, store)

    def _measure(self, log, start, program, store):
        os.sync()
        started = time.monotonic()
        start()
        seconds = wait_removed(log, self.count, started)
        pids = [program.process.pid, *processes.descendants(program.process.pid)]
        result = Result(self.count, seconds, processes.cpu_seconds(pids))
        self.check(store)
        program.stop()
        return result

    def _fill(self, postfix, port):
        """Have Postfix take COUNT messages in while it has no queue manager."""
        complete = postfix.master_text()
        services = [line for line in complete.splitlines() if not line.startswith("qmgr ")]
        services = [line + " -o in_flow_delay=0" if line.startswith("cleanup ") else line
                    for line in services]
        services.append("127.0.0.1:%d inet n - n - 20 smtpd" % port)
        postfix.write("etc/master.cf", "\n".join(services) + "\n")
        postfix.run_master()
        processes.wait_for(lambda: servers.greets(("127.0.0.1", port)), 30, "Postfix's smtpd")
        each = self.count // 100
        for number in range(100):
            more = self.count - 99 * each if number == 0 else each
            if more:
                subprocess.run(["/usr/sbin/smtp-source", "-s", "10", "-m", str(more), "-l", str(self.size),
                                "-f", "load@client.test", "-t", load.box(number), "127.0.0.1:%d" % port],
                               check=True)
        processes.wait_for(lambda: postfix.queued() == self.count, 30, "%d messages queued" % self.count)
        postfix.stop()
        postfix.write("etc/master.cf", complete)


def parser(description):
    """For the arguments that all runs have."""
    made = usage.parser(description)
    made.add_argument("--builddir", default=".")
    made.add_argument("--count", type=int, default=10_000)
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--size", type=int, default=10_240)
    return made


def begin():
    """Before the first run."""
    if not ROOT:
        sys.exit("needs root, for Postfix and for files of several users")
    processes.adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def run_rounds(bench, kinds, rounds):
    """All results of each kind; each is printed when it is there."""
    results = {kind: [] for kind in kinds}
    for number in range(1, rounds + 1):
        for kind in kinds:
            results[kind].append(bench.run(kind))
            print("round %d  %-8s %s" % (number, kind, results[kind][-1]), flush=True)
    return results


class Median:
    """What is in the middle of some results."""

    def __init__(self, results):
        self.rate = statistics.median(r.rate for r in results)
        self.cost = statistics.median(r.cost for r in results) if results[0].cost else None

    def beside(self, other):
        return "%5.1f x Postfix's rate, 1/%.1f of its CPU" % (self.rate / other.rate, other.cost / self.cost)

    __str__ = Result.__str__
