"""Hostile and broken peers, again and again: each recipient is judged once, the log says why,
and nothing grows.
"""

import collections
import random
import re
import socket
import struct
import threading

import processes
from actions import USUAL, End, close, hang, only, silence, then_close
from cases import outcome
from harness import limit, same, slow

USERS = ("one", "two", "three")
SMALL = b"Subject: x\n\nhello\n"
LARGE = b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 50_000
STAGES = ("greeting", "lhlo", "mail", "rcpt", "data", "content", "final")
DOING = {"greeting": "receiving the initial server greeting", "lhlo": "performing the LHLO handshake",
         "mail": "sending MAIL FROM", "rcpt": "sending RCPT TO", "data": "sending DATA command",
         "content": "sending message body",
         "final": "sending end of data -- message may be sent more than once"}
# Each message is tried once and then gone, so that the lines of an attempt are all there is; and the kernel
# cannot take a large message that nobody reads.
ONCE = {"queue.maximal_queue_lifetime": 0, "queue.bounce_queue_lifetime": 0, "tcp_windowsize": 65536}
LIMIT = 2           # s, of each stage where peers are slow; nobody else's peer meets a limit by chance
LIMITS = {"lmtp.%s_timeout" % stage: "%ds" % LIMIT
          for stage in ("lhlo", "mail", "rcpt", "data_init", "data_xfer", "data_done", "rset", "quit")}
# kB that the allocator may keep after the first rounds; 1.3 kB a session, less than any leak of one
GROWTH = 1024


class Case:
    """What a peer does, what becomes of each recipient (a pattern for the DSN), and the words for it."""

    def __init__(self, script, status, dsn, words, content=SMALL, **peer_options):
        self.script, self.results, self.words = script, ["%s %s" % (status, dsn)] * len(USERS), words
        self.content, self.peer_options = content, peer_options

    def but(self, *results):
        """The last recipients fare otherwise."""
        self.results[len(USERS) - len(results):] = ["%s %s" % result for result in results]
        return self


def content_of(stage):
    return LARGE if stage == "content" else SMALL


def by_stage(action, text, **peer_options):
    """The same misbehaviour at each stage; the words are TEXT and what was being done."""
    return {stage: Case({stage: action}, "deferred", "4.4.2", text % DOING[stage], content_of(stage),
                        **peer_options)
            for stage in STAGES}


def reset(session, *_):
    """End the connection with RST."""
    session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise End


def endless(piece):
    """PIECE over and over, as fast as it is taken."""
    def act(session, *_):
        while session.peer.running:
            session.raw(piece)
    return act


def trickle(session, *_):
    """Most of a reply, a byte each time before the limit is reached."""
    session.raw(b"250 2.0.0 ")
    while not session.wait_closed_for(0.75 * LIMIT):
        session.raw(b"x")
    raise End


def flood(session):
    """Talk all the time while the content comes in."""
    session.fill()
    session.raw(b"250 2.0.0 noise\r\n")

    def talk():
        try:
            endless(b"250 2.0.0 noise\r\n" * 1000)(session)
        except End:
            pass
    threading.Thread(target=talk, daemon=True).start()


def disk_full(session):
    """Say so in the middle of the content, and hang up."""
    session.fill()
    session.say("452 4.3.1 Disk full")
    raise End


OUT_OF_STEP = r"Protocol error: host \S+ sent a reply that nothing awaited"
OUT_OF_PLACE = r"Protocol error: host \S+ sent a reply that is out of place"
NO_END = r"Protocol error: host \S+ sent a reply without end while "
OK = r"^250 2\.0\.0 <.*> Saved$"

def afterwards(action):
    """The same misbehaviour when all is judged: it changes nobody's result."""
    def and_more(session, *_):
        session.say("250 2.0.0 <three> Saved")
        return action(session)
    return {"idle": Case({"final": only("^three", and_more)}, "sent", "2.0.0", OK),
            "quit": Case({"quit": action}, "sent", "2.0.0", OK),
            "rset": Case({"data": "451 4.3.0 no", "rset": action}, "deferred", "4.3.0",
                         r"said: 451 4\.3\.0 no ")}


