"""What a test is given: its directory, daemons and peers, and the marks it can carry."""

import os
import tempfile
import threading
import traceback

from daemon import Daemon
from peer import Peer
from spool import ROOT


class Skip(Exception):
    """The environment cannot run this test; the text says why."""


class Options:
    """How the run was asked for, where the programs are, and what every daemon of it is given as SETTINGS."""

    def __init__(self, builddir, sanitize=False, quick=False, settings=None):
        self.builddir, self.sanitize, self.quick, self.settings = builddir, sanitize, quick, settings or {}

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
    """Give a test its own time limit, of a quiet machine."""
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
        self.dir = tempfile.mkdtemp(prefix="cw-")
        os.chmod(self.dir, 0o755)
        self.daemons, self.peers, self._closers = [], [], []
        self._thread_errors, self._over = [], False

    def watch_threads(self):
        """An exception in a thread, such as a peer's, is the test's own, unless the test is over."""
        def note(error):
            if not self._over:
                self._thread_errors.append("".join(traceback.format_exception(error.exc_type, error.exc_value,
                                                                              error.exc_traceback)))
        threading.excepthook = note

    def check_threads(self):
        """Fail if there was one."""
        assert not self._thread_errors, "in a thread of the test:\n" + self._thread_errors[0]

    def path(self, name):
        return os.path.join(self.dir, name)

    def on_end(self, action):
        """Run ACTION when the test is over, last first."""
        self._closers.append(action)

    def peer(self, script=None, address=None, **options):
        """A scripted server, for LMTP if nothing is said, on a UNIX socket unless ADDRESS is a (host, port).
        """
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

    def smtp_destinations(self, scripts, settings=None, **peer_options):
        """The same with peers that speak SMTP, over TCP."""
        return self.destinations(scripts, settings, address=("127.0.0.1", 0), smtp=True, **peer_options)

    def destinations(self, scripts, settings=None, **peer_options):
        """One daemon and a peer for each of SCRIPTS: mail for NAME.test goes to the peer of that name.

        Reports to client.test go to one more peer, "client". Returns the daemon and the peers by name.
        """
        peers = {name: self.peer(script, **peer_options) for name, script in scripts.items()}
        peers.setdefault("client", self.peer())
        routes = ", ".join("%s.test=%s:%s" % (name, "smtp" if peer.smtp else "lmtp", peer.nexthop)
                           for name, peer in peers.items())
        daemon = self.daemon(None, {"transport_maps": "inline:{%s}" % routes, **(settings or {})})
        return daemon, peers

    def finish(self):
        self._over = True
        for action in reversed(self._closers):
            action()
        for daemon in self.daemons:
            daemon.end()
        for peer in self.peers:
            peer.stop()
        if self.options.sanitize:
            for daemon in self.daemons:
                daemon.check_sanitizer()
