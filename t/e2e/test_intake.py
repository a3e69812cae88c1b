"""drop/new: what is taken, what is refused and why, and that nothing delays the others."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import mail
import processes
from harness import Skip, limit, needs_root, same, slow
from spool import DAEMON_UID, PRODUCER_UID, ROOT, STRANGER_UID, become, mode_of


def good(recipient="ok@example.org", content=None):
    return mail.transaction("a@client.test", recipient, content or mail.message())


def refused(t, data, reason, **options):
    """Drop DATA, expect it in bad/ byte for byte with a REASON, and a good message right behind it delivered.
    """
    peer = t.peer()
    daemon = t.daemon(peer)
    name = daemon.drop(data, **options)
    daemon.send("after@example.org")
    text = daemon.spool.wait_refused(name)
    assert re.search(reason, text), text
    same(len(text.strip().splitlines()), 1, "lines of the reason")
    with open(daemon.spool.at("drop/bad/" + name), "rb") as file:
        same(file.read(), data, "the refused file")
    same(peer.wait_messages(1)[0].recipients, ["after@example.org"])
    daemon.wait_log(r"/(cleanup|pickup)\[\d+\]: .*" + re.escape(name))
    daemon.spool.wait_empty()
    return daemon


def test_a_drop_arrives(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    content = daemon.send("b@example.org")
    message = peer.wait_messages(1)[0]
    same(message.recipients, ["b@example.org"])
    same(message.sender, "a@client.test")
    same(mail.split_trace(message.content)[1], content)
    same(daemon.wait_delivery("b@example.org")["status"], "sent")
    daemon.spool.wait_empty()
    daemon.wait_log(r"/qmgr\[\d+\]: \w+: removed")
    same(daemon.spool.names("drop/bad"), [])


def test_drops_from_before_the_start_are_taken(t):
    peer = t.peer()
    daemon = t.daemon(peer, start=False)
    for _ in range(5):
        daemon.send("b@example.org")
    daemon.start()
    peer.wait_messages(5)
    daemon.spool.wait_empty()


def test_a_drop_is_noticed_within_milliseconds(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    delays = []
    for number in range(1, 41):
        daemon.send("b@example.org")
        delays.append(peer.wait_messages(number)[-1].time - daemon.spool.dropped)
    median = sorted(delays)[len(delays) // 2]
    assert median < 0.5, "half of the drops took %.1f ms and more" % (1000 * median)


@slow
@limit(180)
def test_scan_after_the_notices_overflowed(t):
    """More drops than the kernel keeps notices for, while the queue process stands still."""
    with open("/proc/sys/fs/inotify/max_queued_events") as file:
        count = int(file.read()) + 500
    if count > 30_000:
        raise Skip("fs.inotify.max_queued_events is %d: too many files" % count)
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("first@example.org")
    daemon.wait_delivery("first@example.org", "sent")
    queue = daemon.pids("queue")[0]
    os.kill(queue, signal.SIGSTOP)
    for _ in range(count):
        daemon.send("b@example.org", sync=False)
    os.kill(queue, signal.SIGCONT)
    daemon.spool.wait_empty(120)
    ids = [message.id for message in peer.messages]
    same((len(ids), len(set(ids))), (count + 1, count + 1))


def test_every_name_counts(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    names = [".hidden", "temp.x", "a~", "a.tmp", "a.lock", "a b", "caf\u00e9", "x" * 255, "-rf", "a\nb",
             "%s%n"]
    for name in names:
        daemon.drop(good(), name=name)
    peer.wait_messages(len(names))
    daemon.spool.wait_empty()


def test_empty_file(t):
    refused(t, b"", "empty|no (message|transaction)")


def test_not_a_known_format(t):
    refused(t, b"Hello, world\n", r"(?i)line 1|format|syntax")


def test_no_recipient(t):
    refused(t, b"MAIL FROM:<a@b>\r\nDATA\r\nx\r\n.\r\n", "recipient")


def test_over_the_size_limit(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"queue.message_size_limit": 10000})
    content = mail.message("x" * 70 + "\n" * 1)
    name = daemon.drop(good(content=mail.message(b"0123456789" * 1200)))
    daemon.send("ok@example.org", content)
    assert re.search("size|large", daemon.spool.wait_refused(name))
    peer.wait_messages(1)
    daemon.spool.wait_empty()


def test_no_size_limit(t):
    peer = t.peer(keywords=("PIPELINING",))
    daemon = t.daemon(peer, {"queue.message_size_limit": 0})
    content = daemon.send("ok@example.org", mail.message(b"0123456789012345678901234567890\n" * (2 << 20)))
    same(mail.split_trace(peer.wait_messages(1, 60)[0].content)[1], content)


def test_bad_name_already_taken_gets_a_number(t):
    daemon = t.daemon(t.peer())
    for suffix in ("", ".2", ".3"):
        daemon.drop(b"no\n", name="same")
        daemon.spool.wait_refused("same" + suffix)
    same([n for n in daemon.spool.names("drop/bad") if not n.endswith(".reason")],
         ["same", "same.2", "same.3"])


def test_a_refusal_cannot_forge_a_log_line(t):
    daemon = t.daemon(t.peer())
    name = daemon.drop(b"MAIL FROM:<\x1b[2Jx\x01@y>\r\n", name="evil\n2026 x y qmgr[1]: removed")
    reason = daemon.spool.wait_refused(name)
    daemon.wait_log("evil")
    for line in daemon.log().splitlines():
        assert re.match(r"\S+ \S+ causeway/[a-z]+\[\d+\]: ", line), line
        assert not re.search(r"[\x00-\x1f\x7f]", line), line
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", reason), reason


def special(t, make, name, reason):
    """A special file in drop/new is refused, is not followed or opened, and the next message is delivered."""
    peer = t.peer()
    daemon = t.daemon(peer)
    make(daemon.spool.at("drop/new/" + name))
    daemon.send("after@example.org")
    assert re.search(reason, daemon.spool.wait_refused(name)), daemon.spool.reason(name)
    peer.wait_messages(1)
    processes.wait_for(lambda: daemon.spool.names("drop/new") == [], 10,
                       "the special file gone from drop/new")
    return daemon


def test_fifo(t):
    daemon = special(t, os.mkfifo, "fifo", "(?i)plain|regular|fifo")
    assert os.path.lexists(daemon.spool.at("drop/bad/fifo"))


def test_symlink(t):
    target = t.path("target")
    with open(target, "wb") as file:
        file.write(good("secret@example.org"))
    daemon = special(t, lambda path: os.symlink(target, path), "link", "(?i)plain|regular|link")
    assert os.path.islink(daemon.spool.at("drop/bad/link"))
    with open(target, "rb") as file:
        assert file.read()


def test_dangling_symlink(t):
    special(t, lambda path: os.symlink("/nonexistent", path), "dangling", "(?i)plain|regular|link")


def test_socket(t):
    def make(path):
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        t.on_end(server.close)
    special(t, make, "socket", "(?i)plain|regular|socket")


@needs_root
def test_device(t):
    def make(path):
        try:
            os.mknod(path, 0o20644, os.makedev(1, 5))
        except PermissionError:
            raise Skip("mknod is not permitted here")
    special(t, make, "device", "(?i)plain|regular|device")


def test_empty_directory(t):
    daemon = special(t, os.mkdir, "dir", "(?i)plain|directory")
    same(daemon.spool.names("drop/bad"), ["dir.reason"])


def test_directory_that_is_not_empty_stays(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    full = daemon.spool.at("drop/tmp/full")
    os.mkdir(full)
    with open(full + "/file", "wb") as file:
        file.write(b"keep me")
    os.rename(full, daemon.spool.at("drop/new/full"))
    daemon.spool.wait_refused("full")
    daemon.send("after@example.org")
    peer.wait_messages(1)
    processes.wait_for(lambda: daemon.spool.names("drop/new") == ["full"], 10, "only the directory left")
    same(daemon.spool.names("drop/bad"), ["full.reason"])
    same(len(re.findall(r"(?m)^.*\bfull\b.*$", daemon.log())), 1, "log lines about the directory")


@needs_root
def test_unreadable_file(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    name = daemon.drop(good(), mode=0)
    daemon.send("after@example.org")
    assert re.search("(?i)read|permission", daemon.spool.wait_refused(name))
    peer.wait_messages(1)
    assert os.path.exists(daemon.spool.at("drop/bad/" + name))


@limit(90)
def test_second_link_is_waited_out_then_refused(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    source = daemon.spool.at("drop/tmp/two")
    with open(source, "wb") as file:
        file.write(good("linked@example.org"))
    linked = time.monotonic()
    give(daemon, source)
    os.link(source, daemon.spool.at("drop/new/two"))
    daemon.send("after@example.org")
    peer.wait_messages(1)
    assert re.search("(?i)link", daemon.spool.wait_refused("two", 30))
    assert time.monotonic() - linked >= 4.5
    same([m.recipients for m in peer.messages], [["after@example.org"]])


def test_file_linked_into_place_as_exim_does(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    source = daemon.spool.at("drop/tmp/two")
    with open(source, "wb") as file:
        file.write(good("linked@example.org"))
    give(daemon, source)
    os.link(source, daemon.spool.at("drop/new/two"))
    os.unlink(source)
    peer.wait_messages(1)
    daemon.spool.wait_empty()
    same(daemon.spool.names("drop/bad"), [])


def give(daemon, path, uid=PRODUCER_UID):
    """Make a file that was written by hand look as if a producer had written it."""
    if ROOT:
        os.chown(path, uid, daemon.uid)
    os.chmod(path, 0o640)


def test_file_growing_while_read(t):
    """Whatever is taken of a growing file is whole transactions, or it is refused; it never hangs."""
    peer = t.peer()
    daemon = t.daemon(peer)
    path = daemon.spool.at("drop/tmp/growing")
    body = b"0123456789abcdefghijklmnopqrstuvwxyz\r\n" * 50000
    with open(path, "wb", buffering=0) as file:
        file.write(good("first@example.org", mail.message(body)))
        give(daemon, path)
        os.rename(path, daemon.spool.at("drop/new/growing"))
        for _ in range(200):
            file.write(b"MAIL FROM:<a@client.test>\r\nRCPT TO:<later@example.org>\r\nDATA\r\n" + body[:60000])
    daemon.send("after@example.org")
    peer.wait(lambda: any(m.recipients == ["after@example.org"] for m in peer.messages), 20,
              "the next message")
    daemon.spool.wait_empty()
    for message in peer.messages:
        assert "later@example.org" not in message.recipients, "a transaction without its end was delivered"
    taken = [m for m in peer.messages if m.recipients == ["first@example.org"]]
    assert bool(taken) != os.path.exists(
        daemon.spool.at("drop/bad/growing")), "exactly one of taken and refused"


def test_file_replaced_after_the_check(t):
    """A producer that renames one file over another gets whole messages, each at most once,
    the last one always.
    """
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.line_length_limit": 0})
    rounds = 60
    for number in range(rounds):
        for letter in "ab":
            content = mail.message(letter.encode() * 3000 + b"\n", ident="%s%d@replaced" % (letter, number))
            daemon.drop(good(content=content), name="%s%d" % (letter, number) if letter == "a" else "b")
            if letter == "b":
                source = daemon.spool.at("drop/tmp/replacing")
                with open(source, "wb") as file:
                    file.write(good(content=mail.message(b"c" * 9000 + b"\n", ident="c%d@replaced" % number)))
                give(daemon, source)
                os.rename(source, daemon.spool.at("drop/new/b"))
    daemon.spool.wait_empty()
    ids = [m.id for m in peer.messages]
    same(len(ids), len(set(ids)), "messages without a second copy")
    assert {"a%d@replaced" % number for number in range(rounds)} <= set(ids)
    assert "c%d@replaced" % (rounds - 1) in ids
    for message in peer.messages:
        body = message.content.rsplit(b"\r\n\r\n", 1)[1].strip()
        same(len(set(body)), 1, "different letters in one body")
        same(len(body), 9000 if body[:1] == b"c" else 3000, "length of the body")
    same(daemon.spool.names("drop/bad"), [])


@needs_root
def test_file_that_cannot_be_claimed(t):
    """It is not copied, said once, tried again, delays nobody,
    and is delivered once when the obstacle is gone.
    """
    peer = t.peer()
    daemon = t.daemon(peer, start=False)
    name = daemon.drop(good("stuck@example.org"), name="stuck")
    path = daemon.spool.at("drop/new/" + name)
    if subprocess.run(["mount", "--bind", path, path], capture_output=True).returncode:
        raise Skip("bind mounts are not permitted here")
    t.on_end(lambda: subprocess.run(["umount", "-l", path], capture_output=True))
    daemon.start()
    daemon.send("after@example.org")
    same(peer.wait_messages(1)[0].recipients, ["after@example.org"])
    daemon.wait_log(r"stuck")
    daemon.wait_log(r"removed")
    same([m.recipients for m in peer.messages], [["after@example.org"]])
    same(len(re.findall(r"(?m)^.*\bstuck\b.*$", daemon.log())), 1, "log lines about the file")
    subprocess.run(["umount", path], check=True)
    peer.wait_messages(2, 40)
    daemon.spool.wait_empty()
    same(len(peer.messages), 2)


@needs_root
def test_V_12_full_disk_stops_intake_but_not_delivery(t):
    peer = t.peer({"final": lambda s, a: "250 2.0.0 ok" if open_again.is_set() else "451 4.3.0 not yet"})
    open_again = threading.Event()
    daemon = t.daemon(peer, {"queue.minimum_free": "20000000", "queue.minimal_backoff_time": "500ms",
                             "queue.maximal_backoff_time": "1s"}, start=False, make_spool=False)
    os.mkdir(daemon.spool.path)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", daemon.spool.path],
                      capture_output=True).returncode:
        raise Skip("mounting a tmpfs is not permitted here")
    t.on_end(lambda: subprocess.run(["umount", "-l", daemon.spool.path], capture_output=True))
    daemon.spool.make()
    daemon.start()
    daemon.send("queued@example.org")
    daemon.wait_delivery("queued@example.org", "deferred")
    with open(daemon.spool.at("ballast-of-the-test"), "wb") as file:
        free = os.statvfs(daemon.spool.path)
        file.write(b"\0" * (free.f_bavail * free.f_bsize - 6_000_000))
    daemon.wait_log(r"disk is nearly full: \d+ of its \d+ MiB are free, and minimum_free is 19 MiB")
    daemon.send("waits@example.org")
    open_again.set()
    daemon.wait_delivery("queued@example.org", "sent")
    same(len(re.findall("(?i)disk is nearly full", daemon.log())), 1, "loud lines")
    same(len(daemon.spool.names("drop/new")), 1, "drops left alone while the disk is full")
    os.unlink(daemon.spool.at("ballast-of-the-test"))
    daemon.wait_delivery("waits@example.org", "sent", 40)
    daemon.spool.wait_empty()


def test_three_hundred_byte_local_part(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    address = "v" * 300 + "@example.org"
    daemon.send(address)
    same(peer.wait_messages(1)[0].recipients, [address])


def test_too_many_recipients(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"queue.recipient_limit": 100})
    name = daemon.drop(good(["u%d@example.org" % n for n in range(101)]))
    assert "recipient" in daemon.spool.wait_refused(name)
    daemon.send(["u%d@example.org" % n for n in range(100)])
    daemon.wait_deliveries(100, status="sent")


@slow
@limit(180)
def test_hundred_thousand_recipients(t):
    count = 100_000
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send(["u%d@example.org" % n for n in range(count)])
    daemon.wait_log(r"nrcpt=%d \(queue active\)" % count, timeout=60)
    daemon.spool.wait_empty(120)
    delivered = [address for message in peer.messages for address in message.recipients]
    same(len(delivered), count)
    same(len(set(delivered)), count)
    name = daemon.drop(good(["u%d@example.org" % n for n in range(count + 1)]))
    assert "recipient" in daemon.spool.wait_refused(name, 60)


@slow
@limit(180)
def test_ten_thousand_files_at_once(t):
    count = 10_000
    peer = t.peer()
    daemon = t.daemon(peer, start=False)
    for _ in range(count // 2):
        daemon.send("before@example.org", sync=False)
    daemon.start()
    for _ in range(count // 2):
        daemon.send("while@example.org", sync=False)
    daemon.spool.wait_empty(120)
    ids = [m.id for m in peer.messages]
    same(len(ids), count)
    same(len(set(ids)), count)


@needs_root
def test_access_to_the_drop_directory(t):
    """Anyone may drop; nobody may list, read, replace or remove what another has dropped."""
    daemon = t.daemon(t.peer(), start=False)
    new, tmp = daemon.spool.at("drop/new"), daemon.spool.at("drop/tmp")
    name = daemon.drop(good())
    script = """
