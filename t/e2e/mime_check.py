"""Whether a message that was made 7-bit is still the same to a reader: Python's email package."""

import email
import email.header

from harness import same


def leaves(message, path="0"):
    """(path, type, decoded bytes) of every part, what stands between parts included."""
    yield path, message.get_content_type(), None if message.is_multipart() else message.get_payload(
        decode=True)
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        yield path, "preamble", message.preamble
        yield path, "epilogue", message.epilogue
    if message.is_multipart():
        for number, part in enumerate(message.get_payload()):
            yield from leaves(part, "%s.%d" % (path, number))


def subject(message):
    """What a reader shows, as bytes."""
    raw = dict(message.raw_items()).get("Subject", "").encode("ascii", "surrogateescape")
    unfolded = raw.replace(b"\r\n", b"").decode("latin-1")
    return b"".join(text.encode("latin-1") if isinstance(text, str) else text
                    for text, _ in email.header.decode_header(unfolded)).strip()


def check_same(before, after):
    """Both with CRLF: the same parts with the same bytes, all of it 7-bit, no line too long."""
    assert after.isascii(), [line for line in after.split(b"\r\n") if not line.isascii()][:3]
    assert max(map(len, after.split(b"\r\n"))) <= 998, max(after.split(b"\r\n"), key=len)[:100]
    before, after = email.message_from_bytes(before), email.message_from_bytes(after)
    same(list(leaves(after)), list(leaves(before)))
    for one, other in zip(after.walk(), before.walk()):
        same(subject(one), subject(other))
