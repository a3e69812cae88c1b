"""Content for servers that take no 8-bit: conversion to 7-bit MIME, its limits, and headers in UTF-8."""

import random
import re
import subprocess

import mail
import processes
from cyrus import Cyrus
from dovecot import Dovecot
from harness import limit, needs_root, same
from mime_check import check_same
from mime_messages import message, plain_message
from postfix import Postfix

SEVEN = ("PIPELINING", "SIZE 104857600", "ENHANCEDSTATUSCODES")
EIGHT = ("PIPELINING", "SIZE 104857600", "8BITMIME")
GRUEN = "grün"


def wire(content):
    return content.replace(b"\n", b"\r\n")


def own_part(message):
    """What came of a message behind the trace lines, from the field that all messages here begin with."""
    return message.content[message.content.index(b"X-Number:"):]


def numbered(peer, count, timeout=60):
    """Messages by their number."""
    return {int(re.match(rb"X-Number: (\d+)", own_part(m)).group(1)): own_part(m)
            for m in peer.wait_messages(count, timeout)}


def text(body=GRUEN + "\n", headers=(), coding="8bit"):
    coding = ["Content-Transfer-Encoding: " + coding] if coding else []
    return "\n".join(["X-Number: 1", *headers, "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
                      *coding, "", body]).encode()


def unfolded(content):
    """Without the places where long lines were cut."""
    return content.replace(b"=\r\n", b"").replace(b"\r\n ", b"")


@limit(240)
def test_B_10_to_B_18_messages_of_the_world_decode_to_the_same_bytes(t):
    """500 of them by chance, broken ones among them: all 7-bit, no line above 998, every part as it was."""
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer)
    messages = {number: message(random.Random(number), number) for number in range(500)}
    for content in messages.values():
        daemon.send("u@example.org", content)
    for number, got in numbered(peer, 500, 200).items():
        before = wire(messages[number])
        if before.isascii():
            same(unfolded(got), unfolded(before), "what needs no conversion")
        else:
            check_same(before, got)


def multipart(boundary, *parts, end=True, subtype="mixed", preamble=b""):
    """A header field and a body; each part is bytes from its first field on."""
    mark = b"--" + boundary
    body = preamble + b"".join(mark + b"\n" + part + b"\n" for part in parts) + (mark + b"--\n" if end
                                                                                 else b"")
    return b'Content-Type: multipart/%s; boundary="%s"\n\n%s' % (subtype.encode(), boundary, body)


PART = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ngrün\n".encode()


def deep(depth):
    inner = PART
    for level in range(depth):
        inner = multipart(b"level%d" % level, inner)
    return inner


HOSTILE = {
    "boundaries that begin each other": multipart(b"b", multipart(b"bb", PART, multipart(b"bbb", PART), PART),
                                                  PART),
    "an inner one that the outer begins": multipart(b"bbb", multipart(b"bb", multipart(b"b", PART), PART),
                                                    PART),
    "no end": multipart(b"o", multipart(b"i", PART, end=False), PART, end=False),
    "no part": multipart(b"o", preamble=b"text alone\n") + b"behind\n" + multipart(b"b", b"x"),
    "boundary of 70": multipart(b"x" * 69 + b"?", PART, PART),
    "boundary with blanks and quotes": multipart(b"a b'()+_,-./:=?c", PART, PART),
    "header that is never over": multipart(b"b", "Content-Type: text/plain; charset=utf-8".encode(), PART),
    "a part without header and empty line": multipart(b"b", "grün\n".encode(), PART),
    "field without colon": multipart(b"b", b"Content-Type: text/plain\nno colon here\n" + PART, PART),
    "NUL in body and header": multipart(b"b", b"X: a\x00b\n" + PART.replace(b"n\n", b"\x00n\n"), PART),
    "NUL in a boundary's line": multipart(b"b", PART + b"--b\x00\n--b\x00--\n", PART),
    "CR alone": multipart(b"b", PART + "ein\rgrün\r--b\r".encode(), PART),
    "blanks behind boundaries": multipart(b"b", PART, PART).replace(b"--b\n",
                                                                    b"--b \t \n").replace(b"--b--\n",
                                                                                          b"--b-- \n"),
    "boundary in two fields": b"Content-Type: text/plain\n" + multipart(b"b", PART),
    "folded anywhere": b"Content-Type:\n multipart/mixed\n ;\n boundary\n =\n b\n\n--b\n" + PART + b"--b--\n",
    "comments": b"Content-Type: multipart/mixed (a(b)c) ; boundary=b\n\n--b\n" + PART + b"--b--\n",
    "base64 with 8-bit rubbish": multipart(b"b",
                                           b"Content-Transfer-Encoding: base64\n\nZ3L\xc3\xbcn\n====\nZ3I=\n",
                                           PART),
    "quoted-printable at its ends":
        multipart(b"b", b"Content-Transfer-Encoding: quoted-printable\n\n=\xff=\n=4=\n=3D=", PART),
    "digest": multipart(b"b", b"\nSubject: inside\n" + PART, subtype="digest"),
    "attached in attached": b"Content-Type: message/rfc822\n\n" * 50 + PART,
    "50 levels": deep(50),
    "dots": multipart(b"b", PART + b".\n..\n.--b\n", PART),
    "subject in bits": "Subject: ü\n =?utf-8?q?=C3=BC?=\n ü\n".encode() + PART,
}


