"""Content: what arrives is what was dropped, and no server can read it as two messages."""

import email
import email.utils
import random
import re

import mail
from harness import limit, same, slow
from spool import DAEMON_UID, PRODUCER_UID

HEADER = b"From: <a@client.test>\r\nMessage-ID: <x@client.test>\r\n\r\n"
SPOOFED = b"MAIL FROM:<spoof@x>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nspoofed\r\n.\r\n"

# What could end a message at one server or another, followed by what would then be a second message.
ENDINGS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n",
           b"\r\r\n.\r\r\n",
           b"\n\n.\n\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\n..\n", b"\r\n..\n",
           b"\n.\r\n.\r\n"]


def check(message, expected, what):
    assert not mail.smuggles(message.stuffed), (what, message.stuffed)
    same(mail.split_trace(message.content)[1], expected, what)


def test_smuggling_in_crlf_files(t):
    """In a file whose first line ends in CRLF only CRLF.CRLF ends a message."""
    peer = t.peer()
    daemon = t.daemon(peer)
    for uid in (PRODUCER_UID, DAEMON_UID):
        for ending in ENDINGS:
            before = len(peer.messages)
            content = HEADER + b"text" + ending + SPOOFED.replace(b"\r\n.\r\n", b"\n.\n") + b"end\r\n"
            daemon.drop(mail.transaction("a@b", "u@example.org", content, lines=False), uid=uid)
            message = peer.wait_messages(before + 1)[-1]
            same(message.recipients, ["u@example.org"])
            check(message, mail.wire_form(content), ending)
    same(daemon.spool.names("drop/bad"), [])


def test_smuggling_in_lf_files(t):
    """In a file whose first line ends in LF only LF.LF ends a message."""
    peer = t.peer()
    daemon = t.daemon(peer)
    for ending in ENDINGS:
        before = len(peer.messages)
        content = HEADER.replace(b"\r\n", b"\n") + b"text" + ending + SPOOFED + b"end\n"
        daemon.drop(mail.transaction("a@b", "u@example.org", content, b"\n", lines=False))
        message = peer.wait_messages(before + 1)[-1]
        same(message.recipients, ["u@example.org"])
        check(message, mail.wire_form(content, b"\n"), ending)
    same(daemon.spool.names("drop/bad"), [])


def test_unstuffed_endings_are_one_message_or_a_refusal(t):
    """A producer that does not stuff dots may get its file refused, but never two messages out of one."""
    peer = t.peer()
    daemon = t.daemon(peer)
    for eol in (b"\r\n", b"\n"):
        for number, ending in enumerate(ENDINGS):
            envelope = eol.join([b"MAIL FROM:<a@b>", b"RCPT TO:<u@example.org>", b"DATA", b"Subject: x", b"",
                                 b"text"])
            daemon.drop(envelope + ending
                        + b"MAIL FROM:<spoof@x>\nRCPT TO:<victim@example.org>\nDATA\nspoofed\n"
                        + eol + b"." + eol, name="%d-%d" % (len(eol), number))
    daemon.spool.wait_empty()
    for message in peer.messages:
        assert not mail.smuggles(message.stuffed), message.stuffed
        if message.recipients != ["u@example.org"]:
            # only a real end of this file's own kind may have begun another transaction
            assert message.recipients == [
                "victim@example.org"] and b"text" not in message.content, message.content


def test_random_contents_arrive_as_promised(t):
    """Random bytes of the interesting kinds, both line ends, copied and adopted."""
    generator = random.Random(20260)
    peer = t.peer()
    daemon = t.daemon(peer)
    for number in range(150):
        eol = generator.choice((b"\r\n", b"\n"))
        uid = generator.choice((PRODUCER_UID, DAEMON_UID))
        alphabet = [b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n.", b"\n.", b"\0", "\u00e9".encode(), b"\xff",
                    b" "]
        body = b"".join(generator.choices(alphabet, k=generator.randrange(400)))
        content = HEADER.replace(b"\r\n", eol) + body
        if not content.endswith(eol):
            content += eol
        daemon.drop(mail.transaction("a@b", "u@example.org", content, eol, lines=False), uid=uid)
        check(peer.wait_messages(number + 1)[-1], mail.wire_form(content, eol),
              "number %d: %r" % (number, body))
    same(daemon.spool.names("drop/bad"), [])


def test_dots_at_every_place_of_a_block(t):
    """Line ends and dots that fall on the borders of any buffer size in use."""
    peer = t.peer()
    daemon = t.daemon(peer)
    for count, shift in enumerate(range(0, 12), 1):
        body = b"x" * shift + b"\r\n" + b"".join(b".%05d\r\n" % n + b"y" * 55 + b"\r\n" for n in range(9000))
        content = HEADER + body
        for uid in (PRODUCER_UID, DAEMON_UID):
            daemon.drop(mail.transaction("a@b", "u@example.org", content, lines=False), uid=uid)
        for message in peer.wait_messages(2 * count)[-2:]:
            check(message, content, "shift %d" % shift)


