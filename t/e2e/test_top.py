"""causewayctl top and mailq."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import mail
import processes
from actions import only
from harness import same
from spool import become

WAITING = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"}


class Terminal:
    """A program on a terminal of its own: what it writes, keys for it, and the terminal's state."""

    def __init__(self, t, daemon, arguments, rows=24, columns=80, command=None, environment=None):
        self.main, self.other = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.other)
        command = command or [t.options.program("causewayctl"), "-c", daemon.conf, *arguments]

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            become(daemon.uid)()
        self.process = subprocess.Popen(command, stdin=self.other, stdout=self.other, stderr=self.other,
                                        preexec_fn=own_terminal, env={**os.environ, **(environment or {})})
        self.text = ""
        t.on_end(self.close)

    def resize(self, rows, columns):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self, pattern, timeout=20):
        """Read on until PATTERN is found in what was not looked at yet; returns all up to its end."""
        end = time.monotonic() + timeout * processes.PATIENCE
        while not (match := re.search(pattern, self.text)):
            assert time.monotonic() < end, "no %r in %r" % (pattern, self.text[-2000:])
            if select.select([self.main], [], [], 0.1)[0]:
                self.text += os.read(self.main, 65536).decode()
        before, self.text = self.text[:match.end()], self.text[match.end():]
        return before

    def keys(self, text):
        os.write(self.main, text)

    def end(self):
        """Its exit status; the terminal must be as it was."""
        self.wait(re.escape("\x1b[?25h\x1b[?1049l"))
        status = self.exit_status()
        same(termios.tcgetattr(self.other), self.before, "the terminal's modes")
        return status

    def exit_status(self):
        return self.process.wait(10 * processes.PATIENCE)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.main)
        os.close(self.other)


def lines(screen):
    """The lines of the last screen."""
    return [line.rstrip() for line in screen.rsplit("\x1b[H", 1)[-1].replace("\x1b[K", "").splitlines()]


def test_top_on_a_terminal(t):
    peer = t.peer({"rcpt": only("wait", "450 4.2.0 later")})
    daemon = t.daemon(peer, WAITING)
    top = Terminal(t, daemon, ["top", "--interval", "100ms"])
    top.wait(r"\x1b\[\?1049h")
    top.wait(r"mail flows(?s:.)*\x1b\[J")
    daemon.send(["u@example.org", "wait@example.org"])
    screen = lines(top.wait(r"queue     1: 0 incoming, 0 active, 1 deferred, 0 held(?s:.)*?\x1b\[J"))
    assert re.match(r"causeway \S+, up \d+s: mail flows", screen[0]), screen
    same(screen[5].split(), "WAITING SENT/S DEFER/S BOUNC/S BUSY IDLE WINDOW STATE DESTINATION".split())
    assert re.search(r"alive +lmtp:unix:/", screen[6]), screen
    top.keys(b"q")
    same(top.end(), 0)


def test_top_shows_rates(t):
    daemon = t.daemon(t.peer())
    daemon.send("first@example.org")
    daemon.wait_deliveries(1)
    top = Terminal(t, daemon, ["top", "--interval", "1h"])
    top.wait(r"a second  - sent, - deferred(?s:.)*\x1b\[J")
    daemon.send(["u%d@example.org" % n for n in range(50)])
    daemon.wait_deliveries(51)
    processes.wait_for(lambda: daemon.ctl("status", "--json")["deliveries"]["sent"] == 51, 10, "all counted")
    top.keys(b" ")
    screen = top.wait(r"a second  [1-9][\d.]* sent, 0 deferred(?s:.)*\x1b\[J")
    assert re.search(r"\n +0 +[1-9][\d.]* +0 +0 ", screen), screen
    top.keys(b"q")
    same(top.end(), 0)


def test_top_fits_into_the_window(t):
    daemon = t.daemon(t.peer())
    top = Terminal(t, daemon, ["top", "--interval", "1h"], rows=4, columns=20)
    screen = lines(top.wait(r"\x1b\[J"))
    same(len(screen), 4, screen)
    assert max(map(len, screen)) <= 20 and screen[0].startswith("causeway "), screen
    top.resize(40, 200)
    screen = lines(top.wait(r"DESTINATION(?s:.)*\x1b\[J"))
    assert max(map(len, screen)) > 60, screen
    top.keys(b"q")
    same(top.end(), 0)


def test_top_leaves_the_terminal_as_it_was(t):
    daemon = t.daemon(t.peer())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        top = Terminal(t, daemon, ["top"])
        top.wait(r"mail flows")
        top.process.send_signal(number)
        same(top.end(), 0, number)
    top = Terminal(t, daemon, ["top"])
    top.wait(r"mail flows(?s:.)*\x1b\[J")
    top.keys(b"\x03")
    same(top.end(), 0, "Control-C")