EARLY = {
    "everything": Case({"greeting": "220 a\n250 a\n250 a\n250 a\n250 a\n250 a\n354 a\n250 a\n250 a\n250 a"},
                       "deferred", "4.5.0", OUT_OF_STEP),
    "mail": Case({"lhlo": "250-peer\n250 PIPELINING\n250 2.1.0 Ok"}, "deferred", "4.5.0", OUT_OF_STEP),
    "rcpt": Case({"mail": "250 2.1.0 Ok\n250 2.1.5 Ok"}, "deferred", "4.5.0",
                 OUT_OF_PLACE + " while sending DATA"),
    "data": Case({"rcpt": only("^one", "354 go\n250 2.1.5 Ok")}, "deferred", "4.5.0",
                 OUT_OF_PLACE + " while sending RCPT TO"),
    "final": Case({"data": "354 go\n250 2.0.0 Saved"}, "deferred", "4.5.0", OUT_OF_STEP),
    "full": Case({"content": disk_full}, "deferred", "4.5.0", OUT_OF_STEP + ".*: 452 4.3.1 Disk full", LARGE),
    "flood": Case({"content": flood}, "deferred", "4.5.0", OUT_OF_STEP, LARGE),
}

COUNT = {
    "toomany": Case({"final": only("^three", "250 2.0.0 <three> Saved\n550 5.1.1 No\n550 5.1.1 No")}, "sent",
                    "2.0.0",
                    r"^250 2\.0\.0 <"),
    "one": Case({"final": only("^two", close)}, "sent", "2.0.0", OK).but(("deferred", "4.4.2"),
                                                                         ("deferred", "4.4.2")),
    "none": Case({"dot": close}, "deferred", "4.4.2", "^lost connection .*" + DOING["final"]),
}

TEXT = {
    "longgreeting": Case({"greeting": "220 " + "x" * 5000}, "sent", "2.0.0", OK),
    "longrcpt": Case({"rcpt": "550 5.1.1 " + "x" * 5000}, "bounced", "5.1.1", "said: 550 5.1.1 xxxx"),
    "longfinal": Case({"final": "250 2.0.0 " + "x" * 5000}, "sent", "2.0.0", "^250 2.0.0 xxxx"),
    "nulgreeting": Case({"greeting": b"220 pe\0er\r\n"}, "sent", "2.0.0", OK),
    "nulrcpt": Case({"rcpt": b"550 5.1.1 no\0 such user\r\n"}, "bounced", "5.1.1",
                    r"said: 550 5\.1\.1 no\? such user "),
    "nulfinal": Case({"final": b"250 2.0.0 sa\0ved\r\n"}, "sent", "2.0.0", r"^250 2\.0\.0 sa\?ved$"),
    "nulfirst": Case({"final": b"\x00250 no\r\n451 4.3.0 later\r\n"}, "deferred", "4.3.0",
                     r"said: \?250 no 451 4\.3\.0 later"),
    "controls": Case({"rcpt": b"550 5.1.1 \x1b[2J\x07\xff\r\n"}, "bounced", "5.1.1",
                     r"said: 550 5\.1\.1 \?\[2J\?\? "),
}

ENDLESS = {"line": b"x" * 65536, "lines": b"250-again and again\r\n" * 3000, "garbage": b"nothing\r\n" * 8000,
           "nul": b"\0" * 65536}
NO_LIMITS = {"endless-" + name: endless(piece) for name, piece in ENDLESS.items()}

MISBEHAVIOUR = {
    **{"early-" + name: case for name, case in EARLY.items()},
    **{"count-" + name: case for name, case in COUNT.items()},
    **{"text-" + name: case for name, case in TEXT.items()},
    **{"close-" + stage: case for stage, case in by_stage(close,
                                                          "^lost connection with .* while %s").items()},
    **{"reset-" + stage: case for stage, case in
       by_stage(reset, "^lost connection with .* while %s: (Connection reset by peer|Broken pipe)$",
                address=("127.0.0.1", 0)).items() if stage != "greeting"},
    # the reset may arrive before the end of connecting was noticed
    "reset-greeting": Case({"greeting": reset}, "deferred", "4.4.[12]",
                           "(^connect to .*|greeting): Connection reset by peer$", address=("127.0.0.1", 0)),
    **{"half-" + stage: Case({stage: then_close(b"250 2.0.0 all is we")}, "deferred", "4.4.2",
                             "^lost connection with .*" + DOING[stage]) for stage in STAGES
       if stage != "content"},
    **{"endless-%s-%s" % (name, stage): Case({stage: endless(piece)}, "deferred", "4.5.0",
                                             NO_END + DOING[stage])
       for name, piece in ENDLESS.items() for stage in ("greeting", "mail", "final")},
    **{"%s-%s" % (name, stage): case for name, action in (("close", close), ("reset", reset),
                                                          *NO_LIMITS.items())
       for stage, case in afterwards(action).items()},
}

