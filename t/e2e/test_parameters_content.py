"""line_length_limit: long lines are cut for servers that do not take them, all others go out as they came."""

import email
import email.policy
import quopri

import mail
from actions import silence
from harness import same
from spool import DAEMON_UID, PRODUCER_UID

NOTE = r": breaking line > %d bytes with <CR><LF>SPACE$"


def body_of(message):
    """The content behind the trace lines and the header, as it came, without its final dot."""
    return message.stuffed.split(b"\r\n\r\n", 1)[1][:-len(b".\r\n")]


def send_body(daemon, peer, body, **options):
    """Drop a message with that BODY (LF); what arrives of it."""
    count = len(peer.messages)
    daemon.send("u@example.org", b"Subject: x\n\n" + body, **options)
    return body_of(peer.wait_messages(count + 1)[-1])


def test_B_8_long_lines_are_cut_at_the_limit(t):
    """Behind 998 bytes; the rest goes on behind a blank, which counts. Exactly 998 are not cut."""
    peer = t.peer()
    daemon = t.daemon(peer)
    for uid in (PRODUCER_UID, DAEMON_UID):
        same(send_body(daemon, peer, b"x" * 998 + b"\n", uid=uid), b"x" * 998 + b"\r\n")
        same(send_body(daemon, peer, b"x" * 998 + b".after\n", uid=uid), b"x" * 998 + b"\r\n .after\r\n")
        same(send_body(daemon, peer, b"a\n" + b"x" * 2995 + b"yz\nb\n", uid=uid),
             b"a\r\n" + b"x" * 998 + b"\r\n " + b"x" * 997 + b"\r\n " + b"x" * 997 + b"\r\n "
             + b"xxxyz\r\nb\r\n")
    daemon.wait_log(NOTE % 998, 4)
    same(daemon.log().count("breaking line"), 4, "told once for each message that was cut")


def test_B_8_dots(t):
    """A stuffed dot is not counted, and a cut part that begins with one is not stuffed."""
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.line_length_limit": 10})
    same(send_body(daemon, peer, b".123456789\n.123456789.1\n..\n"),
         b"..123456789\r\n..123456789\r\n .1\r\n...\r\n")


def header_of(message):
    """Its own header, as it came."""
    return message.content[message.content.index(b"X-Number:"):].split(b"\r\n\r\n", 1)[0] + b"\r\n"


ADDRESSES = ["user%d@example.org" % n for n in range(120)]
LONG_FIELDS = {
    "words": "Subject: " + " ".join("word%d" % n for n in range(400)),
    "encoded words": "Subject: " + " ".join("=?utf-8?q?gr=C3=BCn%03d?=" % n for n in range(120)),
    "UTF-8": "Subject: " + " ".join("gr\u00fcn%d" % n for n in range(300)),
    "addresses": "To: " + ",".join(ADDRESSES),
    "parameter": 'Content-Type: text/plain; x="%s, %s";name=y' % ("a b" * 300, "c,d" * 100),
}


def test_B_8_header_fields_are_folded(t):
    """At blanks, which a reader does not see, or behind commas; Postfix cuts words,
    encoded ones and addresses too.
    """
    peer = t.peer()
    daemon = t.daemon(peer)
    for count, (what, field) in enumerate(LONG_FIELDS.items(), 1):
        daemon.send("u@example.org", ("X-Number: %d\n%s\n\nbody\n" % (count, field)).encode())
        got = header_of(peer.wait_messages(count)[-1])
        assert max(map(len, got.split(b"\r\n"))) <= 998, what
        before, after = (email.message_from_bytes(h, policy=email.policy.default)
                         for h in (("X-Number: %d\n%s\n" % (count, field)).encode(),
                                   got.replace(b"\r\n", b"\n")))
        same(str(after.items()), str(before.items()), what)
        if what == "addresses":
            same([a.addr_spec for a in after["To"].addresses], ADDRESSES)
        else:
            same(got.replace(b"\r\n ", b" "),
                 ("X-Number: %d\r\n%s\r\n" % (count, field)).encode().replace(b"\r\n ", b" "))
    daemon.wait_log(NOTE % 998, len(LONG_FIELDS))