@limit(120)
def test_B_10_to_B_18_hostile_structures(t):
    """What a reader makes of them is the same before and behind; a message that is not told apart is one,
    however it is made."""
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer)
    for number, content in enumerate(HOSTILE.values()):
        daemon.send("u@example.org", b"X-Number: %d\nMIME-Version: 1.0\n" % number + content)
    got = numbered(peer, len(HOSTILE))
    wrong = {}
    for number, (what, content) in enumerate(HOSTILE.items()):
        before = mail.wire_form(b"X-Number: %d\nMIME-Version: 1.0\n" % number + content, b"\n")
        try:
            check_same(before, got[number])
        except AssertionError as fault:
            wrong[what] = str(fault)
    same(wrong, {})


def test_mime_nesting_limit_1000_levels(t):
    """Within the limit each of them is followed; above it mail that has to be changed comes back,
    all other goes.
    """
    seven, eight = t.peer(keywords=SEVEN), t.peer(keywords=EIGHT)
    content = b"X-Number: 1\nMIME-Version: 1.0\n" + deep(1000)
    for limit_, dsn in ((1000, "2.0.0"), (999, "5.6.0")):
        daemon = t.daemon(seven, {"mime_nesting_limit": limit_}, name="d%d" % limit_)
        daemon.send("u@example.org", content)
        same(daemon.wait_delivery("u@example.org")["dsn"], dsn, limit_)
        daemon.stop()
    got = own_part(seven.messages[0])
    assert got.isascii() and b"\r\n\r\ngr=C3=BCn\r\n" in got, got[-100:]
    same(got.replace(b"quoted-printable", b"8bit").replace(b"=C3=BC", "ü".encode()), wire(content))
    daemon = t.daemon(eight, name="eight")
    daemon.send("u@example.org", content)
    same(own_part(eight.wait_messages(1)[0]), wire(content))


@limit(180)
@needs_root
def test_B_10_to_B_18_the_same_as_postfix(t):
    """Mail whose parts say what they are comes out byte for byte as Postfix makes it."""
    peer, theirs = t.peer(keywords=SEVEN), t.peer(keywords=SEVEN)
    daemon = t.daemon(peer)
    postfix = Postfix(t.path("postfix"), theirs.nexthop).start()
    t.on_end(postfix.stop)
    for number in range(60):
        content = plain_message(random.Random(number), number)
        daemon.send("u@example.org", content)
        subprocess.run(["/usr/sbin/sendmail", "-C", postfix.at("etc"), "-i", "-f", "a@client.test",
                        "u@example.org"],
                       input=content, check=True, timeout=100)
    ours, postfixes = numbered(peer, 60), numbered(theirs, 60, 100)
    for number in range(60):
        if not plain_message(random.Random(number), number).isascii():
            same(ours[number], postfixes[number])


def test_M_4_size_is_not_said_of_what_is_converted(t):
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer)
    daemon.send("u@example.org", text())
    assert "SIZE" not in peer.wait_messages(1)[0].mail
    assert own_part(peer.messages[0]).endswith(b"gr=C3=BCn\r\n")
    daemon.send("u@example.org", text("plain\n", coding="7bit"))
    assert "SIZE=" in peer.wait_messages(2)[1].mail


def test_disable_mime_output_conversion_sends_8_bit_as_it_is(t):
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer, {"disable_mime_output_conversion": "yes"})
    daemon.send("u@example.org", text())
    got = peer.wait_messages(1)[0]
    same(own_part(got), wire(text()))
    assert "SIZE=" in got.mail and "BODY" not in got.mail, got.mail


def test_signed_parts_are_never_changed(t):
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer)
    signed = "\n".join(["Content-Type: multipart/signed; boundary=s", "", "--s", "Content-Type: text/plain",
                        "Content-Transfer-Encoding: 8bit", "X: ü", "", GRUEN, "--s",
                        "Content-Type: application/pgp-signature", "", "xyz", "--s--", ""]).encode()
    whole = b"X-Number: 1\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\n" + signed + \
        b"\n--m\nContent-Transfer-Encoding: 8bit\n\n" + GRUEN.encode() + b"\n--m--\n"
    daemon.send("u@example.org", whole)
    got = own_part(peer.wait_messages(1)[0])
    assert wire(signed) in got, got
    assert got.endswith(b"quoted-printable\r\n\r\ngr=C3=BCn\r\n--m--\r\n"), got


