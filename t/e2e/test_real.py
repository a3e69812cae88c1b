"""Deliveries into real stores: Dovecot's LMTP server on both kinds of socket, and Cyrus lmtpd."""

import base64
import os
import random
import re
import signal

import mail
import processes
from cases import outcome
from cyrus import Cyrus
from dovecot import Dovecot
from harness import limit, same
from reports import Report
from servers import connect
from spool import DAEMON_UID, PRODUCER_UID

RETRY = {"queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "2s"}


def attachment():
    """10 MB in base64, 8-bit text, dots at line starts, and a line of 5000 bytes."""
    data = random.Random(6).randbytes(10 << 20)
    text = "gr\u00fc\u00df dich \u20ac\n.\n..\n.dot\n...\n".encode() + b"L" * 5000 + b"\n\xff\xfe raw bytes\n"
    head = mail.message(headers=["To: <one@example.org>", "Date: Wed, 25 Nov 2026 12:00:00 +0000",
                                 "MIME-Version: 1.0",
                                 'Content-Type: multipart/mixed; boundary="b"'])
    return head + b"\n".join([b"--b", b"Content-Type: text/plain; charset=utf-8",
                              b"Content-Transfer-Encoding: 8bit", b"", text, b"--b",
                              b"Content-Type: application/octet-stream", b"Content-Transfer-Encoding: base64",
                              b"",
                              base64.encodebytes(data) + b"--b--", b""])


def mixed_results(t, nexthop, store, temporary, fine="one", unknown="nosuch"):
    """One message to four: fine, unknown, over quota, refused for now. Four lines, one report, one retried.
    """
    daemon = t.daemon(nexthop, {**RETRY, "lmtp.line_length_limit": 0})
    daemon.send(["%s@example.org" % user for user in (fine, unknown, "overquota", temporary)],
                mail.message(headers=["Date: Wed, 25 Nov 2026 12:00:00 +0000"], ident="mixed@client.test"),
                sender="two@example.org")
    daemon.wait_deliveries(3, temporary + "@example.org", timeout=30)
    first = {d["to"].split("@")[0]: d for d in reversed(daemon.deliveries()) if d["to"] != "two@example.org"}
    same(outcome(first[fine])[0], "sent")
    same(outcome(first[unknown]), ("bounced", "5.1.1"))
    same(outcome(first["overquota"]), ("bounced", "5.2.2"))
    same(outcome(first[temporary])[0], "deferred")
    same(len({d["reason"] for d in first.values()}), len(first), "different lines")
    for user in (fine, unknown, "overquota"):
        same(len(daemon.deliveries(user + "@example.org")), 1, user)
    same(len(store.mail(fine)), 1)
    reports = processes.wait_for(lambda: store.mail("two"), 20, "a report in the sender's mailbox")
    same(len(reports), 1)
    report = Report(reports[0].replace(b"\r\n", b"\n"))
    same(sorted(report.recipients), ["%s@example.org" % user for user in sorted((unknown, "overquota"))])
    same(report.recipients[unknown + "@example.org"]["Status"], "5.1.1")
    same(report.recipients["overquota@example.org"]["Status"], "5.2.2")
    return daemon


def read_back(t, daemon, store, user="one"):
    """A large message with everything in it, copied and adopted, arrives byte for byte."""
    content = attachment()
    before = len(store.mail(user))
    for uid in (PRODUCER_UID, DAEMON_UID):
        expected = daemon.send(user + "@example.org", content, uid=uid)
    stored = processes.wait_for(lambda: len(store.mail(user)) == before + 2 and store.mail(user), 60,
                                "both messages")
    for message in stored[before:]:
        same(message[-len(expected):], expected)
        assert b"by causeway.test" in message[:2000], message[:2000]


@limit(180)
def test_dovecot_on_a_unix_socket(t):
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    daemon = mixed_results(t, "unix:" + dovecot.socket, dovecot, "tempfail")
    same(daemon.wait_delivery("one@example.org")["relay"], "causeway.test[%s]" % dovecot.socket)
    read_back(t, daemon, dovecot)


@limit(180)
def test_dovecot_over_tcp(t):
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    daemon = mixed_results(t, "inet:127.0.0.1:%d" % dovecot.address[1], dovecot, "broken")
    same(daemon.wait_delivery("one@example.org")["relay"], "127.0.0.1[127.0.0.1]:%d" % dovecot.address[1])
    read_back(t, daemon, dovecot)


@limit(180)
def test_cyrus_on_its_unix_socket(t):
    cyrus = Cyrus(t.path("cyrus")).start()
    t.on_end(cyrus.stop)
    daemon = mixed_results(t, "unix:" + cyrus.socket, cyrus, "broken")
    read_back(t, daemon, cyrus)


@limit(180)
def test_cyrus_answers_once_for_all(t):
    """A message that only exceeds maxmessagesize with what Cyrus adds: one 552 for three recipients,
    then silence.
    """
    cyrus = Cyrus(t.path("cyrus"), users=("one", "two", "three"), extra="maxmessagesize: 5000\n").start()
    t.on_end(cyrus.stop)
    daemon = t.daemon("unix:" + cyrus.socket)
    content = mail.message(headers=["Date: Wed, 25 Nov 2026 12:00:00 +0000"]) + b"0123456789012345678\n" * 220
    daemon.send(["one@example.org", "two@example.org", "three@example.org"], content, sender="")
    lines = daemon.wait_deliveries(3, timeout=40)
    same([outcome(line) for line in lines], [("bounced", "5.2.3")] * 3)
    assert all("in reply to end of DATA" in line["reason"] for line in lines), lines
    same([cyrus.mail(user) for user in cyrus.users], [[], [], []])


def occupy(dovecot, count):
    """COUNT sessions of ours, greeted; a process that served another one before may take a moment."""
    def greeted():
        sock = connect(dovecot.socket)
        sock.settimeout(75)
        if sock.recv(512).startswith(b"220"):
            return sock
        sock.close()
        return None
    return [processes.wait_for(greeted, 30, "a session with Dovecot") for _ in range(count)]


@limit(180)
def test_dovecot_with_all_its_processes_taken(t):
    """Ten seconds of silence, then it closes without a word, and after that at once: fewer try,
    and all recovers.
    """
    dovecot = Dovecot(t.path("dovecot"), process_limit=2).start()
    t.on_end(dovecot.stop)
    others = occupy(dovecot, 2)
    daemon = t.daemon("unix:" + dovecot.socket,
                      {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"})
    for number in range(30):
        daemon.send("box%d@example.org" % (number % 10))
    lost = daemon.wait_log("lost connection with .* while receiving the initial server greeting", timeout=40)
    daemon.wait_log("is not usable: %s.*; its mail waits, next try in" % re.escape(lost.group()), timeout=40)
    turned_away = len(daemon.deliveries(status="deferred"))
    assert turned_away < 30, "every message was tried"
    for sock in others:
        sock.close()
    daemon.wait_deliveries(30, status="sent", timeout=60)
    same(sum(len(dovecot.mail("box%d" % number)) for number in range(10)), 30)
    same(daemon.deliveries(status="bounced"), [])


@limit(180)
def test_dovecot_at_its_process_limit(t):
    """More connections than Dovecot serves: fewer are used, nothing is deferred for long, all arrives."""
    dovecot = Dovecot(t.path("dovecot"), process_limit=2).start()
    t.on_end(dovecot.stop)
    daemon = t.daemon("unix:" + dovecot.socket, {**RETRY, "lmtp.lhlo_timeout": "30s"})
    for number in range(100):
        daemon.send("box%d@example.org" % (number % 10))
    daemon.wait_deliveries(100, status="sent", timeout=120)
    same(sum(len(dovecot.mail("box%d" % number)) for number in range(10)), 100)


class Load:
    """Messages for ten mailboxes, and what became of them."""

    def __init__(self, daemon, store, boxes):
        self.daemon, self.store, self.boxes = daemon, store, boxes
        self.sent = 0

    def send(self, count):
        for _ in range(count):
            content = mail.message(b"0123456789\n" * 5000, ident="load%d@client.test" % self.sent,
                                   headers=["Date: Wed, 25 Nov 2026 12:00:00 +0000"])
            self.daemon.send("%s@example.org" % self.boxes[self.sent % len(self.boxes)], content, sync=False)
            self.sent += 1

    def wait_sent(self, count):
        return self.daemon.wait_deliveries(count, status="sent", timeout=60)

    def judge(self):
        """Everything arrived, and twice only where the log leaves that open."""
        self.wait_sent(self.sent)
        stored = b"".join(message for box in self.boxes for message in self.store.mail(box))
        copies = [stored.count(b"<load%d@client.test>" % number) for number in range(self.sent)]
        same([number for number, count in enumerate(copies) if count == 0], [],
             "messages that did not arrive")
        deferred = self.daemon.deliveries(status="deferred")
        doubtful = sum("message may be sent more than once" in line["reason"] for line in deferred)
        print("  %d messages, %d second copies of %d possible ones, %d deferred"
              % (self.sent, sum(copies) - self.sent, doubtful, len(deferred)))
        assert sum(copies) - self.sent <= doubtful, "%d second copies" % (sum(copies) - self.sent)
        same(len(self.daemon.deliveries(status="sent")), self.sent)
        same(self.daemon.deliveries(status="bounced"), [])


@limit(180)
def test_dovecot_killed_in_mid_delivery(t):
    """Three times all of its processes die at once, and it is started again."""
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    load = Load(t.daemon("unix:" + dovecot.socket, RETRY), dovecot,
                ["box%d" % number for number in range(10)])
    for turn in range(3):
        load.send(150)
        load.wait_sent(150 * turn + 20)
        dovecot.kill()
        dovecot.run_again()
    load.judge()


@limit(180)
def test_dovecot_restarted_under_load(t):
    """Its 421 on every session is heard: nobody is without mail, sessions that were cached cost no failure.
    """
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    load = Load(t.daemon("unix:" + dovecot.socket, RETRY), dovecot,
                ["box%d" % number for number in range(10)])
    for turn in range(3):
        load.send(100)
        load.wait_sent(100 * turn + 20)
        os.kill(dovecot.process.pid, signal.SIGHUP)
    load.judge()


@limit(180)
def test_cyrus_restarted_under_load(t):
    """First it is asked to end, for which it may take a while, then it is killed; each time it starts again.
    """
    cyrus = Cyrus(t.path("cyrus")).start()
    t.on_end(cyrus.stop)
    load = Load(t.daemon("unix:" + cyrus.socket, RETRY), cyrus, cyrus.users)
    for turn, end in enumerate((cyrus.stop, cyrus.kill)):
        load.send(100)
        load.wait_sent(100 * turn + 20)
        end()
        cyrus.run_again()
    load.judge()
