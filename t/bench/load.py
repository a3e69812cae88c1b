"""The bare pipelining LMTP client: what a store can take, with nothing but the dialogue in front of it."""

import os
import socket
import time

import mail


class Connection:
    """One session; each transaction is MAIL, RCPT and DATA in one write, then the content in another."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.replies = self.socket.makefile("rb")
        self.hear()
        self.say(b"LHLO load.test\r\n", 1)

    def hear(self):
        line = self.replies.readline()
        while line[3:4] == b"-":
            line = self.replies.readline()
        if not line:
            raise EOFError("the store closed the connection")
        return line

    def say(self, data, replies):
        self.socket.sendall(data)
        return [self.hear() for _ in range(replies)]

    def deliver(self, recipient, content):
        """One message; true if it was taken."""
        answers = self.say(b"MAIL FROM:<load@client.test>\r\nRCPT TO:<%s>\r\nDATA\r\n" % recipient.encode(),
                           3)
        if not answers[-1].startswith(b"354"):
            return False
        return self.say(content, 1)[0].startswith(b"2")


def deliver(path, connections, count, size):
    """Deliver COUNT messages of SIZE bytes to box1..box100 over CONNECTIONS; returns messages a second."""
    started = time.monotonic()
    children = [_worker(path, number, count // connections, size) for number in range(connections)]
    failed = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid in children)
    if failed:
        raise AssertionError("%d of %d connections failed" % (failed, connections))
    return count // connections * connections / (time.monotonic() - started)


def _worker(path, number, count, size):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        connection = Connection(path)
        content = mail.stuff(body(size).replace(b"\n", b"\r\n"), b"\r\n")
        status = 0
        for turn in range(count):
            header = b"Message-ID: <%d.%d.%d@load.test>\r\n" % (number, turn, time.time_ns())
            if not connection.deliver(box(number + 7 * turn), header + content):
                status = 1
        connection.say(b"QUIT\r\n", 1)
    finally:
        os._exit(status)


def box(number):
    """One of a hundred mailboxes."""
    return "box%d@example.org" % (number % 100 + 1)


def body(size):
    """A message of about SIZE bytes with LF line ends, without a Message-ID."""
    head = b"From: <load@client.test>\nTo: <box@example.org>\nSubject: load\nDate: Wed, 25 Nov 2026 12:00:00 +0000\n\n"
    row = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/=-:\n"
    return head + row * ((size - len(head)) // len(row))
