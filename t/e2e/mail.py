"""Messages, BSMTP drop files, and what Causeway's content rules make of them."""

import itertools
import os
import re

_numbers = itertools.count(1)


def message(body="hello\n", subject="test", headers=(), sender="a@client.test", ident=None):
    """A small message with a Message-ID of its own, lines ending in LF."""
    ident = ident or "%d.%d@client.test" % (os.getpid(), next(_numbers))
    lines = ["From: <%s>" % sender, "Subject: %s" % subject, "Message-ID: <%s>" % ident, *headers, "", ""]
    body = body.encode() if isinstance(body, str) else body
    return "\n".join(lines).encode() + body


def message_id(content):
    """The Message-ID of a message as bytes, without its angle brackets."""
    return re.search(rb"(?im)^Message-ID:\s*<([^>]*)>", content).group(1).decode()


def stuff(content, eol):
    """Dot-stuff CONTENT, whose lines end in EOL, and end it with a line of one dot."""
    if content and not content.endswith(eol):
        content += eol
    stuffed = re.sub(rb"(^|" + eol + rb")\.", lambda m: m.group(1) + b"..", content)
    return stuffed + b"." + eol


def transaction(sender, recipients, content, eol=b"\r\n", params="", lines=True):
    """One BSMTP transaction. A recipient is an address or a pair (address, parameters).

    With lines=True each LF of CONTENT first becomes EOL; otherwise CONTENT goes in as it is.
    """
    if isinstance(recipients, (str, bytes)):
        recipients = [recipients]
    if lines:
        content = content.replace(b"\r\n", b"\n").replace(b"\n", eol)
    out = [b"MAIL FROM:<%s>%s" % (_bytes(sender), _params(params))]
    for recipient in recipients:
        address, extra = recipient if isinstance(recipient, tuple) else (recipient, "")
        out.append(b"RCPT TO:<%s>%s" % (_bytes(address), _params(extra)))
    out += [b"DATA", b""]
    return eol.join(out) + stuff(content, eol)


def wire_form(content, eol=b"\r\n"):
    """What INTERFACE promises for CONTENT of a drop file, dots not stuffed: the store's view of it."""
    if content and not content.endswith(eol):
        content += eol
    content = re.sub(rb"(?<!\r)\n", b"\r\n", content)
    return re.sub(rb"\r(?!\n)", b" ", content)


def smuggles(stuffed):
    """Whether some server would read this wire content (with its final dot) as ending early."""
    body = stuffed[: -len(b".\r\n")]
    return bool(re.search(rb"(?:^|[\r\n])\.(?:[\r\n])", body) or re.search(rb"(?<!\r)\n|\r(?!\n)", stuffed))


def split_trace(content):
    """Split received content into the trace lines Causeway put ahead and the rest.

    The trace ends with the first Received field; Return-Path, Delivered-To and X-Original-To may stand in it.
    """
    field = re.compile(rb"(?:[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)")
    at = 0
    while True:
        match = field.match(content, at)
        if not match:
            raise AssertionError("no Received field at the top of %r" % content[:200])
        at = match.end()
        if match.group().lower().startswith(b"received:"):
            return content[:at], content[at:]


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def _params(text):
    return b" " + _bytes(text) if text else b""
