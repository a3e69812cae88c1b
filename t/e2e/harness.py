"""What a test works with: its directory, daemons, peers, and ways to wait for what they do."""

import grp
import http.client
import json
import os
import pwd
import re
import signal
import socket
import stat as stat_
import subprocess
import tempfile
import time

import config
import logs
import mail
import processes
from peer import Peer

# Bare user ids that need no entry in the password file: the daemon's, and two producers'.
DAEMON_UID = 61003
PRODUCER_UID = 61004
STRANGER_UID = 61005
ROOT = os.geteuid() == 0
SPOOL_MODES = {"": 0o755, "drop": 0o755, "drop/tmp": 0o3733, "drop/new": 0o3733, "drop/bad": 0o750,
               "queue": 0o700, "corrupt": 0o700}
SANITIZER = re.compile(r"(ERROR: \w+Sanitizer|runtime error:)")


class Skip(Exception):
    """The environment cannot run this test; the text says why."""


class Options:
    """How the run was asked for: where the programs are, and how patient to be."""

    def __init__(self, builddir, sanitize=False, quick=False):
        self.builddir, self.sanitize, self.quick = builddir, sanitize, quick
        self.patience = 4 if sanitize else 1

    def program(self, name):
        path = os.path.join(self.builddir, name)
        if not os.access(path, os.X_OK):
            raise AssertionError("%s is not built in %s" % (name, self.builddir))
        return path


def slow(test):
    """Mark a test that --quick leaves out."""
    test.slow = True
    return test


def limit(seconds):
    """Give a test its own time limit."""
    def mark(test):
        test.limit = seconds
        return test
    return mark


def needs_root(test):
    """Mark a test that works with several users."""
    def run(t):
        if not ROOT:
            raise Skip("needs root, to act as several users")
        test(t)
    run.__dict__.update(test.__dict__)
    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run


def same(got, expected, what="value"):
    """Fail with a short view of the first difference."""
    if got == expected:
        return
    if isinstance(got, bytes) and isinstance(expected, bytes):
        at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
        got, expected = got[max(0, at - 40):at + 80], expected[max(0, at - 40):at + 80]
        what += " (lengths and first difference at byte %d)" % at
    raise AssertionError("%s:\n  got      %r\n  expected %r" % (what, got, expected))


