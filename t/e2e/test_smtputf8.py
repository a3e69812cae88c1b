"""SMTPUTF8 (RFC 6531) towards a real Postfix smtpd that has it or not,
beside what Postfix itself makes of the same mail."""

import re
import smtplib

from certificates import Authority
from harness import limit, same
from ports import reserved_port
from postfix import PostfixMX
from secure_peer import SecurePeer

GRUEN = "gr\u00fcn"
ASCII, UTF8 = "Subject: green", "Subject: " + GRUEN

# sender, recipient, header, what MAIL says
CASES = {
    "recipient": ("a@client.test", GRUEN + "@there.test", ASCII, "SMTPUTF8 BODY=8BITMIME"),
    "sender": ("j\u00f6rg@client.test", "u1@there.test", ASCII, "SMTPUTF8 BODY=8BITMIME"),
    "header": ("a@client.test", "u2@there.test", UTF8, "SMTPUTF8 BODY=8BITMIME"),
    "flag only": ("a@client.test", "u3@there.test", ASCII, "SMTPUTF8 BODY=8BITMIME"),
    "unflagged header": ("a@client.test", "u4@there.test", UTF8, "BODY=8BITMIME"),
}


def content(case):
    return (
        "From: a@client.test\n%s\nX-Case: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n\n%s\n" % (CASES[case][2], case.replace(" ", "-"),
                                                         GRUEN)).encode()


class Exchanger(PostfixMX):
    """An smtpd that has SMTPUTF8 or not, and passes on what it takes to a peer that has it."""

    def __init__(self, directory, has_utf8, peer):
        super().__init__(directory, reserved_port(), """
relay_domains = there.test
relay_transport = lmtp:%s
relay_recipient_maps = static:ok
smtputf8_enable = %s
smtputf8_autodetect_classes = verify
""" % (peer.nexthop, "yes" if has_utf8 else "no"))


class Client(PostfixMX):
    """A Postfix that takes any mail, and sends it to NEXTHOP by SMTP."""

    def __init__(self, directory, nexthop):
        super().__init__(directory, reserved_port(), """
relay_domains = there.test
relay_transport = smtp:%s
relay_recipient_maps = static:ok
smtputf8_autodetect_classes = verify
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
""" % nexthop)

    def master_text(self):
        return super().master_text() + "smtp unix - - n - - smtp\n"

    def send(self, case):
        sender, recipient, _, said = CASES[case]
        with smtplib.SMTP("127.0.0.1", self.port, "client.test", timeout=30) as smtp:
            smtp.ehlo()
            smtp.command_encoding = "utf-8"
            smtp.mail(sender, said.split())
            smtp.rcpt(recipient)
            same(smtp.data(content(case))[0], 250)
        return self.wait_log(r"postfix/smtp\[\d+\]: \w+: to=<%s>, .* dsn=(\S+), status=(\w+) \((.*)\)"
                             % re.escape(recipient)).groups()


def received(peer, case):
    """The MAIL line and the content that came for a case, behind the trace; None if nothing came."""
    marked = b"\r\nX-Case: %s\r\n" % case.replace(" ", "-").encode()
    for message in peer.messages:
        if marked in message.content:
            own = message.content[message.content.index(b"From: "):]
            return re.sub(r" SIZE=\d+", "", message.mail), re.sub(rb"(?m)^(?:Message-Id|Date): .*\r\n", b"",
                                                                  own).rstrip()
    return None


def expected(case, mail_line):
    return mail_line, content(case).replace(b"\n", b"\r\n").rstrip()


def exchanger(t, has_utf8):
    """A real server, and the peer that stands behind it."""
    peer = t.peer(keywords=("8BITMIME", "SMTPUTF8"))
    server = Exchanger(t.path("mx"), has_utf8, peer)
    t.on_end(server.stop)
    server.start()
    return server, peer


def daemon_for(t, server, choice="strict", settings=None):
    return t.daemon(None, {"smtp.utf8_headers": choice,
                           "transport_maps": "inline:{{there.test=smtp:[127.0.0.1]:%d},"
                           "client.test=lmtp:%s}" % (server.port, t.peer().nexthop), **(settings or {})},
                    name=choice)


def sent_by(daemon, case):
    """What became of a case: status code, word, text, as Client.send gives it."""
    sender, recipient, _, said = CASES[case]
    daemon.send(recipient, content(case), sender=sender, params=said)
    line = daemon.wait_delivery(recipient)
    return line["dsn"], line["status"], line["reason"]


def both(t, server, peer):
    """For each case what Postfix as client and what we made of it: result,
    and what came out behind the server.
    """
    client, daemon = Client(t.path("client"), "[127.0.0.1]:%d" % server.port), daemon_for(t, server)
    t.on_end(client.stop)
    client.start()
    for case in CASES:
        found = []
        for send in (client.send, lambda case: sent_by(daemon, case)):
            dsn, status, reason = send(case)
            if status == "sent":
                peer.wait(lambda: received(peer, case), 20, "the message behind the server")
            found.append((dsn, status, re.sub(r"queued as \w+|:\d+$", "", reason), received(peer, case)))
            peer.messages.clear()
        yield case, *found


@limit(120)
def test_U_5_smtpd_with_smtputf8(t):
    """Everything goes, with the parameter where the sender has asked for it, and nothing is changed."""
    server, peer = exchanger(t, True)
    for case, theirs, ours in both(t, server, peer):
        same(ours, theirs, case)
        flagged = "" if case == "unflagged header" else " SMTPUTF8"
        same(ours[:2] + ours[3],
             ("2.0.0", "sent", *expected(case, "MAIL FROM:<%s> BODY=8BITMIME%s" % (CASES[case][0], flagged))))


