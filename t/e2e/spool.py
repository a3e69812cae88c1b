"""A spool directory, seen from its producers, and the users who work with it."""

import os
import re
import stat
import time

import processes

# Bare user ids that need no entry in the password file: the daemon's, and two producers'.
DAEMON_UID = 61003
PRODUCER_UID = 61004
STRANGER_UID = 61005
ROOT = os.geteuid() == 0
SPOOL_MODES = {"": 0o755, "drop": 0o755, "drop/tmp": 0o3733, "drop/new": 0o3733, "drop/bad": 0o750,
               "queue": 0o700, "corrupt": 0o700}


def become(uid, groups=()):
    """What a child runs before exec to be an ordinary user."""
    def act():
        os.umask(0o022)
        if ROOT and uid is not None:
            os.setgroups(groups)
            os.setgid(uid)
            os.setuid(uid)
    return act


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


class Spool:
    """drop/, queue/ and the rest below one directory."""

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

    def claimed(self):
        """Files that are neither accepted nor refused yet."""
        return [name for name in self.names("queue") if name.endswith((".drop", ".part"))]

    def wait_refused(self, name, timeout=20):
        """Wait until NAME is refused (the reason is written first), and return the reason."""
        path = self.at("drop/bad/%s.reason" % name)
        processes.wait_for(lambda: os.path.exists(path) and os.path.getsize(path) and not self.claimed(),
                           timeout,
                           "%s refused (new/ holds %r)" % (name, self.names("drop/new")))
        return self.reason(name)

    def wait_taken(self, timeout=20):
        """Wait until all drops are accepted or refused."""
        processes.wait_for(lambda: not self.names("drop/new") and not self.claimed(), timeout,
                           "drop/new emptied")

    def unfinished(self):
        """Everything in drop/new and in the queue that is, or becomes, a message.

        The queue is listed last and in one go: files move from drop/new to there,
        and there from name to name.
        """
        new, queue = self.names("drop/new"), self.names("queue")
        return new + [name for name in queue if re.match(r"[0-9A-Za-z]{10}(?![0-9A-Za-z])", name)]

    def wait_empty(self, timeout=30):
        """Wait until drop/new and the queue hold no message."""
        processes.wait_for(lambda: not self.unfinished(), timeout,
                           lambda: "an empty queue, but %r" % self.unfinished()[:5])