def test_top_is_stopped_and_goes_on(t):
    daemon = t.daemon(t.peer())
    top = Terminal(t, daemon, ["top", "--interval", "100ms"])
    top.wait(r"mail flows(?s:.)*\x1b\[J")
    top.process.send_signal(signal.SIGTSTP)
    top.wait(re.escape("\x1b[?25h\x1b[?1049l"))
    processes.wait_for(lambda: processes.stat(top.process.pid)[0] == "T", 10, "it stands still")
    same(termios.tcgetattr(top.other), top.before)
    top.process.send_signal(signal.SIGCONT)
    top.wait(r"\x1b\[\?1049h(?s:.)*mail flows")
    top.keys(b"q")
    same(top.end(), 0)


def test_top_waits_for_a_daemon_that_went_away(t):
    daemon = t.daemon(t.peer())
    top = Terminal(t, daemon, ["top", "--interval", "100ms"])
    top.wait(r"mail flows")
    daemon.stop()
    top.wait(r"no daemon answers there")
    daemon.start()
    top.wait(r"mail flows")
    top.keys(b"q")
    same(top.end(), 0)


def test_top_shows_nothing_that_moves_the_cursor(t):
    daemon = t.daemon(t.peer({"greeting": b"554 5.3.0 \x1b[2J\xc2\x9b31m away\r\n"}), WAITING)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org")
    text = "".join(views(daemon, "top", "--interval", "100ms"))
    assert "lmtp:unix:" in text and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\udc80-\udcff]",
                                                  text), repr(text)


def views(daemon, *arguments, count=12):
    """The first COUNT lines without a terminal; that nobody reads on ends the program."""
    command = [daemon.test.options.program("causewayctl"), "-c", daemon.conf, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               errors="surrogateescape", preexec_fn=become(daemon.uid))
    found = [process.stdout.readline() for _ in range(count)]
    process.stdout.close()
    process.wait(20 * processes.PATIENCE)
    return found


def test_top_without_a_terminal(t):
    """A view, or an object a line, each interval, until nobody reads."""
    daemon = t.daemon(t.peer())
    text = "".join(views(daemon, "top", "--interval", "100ms", count=20))
    assert text.count("mail flows") > 1 and "\x1b" not in text, text
    for line in views(daemon, "top", "--interval", "100ms", "--json", count=3):
        same(sorted(json.loads(line)), ["destinations", "status"])


def test_top_without_a_daemon(t):
    daemon = t.daemon(t.peer(), start=False)
    done = daemon.ctl("top", check=False)
    same((done.returncode, done.stdout), (69, ""))
    assert "no daemon answers" in done.stderr, done.stderr
    same(daemon.ctl("top", "--interval", "1ms", check=False).returncode, 64)
    same(daemon.ctl("status", "--interval", "1s", check=False).returncode, 64)


def mailq(t, daemon, *arguments):
    """As a script finds it: a symbolic link by that name. It knows the socket from the configuration only."""
    link = t.path("mailq")
    if not os.path.lexists(link):
        os.symlink(t.options.program("causewayctl"), link)
    return subprocess.run([link, *arguments], capture_output=True, text=True, timeout=100)


def test_mailq(t):
    """What scripts for Postfix look at: the heading, an id that begins a line, sizes, reasons, the sum."""
    peer = t.peer({"rcpt": only("wait", "450 4.2.0 come back later")})
    daemon = t.daemon(peer, WAITING)
    same(daemon.ctl("mailq"), "Mail queue is empty\n")
    daemon.send(["ok@example.org", "wait1@example.org", "wait2@example.org"], mail.message("x" * 3000))
    daemon.send("wait3@example.org", sender="")
    idents = {d["to"]: d["id"] for d in daemon.wait_deliveries(3, status="deferred")}
    daemon.wait_delivery("ok@example.org", "sent")
    daemon.ctl("hold", idents["wait3@example.org"])
    text = daemon.ctl("mailq")
    rows = text.splitlines()
    same(rows[0], "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------")
    first = idents["wait1@example.org"]
    assert re.search(r"(?m)^%s +3\d\d\d \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d  a@client\.test$" % first,
                     text), text
    assert re.search(r"(?m)^%s! +\d+ .*  MAILER-DAEMON$" % idents["wait3@example.org"], text), text
    same(sorted(row for row in rows if row.startswith(" " * 41) and "wait" in row and "(" not in row),
         [" " * 41 + "wait%d@example.org" % n for n in (1, 2, 3)])
    assert re.search(r"(?m)^ *\(.*come back later.*\)$", text) and "ok@example.org" not in text, text
    assert re.fullmatch(r"-- \d+ Kbytes in 2 Requests\.", rows[-1]), rows[-1]


def test_mailq_by_its_name(t):
    daemon = t.daemon(t.peer(), start=False)
    done = mailq(t, daemon)
    same(done.returncode, 69, "no daemon at the compiled-in socket")
    assert done.stderr.startswith("causewayctl: "), done.stderr
    same(mailq(t, daemon, "-v").returncode, 69, "options of other mail systems are no error")