SLOWNESS = {
    **{"late-" + stage: case for stage, case in by_stage(silence,
                                                         "^conversation with .* timed out while %s$").items()
       if stage != "content"},
    "late-content": Case({"content": hang}, "deferred", "4.4.2", "timed out while sending message body$",
                         LARGE),
    "toofew": Case({"final": only("^three", silence)}, "sent", "2.0.0", OK).but(("deferred", "4.4.2")),
    **{"late-" + stage: case for stage, case in afterwards(silence).items()},
    **{"trickle-" + stage: Case({stage: trickle}, "deferred", "4.4.2", "timed out while " + DOING[stage])
       for stage in STAGES if stage not in ("content", "final")},
}


class Rounds:
    """One daemon against all peers at once, again and again, each time as a new destination."""

    def __init__(self, t, cases, rounds, settings):
        self.cases = cases
        self.peers = {name: t.peer(case.script, **case.peer_options) for name, case in cases.items()}
        routes = ["%s.r%d.test=r%d:%s" % (name, number, number, peer.nexthop)
                  for number in range(rounds) for name, peer in self.peers.items()]
        transports = {"transport r%d.protocol" % number: "lmtp" for number in range(rounds)}
        self.daemon = t.daemon(None, {"transport_maps": "inline:{%s}" % ", ".join(routes), "workers": 1,
                                      **transports,
                                      "lmtp.connection_cache_time_limit": "2s", **ONCE, **settings})

    def run(self, *numbers):
        """These rounds at the same time."""
        for number in numbers:
            for name, case in self.cases.items():
                self.daemon.send(["%s@%s.r%d.test" % (user, name, number) for user in USERS], case.content,
                                 sender="")
        self.daemon.wait_deliveries((numbers[-1] + 1) * len(USERS) * len(self.cases), timeout=50)
        self.daemon.spool.wait_empty()
        for number in numbers:
            self._look_at(number)

    def _look_at(self, number):
        """What became of a round."""
        lines = collections.defaultdict(list)
        for line in self.daemon.deliveries():
            if line["to"].endswith(".r%d.test" % number):
                lines[line["to"]].append(line)
        complaints = {name: self._judge(case, [lines["%s@%s.r%d.test" % (user, name, number)]
                                               for user in USERS])
                      for name, case in self.cases.items()}
        same({name: said for name, said in complaints.items() if said}, {},
             "what is wrong in round %d" % number)

    @staticmethod
    def _judge(case, lines):
        if [len(of_one) for of_one in lines] != [1] * len(USERS):
            return "%r verdicts of each recipient" % [len(of_one) for of_one in lines]
        lines = [of_one[0] for of_one in lines]
        for line, result in zip(lines, case.results):
            if not re.fullmatch(result, "%s %s" % outcome(line)):
                return "%r instead of %r" % (outcome(line), result)
            words = case.words if result == case.results[0] else DOING["final"] + "$"
            if not re.search(words, line["reason"]):
                return "%r has not %r" % (line["reason"], words)
        return None

    def cost(self):
        """The courier's pid, private memory in kB, and descriptors, when all its connections are closed."""
        for peer in self.peers.values():
            peer.wait_idle()
        pid = self.daemon.wait_pids("courier", 1)[0]
        return pid, processes.private_memory(pid), processes.descriptors(pid)


def misbehave(t, cases, rounds, settings):
    """Judge each round, and compare what the courier costs after the last one with what it cost after the
    first two.
    """
    peers = Rounds(t, cases, rounds, settings)
    peers.run(0, 1)
    pid, before, descriptors = peers.cost()
    for number in range(2, rounds):
        peers.run(number)
    same_pid, after, last = peers.cost()
    same((same_pid, last), (pid, descriptors), "the courier's pid and number of descriptors")
    print("  %d sessions: %d kB, then %d kB" % (rounds * len(cases), before, after))
    if not t.options.sanitize:
        assert after - before <= GROWTH, "the courier has grown from %d to %d kB" % (before, after)


@limit(300)
def test_peers_that_misbehave(t):
    misbehave(t, MISBEHAVIOUR, 12, {})


@slow
@limit(300)
def test_peers_that_are_slow(t):
    misbehave(t, SLOWNESS, 3, LIMITS)


# --- by chance, with everything switched on that sends ahead ------------------------------------------------

