"""A name server on loopback that answers from a table, over UDP."""

import socket
import struct
import threading

TYPES = {1: socket.AF_INET, 28: socket.AF_INET6}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class NameServer:
    """NAMES maps a name to a list of addresses, to SERVFAIL, or to None (no answer at all); others do not exist."""

    def __init__(self, names):
        self.names, self.asked = names, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1@%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            answer = self._answer(query)
            if answer:
                self.socket.sendto(answer, client)

    def _answer(self, query):
        name, end = _name(query, 12)
        kind = struct.unpack("!H", query[end:end + 2])[0]
        self.asked.append(name)
        known = self.names.get(name, NXDOMAIN)
        if known is None:
            return None
        records = known if isinstance(known, list) else []
        found = [packed for packed in map(_packer(kind), records) if packed]
        code = NOERROR if isinstance(known, list) else known
        head = struct.pack("!HHHHHH", *struct.unpack("!H", query[:2]), 0x8580 | code, 1, len(found), 0, 0)
        return head + query[12:end + 4] + b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed for packed in found)


def _name(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def _packer(kind):
    """What packs an address of that record type, and refuses others."""
    def pack(address):
        try:
            return socket.inet_pton(TYPES[kind], address)
        except (KeyError, OSError):
            return None
    return pack
