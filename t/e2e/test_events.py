"""The feed of events for programs: events { file, socket }."""

import json
import os
import socket
import subprocess

import mail
import processes
from harness import Skip, limit, same
from servers import read
from spool import ROOT
from test_crash import need_hooks


class Follower:
    """A program at the socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.settimeout(100)
        self.rest = b""

    def next(self):
        while b"\n" not in self.rest:
            got = self.sock.recv(65536)
            assert got, "the feed has ended"
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)


def events_of(path):
    """What is in the file; the end of a line that is just being written may not be there yet."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.endswith("\n")]


def feed(t, script=None, settings=None, **peer_options):
    daemon, peers = t.destinations({"there": script},
                                   {"events.file": t.path("run/events"), "events.socket": t.path("run/feed"),
                                                       **(settings or {})}, **peer_options)
    return daemon, peers


def test_W_10_an_application_follows_the_file_that_it_dropped(t):
    """The record of every result is the feed, for all messages and not for flagged ones."""
    daemon, _ = feed(t)
    follower = Follower(t.path("run/feed"))
    daemon.send([("ok@there.test", "ORCPT=rfc822;old@there.test"), "rcpt550@there.test",
                 "rcpt450@there.test"],
                mail.message(ident="mine@client.test"), params="ENVID=job1", name="my-drop")
    first = follower.next()
    same((first["event"], first["file"], first["message_id"], first["envid"], first["recipients"]),
         ("accepted", "my-drop", "<mine@client.test>", "job1", 3))
    results = {}
    while len(results) < 3:
        event = follower.next()
        if event.get("id") == first["id"]:     # not the report
            results[event["recipient"]] = event
    same({name: (event["status"], event["final"], event["dsn"], event["id"])
          for name, event in results.items()},
         {"ok@there.test": ("sent", True, "2.0.0", first["id"]),
          "rcpt550@there.test": ("bounced", True, "5.1.1", first["id"]),
          "rcpt450@there.test": ("deferred", False, "4.2.0", first["id"])})
    same(results["ok@there.test"]["orcpt"], "rfc822;old@there.test")
    assert results["ok@there.test"]["reply"].startswith("250 2.0.0"), results
    assert results["ok@there.test"]["peer"].startswith("causeway.test["), results
    same(results["ok@there.test"]["envid"], "job1")
    assert len(results["ok@there.test"]["delays"]) == 4
    daemon.ctl("delete", first["id"])
    while event["event"] != "deleted":
        event = follower.next()
    same(event["id"], first["id"])
    processes.wait_for(lambda: len(events_of(t.path("run/events"))) >= 7, 10, "all of it in the file")
    same([event["event"] for event in events_of(t.path("run/events"))].count("accepted"), 2)


def test_events_of_a_refused_file(t):
    daemon, _ = feed(t)
    follower = Follower(t.path("run/feed"))
    daemon.drop(b"no message\n", name="broken")
    event = follower.next()
    same((event["event"], event["file"]), ("refused", "broken"))
    assert event["text"], event


def test_events_file_is_opened_anew_by_a_reload(t):
    daemon, _ = feed(t)
    daemon.send("ok@there.test")
    processes.wait_for(lambda: len(events_of(t.path("run/events"))) == 2, 10, "events of the first message")
    os.rename(t.path("run/events"), t.path("run/events.1"))
    daemon.reload()
    daemon.wait_log("the new configuration is in force")
    processes.wait_for(lambda: os.path.exists(t.path("run/events")), 10, "the new file")
    daemon.send("ok@there.test")
    processes.wait_for(lambda: len(events_of(t.path("run/events"))) == 2, 10, "events of the second message")
    same(len(events_of(t.path("run/events.1"))), 2)


def one_event_each(daemon, count):
    """Hand in COUNT refused files at once: an event each, and nothing else to do."""
    for number in range(count):
        daemon.drop(b"no message\n", name="x" * 200 + str(number))


@limit(120)
def test_a_program_that_reads_nothing_is_cut_off_and_holds_up_nobody(t):
    """The log says so; the file has all, another reader gets on, and the queue goes its way."""
    daemon, _ = feed(t, {"rcpt": "550 5.1.1 " + "words " * 330})
    idle, follower = Follower(t.path("run/feed")), Follower(t.path("run/feed"))
    for _ in range(18):
        daemon.send([("u%d@there.test" % n, "NOTIFY=NEVER") for n in range(500)])
        for _ in range(501):
            follower.next()
    daemon.wait_log(r"warning: events\.socket: a program reads too slowly, and is cut off$", timeout=60)
    daemon.spool.wait_empty()
    same(len(events_of(t.path("run/events"))), 18 * 501, "events in the file")
    got = b"".join(iter(lambda: idle.sock.recv(1 << 20), b""))      # up to the end of the connection
    lines = got.split(b"\n")
    assert len(lines) > 10 and all(json.loads(line) for line in lines[:-1]), "what came before is whole lines"
    same(daemon.log().count("reads too slowly"), 1)