SWITCHES = {"chunking": True, "pipeline_transactions": True, "send_xforward_command": True}
AHEAD = ("PIPELINING", "CHUNKING", "XFORWARD IDENT SOURCE", "DSN")
CHANCES = {
    "greeting": (close, reset, "421 4.3.2 Busy", "220 peer\n250 more"),
    "lhlo": (close, reset, "421 4.3.2 Busy"),
    "xforward": (close, "501 5.5.4 No"),
    "mail": (close, reset, "451 4.3.0 Later", then_close("421 4.3.2 Bye"), "250 2.1.0 Ok\n250 2.1.5 Ok"),
    "rcpt": (close, "450 4.2.0 Later", "452 4.5.3 Too many", then_close(b"250 2.1.")),
    "data": (close, reset, "451 4.3.0 Later", "354 go\n250 2.0.0 Saved", "250 2.0.0 Saved"),
    "bdat": (close, "452 4.3.1 Full"),
    "content": (close, reset, disk_full),
    "final": (close, reset, "451 4.3.0 Later", then_close("421 4.3.2 Bye"), "354 go", then_close(b"250 2.0")),
    "rset": (close, "250 2.0.0 Ok\n250 2.0.0 Saved", "421 4.3.2 Bye"),
}
MAY_BE_TWICE = r"may be sent more than once|conversation|lost connection|Protocol error|421"


def offers(seed):
    return [word for n, word in enumerate(AHEAD) if n != seed % 3]


def by_chance(seed, smtp):
    """A script that misbehaves once in twenty times at each stage; messages that it took in SMTP are marked.
    With BDAT nobody can tell a reply too many from the next one, so there are none."""
    luck = random.Random(seed)

    def at(actions):
        def act(session, *args):
            if luck.random() > 0.05:
                return USUAL
            action = luck.choice(actions)
            return action(session, *args) if callable(action) else action
        return act
    script = {stage: at([a for a in actions if callable(a) or "\n" not in a
                         or "CHUNKING" not in offers(seed)])
              for stage, actions in CHANCES.items()}
    final = script["final"]

    def dot(session, message):
        reply = final(session, message)
        message.taken = reply is USUAL
        return reply
    return {**script, "dot": dot} if smtp else script


def accepted_by(peers):
    """How often each recipient was accepted, with the number that the content had."""
    found = collections.Counter()
    for peer in peers:
        for message in peer.messages:
            number = re.search(rb"(?m)^Subject: (\d+)", message.content).group(1).decode()
            for address in message.recipients:
                final = str(message.finals.get(address) or "")
                if getattr(message, "taken", False) or final.startswith("250"):
                    found[address, number] += 1
    return found


@limit(200)
def test_by_chance_with_requests_sent_ahead(t):
    """Whatever follows whatever: who is called sent was accepted, with his own message;
    twice only if a loss was told of.
    """
    size = {0: b"hello\n", 1: b"0123456789 a line of some length\n" * 100,
            2: b"0123456789 a line of some length\n" * 4000}
    for protocol in ("lmtp", "smtp"):
        smtp = protocol == "smtp"
        peers = [t.peer(by_chance(seed, smtp), address=("127.0.0.1", 0), smtp=smtp, keywords=offers(seed))
                 for seed in range(6)]
        routes = ["d%d.test=%s:[127.0.0.1]:%d" % (n, protocol, peer.address[1])
                  for n, peer in enumerate(peers)]
        daemon = t.daemon(None, {
            "transport_maps": "inline:{%s}" % ", ".join(routes), "queue.minimal_backoff_time": "300ms",
            "queue.maximal_backoff_time": "1s", protocol + ".destination_concurrency_limit": 3,
            protocol + ".destination_concurrency_failed_cohort_limit": 0,
            **{"%s.%s" % (protocol, name): value for name, value in SWITCHES.items()}}, name=protocol)
        for number in range(300):
            daemon.send(["u%d-%d@d%d.test" % (number, k, number % 6) for k in range(1 + number % 3)],
                        b"Subject: %d\n\n" % number + size[number % 7 if number % 7 < 3 else 0], sender="")
        daemon.wait_deliveries(600, status="sent", timeout=90)
        lines = collections.defaultdict(list)
        for line in daemon.deliveries():
            lines[line["to"]].append(line)
        accepted = accepted_by(peers)
        for address, of_one in lines.items():
            number = address[1:].split("-")[0]
            same([line["status"] for line in of_one[:-1]], ["deferred"] * (len(of_one) - 1), address)
            same(of_one[-1]["status"], "sent", (address, of_one[-1]["reason"]))
            assert accepted[address, number] >= 1, (address, of_one)
            told = sum(bool(re.search(MAY_BE_TWICE, line["reason"])) for line in of_one[:-1])
            assert accepted[address, number] <= 1 + told, (address, accepted[address, number], of_one)
        same(sum(count for (address, number), count in accepted.items()
                 if not address.startswith("u%s-" % number)), 0,
             "recipients who got another's message")
        same(len(lines), 600)
        daemon.stop()
