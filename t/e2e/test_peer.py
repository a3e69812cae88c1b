"""The scripted peer itself: a test that trusts it must be able to."""

import socket

import mail
from actions import close, first, only, silence, then_close
from harness import same


class Client:
    """As little of an LMTP client as needs be."""

    def __init__(self, peer):
        family = socket.AF_UNIX if isinstance(peer.address, str) else \
            socket.AF_INET6 if ":" in peer.address[0] else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(100)
        self.socket.connect(peer.address)
        self.file = self.socket.makefile("rb")

    def say(self, *lines):
        self.socket.sendall(b"".join(line.encode() + b"\r\n" for line in lines))

    def hear(self, count=1):
        replies = []
        for _ in range(count):
            line = self.file.readline()
            while line[3:4] == b"-":
                line = self.file.readline()
            replies.append(line.decode().rstrip("\r\n"))
        return replies

    def codes(self, count):
        return [reply[:3] for reply in self.hear(count)]

    def greet(self):
        self.say("LHLO client.test")
        return self.codes(2)


def test_one_message_with_mixed_results(t):
    peer = t.peer()
    client = Client(peer)
    same(client.greet(), ["220", "250"])
    client.say("MAIL FROM:<a@b>", "RCPT TO:<ok@x>", "RCPT TO:<rcpt550.a@x>", "RCPT TO:<dot552@x>", "DATA")
    same(client.codes(5), ["250", "250", "550", "250", "354"])
    content = mail.message("a\n.\n..b\n")
    client.socket.sendall(mail.stuff(content.replace(b"\n", b"\r\n"), b"\r\n"))
    same(client.codes(2), ["250", "552"])
    client.say("QUIT")
    same(client.codes(1), ["221"])
    message = peer.wait_messages(1)[0]
    same(message.content, content.replace(b"\n", b"\r\n"))
    same(message.recipients, ["ok@x", "dot552@x"])
    same([reply[:3] for reply in message.finals.values()], ["250", "552"])
    same(peer.sessions[0].commands[-1], "QUIT")
    same(peer.sessions[0].reads[1].count(b"\r\n"), 5, "lines in the pipelined read")


def test_an_unfinished_transaction_needs_rset(t):
    client = Client(t.peer())
    client.greet()
    client.say("MAIL FROM:<>", "RCPT TO:<rcpt550@x>", "DATA", "MAIL FROM:<>", "RSET", "MAIL FROM:<>")
    same(client.codes(6), ["250", "550", "503", "503", "250", "250"])


def test_scripts_replace_stages(t):
    peer = t.peer({"greeting": first(1, close), "mail": only("bad@", "450 4.1.0 no"),
                   "rcpt": then_close("421 bye")})
    same(Client(peer).file.read(), b"")
    client = Client(peer)
    client.greet()
    client.say("MAIL FROM:<bad@x>", "RSET", "MAIL FROM:<good@x>", "RCPT TO:<a@x>")
    same(client.codes(4), ["450", "250", "250", "421"])
    same(client.file.read(), b"")
    same([session.ended_by for session in peer.sessions], ["peer", "peer"])


def test_connections_are_counted(t):
    peer = t.peer({"lhlo": silence}, ("::1", 0))
    clients = [Client(peer) for _ in range(3)]
    peer.wait_sessions(3)
    same(peer.connections, 3)
    for client in clients:
        client.socket.shutdown(socket.SHUT_RDWR)
    peer.wait_idle()
    Client(peer)
    peer.wait_sessions(4)
    same(peer.connections_max, 3)


def test_a_dribbling_peer_says_the_same(t):
    client = Client(t.peer(dribble=True, read_size=1))
    same(client.greet(), ["220", "250"])


def test_smuggling_is_recognised(t):
    for bad in (b"a\n.\nb", b"a\n.\r\nb", b"a\r\n.\nb", b"a\r.\rb", b"a\r\n.\rb", b"a\rb", b"a\nb"):
        assert mail.smuggles(bad + b"\r\n.\r\n"), bad
    assert not mail.smuggles(b"a\r\n..\r\n.b\r\n.\r\n")
