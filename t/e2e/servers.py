"""Real servers in the foreground, each in a directory of its own; here what they share, and smtp-sink."""

import glob
import os
import pwd
import signal
import socket
import subprocess

import processes
from harness import Skip
from spool import ROOT


def need(*paths_and_packages):
    """Skip the test if one of these programs is not installed; arguments are (path, package) pairs.

    Below contrib/check, which installs them, it fails: a package is not in its list.
    """
    missing = sorted({package for path, package in paths_and_packages if not os.path.exists(path)})
    assert not missing or "CAUSEWAY_PACKAGES" not in os.environ, "contrib/check does not install %s" % missing
    if missing:
        raise Skip("Debian package(s) missing: " + " ".join(missing))


def connect(address):
    """A connection to a path or a (host, port)."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.settimeout(100)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def greets(address):
    """Whether a server says 220 there."""
    try:
        with connect(address) as sock:
            return sock.recv(512).startswith(b"220")
    except OSError:
        return False


def accepts(address):
    try:
        connect(address).close()
        return True
    except OSError:
        return False


class Server:
    """One server program in the foreground."""

    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
        self.process = None

    def at(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "w") as file:
            file.write(text)
        os.chmod(self.at(name), mode)
        return self.at(name)

    def run(self, command, ready, what, **options):
        """Start COMMAND, and wait until READY()."""
        with open(self.at("output"), "ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            cwd=self.dir, start_new_session=True, **options)

        def check():
            if self.process.poll() is not None:
                raise AssertionError("%s ended with %d" % (what, self.process.returncode))
            return ready()
        try:
            processes.wait_for(check, 30, what + " ready")
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.output())) from None

    def output(self):
        texts = []
        for path in glob.glob(self.at("output")) + glob.glob(self.at("log*")):
            if os.path.isfile(path):
                with open(path, errors="replace") as file:
                    texts.append("%s:\n%s" % (path, file.read()[-3000:]))
        return "\n".join(texts)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        below = processes.descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in below:
            processes.kill(pid)

    def kill(self):
        """SIGKILL it and all its processes at once."""
        self.process.send_signal(signal.SIGSTOP)    # it starts no more
        processes.kill_below(self.process.pid)
        self.process.kill()
        self.process.wait()


class Sink(Server):
    """Postfix's smtp-sink, which takes everything and throws it away: an LMTP server on a UNIX socket, or an
    SMTP server on a port."""

    def __init__(self, directory, arguments=(), port=None):
        need(("/usr/sbin/smtp-sink", "postfix"))
        super().__init__(directory)
        self.socket, self.port, self.arguments = self.at("sink"), port, list(arguments)
        if ROOT:
            os.chown(self.dir, pwd.getpwnam("nobody").pw_uid, -1)
            self.arguments += ["-u", "nobody"]

    def start(self):
        if self.port:
            self.run(["/usr/sbin/smtp-sink", *self.arguments, "127.0.0.1:%d" % self.port, "1024"],
                     lambda: accepts(("127.0.0.1", self.port)), "smtp-sink")
            return self
        self.run(["/usr/sbin/smtp-sink", *self.arguments, "-L", "unix:" + self.socket, "1024"],
                 lambda: accepts(self.socket), "smtp-sink")
        os.chmod(self.socket, 0o666)
        return self


def read(path):
    with open(path, "rb") as file:
        return file.read()
