"""Ports of this host that are nobody else's as long as the test lasts.

A port that the kernel gave away and that is free again may be taken by anybody before it is listened on, or
while its server is down. These lie below those that the kernel gives away, and are locked against other
tests, of other runs too.
"""

import random
import socket

RANGE = range(10000, 32000)     # the kernel's begin at 32768
_locks = []


def reserved_port():
    """A port that is free at all addresses, for TCP and UDP, and that no other test will have."""
    while True:
        port = random.choice(RANGE)
        # a name without a file, which is free again when this process ends
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind("\0causeway-test-port-%d" % port)
        except OSError:
            lock.close()
            continue
        _locks.append(lock)
        if all(_is_free(port, family, kind) for family in (socket.AF_INET, socket.AF_INET6)
               for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            return port


def _is_free(port, family, kind):
    """Whether it can be bound; a host without IPv6 has nobody there."""
    try:
        probe = socket.socket(family, kind)
    except OSError:
        return True
    with probe:
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
        except OSError:
            return False
    return True