import os, sys
new, tmp, name = sys.argv[1:]
def refused(what, *args):
    try: what(*args)
    except PermissionError: return
    sys.exit("%s %r was not refused" % (what, args))
refused(os.listdir, new)
refused(os.listdir, tmp)
refused(open, new + "/" + name)
refused(os.unlink, new + "/" + name)
refused(os.rename, new + "/" + name, tmp + "/x")
open(tmp + "/mine", "w").close()
refused(os.rename, tmp + "/mine", new + "/" + name)
os.rename(tmp + "/mine", new + "/mine")
refused(os.listdir, new + "/../bad")
refused(os.listdir, new + "/../../queue")
"""
    done = subprocess.run(["/usr/bin/python3", "-c", script, new, tmp, name], capture_output=True, text=True,
                          preexec_fn=become(STRANGER_UID))
    assert done.returncode == 0, done.stderr


@needs_root
def test_received_and_log_name_the_owner(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for count, uid in enumerate((PRODUCER_UID, DAEMON_UID, STRANGER_UID), 1):
        daemon.send("b@example.org", uid=uid)
        trace, _ = mail.split_trace(peer.wait_messages(count)[-1].content)
        assert re.search(rb"(?i)\b(uid|userid)\b\D{0,3}%d\b" % uid, trace), trace
        daemon.wait_log(r"/pickup\[\d+\]: \w+: uid=%d from=<a@client\.test>" % uid)


@needs_root
def test_pickup_keeps_no_copy_of_what_it_took(t):
    peer = t.peer({"final": "451 4.3.0 later"})
    daemon = t.daemon(peer)
    for uid in (PRODUCER_UID, DAEMON_UID):
        daemon.send("b@example.org", uid=uid)
    daemon.wait_deliveries(2, status="deferred")
    same(len(daemon.spool.messages()), 2)
    processes.wait_for(lambda: not [n for n in daemon.spool.names("queue") if n.endswith((".drop", ".part"))],
                       10,
                       "the drop file to go, which nobody waits for")
    same(mode_of(daemon.spool.at("queue")), 0o700)


@needs_root
def test_owner_limit_leaves_room_for_others(t):
    """One user's mail piles up; his further files wait where they are, and another user's are delivered."""
    peer = t.peer()
    daemon = t.daemon(peer, {"queue.owner_limit": 3})
    for _ in range(8):
        daemon.send("rcpt450@example.org", uid=PRODUCER_UID)
    daemon.wait_deliveries(3, status="deferred")
    daemon.wait_log(r"uid %d has 3 messages in the queue, as many as owner_limit allows" % PRODUCER_UID)
    daemon.send("u@example.org", uid=STRANGER_UID)
    daemon.wait_delivery("u@example.org", "sent")
    same(len(daemon.spool.names("drop/new")), 5)
    daemon.ctl("delete", "ALL")
    daemon.wait_deliveries(6, status="deferred")
    same(len(daemon.spool.names("drop/new")), 2)