def test_B_8_words_of_headers_that_are_longer_than_a_line_are_cut(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("u@example.org", b"X-Number: 1\nSubject: " + b"y" * 1500 + b" z\n\nbody\n")
    same(header_of(peer.wait_messages(1)[0]),
         b"X-Number: 1\r\nSubject:\r\n " + b"y" * 997 + b"\r\n " + b"y" * 503 + b"\r\n z\r\n")


def test_header_size_limit_a_field_that_is_changed_loses_its_end(t):
    """As in Postfix, but the log says so, once a message; what no table changes keeps it."""
    peer = t.peer()
    daemon = t.daemon(peer, {"header_size_limit": 100,
                             "lmtp.header_checks":
                             "regexp:{{/^X-Changed: (....)/ REPLACE X-Changed: new $$1}}"})
    line = b"\n " + b"v" * 60
    daemon.send("u@example.org",
                b"X-Number: 1\nX-Kept: 1234" + line * 5 + b"\nX-Changed: 1234" + line * 5 + b"\n\nbody\n")
    same(header_of(peer.wait_messages(1)[0]),
         (b"X-Number: 1\nX-Kept: 1234" + line * 5 + b"\nX-Changed: new 1234\n").replace(b"\n", b"\r\n"))
    daemon.wait_log(
        r"/lmtp\[\d+\]: \w+: warning: a table has changed a header field longer than header_size_limit "
                    r"\(100 bytes\): its end is not sent$")
    same(daemon.log().count("header_size_limit"), 1)


def test_lmtp_line_length_limit_that_is_very_small_is_warned_of(t):
    daemon = t.daemon(t.peer(), {"lmtp.line_length_limit": 7})
    assert "line_length_limit: what is encoded may be cut so that nobody can read it" in daemon.stderr(
        ) + daemon.log()


def test_B_8_characters_of_utf_8_stay_whole(t):
    """And what is encoded stays decodable: soft breaks in quoted-printable."""
    peer = t.peer()
    daemon = t.daemon(peer)
    same(send_body(daemon, peer, b"x" * 997 + "ü\n".encode()), b"x" * 997 + b"\r\n \xc3\xbc\r\n")
    same(send_body(daemon, peer, "€".encode() * 333 + b"\n"),
         "€".encode() * 332 + b"\r\n " + "€\r\n".encode())
    daemon.send("u@example.org", b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=C3=BC" * 400 + b"\n")
    body = body_of(peer.wait_messages(3)[-1])
    same(quopri.decodestring(body.replace(b"\r\n", b"\n")), "ü".encode() * 400 + b"\n")
    assert max(map(len, body.split(b"\r\n"))) <= 998


def test_lmtp_line_length_limit_0_never_cuts(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.line_length_limit": 0})
    for size in (999, 5000, 300_000):
        same(send_body(daemon, peer, b"x" * size + b"\n"), b"x" * size + b"\r\n")
    assert "breaking line" not in daemon.log()


def test_lmtp_line_length_limit_above_and_below_the_usual(t):
    """Shorter than 998 cuts lines that all others take; longer leaves them."""
    short, long = t.peer(), t.peer()
    daemon = t.daemon(None, {
        "transport short.protocol": "lmtp", "transport short.line_length_limit": 60,
        "transport long.protocol": "lmtp", "transport long.line_length_limit": 2000,
        "transport_maps": "inline:{short.test=short:%s, long.test=long:%s}" % (short.nexthop, long.nexthop)})
    daemon.send(["u@short.test", "u@long.test"], b"Subject: x\n\n" + b"z" * 100 + b"\n" + b"w" * 2001 + b"\n")
    daemon.wait_deliveries(2, status="sent")
    lines = body_of(short.messages[0]).split(b"\r\n")
    same(max(map(len, lines)), 60)
    same(b"".join(lines).replace(b" ", b""), b"z" * 100 + b"w" * 2001)
    same(body_of(long.messages[0]), b"z" * 100 + b"\r\n" + b"w" * 2000 + b"\r\n w\r\n")


def test_long_lines_of_large_messages(t):
    """Beyond what goes out in one write, whole and to a peer that reads slowly;
    others of that size untouched.
    """
    peer = t.peer(read_size=4096)
    daemon = t.daemon(peer)
    plain = b"0123456789012345678901234567890123456789\n" * 10_000
    same(send_body(daemon, peer, plain), plain.replace(b"\n", b"\r\n"))
    got = send_body(daemon, peer, plain + b"v" * 1_000_000 + b"\n" + plain)
    lines = got.split(b"\r\n")
    same(max(map(len, lines)), 998)
    same(got.replace(b"\r\n ", b""), (plain + b"v" * 1_000_000 + b"\n" + plain).replace(b"\n", b"\r\n"))
    daemon.wait_log(NOTE % 998)


def test_long_lines_are_remembered_over_a_restart(t):
    """What was found when the message was taken in counts for its later attempts."""
    peer = t.peer({"greeting": silence})
    daemon = t.daemon(peer, {"lmtp.lhlo_timeout": "1s", "queue.minimal_backoff_time": "1s"})
    daemon.send("u@example.org", mail.message(b"x" * 1500 + b"\n"))
    daemon.wait_delivery("u@example.org", "deferred")
    daemon.stop()
    peer.script.clear()
    daemon.start()
    same(body_of(peer.wait_messages(1, 30)[0]), b"x" * 998 + b"\r\n " + b"x" * 502 + b"\r\n")