def test_programs_come_and_go(t):
    """One that leaves in the middle of a line, one that sends instead of reading; more than 16 find no place.
    """
    daemon, _ = feed(t)
    for _ in range(3):
        gone = Follower(t.path("run/feed"))
        daemon.send("ok@there.test")
        gone.sock.recv(10)
        gone.sock.close()
    followers = [Follower(t.path("run/feed"))]
    daemon.send("ok@there.test")
    followers[0].next()         # that there is nobody at the others' ends was noticed as well
    followers += [Follower(t.path("run/feed")) for _ in range(15)]
    followers[0].sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1000)
    daemon.send("last@there.test")
    for follower in followers:
        while follower.next().get("recipient") != "last@there.test":
            pass
    same(Follower(t.path("run/feed")).sock.recv(10), b"", "the 17th")
    followers.pop().sock.close()
    processes.wait_for(lambda: finds_a_place(t.path("run/feed")), 10, "a place that is free again")
    same(len(daemon.pids("queue")), 1)


def finds_a_place(path):
    sock = Follower(path).sock
    sock.settimeout(0.3)
    try:
        return sock.recv(10) != b""
    except TimeoutError:
        return True
    finally:
        sock.close()


def test_an_event_is_of_what_is_committed(t):
    """Killed on the way to the disk: no event. Killed behind it: perhaps none, but the result holds."""
    need_hooks(t)
    for step, told in (("journal-written:2", False), ("journal-synced:2", None)):
        daemon, peers = feed(t)
        daemon.stop()
        daemon.start(wait=False, environment={"CAUSEWAY_TEST_CRASH": step})
        daemon.send("rcpt450@there.test")
        daemon.wait_log(r"queue process \d+ was killed by signal 9")
        events = [e for e in events_of(t.path("run/events")) if e["event"] == "recipient"]
        if told is False:
            same(events, [], step)
        daemon.kill()
        daemon.end()
        os.unlink(t.path("run/events"))
        for peer in peers.values():
            peer.stop()


def test_events_in_the_file_are_whole_after_a_full_disk(t):
    """A line that is cut short is the only one that is lost (needs root, for a small file system)."""
    if not ROOT:
        raise Skip("needs root, for a file system of its own")
    small = t.path("small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "none", small], check=True)
    t.on_end(lambda: subprocess.run(["umount", "-l", small], check=False))
    daemon, _ = feed(t, settings={"events.file": small + "/events"})
    ballast = small + "/ballast"
    with open(ballast, "wb") as out:
        out.write(b"x" * (64 * 1024 - 4096 - 4096))
    one_event_each(daemon, 60)
    daemon.wait_log(r"events\.file: .*: events are missing from it", timeout=40)
    os.unlink(ballast)
    daemon.send("ok@there.test")
    daemon.wait_delivery("ok@there.test", "sent")
    lines = processes.wait_for(lambda: b'"ok@there.test"' in read(small + "/events")
                               and read(small + "/events"), 20,
                               "events again").splitlines()
    broken = [line for line in lines if not is_json(line)]
    assert len(broken) <= 1, broken
    assert any(json.loads(line).get("recipient") == "ok@there.test" for line in lines if is_json(line))


def is_json(line):
    try:
        return bool(json.loads(line))
    except ValueError:
        return False


def test_utf8_and_control_characters_in_events(t):
    """What is UTF-8 stays, in JSON's own form for nothing but what must have one; all else is made visible.
    """
    daemon, _ = feed(t, {"rcpt": "550 5.1.1 gr\u00fcn \u20ac \U0001f600 \"quoted\" back\\slash\ttab"},
                     keywords=("SMTPUTF8",))
    follower = Follower(t.path("run/feed"))
    daemon.send("j\u00f6rg@there.test", sender="\u00fc@client.test", params="SMTPUTF8",
                name="na\u00efve \"file\"")
    same(follower.next()["file"], "na\u00efve \"file\"")
    event = next(e for e in iter(follower.next, None) if e["event"] == "recipient")
    same((event["recipient"], event["sender"]), ("j\u00f6rg@there.test", "\u00fc@client.test"))
    assert '550 5.1.1 gr\u00fcn \u20ac \U0001f600 "quoted" back\\slash?tab' in event["reply"], event


def test_hostile_words_stay_inside_their_line(t):
    daemon, _ = feed(t, {"rcpt": b"550 5.1.1 a\rb\x00\"}\xff\xe2\x80\xae\x1b[31m\r\n"})
    follower = Follower(t.path("run/feed"))
    daemon.send("u@there.test", sender="")
    same(follower.next()["event"], "accepted")
    event = follower.next()
    same((event["status"], event["dsn"]), ("bounced", "5.1.1"))
    assert not any(ord(c) < 32 or c == "\u202e" for c in event["text"]), event