def nested(depth, number=1):
    head = ["X-Number: %d" % number, "MIME-Version: 1.0"]
    for level in range(depth):
        head += ["Content-Type: multipart/mixed; boundary=b%d" % level, "", "--b%d" % level]
    return "\n".join(head + ["Content-Transfer-Encoding: 8bit", "", GRUEN, ""]).encode()


def test_B_19_mime_nesting_limit(t):
    """Deeper multiparts are returned while converting,
    and go out as they are where nothing has to be converted.
    """
    peer, eight = t.peer(keywords=SEVEN), t.peer(keywords=EIGHT)
    daemon = t.daemon(peer, {"mime_nesting_limit": 5,
                             "transport_maps": "inline:{eight.test=lmtp:%s}" % eight.nexthop})
    daemon.send("u@example.org", nested(6), sender="s@eight.test")
    line = daemon.wait_delivery("u@example.org", "bounced")
    same(line["dsn"], "5.6.0")
    assert "mime_nesting_limit" in line["reason"], line
    same(eight.wait_messages(1)[0].sender, "", "a report")
    same(peer.messages, [], "nothing of the message")
    assert "QUIT" not in peer.sessions[0].commands
    daemon.send("u@example.org", nested(5))
    assert b"gr=C3=BCn" in peer.wait_messages(1)[0].content
    daemon.send("u@eight.test", nested(6))
    same(own_part(eight.wait_messages(2)[1]), wire(nested(6)))


def test_mime_boundary_length_limit_makes_boundaries_the_same(t):
    """Two that differ behind it are taken for one: the outer end is not seen for the inner one's."""
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer, {"mime_boundary_length_limit": 8})
    head = "X-Number: 1\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=12345678%s\n\n"
    part = "--12345678B\nContent-Transfer-Encoding: 8bit\n\n" + GRUEN + "\n--12345678B--\n"
    daemon.send("u@example.org", (head % "A" + part).encode())
    assert own_part(peer.wait_messages(1)[0]).endswith(b"gr=C3=BCn\r\n--12345678B--\r\n")


def test_header_size_limit_bounds_what_is_looked_at(t):
    """A field is looked at up to there: a coding behind it is not seen, and nothing of the field is lost."""
    peer = t.peer(keywords=SEVEN)
    daemon = t.daemon(peer, {"header_size_limit": 100})
    long = "X-Long: " + "x" * 80 + "\n " + "y" * 80 + "\n " + "z" * 80
    daemon.send("u@example.org", text(headers=[long]))
    got = own_part(peer.wait_messages(1)[0])
    assert wire(long.encode()) in got and got.endswith(b"gr=C3=BCn\r\n"), got


# --- UTF-8 in headers -------------------------------------------------------------------------------------

SUBJECT = "Subject: " + GRUEN


def utf8_peers(t, choice, keywords=EIGHT, protocol="lmtp"):
    peer = t.peer(keywords=keywords)
    return peer, t.daemon(peer, {"%s.utf8_headers" % protocol: choice} if choice else {})


def test_U_1_utf8_headers_strict_returns_it(t):
    peer, daemon = utf8_peers(t, "strict")
    daemon.send("u@example.org", text(headers=[SUBJECT]), params="SMTPUTF8")
    line = daemon.wait_delivery("u@example.org", "bounced")
    same(line["dsn"], "5.6.7")
    assert "SMTPUTF8" in line["reason"], line
    daemon.send("v@example.org", text(headers=["Subject: ascii"]), params="SMTPUTF8")
    daemon.wait_delivery("v@example.org", "sent")
    assert "SMTPUTF8" not in peer.wait_messages(1)[-1].mail, "U-4: asked for, but not needed"


def test_utf8_headers_deliver_is_how_lmtp_begins(t):
    for choice in (None, "deliver"):
        peer, daemon = utf8_peers(t, choice)
        daemon.send("u@example.org", text(headers=[SUBJECT]), params="SMTPUTF8")
        same(own_part(peer.wait_messages(1)[0]), wire(text(headers=[SUBJECT])))
        daemon.stop()


def test_utf8_headers_downgrade_makes_the_header_ascii(t):
    """RFC 6857; the body stays, and SIZE is not said."""
    peer, daemon = utf8_peers(t, "downgrade")
    daemon.send("u@example.org", text(headers=[SUBJECT, "From: Jörg <a@client.test>",
                                               "To: jörg@example.org"]),
                params="SMTPUTF8")
    got = peer.wait_messages(1)[0]
    same(own_part(got), wire(text(headers=[
        "Subject: =?utf-8?q?gr=C3=BCn?=", "From: =?utf-8?q?J=C3=B6rg?= <a@client.test>",
        "To: =?utf-8?q?j=C3=B6rg=40example=2Eorg?= :;"])))
    assert "SIZE" not in got.mail and "BODY=8BITMIME" in got.mail, got.mail
    daemon.send("jörg@example.org", text(), params="SMTPUTF8")
    same(daemon.wait_delivery("jörg@example.org", "bounced")["dsn"], "5.6.7", "an address has no other form")