def test_sizes_around_the_limits_of_buffers(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    sizes = [n + d for n in (4096, 16384, 65536, 131072, 262144) for d in (-300, -1, 0, 1, 300)]
    for count, size in enumerate(sizes, 1):
        content = HEADER + (b"0123456789" * 7 + b"\r\n") * (size // 72)
        content += b"z" * max(0, size - len(content) - 2) + b"\r\n"
        for uid in (PRODUCER_UID, DAEMON_UID):
            daemon.drop(mail.transaction("a@b", "u@example.org", content, lines=False), uid=uid)
        for message in peer.wait_messages(2 * count)[-2:]:
            check(message, content, "size %d" % size)


@slow
@limit(120)
def test_large_message(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    content = HEADER + b"".join(b"%07d " % n + b"q" * 90 + b"\r\n" for n in range(300_000))
    for count, uid in enumerate((PRODUCER_UID, DAEMON_UID), 1):
        daemon.drop(mail.transaction("a@b", "u@example.org", content, lines=False), uid=uid)
        check(peer.wait_messages(count, 60)[-1], content, "30 MB")


def test_B_5_missing_final_line_end_is_supplied(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.drop(b"MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\nSubject: x\n\nlast\n.\n")
    same(mail.split_trace(peer.wait_messages(1)[0].content)[1], b"Subject: x\r\n\r\nlast\r\n")


def test_B_6_dots_are_stuffed_at_line_starts_only(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    body = ".\n..\n...x\na.b\n .\n.\n"
    content = daemon.send("u@example.org", mail.message(body))
    message = peer.wait_messages(1)[0]
    same(mail.split_trace(message.content)[1], content)
    assert message.stuffed.endswith(
        b"\r\n\r\n..\r\n...\r\n....x\r\na.b\r\n .\r\n..\r\n.\r\n"), message.stuffed


def test_B_7_nul_and_8bit_bytes_stay(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    content = daemon.send("u@example.org", mail.message(bytes(range(14, 256)) + b"\0\0\n\0\n"))
    same(mail.split_trace(peer.wait_messages(1)[0].content)[1], content)


def test_B_9_empty_content(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for count, text in enumerate((b"MAIL FROM:<a@b>\nRCPT TO:<u@example.org>\nDATA\n.\n",
                                  b"MAIL FROM:<a@b>\r\nRCPT TO:<u@example.org>\r\nDATA\r\n.\r\n"), 1):
        daemon.drop(text)
        same(mail.split_trace(peer.wait_messages(count)[-1].content)[1], b"")


def test_received_field(t):
    """One field ahead of the content, with our name, the id of the log, and the time."""
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    trace, _ = mail.split_trace(peer.wait_messages(1)[0].content)
    ident = daemon.wait_log(r"/pickup\[\d+\]: (\w+): uid=").group(1)
    field = email.message_from_bytes(trace + b"\r\n")["Received"]
    assert re.search(r"\bby causeway\.test\b", field), field
    assert re.search(r"\bid %s\b" % ident, field), field
    assert email.utils.parsedate_to_datetime(field.rsplit(";", 1)[1].strip()), field
    assert all(len(line) <= 78 for line in trace.split(b"\r\n")), trace


def test_hop_count_is_a_loop_beyond_the_limit(t):
    """Bounced for each recipient with 5.4.6, not moved to bad/; at the limit it is delivered."""
    daemon, peers = t.destinations({"there": None}, {"queue.hopcount_limit": 5})

    def hops(count):
        return mail.message(headers=["Received: by h%d.test" % n for n in range(count)])
    daemon.send("fits@there.test", hops(5))
    daemon.send(["x@there.test", "y@there.test"], hops(6))
    for address in ("x@there.test", "y@there.test"):
        line = daemon.wait_delivery(address)
        same((line["status"], line["dsn"], line["relay"]), ("bounced", "5.4.6", "none"))
    report = peers["client"].wait_messages(1)[0]
    same(report.sender, "")
    assert b"5.4.6" in report.content
    same(peers["there"].wait_messages(1)[0].recipients, ["fits@there.test"])
    daemon.spool.wait_empty()
    same(len(peers["there"].messages), 1)
    same(daemon.spool.names("drop/bad"), [])


def test_received_counts_only_in_the_header(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"queue.hopcount_limit": 3})
    body = "Received: by somebody\n" * 20
    daemon.send("u@example.org", mail.message(body, headers=["received: lower case", "X-Received: not one"]))
    peer.wait_messages(1)


def test_message_id_is_logged(t):
    daemon = t.daemon(t.peer())
    daemon.send("u@example.org", mail.message(ident="logged@client.test"))
    daemon.wait_log(r"/cleanup\[\d+\]: \w+: message-id=<logged@client\.test>")
    daemon.send("u@example.org", b"Message-Id:\n\t<folded@client.test>\n\nx\n")
    daemon.wait_log(r"message-id=<folded@client\.test>")


def test_message_id_cannot_forge_a_log_line(t):
    daemon = t.daemon(t.peer())
    daemon.send("u@example.org", b"Message-ID: <x\x1b\x07\0\xe2\x80\xae@y> status=sent (250)\n\nx\n")
    daemon.wait_log("removed")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", daemon.log()), daemon.log()
