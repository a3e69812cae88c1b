"""Messages as they come in the world, by chance: structure, charsets, codings, and what is wrong with them.
"""

import base64
import email.message
import email.policy
import quopri
import urllib.parse

TEXTS = ("plain words", "Grüße aus Köln", "naïve café", "Привет, как дела?", "日本語のテキスト", "emoji 😀 here",
         "= equals =3D =",
         "trailing blanks  ", "\ttab\t", ".", "..", ".dot", "From here", "--", "-- ", "--x", "--b0--nearly",
         "", "a" * 200)
CHARSETS = ("us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "koi8-r", "shift_jis", "utf-16", "windows-1252")
TYPES = ("text/plain", "text/html", "application/octet-stream", "image/png", "application/pdf",
         "text/rfc822-headers")
IDENTITY = ("7bit", "8bit", "binary", "", "8-bit", "utf-8")


def some_lines(rng, charset, count):
    """Text in that charset, as bytes, with what does not fit left out; CR and LF stand in line ends only."""
    lines = []
    for _ in range(count):
        text = rng.choice(TEXTS) * rng.choice((1, 1, 1, 3))
        lines.append(text.encode(charset, "ignore").replace(b"\n", b"").replace(b"\r", b""))
    return b"\n".join(lines) + b"\n"


def some_bytes(rng, size):
    return rng.randbytes(size).replace(b"\n", b"x").replace(b"\r", b"y") + b"\n"


def leaf(rng):
    """Header and body of one part; with a coding that is declared rightly, wrongly or not at all."""
    kind, charset = rng.choice(TYPES), rng.choice(CHARSETS)
    body = rng.choice((lambda: some_lines(rng, charset, rng.randrange(8)),
                       lambda: some_bytes(rng, rng.randrange(2000)),
                       lambda: some_lines(rng, charset, rng.choice((100, 900))),
                       lambda: b"long " * rng.randrange(100, 700) + some_lines(rng, charset, 2),
                       lambda: b"a" * 9000 + b"\n" + some_lines(rng, charset, 3)))()
    coding = rng.choice(IDENTITY + ("base64", "quoted-printable", "Quoted-Printable", "BASE64"))
    if coding.lower() == "base64":
        body = base64.encodebytes(body) + (b"junk \xff\xfe\n" if rng.random() < 0.1 else b"")
    elif coding.lower().startswith("quoted"):
        body = quopri.encodestring(body)
        if rng.random() < 0.2:
            broken = (b"raw \xc3\xa4\n", b"=\xc3\n", b"=4\xff\n", b"x" * 1500 + b"\n")
            body = body.replace(b"=\n", b"") + rng.choice(broken)
    head = ["Content-Type: %s%s" % (kind, rng.choice(('; charset="%s"' % charset, ";\n charset=" + charset,
                                                      "")))]
    if coding:
        head.insert(rng.randrange(2), "Content-Transfer-Encoding: " + coding)
    if rng.random() < 0.3:
        head.append('Content-Disposition: attachment;\n\tfilename="%s.bin"'
                    % rng.choice(("plain", "Übersicht")))
    if rng.random() < 0.1:
        head = []
    return head, body


def parameter(rng, name, value):
    """A parameter as it is written mostly, or in pieces and with a charset (RFC 2231)."""
    if rng.random() < 0.6:
        return '%s="%s"' % (name, value)
    count = rng.randrange(1, 4)
    cut = sorted(rng.randrange(len(value) + 1) for _ in range(count - 1))
    coded, pieces = rng.random() < 0.5, []
    for number, (start, end) in enumerate(zip([0] + cut, cut + [len(value)])):
        key = name + ("*%d" % number if count > 1 or not coded else "")
        if coded and (number == 0 or rng.random() < 0.5):
            pieces.append("%s*=%s%s" % (key, "" if number else "utf-8''",
                                        urllib.parse.quote(value[start:end], safe="")))
        else:
            pieces.append('%s="%s"' % (key, value[start:end]))
    rng.shuffle(pieces)
    return rng.choice(("; ", ";\n\t")).join(pieces)


def multipart(rng, depth):
    boundary = rng.choice(("b%d" % depth, "=_%d.%x" % (depth, rng.getrandbits(60)), "--- %d ---" % depth,
                           "b'%d?x" % depth))
    subtype = rng.choice(("mixed", "alternative", "related", "digest"))
    head = ["Content-Type: multipart/%s;%s%s" % (subtype, rng.choice((" ", "\n\t")),
                                                 parameter(rng, "boundary", boundary))]
    if rng.random() < 0.5:
        head.append("Content-Transfer-Encoding: " + rng.choice(("8bit", "7bit", "binary")))
    mark = b"--" + boundary.encode()
    body = rng.choice((b"", b"This is a message in MIME.\n"))
    for _ in range(rng.randrange(1, 4)):
        body += mark + rng.choice((b"\n", b"\n", b" \t\n")) + joined(rng, *entity(rng, depth + 1))
    return head, body + (mark + b"--\n" + rng.choice((b"", b"epilogue\n")) if rng.random() < 0.85 else b"")


def attached(rng, depth):
    head, body = entity(rng, depth + 1)
    coding = rng.choice(([], ["Content-Transfer-Encoding: 8bit"], ["Content-Transfer-Encoding: 7bit"]))
    return ["Content-Type: message/rfc822"] + coding, joined(rng,
                                                             ["Subject: " + rng.choice(TEXTS[:6])] + head,
                                                             body)


def entity(rng, depth):
    kinds = (leaf,) * (1 + 2 * depth)
    chosen = rng.choice(kinds + ((lambda r: multipart(r, depth)),
                                 (lambda r: attached(r, depth))) * (depth < 4))
    return chosen(rng)


def joined(rng, head, body):
    """The part; now and then the empty line is missing, as long as what follows is no field."""
    text = "".join(line + "\n" for line in head).encode()
    missing = rng.random() < 0.05 and body[:1] not in (b" ", b"\t", b"\n",
                                                       b"") and b":" not in body.split(b"\n")[0]
    return text + (b"" if missing else b"\n") + body


def from_package(rng):
    """What Python's email package makes of text, alternatives and attachments when 8-bit is allowed."""
    message = email.message.EmailMessage(policy=email.policy.SMTP.clone(linesep="\n", cte_type="8bit"))
    message["From"] = "Jörg Müller <a@client.test>"
    message["Subject"] = rng.choice(TEXTS[:6])
    coding = rng.choice(("8bit", "8bit", "quoted-printable", "base64"))
    message.set_content("\n".join(rng.choices(TEXTS, k=5)) + "\n", cte=coding)
    if rng.random() < 0.6:
        message.add_alternative("<p>%s</p>\n" % rng.choice(TEXTS), subtype="html", cte="8bit")
    for number in range(rng.randrange(3)):
        message.add_attachment(rng.randbytes(rng.randrange(3000)), maintype="application",
                               subtype="octet-stream",
                               filename=rng.choice(("a.bin", "ä%d.bin" % number)))
    if rng.random() < 0.3:
        message.add_attachment(from_package(rng) if rng.random() < 0.3 else email.message_from_string(
            "Subject: in\n\nnested ascii\n", policy=email.policy.default))
    return message


def message(rng, number):
    """One message, lines ending in LF."""
    ident = b"X-Number: %d\n" % number
    if rng.random() < 0.3:
        return ident + from_package(rng).as_bytes()
    head, body = entity(rng, 0)
    subject = rng.choice((b"plain", "grün und blau".encode(), "grün".encode("latin-1"), "ü ".encode() * 60,
                          b"=?utf-8?q?=C3=A4?= \xc3\xb6"))
    version = b"MIME-Version: 1.0\n" if rng.random() < 0.9 else b""
    return ident + b"Subject: " + subject + b"\n" + version + joined(rng, head, body)


def plain_part(rng, depth):
    """A part as every mail program writes it: text that says 8bit, ASCII that says 7bit or nothing, base64.
    """
    chosen = rng.randrange(4 if depth < 3 else 3)
    if chosen == 0:
        lines = [line for line in TEXTS[:3] + TEXTS[7:] if not line.startswith("--b")]
        text = "\n".join(rng.choices(lines, k=9)) + "\n" + "plain English text, most of it " * 9 + "\n"
        return ["Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit",
                "X-Last: yes"], \
            text.encode("latin-1", "ignore")
    if chosen == 1:
        return ["Content-Type: text/plain"] + rng.choice(([],
                                                          [
            "Content-Transfer-Encoding: 7bit"])), b"ascii =\n.\n"
    if chosen == 2:
        return ["Content-Type: image/png",
                "Content-Transfer-Encoding: base64"], base64.encodebytes(rng.randbytes(300))
    if rng.random() < 0.3:
        head, body = plain_part(rng, depth + 1)
        return ["Content-Type: message/rfc822", "Content-Transfer-Encoding: 8bit"], \
            "\n".join(["Subject: inside", "MIME-Version: 1.0"] + head + ["", ""]).encode() + body
    head = ['Content-Type: multipart/mixed;\n boundary="b%d"' % depth, "Content-Transfer-Encoding: 8bit"]
    body = b"preamble\n"
    for _ in range(rng.randrange(1, 4)):
        inner, text = plain_part(rng, depth + 1)
        body += b"--b%d\n" % depth + "\n".join(inner + ["", ""]).encode() + text + b"\n"
    return head, body + b"--b%d--\nepilogue\n" % depth


def plain_message(rng, number):
    head, body = plain_part(rng, 0)
    lines = ["X-Number: %d" % number, "From: a@client.test", "To: u@example.org", "Subject: plain",
             "Date: Wed, 25 Nov 2026 12:00:00 +0000", "Message-ID: <%d@client.test>" % number,
             "MIME-Version: 1.0"]
    return "\n".join(lines + head + ["", ""]).encode() + body
