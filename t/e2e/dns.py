"""A name server on loopback that answers from a table, over UDP, or misbehaves as the table says."""

import socket
import struct
import threading
import time

from ports import reserved_port

TIMESTAMPS = 35                # SO_TIMESTAMPNS of Linux: when the kernel has got a packet
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "TLSA": 52}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
SILENT = None                  # no answer at all
SOA = ("test", "SOA", "")
TRUNCATED = "truncated"        # it does not fit, and there is no TCP to ask again
GARBAGE = "garbage"            # a packet that ends in the middle
STRANGER = "stranger"          # the records of somebody else
BARE = "bare"                  # neither records nor the SOA that says that there are none
FORGED = "forged"              # the answer to another question: another id


class NameServer:
    """NAMES maps a name to a list of records ("192.0.2.1", "2001:db8::1", "MX 10 mx.test", "SRV 0 0 25
    mx.test", "CNAME other.test"), or to one of the words above, or to a dict of these by type of question
    ("*": all others). Names that are not in it do not exist. `asked` and `questions` are what was asked; a
    question that was repeated before we came to answer it is in them once."""

    def __init__(self, names):
        self.names, self.asked, self.questions = names, [], []
        self._answered = {}         # question -> when, ns
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self.socket.bind(("127.0.0.1", reserved_port()))
        self.address = "127.0.0.1@%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def types_asked(self, name):
        """The types of the questions about NAME so far, each once."""
        return {kind for asked, kind in self.questions if asked == name}

    def _serve(self):
        while True:
            try:
                query, extras, _, client = self.socket.recvmsg(4096, socket.CMSG_SPACE(16))
                seconds, rest = struct.unpack("qq", extras[0][2])
                question = _question(query)
                if 10**9 * seconds + rest > self._answered.get(question, 0):
                    self.questions.append(question)
                    self.asked.append(question[0])
                answer = self._answer(query, *question)
                if answer:
                    self.socket.sendto(answer, client)
                    self._answered[question] = time.time_ns()
            except OSError:  # closed: the test is over
                return

    def _known(self, name, kind):
        known = self.names.get(name, NXDOMAIN)
        if isinstance(known, dict):
            known = known.get(kind, known.get("*", []))
        return known

    def _answer(self, query, name, kind):
        known = self._known(name, kind)
        if known is SILENT:
            return None
        ident, question = struct.unpack("!H", query[:2])[0], query[12:_name(query, 12)[1] + 4]
        if known == FORGED:
            return _message(ident ^ 1, 0, question, [_record(name, "A", "127.0.0.1")])
        if known == STRANGER:
            return _message(ident, 0, question, [_record("stranger.test", "A", "127.0.0.1")])
        if known == TRUNCATED:
            return _message(ident, 0x0200, question, [])
        if known == BARE:
            return _message(ident, 0, question, [])
        if known == GARBAGE:
            return _message(ident, 0, question, [_record(name, "A", "127.0.0.1")])[:-3]
        if isinstance(known, int):
            return _message(ident, known, question, [])
        return _message(ident, 0, question, self._records(name, kind, 0), SOA)

    def _records(self, name, kind, depth):
        """The records of that type, behind the aliases that lead to them."""
        known = self._known(name, kind)
        found = []
        for line in known if isinstance(known, list) else []:
            word, data = _split(line)
            if word == kind:
                found.append(_record(name, word, data))
            elif word == "CNAME" and depth < 20:
                found += [_record(name, word, data)] + self._records(data, kind, depth + 1)
        return found


def answers(port, name):
    """Whether a name server at a port of 127.0.0.1 has an SOA record of NAME."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.connect(("127.0.0.1", port))
        try:
            sock.send(struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + wire(name)
                      + struct.pack("!2H", TYPES["SOA"], 1))
            answer = sock.recv(4096)
        except OSError:
            return False
    return answer[3] & 15 == NOERROR and answer[7] > 0


def _question(query):
    """The name and the type of what is asked."""
    name, end = _name(query, 12)
    number = struct.unpack("!H", query[end:end + 2])[0]
    return name, next((word for word, value in TYPES.items() if value == number), str(number))


def _split(line):
    """The type and the data of a record."""
    word, _, data = line.partition(" ")
    if word in TYPES:
        return word, data
    return ("AAAA" if ":" in line else "A"), line


def _message(ident, flags, question, records, authority=None):
    """The AUTHORITY goes with an answer that has no records."""
    proof = [_record(*authority)] if authority and not records else []
    return (struct.pack("!HHHHHH", ident, 0x8580 | flags, 1, len(records), len(proof), 0) + question
            + b"".join(records + proof))


def _record(name, word, data):
    packed = _pack(word, data)
    return wire(name) + struct.pack("!HHIH", TYPES[word], 1, 60, len(packed)) + packed


def _pack(word, data):
    if word in ("A", "AAAA"):
        return socket.inet_pton(socket.AF_INET if word == "A" else socket.AF_INET6, data)
    if word == "CNAME":
        return wire(data)
    if word == "SOA":
        return wire("ns.test") + wire("root.test") + struct.pack("!5I", 1, 60, 60, 60, 60)
    numbers = data.split()
    target = numbers.pop()
    if word == "TLSA":
        return bytes(map(int, numbers)) + bytes.fromhex(target)
    return b"".join(struct.pack("!H", int(number)) for number in numbers) + wire(target)


def wire(name):
    """A name as it stands in a packet; "." is the root."""
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _name(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin1").lower())
        at += 1 + packet[at]
    return ".".join(labels), at + 1
