"""BSMTP: which files are one or more messages, which are refused, and what an address may be."""

import re

import mail
from harness import same

EOLS = (b"\r\n", b"\n")
CONTENT = "From: <a@client.test>\nSubject: x\nMessage-ID: <x@y>\n\nbody\n"


def lines(text, eol):
    return text.encode("utf-8", "surrogateescape").replace(b"\n", eol)


ACCEPTED = {
    "plain": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n%s.\n",
    "greeted": "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n%s.\n",
    "helo": "HELO me\nMAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n%s.\nQUIT\n",
    "lhlo": "LHLO [127.0.0.1]\nMAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n%s.\nQUIT\n",
    "case": "ehlo me\nmail from:<a@b>\nRcpt To:<u@example.org>\ndata\n%s.\nquit\n",
    "noise": "NOOP\nRSET\nMAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n%s.\nNOOP\nRSET\nQUIT\n",
    "null sender": "MAIL FROM:<>\nRCPT TO:<u@example.org>\nDATA\n%s.\n",
}


def test_accepted_files(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for name, text in ACCEPTED.items():
        for eol in EOLS:
            before = len(peer.messages)
            daemon.drop(lines(text % CONTENT, eol))
            message = peer.wait_messages(before + 1)[-1]
            same(message.recipients, ["u@example.org"], name)
            same(mail.split_trace(message.content)[1], CONTENT.replace("\n", "\r\n").encode(), name)
    same(daemon.spool.names("drop/bad"), [])


def test_several_transactions_in_a_file(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    one = "MAIL FROM:<s%d@b>\nRCPT TO:<u%d@example.org>\nDATA\n%s.\n"
    for eol in EOLS:
        peer.messages.clear()
        text = "EHLO me\n" + "RSET\n".join(one % (n, n, CONTENT) for n in range(20)) + "QUIT\n"
        daemon.drop(lines(text, eol))
        got = sorted((m.sender, m.recipients[0]) for m in peer.wait_messages(20))
        same(got, sorted(("s%d@b" % n, "u%d@example.org" % n) for n in range(20)))
    daemon.spool.wait_empty()
    ids = set(re.findall(r"/pickup\[\d+\]: (\w+): uid=", daemon.log()))
    same(len(ids), 40, "ids")


REFUSED = {
    "unfinished": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\nx\n",
    "no content": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n",
    "no data": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\n",
    "only a greeting": "EHLO me\n",
    "only quit": "QUIT\n",
    "after quit": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\nx\n.\nQUIT\nNOOP\n",
    "second unfinished": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\nx\n.\nMAIL FROM:<a@b>\n",
    "second broken": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\nx\n.\n"
                     "MAIL FROM:<a@b>\nRCPT TO:<u>>\nDATA\nx\n.\n",
    "recipient first": "RCPT TO:<u@example.org>\nMAIL FROM:<a@b>\nDATA\nx\n.\n",
    "two senders": "MAIL FROM:<a@b>\nMAIL FROM:<c@d>\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "unknown verb": "MAIL FROM:<a@b>\nVRFY u\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "junk after data": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\nx\n.\njunk\n",
    "null recipient": "MAIL FROM:<a@b>\nRCPT TO:<>\nDATA\nx\n.\n",
    "no brackets": "MAIL FROM:a@b\nRCPT TO:u@example.org\nDATA\nx\n.\n",
    "open bracket": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org\nDATA\nx\n.\n",
    "two ats": "MAIL FROM:<a@b>\nRCPT TO:<u@v@example.org>\nDATA\nx\n.\n",
    "blank in local part": "MAIL FROM:<a@b>\nRCPT TO:<u v@example.org>\nDATA\nx\n.\n",
    "open quote": "MAIL FROM:<a@b>\nRCPT TO:<\"u@example.org>\nDATA\nx\n.\n",
    "empty domain": "MAIL FROM:<a@b>\nRCPT TO:<u@>\nDATA\nx\n.\n",
    "empty label": "MAIL FROM:<a@b>\nRCPT TO:<u@example..org>\nDATA\nx\n.\n",
    "bad literal": "MAIL FROM:<a@b>\nRCPT TO:<u@[300.1.1.1]>\nDATA\nx\n.\n",
    "bad literal 6": "MAIL FROM:<a@b>\nRCPT TO:<u@[IPv6:zz]>\nDATA\nx\n.\n",
    "label of 64": "MAIL FROM:<a@b>\nRCPT TO:<u@%s.org>\nDATA\nx\n.\n" % ("l" * 64),
    "domain of 256": "MAIL FROM:<a@b>\nRCPT TO:<u@%s>\nDATA\nx\n.\n"
    % (("d" * 63 + ".") * 3 + "d" * 62 + ".e"),
    "address of 1001": "MAIL FROM:<a@b>\nRCPT TO:<%s@example.org>\nDATA\nx\n.\n" % ("u" * 989),
    "control": "MAIL FROM:<a@b>\nRCPT TO:<u\x01@example.org>\nDATA\nx\n.\n",
    "quoted control": "MAIL FROM:<a@b>\nRCPT TO:<\"u\x1b\"@example.org>\nDATA\nx\n.\n",
    "delete": "MAIL FROM:<a@b>\nRCPT TO:<u\x7f@example.org>\nDATA\nx\n.\n",
    "nul": "MAIL FROM:<a@b>\nRCPT TO:<u\0@example.org>\nDATA\nx\n.\n",
    "bare cr": "MAIL FROM:<a@b>\nRCPT TO:<u\rv@example.org>\nDATA\nx\n.\n",
    "quoted bare cr": "MAIL FROM:<a@b>\nRCPT TO:<\"u\r\"@example.org>\nDATA\nx\n.\n",
    "control in parameter": "MAIL FROM:<a@b> ENVID=x\x07y\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "bad utf-8": "MAIL FROM:<a@b>\nRCPT TO:<u\udcff@example.org>\nDATA\nx\n.\n",
    "unknown parameter": "MAIL FROM:<a@b> FOO=BAR\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "bad size": "MAIL FROM:<a@b> SIZE=many\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "bad body": "MAIL FROM:<a@b> BODY=9BIT\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "bad ret": "MAIL FROM:<a@b> RET=SOME\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
    "bad notify": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org> NOTIFY=NEVER,FAILURE\nDATA\nx\n.\n",
    "bad orcpt": "MAIL FROM:<a@b>\nRCPT TO:<u@example.org> ORCPT=nothing\nDATA\nx\n.\n",
    "bad xtext": "MAIL FROM:<a@b> ENVID=a+4\nRCPT TO:<u@example.org>\nDATA\nx\n.\n",
}


def test_refused_files(t):
    """Each whole, with a reason that names the line; nothing of them is delivered."""
    peer = t.peer()
    daemon = t.daemon(peer)
    files = {"%s %d" % (name, len(eol)): lines(text, eol) for name, text in REFUSED.items() for eol in EOLS}
    for name, data in files.items():
        daemon.drop(data, name=name)
    for name, data in files.items():
        reason = daemon.spool.wait_refused(name)
        assert reason.strip(), name
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", reason), (name, reason)
        with open(daemon.spool.at("drop/bad/" + name), "rb") as file:
            same(file.read(), data, name)
    daemon.send("after@example.org")
    peer.wait_messages(1)
    same([m.recipients for m in peer.messages], [["after@example.org"]])


def test_reason_names_the_line(t):
    daemon = t.daemon(t.peer())
    name = daemon.drop(
        b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ok@example.org>\r\nRCPT TO:<u@>\r\nDATA\r\nx\r\n.\r\n")
    assert re.search(r"\b4\b", daemon.spool.wait_refused(name))


ADDRESSES = [
    "User+Detail@example.org",
    "MixedCase@Example.ORG",
    "under_score@example.org",
    "a.b-c=d/e!f#g$h%i&j'k*l?m^n`o{p|q}r~s@example.org",
    '"with space"@example.org',
    '"with@at"@example.org',
    '"with\\"quote"@example.org',
    '"with\\\\backslash"@example.org',
    '".leading.dot"@example.org',
    '"two..dots"@example.org',
    '""@example.org',
    "x" * 64 + "@example.org",
    "y" * 300 + "@example.org",
    "w" * 988 + "@example.org",
]


def test_addresses_reach_the_wire_untouched(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for address in ADDRESSES:
        before = len(peer.messages)
        daemon.send(address, sender=address)
        message = peer.wait_messages(before + 1)[-1]
        same(message.recipients, [address])
        same(message.sender, address)


def test_utf8_address_is_sent_with_smtputf8(t):
    peer = t.peer(keywords=("PIPELINING", "8BITMIME", "SMTPUTF8"))
    daemon = t.daemon(peer)
    daemon.send("j\u00f6rg@example.org", params="SMTPUTF8")
    message = peer.wait_messages(1)[0]
    same(message.recipients, ["j\u00f6rg@example.org"])
    assert " SMTPUTF8" in message.mail, message.mail


def test_underscore_in_a_label(t):
    daemon, peers = t.destinations({"_under_score": None})
    daemon.send("u@_under_score.test")
    same(peers["_under_score"].wait_messages(1)[0].recipients, ["u@_under_score.test"])


def test_address_literals_are_accepted(t):
    """They go to the smtp transport, which defers for now."""
    daemon = t.daemon(t.peer())
    for literal in ("u@[127.0.0.1]", "u@[IPv6:::1]"):
        daemon.send(literal)
        same(daemon.wait_delivery(literal)["status"], "deferred")


def test_address_without_domain_gets_myorigin(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"myorigin": "example.org"})
    for address in ("postmaster", "Postmaster", "joe"):
        before = len(peer.messages)
        daemon.send(address)
        same(peer.wait_messages(before + 1)[-1].recipients, [address + "@example.org"])


def test_source_route_is_refused_or_ignored(t):
    """RFC 5321 appendix C: the route may be dropped; it never reaches the wire."""
    peer = t.peer()
    daemon = t.daemon(peer)
    name = daemon.drop(mail.transaction("a@b", "@relay.test:u@example.org", mail.message()))
    daemon.spool.wait_taken()
    if name not in daemon.spool.names("drop/bad"):
        same(peer.wait_messages(1)[0].recipients, ["u@example.org"])


def test_esmtp_parameters_are_passed_on(t):
    peer = t.peer(keywords=("PIPELINING", "8BITMIME", "SIZE", "DSN"))
    daemon = t.daemon(peer)
    daemon.send([("u@example.org", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Old+2BUser@example.net"),
                 ("v@example.org", "NOTIFY=NEVER")],
                params="SIZE=4 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1 AUTH=<>")
    message = peer.wait_messages(1)[0]
    for word in ("BODY=8BITMIME", "RET=HDRS", "ENVID=QQ+2B1"):
        assert " " + word in message.mail, message.mail
    assert "AUTH=" not in message.mail, message.mail
    same(message.rcpts[0],
         "RCPT TO:<u@example.org> ORCPT=rfc822;Old+2BUser@example.net NOTIFY=SUCCESS,FAILURE")
    same(message.rcpts[1], "RCPT TO:<v@example.org> NOTIFY=NEVER")