@limit(120)
def test_U_2_and_U_4_smtpd_without_smtputf8(t):
    """What needs it comes back with 5.6.7; what was only flagged goes without."""
    server, peer = exchanger(t, False)
    for case, theirs, ours in both(t, server, peer):
        same(ours, theirs, case)
        if case in ("flag only", "unflagged header"):
            same(ours[:2] + ours[3], ("2.0.0", "sent", *expected(case,
                                                                 "MAIL FROM:<a@client.test> BODY=8BITMIME")))
        else:
            same(ours[:2] + ours[3:], ("5.6.7", "bounced", None))
            assert ours[2].startswith(
                "SMTPUTF8 is required, but was not offered by host 127.0.0.1[127.0.0.1]"), ours


@limit(120)
def test_utf8_headers_deliver_and_downgrade_to_smtpd_without_smtputf8(t):
    """Only where the header alone is UTF-8; an address in UTF-8 comes back all the same."""
    server, peer = exchanger(t, False)
    for choice, subject in (("deliver", UTF8.encode()), ("downgrade", b"Subject: =?utf-8?q?gr=C3=BCn?=")):
        daemon = daemon_for(t, server, choice)
        for case in CASES:
            result = sent_by(daemon, case)
            if case in ("recipient", "sender"):
                same(result[:2], ("5.6.7", "bounced"), case)
                continue
            same(result[:2], ("2.0.0", "sent"), case)
            peer.wait(lambda: received(peer, case), 20, "the message behind the server")
            mail_line, own = expected(case, "MAIL FROM:<a@client.test> BODY=8BITMIME")
            same(received(peer, case), (mail_line, own.replace(UTF8.encode(), subject)),
                 "%s, %s" % (choice, case))
        daemon.stop()
        peer.messages.clear()


@limit(120)
def test_smtputf8_enable_no_towards_smtpd_with_it(t):
    """Not asked for: UTF-8 goes as it is, as with Postfix of that setting."""
    server, peer = exchanger(t, True)
    daemon = daemon_for(t, server, settings={"smtputf8_enable": "no"})
    same(sent_by(daemon, "header")[:2], ("2.0.0", "sent"))
    peer.wait(lambda: received(peer, "header"), 20, "the message behind the server")
    same(received(peer, "header"), expected("header", "MAIL FROM:<a@client.test> BODY=8BITMIME"))


# --- which host ----------------------------------------------------------------------------------

def two_hosts(t, first, second, settings=None):
    """A daemon that sends there.test to the second only if the first does not take it."""
    first, second = (t.peer(script, address=("127.0.0.1", 0), smtp=True, keywords=keywords)
                     for script, keywords in (first, second))
    return t.daemon(None, {"transport_maps": "inline:{{there.test=smtp:%s, %s}, client.test=lmtp:%s}" % (
        first.nexthop, second.nexthop, t.peer().nexthop), **(settings or {})}), first, second


def test_U_2_another_host_may_have_it(t):
    daemon, first, second = two_hosts(t, ({}, ("8BITMIME",)), ({}, ("SMTPUTF8",)))
    daemon.send(GRUEN + "@there.test", params="SMTPUTF8")
    same(daemon.wait_delivery(GRUEN + "@there.test")["status"], "sent")
    same((len(first.messages), len(second.messages)), (0, 1))
    assert not any(c.startswith("MAIL") for s in first.sessions
                   for c in s.commands), "it was not even offered"


def test_U_3_looked_at_inside_tls(t):
    """Unlike Postfix, which looks before STARTTLS: what counts is what the server offers in the end."""
    inside = lambda session, line: "250-peer.test\n" + ("250 SMTPUTF8" if session.secure else "250 STARTTLS")
    leaf = Authority(t.path("tls")).leaf("leaf", ["127.0.0.1"])
    peers = {name: SecurePeer(("127.0.0.1", 0), script, certificate=leaf, smtp=True)
             for name, script in (("inside", {"lhlo": inside}), ("never", {}))}
    t.peers.extend(peers.values())
    daemon = t.daemon(None, {"smtp.tls_security_level": "may", "transport_maps": "inline:{%s}" % ", ".join(
        "%s.test=smtp:%s" % (name, peer.nexthop) for name, peer in peers.items())})
    for name, result in (("inside", "2.0.0"), ("never", "5.6.7")):
        daemon.send("%s@%s.test" % (GRUEN, name), params="SMTPUTF8")
        same(daemon.wait_delivery("%s@%s.test" % (GRUEN, name))["dsn"], result, name)
    assert not any(c.startswith("MAIL") for c in peers["never"].sessions[0].commands)


def test_U_7_a_kept_session_without_it_decides_nothing(t):
    """The second host has served while the first was away;
    mail that needs SMTPUTF8 finds the first all the same.
    """
    daemon, first, second = two_hosts(t, ({"greeting": "421 4.3.2 not now"}, ("SMTPUTF8",)),
                                      ({}, ("8BITMIME",)),
                                      {"smtp.connection_cache_time_limit": "60s"})
    daemon.send("u1@there.test")
    same(daemon.wait_delivery("u1@there.test")["status"], "sent")
    same(len(second.messages), 1)
    first.script.clear()
    daemon.send(GRUEN + "@there.test", params="SMTPUTF8")
    same(daemon.wait_delivery(GRUEN + "@there.test")["status"], "sent")
    same((len(first.messages), len(second.messages)), (1, 1))
