"""Pickup directories: who writes there and how, when a file counts as finished, and where refused ones go."""

import os
import subprocess
import tempfile
import time

import processes
from harness import Skip, limit, needs_root, same
from mail import message, transaction, wire_form
from spool import DAEMON_UID, PRODUCER_UID, ROOT

EML = (b"X-Sender: \"A\" <a@client.test>\r\nX-Receiver: B <u@example.org>\r\nX-Receiver: v@example.org\r\n"
       b"From: <a@client.test>\r\nSubject: pickup\r\n\r\nhello\r\n.\r\n..\r\nend")


class Pickup:
    """A daemon with a pickup directory, as its producers see it."""

    def __init__(self, t, peer=None, path=None, start=True, **options):
        self.t, self.peer = t, peer or t.peer()
        self.path = path or self.directory(t.path("pickup"))
        settings = {"pickup %s.%s" % (self.path, name): value for name, value in options.items()}
        settings.setdefault("pickup %s.format" % self.path, "auto")
        self.daemon = t.daemon(self.peer, settings, start=start)

    @staticmethod
    def directory(path, uid=DAEMON_UID, mode=0o3733):
        os.makedirs(path, exist_ok=True)
        if ROOT:
            os.chown(path, uid, DAEMON_UID)
        os.chmod(path, mode)
        return path

    def at(self, name):
        return os.path.join(self.path, name)

    def _own(self, fd):
        if ROOT:
            os.fchown(fd, PRODUCER_UID, DAEMON_UID)
        os.fchmod(fd, 0o640)

    def create(self, name):
        """A file that is open for writing, in place."""
        fd = os.open(self.at(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._own(fd)
        return os.fdopen(fd, "wb", buffering=0)

    def write(self, name, data):
        with self.create(name) as file:
            file.write(data)

    def names(self):
        return sorted(os.listdir(self.path))

    def wait_gone(self, name, timeout=20):
        processes.wait_for(lambda: not os.path.exists(self.at(name)), timeout, name + " taken")


def test_eml(t):
    pickup = Pickup(t)
    pickup.write("1.eml", EML)
    got = pickup.peer.wait_messages(1)[0]
    same((got.sender, got.recipients), ("a@client.test", ["u@example.org", "v@example.org"]))
    content = EML.split(b"v@example.org\r\n", 1)[1] + b"\r\n"
    assert got.content.endswith(content), got.content
    assert b"X-Receiver" not in got.content and b"X-Sender" not in got.content, got.content
    pickup.daemon.spool.wait_empty()
    same(pickup.names(), [])


def test_bsmtp_and_eml_in_one_directory(t):
    pickup = Pickup(t)
    content = message()
    pickup.write("batch", transaction("a@client.test", "u@example.org", content, b"\n") * 2)
    pickup.write("1.EML", EML)
    same(len(pickup.peer.wait_messages(3)), 3)
    assert any(m.content.endswith(wire_form(content, b"\n")) for m in pickup.peer.messages)


def test_written_in_place(t):
    """As .NET does it: the file is left alone as long as it is open, however long that takes."""
    pickup = Pickup(t)
    with pickup.create("guid.eml") as file:
        for at in range(0, len(EML), 20):
            file.write(EML[at:at + 20])
        time.sleep(0.7)         # longer than a linked file would be waited for
        same(pickup.names(), ["guid.eml"])
        same(pickup.peer.messages, [])
        file.write(b" of it")
    got = pickup.peer.wait_messages(1)[0]
    assert got.content.endswith(b"end of it\r\n"), got.content


def test_empty_at_first(t):
    pickup = Pickup(t)
    with pickup.create("late.eml") as file:
        time.sleep(0.7)
        file.write(EML)
    pickup.peer.wait_messages(1)
    same(pickup.daemon.spool.names("drop/bad"), [])


def test_linked_into_place(t):
    """As Exim does it: a temporary name that is left alone, then a link, and the temporary name goes."""
    pickup = Pickup(t, settle_time="1h")
    pickup.write("temp.123.host", transaction("a@client.test", "u@example.org", message(), b"\n"))
    os.link(pickup.at("temp.123.host"), pickup.at("qRtF3a-10Kx9"))
    os.unlink(pickup.at("temp.123.host"))
    pickup.peer.wait_messages(1)
    same(pickup.names(), [])


def test_link_that_stays_is_refused(t):
    pickup = Pickup(t, settle_time="1h")
    pickup.write("temp.1", transaction("a@client.test", "u@example.org", message(), b"\n"))
    os.link(pickup.at("temp.1"), pickup.at("q1"))
    assert "2 links" in pickup.daemon.spool.wait_refused("q1"), pickup.daemon.spool.reason("q1")
    same(pickup.names(), ["temp.1"])


def test_moved_in(t):
    pickup = Pickup(t)
    pickup.write(".draft", EML)
    os.rename(pickup.at(".draft"), pickup.at("1.eml"))
    pickup.peer.wait_messages(1)


def test_names_that_are_left_alone(t):
    pickup = Pickup(t, settle_time="100ms")
    left = [".hidden", "temp.1", "a~", "a.tmp", "a.new", "a.part", "a.lock", "a.bad", "a.swp", "A.TMP",
            "Temp.2"]
    for name in left:
        pickup.write(name, EML)
    os.mkdir(pickup.at("directory"))
    pickup.write("b.eml", EML)
    pickup.peer.wait_messages(1)
    time.sleep(0.5)
    same(pickup.names(), sorted(left + ["directory"]))
    same(pickup.daemon.spool.names("drop/bad"), [])


def test_files_found_at_the_start(t):
    """Nobody saw them closed: they are taken when they have not changed for settle_time."""
    pickup = Pickup(t, settle_time="3s", start=False)
    pickup.write("old.eml", EML)
    with pickup.create("growing.eml") as file:
        file.write(EML)
        pickup.daemon.start()
        grown = 0
        while "old.eml" in pickup.names():
            grown += file.write(b"x")
            time.sleep(0.1)
        file.write(b" last")
    contents = [m.content for m in pickup.peer.wait_messages(2)]
    assert any(content.endswith(b"end" + grown * b"x" + b" last\r\n") for content in contents), contents


REFUSED = {
    "empty": (b"", "empty"),
    "plain": (b"From: a\n\nhello\n", "not a command"),
    "none.eml": (b"X-Sender: a@client.test\n\nhello\n", "no X-Receiver"),
    "half.eml": (b"X-Sender: a@client.test\nX-Receiver: u@example.org\nSubject: x\n", "no empty line"),
    "ctl.eml": (b"X-Sender: a@client.test\nX-Receiver: u\x01@example.org\n\nx\n", "control character"),
    "batch": (b"MAIL FROM:<a@client.test>\nRCPT TO:<u@example.org>\nDATA\nhello\n", "ends inside"),
}


@limit(90)
def test_refused_files(t):
    """They go to the directory's own place, with their reasons, and hold up nobody."""
    bad = Pickup.directory(t.path("refused"), mode=0o750)
    pickup = Pickup(t, bad=bad)
    for name, (data, _) in REFUSED.items():
        pickup.write(name, data)
    pickup.write("good.eml", EML)
    pickup.peer.wait_messages(1)
    for name, (data, words) in REFUSED.items():
        reason = os.path.join(bad, name + ".reason")
        processes.wait_for(lambda: os.path.exists(os.path.join(bad, name)) and os.path.exists(reason), 20,
                           name)
        with open(reason) as file:
            assert words in file.read(), name
        with open(os.path.join(bad, name), "rb") as file:
            same(file.read(), data, name)
    same(pickup.daemon.spool.names("drop/bad"), [])
    # put back by the operator, it is looked at again
    os.rename(os.path.join(bad, "none.eml"), pickup.at("none.eml"))
    processes.wait_for(lambda: os.path.exists(os.path.join(bad, "none.eml.2.reason")) or os.path.exists(
        os.path.join(bad, "none.eml.2")), 20, "refused once more")


def test_format_is_as_configured(t):
    pickup = Pickup(t, format="bsmtp")
    pickup.write("1.eml", EML)
    assert "not a command" in pickup.daemon.spool.wait_refused("1.eml")
    other = Pickup.directory(t.path("other"))
    pickup = Pickup(t, path=other, format="eml", start=False)
    pickup.daemon = t.daemon(pickup.peer, {"pickup %s.format" % other: "eml"}, name="second")
    pickup.write("batch", transaction("a@client.test", "u@example.org", message(), b"\n"))
    assert "no X-Sender" in pickup.daemon.spool.wait_refused("batch")


@needs_root
def test_not_plain_files(t):
    pickup = Pickup(t, settle_time="200ms")
    os.mkfifo(pickup.at("fifo"))
    os.symlink("/etc/passwd", pickup.at("link"))
    with pickup.create("secret") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(EML)
    for name in ("fifo", "link"):
        assert "plain file" in pickup.daemon.spool.wait_refused(name)


@needs_root
def test_directory_without_rights_ends_the_start(t):
    for uid, mode, word in ((0, 0o755, "may not read and remove"), (0, 0o1777, "sticky")):
        path = Pickup.directory(t.path("strict%o" % mode), uid=uid, mode=mode)
        pickup = Pickup(t, path=path, start=False)
        pickup.daemon.start(wait=False)
        same(pickup.daemon.exit_status(), 78)
        said = pickup.daemon.log() + pickup.daemon.stderr()
        assert path in said and word in said, said


def test_missing_directory_ends_the_start(t):
    pickup = Pickup(t, path=t.path("nowhere"), start=False)
    pickup.daemon.start(wait=False)
    same(pickup.daemon.exit_status(), 78)
    assert t.path("nowhere") in pickup.daemon.log() + pickup.daemon.stderr()


def other_file_system(t):
    """A directory on another file system than the test's own."""
    for place in ("/dev/shm", "/run", "/tmp", "/var/tmp"):
        if os.path.isdir(place) and os.stat(place).st_dev != os.stat(t.dir).st_dev and os.access(place,
                                                                                                 os.W_OK):
            path = tempfile.mkdtemp(prefix="cw-", dir=place)
            t.on_end(lambda: subprocess.run(["rm", "-rf", path], check=False))
            os.chmod(path, 0o755)
            return path
    raise Skip("there is one file system only")


def test_other_file_system(t):
    place = other_file_system(t)
    path = Pickup.directory(os.path.join(place, "pickup"))
    bad = Pickup.directory(os.path.join(place, "bad"), mode=0o750)
    pickup = Pickup(t, path=path, bad=bad)
    pickup.write("1.eml", EML)
    got = pickup.peer.wait_messages(1)[0]
    same(got.recipients, ["u@example.org", "v@example.org"])
    if ROOT:
        pickup.daemon.wait_log(r"pickup\[\d+\]: \w+: uid=%d " % PRODUCER_UID)
    pickup.write("2", b"nonsense\n")
    processes.wait_for(lambda: os.path.exists(os.path.join(bad, "2")), 20, "refused to the other file system")
    with open(os.path.join(bad, "2"), "rb") as file:
        same(file.read(), b"nonsense\n")
    pickup.daemon.spool.wait_empty()
    same(pickup.names(), [])


@limit(180)
def test_crashes_while_claiming_from_another_file_system(t):
    """At every step: the message arrives once, and the original goes."""
    place = other_file_system(t)
    for step in ("claim-copied", "journal-synced", "claim-renamed", "original-unlinked", "directory-synced",
                 "drop-unlinked"):
        path = Pickup.directory(os.path.join(place, step))
        peer = t.peer()
        pickup = Pickup(t, peer, path=path, start=False, settle_time="200ms")
        pickup.daemon = t.daemon(peer, {"pickup %s.settle_time" % path: "200ms"}, name=step, start=False)
        pickup.write("1.eml", EML)
        pickup.daemon.start(environment={"CAUSEWAY_TEST_CRASH": step}, wait=False)
        pickup.daemon.wait_log(r"queue process \d+ was killed|delivered|status=sent")
        pickup.daemon.kill()
        pickup.daemon.start()
        pickup.wait_gone("1.eml")
        peer.wait_messages(1)
        pickup.daemon.spool.wait_empty()
        if step in ("claim-copied", "claim-renamed", "original-unlinked"):
            same(len(peer.messages), 1, step)
        pickup.daemon.stop()


def test_settings_of_a_directory_are_reloaded(t):
    pickup = Pickup(t, format="bsmtp")
    pickup.daemon.settings["pickup %s.format" % pickup.path] = "eml"
    pickup.daemon.write_config()
    pickup.daemon.ctl("reload")
    pickup.write("1.eml", EML)
    pickup.peer.wait_messages(1)


def test_directory_that_is_added_by_a_reload(t):
    """The sandbox cannot be widened, so the queue process is replaced."""
    daemon = t.daemon(t.peer())
    path = Pickup.directory(t.path("added"))
    daemon.settings["pickup %s.settle_time" % path] = "500ms"
    daemon.write_config()
    daemon.ctl("reload")
    pickup = Pickup(t, daemon.test.peers[0], path=path, start=False)
    pickup.write("1.eml", EML)
    daemon.test.peers[0].wait_messages(1, timeout=30)
