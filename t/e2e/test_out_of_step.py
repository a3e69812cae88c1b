"""Servers whose replies and commands get out of step, by chance, in clear and within TLS: nobody is ever
judged by what was said of another one, and nobody is called sent whom the server has not accepted."""

import collections
import os
import random
import re
import socket
import struct

from actions import USUAL, End
from certificates import Authority
from harness import limit, same
from secure_peer import SecurePeer

SECONDS = 1       # of each time limit
LIMITS = {stage + "_timeout": "%ds" % SECONDS
          for stage in ("starttls", "mail", "rcpt", "data_init", "data_xfer", "data_done", "rset", "quit")}
CHANCE = 0.3      # of a fault in a transaction
EXTRA = ("250 2.0.0 extra", "550 5.0.0 extra")


def reset(session):
    """End the connection with RST."""
    session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise End


def rubbish(session):
    """Bytes beside TLS, if there is some."""
    with socket.socket(fileno=os.dup(session.sock.fileno())) as plain:
        plain.sendall(b"250 2.0.0 extra\r\n")
    return USUAL


def half(session):
    """Hang up in the middle of a reply."""
    session.raw(b"250 2.")
    raise End


def nothing(session):
    """Leave the reply out."""
    return None


def close(session):
    """Hang up."""
    raise End


class Trouble:
    """What a peer does by chance: one fault in a transaction at most, so that no two make up for each other.

    What a reply is about stands in it. A content that was taken is marked, by recipient. Replies too many, or
    left out, are only where the one to DATA shows what that has done: final replies of LMTP have nothing but
    their order.
    """

    faults = {"mail": (*EXTRA, nothing, close, reset, rubbish, half),
              "rcpt": (EXTRA[0], nothing, close, reset, rubbish),
              "data": (EXTRA[0], nothing, close, reset, "451 4.3.0 <DATA> later"),
              "final": (close, reset, half, "451 4.3.0 <%s> later", "550 5.7.1 <%s> no")}

    def __init__(self, seed, smtp):
        self.luck, self.smtp = random.Random(seed), smtp
        self.taken = collections.Counter()
        self.happened = collections.Counter()
        self.script = {"mail": self.mail, "rcpt": self.rcpt, "data": self.data,
                       "dot" if smtp else "final": self.dot if smtp else self.final,
                       "starttls": self.starttls}

    def mail(self, session, line):
        session.fault = None
        if self.luck.random() < CHANCE:
            stage = self.luck.choice(sorted(self.faults))
            session.fault = stage, self.luck.choice(self.faults[stage])
        return self._at(session, "mail", "250 2.1.0 <MAIL> Ok")

    def rcpt(self, session, address):
        code = "550 5.1.1" if address.startswith("bad") else "250 2.1.5"
        reply = self._at(session, "rcpt", "%s <%s> as asked" % (code, address))
        if reply is None and code[0] == "2":
            session.rcpts.append("RCPT TO:<%s>" % address)
        return reply

    def data(self, session, line):
        return self._at(session, "data", "354 go" if session.rcpts else "503 5.5.1 <DATA> nobody")

    def final(self, session, address):
        reply = self._at(session, "final", "250 2.0.0 <%s> Saved" % address, address)
        if reply and reply.startswith("250"):
            self._take(session.message, address)
        return reply

    def dot(self, session, message):
        reply = self._at(session, "final", "250 2.0.0 <DOT> Queued", "DOT")
        for address in message.recipients if reply and reply.startswith("250") else ():
            self._take(message, address)
        return reply

    def starttls(self, session, line):
        return rubbish(session) if self.luck.random() < CHANCE / 10 else USUAL

    def _take(self, message, address):
        number = re.search(rb"(?m)^Subject: (\d+)", message.content).group(1).decode()
        self.taken[address, number] += 1

    def _at(self, session, stage, usual, about=""):
        """The reply; the fault, if it is for this stage."""
        if not session.fault or session.fault[0] != stage:
            return usual
        action, session.fault = session.fault[1], None
        self.happened[stage, getattr(action, "__name__", action)] += 1
        if not callable(action):
            return action + "\n" + usual if action in EXTRA else action % about if "%" in action else action
        reply = action(session)
        return usual if reply is USUAL else reply