def test_U_5_U_6_with_smtputf8_nothing_is_changed(t):
    for choice in ("strict", "deliver", "downgrade"):
        peer, daemon = utf8_peers(t, choice, keywords=("PIPELINING", "SMTPUTF8"))
        daemon.send("u@example.org", text(headers=[SUBJECT]), params="SMTPUTF8")
        got = peer.wait_messages(1)[0]
        same(own_part(got), wire(text(headers=[SUBJECT])))
        assert "SMTPUTF8" in got.mail, got.mail
        daemon.stop()


def test_smtputf8_enable_no_neither_asks_nor_uses(t):
    peer = t.peer(keywords=EIGHT + ("SMTPUTF8",))
    daemon = t.daemon(peer, {"smtputf8_enable": "no", "lmtp.utf8_headers": "strict"})
    daemon.send("u@example.org", text(headers=[SUBJECT]), params="SMTPUTF8")
    got = peer.wait_messages(1)[0]
    assert "SMTPUTF8" not in got.mail, got.mail
    same(own_part(got), wire(text(headers=[SUBJECT])))
    peer.script["rcpt"] = "550 5.1.1 grün"
    daemon.send("v@example.org", text())
    assert "550 5.1.1 gr??n" in daemon.wait_delivery("v@example.org", "bounced")["reason"], "P-7"


def test_smtputf8_autodetect_classes(t):
    """causeway-inject looks itself (sendmail); whatever is dropped is looked through if smtpd is named."""
    for classes, injected, dropped in (("sendmail, verify", True, False), ("smtpd", True, True),
                                       ("all", True, True),
                                       ("", False, False)):
        peer = t.peer(keywords=EIGHT + ("SMTPUTF8",))
        daemon = t.daemon(peer, {"smtputf8_autodetect_classes": classes}, name=classes[:4] or "none")
        done = daemon.inject(["-c", daemon.conf, "u@example.org"], text(headers=[SUBJECT]))
        same(done.returncode, 0, done.stderr)
        same("SMTPUTF8" in peer.wait_messages(1)[0].mail, injected, "injected, " + classes)
        daemon.send("u@example.org", text(headers=[SUBJECT]))
        same("SMTPUTF8" in peer.wait_messages(2)[1].mail, dropped, "dropped, " + classes)
        daemon.send("u@example.org", text(headers=["Subject: ascii"]))
        assert "SMTPUTF8" not in peer.wait_messages(3)[2].mail
        daemon.stop()


def stored(t, store, choice):
    daemon = t.daemon("unix:" + store.socket, {"lmtp.utf8_headers": choice}, name=choice)
    daemon.send("one@example.org",
                text(headers=[SUBJECT, "From: a@client.test", "Date: Wed, 25 Nov 2026 12:00:00 +0000",
                                                 "Message-ID: <%s@client.test>" % choice]), params="SMTPUTF8")
    daemon.wait_delivery("one@example.org", "bounced" if choice == "strict" else "sent")
    if choice == "strict":
        return b""
    ident = b"<%s@client.test>" % choice.encode()
    return processes.wait_for(lambda: [m for m in store.mail("one") if ident in m], 20, "the message")[0]


@limit(180)
def test_utf8_headers_in_dovecot(t):
    """It keeps what it gets."""
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    assert SUBJECT.encode() in stored(t, dovecot, "deliver")
    assert b"Subject: =?utf-8?q?gr=C3=BCn?=" in stored(t, dovecot, "downgrade")
    stored(t, dovecot, "strict")


@limit(180)
def test_utf8_headers_in_cyrus(t):
    """It writes X for each byte, which downgrade spares the reader."""
    cyrus = Cyrus(t.path("cyrus")).start()
    t.on_end(cyrus.stop)
    assert b"Subject: grXXn" in stored(t, cyrus, "deliver")
    assert b"Subject: =?utf-8?q?gr=C3=BCn?=" in stored(t, cyrus, "downgrade")
    stored(t, cyrus, "strict")


def test_mail_message_is_unchanged_for_servers_with_8bitmime(t):
    """Whatever it is made of, it goes straight from the file."""
    peer = t.peer(keywords=EIGHT)
    daemon = t.daemon(peer, {"lmtp.line_length_limit": 0})
    messages = [message(random.Random(number), number) for number in range(20)]
    for content in messages:
        daemon.send("u@example.org", content)
    for number, got in numbered(peer, 20).items():
        same(got, wire(messages[number]))
