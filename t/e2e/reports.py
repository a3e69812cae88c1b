"""Delivery status notifications (RFC 3464), taken apart."""

import email
import email.policy


class Report:
    """A multipart/report as its sender gets it."""

    def __init__(self, content):
        self.message = email.message_from_bytes(content, policy=email.policy.default)
        assert self.message.get_content_type() == "multipart/report", self.message.get_content_type()
        assert self.message.get_param("report-type") == "delivery-status", self.message["Content-Type"]
        self.parts = self.message.get_payload()
        assert not self.message.defects, self.message.defects
        types = [part.get_content_type() for part in self.parts]
        assert types[:2] == ["text/plain", "message/delivery-status"], types
        assert types[2:] in (["message/rfc822"], ["text/rfc822-headers"], ["message/global"],
                             ["message/global-headers"]), types
        self.text = self.parts[0].get_content()
        blocks = self.parts[1].get_payload()
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