def recipients(number, domain):
    """Some that the server refuses, and last one that it does not."""
    return ["bad%d-%d@%s" % (number, k, domain) for k in range(number % 3)] + \
        ["u%d-%d@%s" % (number, k, domain) for k in range(1 + number % 2)]


def judge(address, lines, taken):
    """What is wrong with the lines of one recipient, or None."""
    number, last = re.match(r"[a-z]+(\d+)", address).group(1), lines[-1]
    about = re.findall(r"<(?!DATA|MAIL|DOT)([^>]*)>", last["reason"])
    if [line["status"] for line in lines[:-1]] != ["deferred"] * (len(lines) - 1):
        return "more than one last word"
    if set(about) - {address} or "extra" in last["reason"]:
        return "judged by another one's reply"
    if last["status"] == "sent" and not taken[address, number]:
        return "called sent, and never taken"
    if address.startswith("bad"):
        return None if last["status"] == "bounced" and last["dsn"] == "5.1.1" else "not refused"
    return None if last["status"] == "sent" or last["dsn"] == "5.7.1" else "refused for nothing"


def run(t, protocol, secure, messages, seed):
    smtp = protocol == "smtp"
    files = Authority(t.path("tls-%s-%s" % (protocol, secure))).leaf("leaf", ["mx.peer.test"])
    troubles = [Trouble(seed + n, smtp) for n in range(3)]
    peers = [SecurePeer(("127.0.0.1", 0), trouble.script, certificate=files, smtp=smtp,
                        keywords=("PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS"))
             for trouble in troubles]
    t.peers.extend(peers)
    routes = ["d%d.test=%s:%s[127.0.0.1]:%d" % (n, protocol, "" if smtp else "inet:", peer.address[1])
              for n, peer in enumerate(peers)]
    settings = {"tls_security_level": "encrypt" if secure else "none", "destination_concurrency_limit": 4,
                "destination_concurrency_failed_cohort_limit": 0, "pipeline_transactions": seed % 2 == 0,
                "helo_timeout" if smtp else "lhlo_timeout": "%ds" % SECONDS, **LIMITS}
    daemon = t.daemon(None, {"transport_maps": "inline:{%s}" % ", ".join(routes),
                             "queue.minimal_backoff_time": "200ms", "queue.maximal_backoff_time": "500ms",
                             **{"%s.%s" % (protocol, name): value for name, value in settings.items()}},
                      name="%s-%s-%d" % (protocol, secure, seed))
    wanted = [to for number in range(messages) for to in recipients(number, "d%d.test" % (number % 3))]
    for number in range(messages):
        daemon.send(recipients(number, "d%d.test" % (number % 3)), b"Subject: %d\n\nhello\n" % number,
                    sender="")
    daemon.spool.wait_empty(timeout=120)
    lines = collections.defaultdict(list)
    for line in daemon.deliveries():
        lines[line["to"]].append(line)
    taken = sum((trouble.taken for trouble in troubles), collections.Counter())
    wrong = {to: (judge(to, lines[to], taken), lines[to]) for to in wanted if judge(to, lines[to], taken)}
    same(wrong, {}, "%s, %s, seed %d" % (protocol, secure, seed))
    same(sorted(lines), sorted(wanted))
    mixed = [to for to, number in taken if not re.match(r"[a-z]+%s-" % number, to)]
    same(mixed, [], "who got another one's message")
    daemon.stop()
    return sum((trouble.happened for trouble in troubles), collections.Counter())


@limit(300)
def test_by_chance(t):
    happened = collections.Counter()
    for seed, (protocol, secure) in enumerate((("lmtp", False), ("smtp", True), ("smtp", False),
                                               ("lmtp", True))):
        happened += run(t, protocol, secure, 45, seed)
    for stage in Trouble.faults:
        assert sum(n for (where, _), n in happened.items() if where == stage) > 0, happened
