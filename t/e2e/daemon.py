"""causewayd under test, and the tools that talk to it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import config
import logs
import mail
import processes
from spool import DAEMON_UID, PRODUCER_UID, ROOT, Spool, become

SANITIZER = re.compile(r"(ERROR: \w+Sanitizer|runtime error:)")


class Daemon:
    """causewayd in the foreground, with a spool, a log file and a control socket of its own."""

    def __init__(self, test, peer, settings, uid=DAEMON_UID, name="", make_spool=True, arguments=(),
                 groups=()):
        self.test, self.uid, self.arguments, self.groups = test, uid, list(arguments), groups
        self.dir = test.path(name) if name else test.dir
        os.makedirs(self.dir, exist_ok=True)
        # the log is where the daemon's user may make it anew
        self.log_file, self.conf = self.at("run/log"), self.at("conf")
        self.spool = Spool(self.at("spool"), uid if uid is not None else os.geteuid())
        self.settings = self._defaults(peer)
        self.settings.update(settings)
        self.process, self._notify = None, None
        self.write_config()
        self._make_directories(make_spool)

    def _defaults(self, peer):
        defaults = {"myhostname": "causeway.test", "spool_directory": self.spool.path, "workers": 2,
                    "notify_classes": "",         # no mail that a test does not ask for
                    "default_transport": "smtp:[127.0.0.1]:1",   # nobody: nothing leaves this host
                    "log.to": "file:" + self.log_file, "control.socket": self.at("run/control"),
                    **self.test.options.settings}
        if peer is not None:
            nexthop = peer if isinstance(peer, str) else peer.nexthop
            defaults.update({"mailbox_domains": ["example.org"], "mailbox_transport": "lmtp:" + nexthop})
        return defaults

    def _make_directories(self, make_spool):
        os.makedirs(self.at("run"), exist_ok=True)
        open(self.log_file, "a").close()
        if make_spool:
            self.spool.make()
        if ROOT:
            for path in (self.at("run"), self.log_file):
                os.chown(path, self.spool.uid, self.spool.uid)
            os.chmod(self.log_file, 0o644)

    def at(self, name):
        return os.path.join(self.dir, name)

    def write_config(self, extra=""):
        """Write the configuration file from self.settings, with EXTRA text at its end."""
        settings = {k: v for k, v in self.settings.items() if v is not None}
        with open(self.conf, "w") as file:
            file.write(config.render(settings) + extra)

    def write(self, name, text):
        """A file of the configuration's, such as a table; its path."""
        path = self.at(name)
        with open(path, "w") as file:
            file.write(text)
        return path

    # --- life ------------------------------------------------------------------------------------

    def start(self, wait=True, environment=None, prefix=()):
        """Start it, and wait until it says READY=1."""
        self._notify = self._notify_socket()
        command = [*prefix, self.test.options.program("causewayd"), "-f", "-c", self.conf, *self.arguments]
        with open(self.at("stderr"), "ab") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, cwd="/",
                env=self._environment(environment), preexec_fn=become(self.uid, self.groups))
        if wait:
            self.wait_notify("READY=1")
        return self

    def _environment(self, extra):
        # sanitizers report on standard error: the sandbox lets nothing open a file of its own
        return {**os.environ, "NOTIFY_SOCKET": self.at("notify"), "LC_ALL": "C",
                "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1", **(extra or {})}

    def _notify_socket(self):
        path = self.at("notify")
        if self._notify:
            self._notify.close()
        if os.path.exists(path):
            os.unlink(path)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(path)
        os.chmod(path, 0o666)
        return notify

    def wait_notify(self, word, timeout=10):
        """Wait for a state sent by sd_notify; returns all that came up to it."""
        came, end = [], time.monotonic() + timeout * processes.PATIENCE
        self._notify.settimeout(0.1)
        while time.monotonic() < end:
            try:
                came += self._notify.recv(4096).decode().splitlines()
            except TimeoutError:
                if self.process.poll() is not None:
                    raise AssertionError("causewayd ended with %s:\n%s"
                                         % (self.process.returncode, self.stderr()))
            if word in came:
                return came
        raise AssertionError("no %s from causewayd within %g s, but %r:\n%s"
                             % (word, timeout, came, self.stderr()))

    def stop(self, timeout=15):
        """SIGTERM, and the exit status; all its processes must be gone."""
        below = processes.descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        status = self.exit_status(timeout)
        processes.wait_for(lambda: not any(map(processes.alive, below)), 5, "children gone after SIGTERM")
        return status

    def exit_status(self, timeout=20):
        """Wait until the supervisor has ended."""
        return self.process.wait(timeout * processes.PATIENCE)

    def kill(self, pid=None):
        """SIGKILL one process (default: the supervisor), and wait until it is gone.

        Without its supervisor nothing of the daemon may live on: that is waited for as well.
        """
        supervisor = self.process.pid
        below = processes.descendants(supervisor) if pid in (None, supervisor) else []
        processes.kill(pid or supervisor)
        if pid in (None, supervisor):
            self.process.wait()
        processes.wait_for(lambda: not processes.alive(pid or supervisor), 10, "the killed process gone")
        processes.wait_for(lambda: not any(map(processes.alive, below)), 10, "its children gone")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def reconfigure(self, settings=None):
        """Put self.settings, with these changes, into force."""
        self.settings.update(settings or {})
        self.write_config()
        self.reload()
        self.wait_notify("READY=1")

    def end(self):
        """The last act of a test: nothing is left."""
        if self.process and self.process.poll() is None:
            processes.kill_below(self.process.pid)
            self.process.kill()
            self.process.wait()
        if self._notify:
            self._notify.close()

    def pids(self, role):
        """The processes of a role: "queue" or "courier"."""
        return [pid for pid in processes.descendants(self.process.pid)
                if processes.command_line(pid)[:2] == [b"causewayd", role.encode()]]

    def wait_pids(self, role, count, timeout=10):
        return processes.wait_for(lambda: len(self.pids(role)) >= count and self.pids(role), timeout,
                                  "%d %s processes" % (count, role))

    # --- what it says ----------------------------------------------------------------------------

    def log(self):
        return self._read(self.log_file, "surrogateescape")

    def stderr(self):
        return self._read(self.at("stderr"), "replace")

    @staticmethod
    def _read(path, errors):
        try:
            with open(path, errors=errors) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, count=1, timeout=20):
        """Wait for COUNT lines that match; returns the match of the last of them."""
        regex = re.compile(pattern, re.M)

        def found():
            matches = list(regex.finditer(self.log()))
            return matches if len(matches) >= count else None
        what = "%d log line(s) like %s" % (count, pattern)
        return processes.wait_for(found, timeout, what)[count - 1]

    def deliveries(self, to=None, status=None):
        """The delivery lines so far, of one recipient or status if given."""
        return [d for d in logs.deliveries(self.log())
                if (to is None or d["to"] == to) and (status is None or d["status"] == status)]

    def wait_deliveries(self, count, to=None, status=None, timeout=20):
        """Wait until there are COUNT such delivery lines, and return them."""
        def seen():
            return self.deliveries(to, status)

        def missed():
            return "%d delivery lines for to=%s status=%s, of which there are %d" % (count, to, status,
                                                                                     len(seen()))
        return processes.wait_for(lambda: len(seen()) >= count and seen(), timeout, missed)

    def wait_delivery(self, to, status=None, timeout=20):
        """The first delivery line of a recipient."""
        return self.wait_deliveries(1, to, status, timeout)[0]

    def check_sanitizer(self):
        assert not SANITIZER.search(self.stderr()), "sanitizer report:\n" + self.stderr()[:4000]

    # --- handing mail over, and the operator's tools ---------------------------------------------

    def drop(self, data, **options):
        return self.spool.drop(data, **options)

    def send(self, recipients, content=None, sender="a@client.test", params="", eol=b"\r\n", **options):
        """Drop one message for RECIPIENTS; returns its content as a store will see it, trace lines apart."""
        content = mail.message() if content is None else content
        self.drop(mail.transaction(sender, recipients, content, eol, params), **options)
        return mail.wire_form(content.replace(b"\r\n", b"\n"), b"\n")

    def inject(self, arguments, data, uid=PRODUCER_UID, program="causeway-inject", environment=None):
        """Run causeway-inject with DATA as standard input."""
        command = [self.test.options.program("causeway-inject"), *arguments]
        return subprocess.run(
            [program, *command[1:]], executable=command[0], input=data, capture_output=True, timeout=100,
            env={**os.environ, "CAUSEWAY_SPOOL": self.spool.path, **(environment or {})},
            preexec_fn=become(uid))

    def _run_ctl(self, arguments):
        """causewayctl's end, or None if a daemon that has just begun asks to be asked again."""
        command = [self.test.options.program("causewayctl"), "-c", self.conf, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, errors="surrogateescape",
                              preexec_fn=become(self.uid))
        return None if "the queue is still being read" in done.stderr else done

    def ctl(self, *arguments, check=True):
        """Run causewayctl; its output as text, or as data if --json is among the arguments."""
        done = processes.wait_for(lambda: self._run_ctl(arguments), 20, "the queue read")
        if not check:
            return done
        assert done.returncode == 0, "%r exits %d: %s%s" % (arguments, done.returncode, done.stdout,
                                                            done.stderr)
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def http(self, method, path, body=None, headers=None):
        """A raw request on the control socket; returns (status, headers, text)."""
        connection = UnixHTTP(self.settings["control.socket"])
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode(
                errors="surrogateescape")
        finally:
            connection.close()

    def queue(self):
        """The queue as causewayctl lists it."""
        return self.ctl("queue", "--json")

    def retry_all(self):
        """causewayctl retry ALL, once the daemon has read all that was in the queue when it was started."""
        processes.wait_for(lambda: len(self.queue()) == len(self.spool.messages()), 20, "the queue read")
        self.ctl("retry", "ALL")


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=100)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
