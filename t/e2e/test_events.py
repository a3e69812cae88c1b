"""The feed of events for programs: events { file, socket }."""

import json
import os
import socket

import mail
import processes
from harness import same


class Follower:
    """A program at the socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.settimeout(20)
        self.rest = b""

    def next(self):
        while b"\n" not in self.rest:
            got = self.sock.recv(65536)
            assert got, "the feed has ended"
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)


def events_of(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def feed(t, script=None, settings=None):
    daemon, peers = t.destinations({"there": script}, {"events.file": t.path("run/events"), "events.socket": t.path("run/feed"),
                                                       **(settings or {})})
    return daemon, peers


def test_W_10_an_application_follows_the_file_that_it_dropped(t):
    """The record of every result is the feed, for all messages and not for flagged ones."""
    daemon, _ = feed(t)
    follower = Follower(t.path("run/feed"))
    daemon.send([("ok@there.test", "ORCPT=rfc822;old@there.test"), "rcpt550@there.test", "rcpt450@there.test"],
                mail.message(ident="mine@client.test"), params="ENVID=job1", name="my-drop")
    first = follower.next()
    same((first["event"], first["file"], first["message_id"], first["envid"], first["recipients"]),
         ("accepted", "my-drop", "<mine@client.test>", "job1", 3))
    results = {}
    while len(results) < 3:
        event = follower.next()
        if event.get("id") == first["id"]:     # not the report
            results[event["recipient"]] = event
    same({name: (event["status"], event["final"], event["dsn"], event["id"]) for name, event in results.items()},
         {"ok@there.test": ("sent", True, "2.0.0", first["id"]), "rcpt550@there.test": ("bounced", True, "5.1.1", first["id"]),
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


def test_a_program_that_reads_nothing_holds_up_nobody(t):
    daemon, peers = feed(t)
    idle = Follower(t.path("run/feed"))
    text = b"x" * 300
    for _ in range(20):
        daemon.drop(b"".join(mail.transaction("a@client.test", ["%s%d@there.test" % (text.decode()[:40], n) for n in range(300)],
                                              mail.message("x\n")) for _ in range(2)))
    peers["there"].wait_messages(240, 60)
    daemon.spool.wait_empty()
    assert idle.sock.fileno() >= 0


def test_hostile_words_stay_inside_their_line(t):
    daemon, _ = feed(t, {"rcpt": b"550 5.1.1 a\rb\x00\"}\xff\xe2\x80\xae\x1b[31m\r\n"})
    follower = Follower(t.path("run/feed"))
    daemon.send("u@there.test", sender="")
    same(follower.next()["event"], "accepted")
    event = follower.next()
    same((event["status"], event["dsn"]), ("bounced", "5.1.1"))
    assert not any(ord(c) < 32 or c == "\u202e" for c in event["text"]), event