class Test:
    """The context of one running test; everything made through it ends with it."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.dir = tempfile.mkdtemp(prefix="cw-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.daemons, self.peers, self._closers = [], [], []

    def path(self, name):
        return os.path.join(self.dir, name)

    def on_end(self, action):
        """Run ACTION when the test is over, last first."""
        self._closers.append(action)

    def peer(self, script=None, address=None, **options):
        """A scripted LMTP server, on a UNIX socket unless ADDRESS is a (host, port)."""
        peer = Peer(address or self.path("lmtp%d" % len(self.peers)), script, **options)
        self.peers.append(peer)
        return peer

    def daemon(self, peer=None, settings=None, start=True, **options):
        """A daemon that delivers example.org to PEER, or to nobody."""
        daemon = Daemon(self, peer, settings or {}, **options)
        self.daemons.append(daemon)
        if start:
            daemon.start()
        return daemon

    def destinations(self, scripts, settings=None, **peer_options):
        """One daemon and a peer for each of SCRIPTS: mail for NAME.test goes to the peer of that name.

        Reports to client.test go to one more peer, "client". Returns the daemon and the peers by name.
        """
        peers = {name: self.peer(script, **peer_options) for name, script in scripts.items()}
        peers.setdefault("client", self.peer())
        routes = ", ".join("%s.test=lmtp:%s" % (name, peer.nexthop) for name, peer in peers.items())
        daemon = self.daemon(None, {"transport_maps": "inline:{%s}" % routes, **(settings or {})})
        return daemon, peers

    def finish(self):
        for action in reversed(self._closers):
            action()
        for peer in self.peers:
            peer.stop()
        for daemon in self.daemons:
            daemon.end()
        if self.options.sanitize:
            for daemon in self.daemons:
                daemon.check_sanitizer()


def become(uid, groups=()):
    """What a child runs before exec to be an ordinary user."""
    def act():
        os.umask(0o022)
        if ROOT and uid is not None:
            os.setgroups(groups)
            os.setgid(uid)
            os.setuid(uid)
    return act


class Spool:
    """A spool directory, seen from its producers."""

    def __init__(self, path, uid):
        self.path, self.uid = path, uid
        self.dropped = None         # when the last drop got its final name
        self._count = 0

    def make(self):
        for name, mode in SPOOL_MODES.items():
            directory = self.at(name)
            os.makedirs(directory, exist_ok=True)
            if ROOT:
                os.chown(directory, self.uid, self.uid)
            os.chmod(directory, mode)

    def at(self, name):
        return os.path.join(self.path, name) if name else self.path

    def drop(self, data, name=None, uid=PRODUCER_UID, mode=0o640, sync=True):
        """Hand a file over as a careful producer does: write, fsync, rename, fsync. Returns its name.

        As root the file belongs to UID; the set-group-id directory gives it the daemon's group.
        """
        self._count += 1
        name = name or "m%d.%d" % (os.getpid(), self._count)
        source = self.at("drop/tmp/" + name)
        fd = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if ROOT:
                os.fchown(fd, uid, self.uid)
            os.fchmod(fd, mode)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view):]
            if sync:
                os.fsync(fd)
            self.dropped = time.monotonic()
            os.rename(source, self.at("drop/new/" + name))
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        return name

    def names(self, directory):
        return sorted(os.listdir(self.at(directory)))

    def messages(self):
        """The ids of the messages in the queue."""
        return [n for n in self.names("queue") if re.fullmatch(r"[0-9A-Za-z]{10}(-[0-9]+)?", n)]

    def reason(self, name):
        """The reason given for a refused file."""
        with open(self.at("drop/bad/%s.reason" % name)) as file:
            return file.read()

    def wait_refused(self, name, timeout=20):
        """Wait until NAME is refused, and return the reason."""
        path = self.at("drop/bad/%s.reason" % name)
        processes.wait_for(lambda: os.path.exists(path) and os.path.getsize(path), timeout,
                           "%s refused (new/ holds %r)" % (name, self.names("drop/new")))
        return self.reason(name)

    def wait_taken(self, timeout=20):
        """Wait until nothing is left in drop/new."""
        processes.wait_for(lambda: not os.listdir(self.at("drop/new")), timeout, "drop/new emptied")

    def wait_empty(self, timeout=30):
        """Wait until drop/new and the queue hold no message."""
        self.wait_taken(timeout)
        processes.wait_for(lambda: not self.messages(), timeout, "an empty queue")


class Daemon:
    """causewayd in the foreground, with a spool, a log file and a control socket of its own."""

    def __init__(self, test, peer, settings, uid=DAEMON_UID, name="", make_spool=True, arguments=(), groups=()):
        self.test, self.uid, self.arguments, self.groups = test, uid, list(arguments), groups
        self.dir = test.path(name) if name else test.dir
        os.makedirs(self.dir, exist_ok=True)
        self.log_file, self.conf = self.at("log"), self.at("conf")
        self.spool = Spool(self.at("spool"), uid if uid is not None else os.geteuid())
        self.settings = self._defaults(peer)
        self.settings.update(settings)
        self.process, self._notify = None, None
        self.write_config()
        self._make_directories(make_spool)

    def _defaults(self, peer):
        defaults = {"myhostname": "causeway.test", "spool_directory": self.spool.path, "workers": 2,
                    "log.to": "file:" + self.log_file, "control.socket": self.at("run/control")}
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
        report = self.at("sanitizer")
        return {**os.environ, "NOTIFY_SOCKET": self.at("notify"), "LC_ALL": "C",
                "ASAN_OPTIONS": "log_path=%s:detect_leaks=0:abort_on_error=0" % report,
                "UBSAN_OPTIONS": "log_path=%s:print_stacktrace=1" % report, **(extra or {})}

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
        came, end = [], time.monotonic() + timeout * self.test.options.patience
        self._notify.settimeout(0.1)
        while time.monotonic() < end:
            try:
                came += self._notify.recv(4096).decode().splitlines()
            except TimeoutError:
                if self.process.poll() is not None:
                    raise AssertionError("causewayd ended with %s:\n%s" % (self.process.returncode, self.stderr()))
            if word in came:
                return came
        raise AssertionError("no %s from causewayd within %g s, but %r:\n%s" % (word, timeout, came, self.stderr()))

    def stop(self, timeout=15):
        """SIGTERM, and the exit status; all its processes must be gone."""
        below = processes.descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout * self.test.options.patience)
        processes.wait_for(lambda: not any(map(processes.alive, below)), 5, "children gone after SIGTERM")
        return status

    def kill(self, pid=None):
        """SIGKILL one process (default: the supervisor), and wait until it is gone.

        Without its supervisor nothing of the daemon may live on: that is waited for as well.
        """
        supervisor = self.process.pid
        below = processes.descendants(supervisor) if pid in (None, supervisor) else []
        try:
            os.kill(pid or supervisor, signal.SIGKILL)
        except ProcessLookupError:
            return
        if pid in (None, supervisor):
            self.process.wait()
        processes.wait_for(lambda: not processes.alive(pid or supervisor), 10, "the killed process gone")
        processes.wait_for(lambda: not any(map(processes.alive, below)), 10, "its children gone")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

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
                if role.encode() in b" ".join(processes.command_line(pid)[:3])]

    def wait_pids(self, role, count, timeout=10):
        return processes.wait_for(lambda: len(self.pids(role)) >= count and self.pids(role), timeout,
                                  "%d %s processes" % (count, role))

    # --- what it says ----------------------------------------------------------------------------

    def log(self):
        with open(self.log_file, errors="surrogateescape") as file:
            return file.read()

    def stderr(self):
        try:
            with open(self.at("stderr"), errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def wait_log(self, pattern, count=1, timeout=20):
        """Wait for COUNT lines that match; returns the match of the last of them."""
        regex = re.compile(pattern, re.M)

        def found():
            matches = list(regex.finditer(self.log()))
            return matches if len(matches) >= count else None
        what = "%d log line(s) like %s" % (count, pattern)
        return processes.wait_for(found, timeout * self.test.options.patience, what)[count - 1]

    def deliveries(self, to=None, status=None):
        """The delivery lines so far, of one recipient or status if given."""
        return [d for d in logs.deliveries(self.log())
                if (to is None or d["to"] == to) and (status is None or d["status"] == status)]

    def wait_deliveries(self, count, to=None, status=None, timeout=20):
        """Wait until there are COUNT such delivery lines, and return them."""
        return processes.wait_for(
            lambda: len(self.deliveries(to, status)) >= count and self.deliveries(to, status),
            timeout * self.test.options.patience, "%d delivery lines for to=%s status=%s" % (count, to, status))

    def wait_delivery(self, to, status=None, timeout=20):
        """The first delivery line of a recipient."""
        return self.wait_deliveries(1, to, status, timeout)[0]

    def check_sanitizer(self):
        for name in os.listdir(self.dir):
            if name.startswith("sanitizer"):
                with open(self.at(name), errors="replace") as file:
                    raise AssertionError("sanitizer report:\n" + file.read()[:4000])
        found = SANITIZER.search(self.stderr())
        assert not found, "sanitizer report:\n" + self.stderr()[:4000]

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
            [program, *command[1:]], executable=command[0], input=data, capture_output=True, timeout=60,
            env={**os.environ, "CAUSEWAY_SPOOL": self.spool.path, **(environment or {})}, preexec_fn=become(uid))

    def ctl(self, *arguments, check=True):
        """Run causewayctl; its output as text, or as data if --json is among the arguments."""
        command = [self.test.options.program("causewayctl"), "-c", self.conf, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, errors="surrogateescape",
                              preexec_fn=become(self.uid))
        if not check:
            return done
        assert done.returncode == 0, "%r exits %d: %s%s" % (arguments, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def http(self, method, path, body=None, headers=None):
        """A raw request on the control socket; returns (status, headers, text)."""
        connection = UnixHTTP(self.settings["control.socket"])
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode(errors="surrogateescape")
        finally:
            connection.close()

    def queue(self):
        """The queue as causewayctl lists it."""
        return self.ctl("queue", "--json")


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def mode_of(path):
    return stat_.S_IMODE(os.lstat(path).st_mode)


def user_name(uid):
    """The name of a user, or None for a bare id."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def group_name(gid):
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None
