"""Delivery status notifications (RFC 3464), taken apart."""

import base64
import email
import email.policy
import quopri


GLOBAL = "message/global-delivery-status"     # RFC 6533; Python's email takes it for a message


DECODERS = {"8bit": bytes, "quoted-printable": quopri.decodestring, "base64": base64.decodebytes}


def _blocks_in_utf8(part):
    """Its groups of fields, in UTF-8."""
    text = DECODERS[part["Content-Transfer-Encoding"]](part.as_bytes().split(b"\n\n", 1)[1]).decode()
    return [email.message_from_string(block, policy=email.policy.default)
            for block in text.split("\n\n") if block.strip()]


class Report:
    """A multipart/report as its sender gets it."""

    def __init__(self, content):
        self.message = email.message_from_bytes(content, policy=email.policy.default)
        assert self.message.get_content_type() == "multipart/report", self.message.get_content_type()
        assert self.message.get_param("report-type") == "delivery-status", self.message["Content-Type"]
        self.parts = self.message.get_payload()
        assert not self.message.defects, self.message.defects
        types = [part.get_content_type() for part in self.parts]
        assert types[0] == "text/plain" and types[1] in ("message/delivery-status", GLOBAL), types
        assert types[2:] in (["message/rfc822"], ["text/rfc822-headers"], ["message/global"],
                             ["message/global-headers"]), types
        self.text = self.parts[0].get_content()
        blocks = _blocks_in_utf8(self.parts[1]) if types[1] == GLOBAL else self.parts[1].get_payload()
        self.about = blocks[0]
        self.recipients = {self._address(block): block for block in blocks[1:]}

    @staticmethod
    def _address(block):
        kind, address = block["Final-Recipient"].split(";", 1)
        assert kind.strip().lower() in ("rfc822", "utf-8"), kind
        return address.strip()

    @property
    def returned(self):
        """The original message or its header, as text."""
        part = self.parts[2]
        if part.get_content_type() in ("message/rfc822", "message/global"):
            return part.get_payload(0).as_string()
        return part.get_payload(decode=True).decode(errors="surrogateescape")
