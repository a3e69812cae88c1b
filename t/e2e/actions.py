"""Ready-made parts of a peer's script: what it does at a stage instead of the usual."""

import re
import time


class End(Exception):
    """The session is over."""


def close(session, *_):
    """Hang up."""
    raise End


def silence(session, *_):
    """Say nothing more, but read on, until the client gives up."""
    while True:
        session.fill()


def hang(session, *_):
    """Neither read nor write, until the client gives up or the peer is stopped."""
    session.wait_closed()
    raise End


def nothing(session, *_):
    """Give no reply, but go on with the conversation."""
    return None


def then_close(reply):
    """Say REPLY, then hang up."""
    def act(session, *_):
        session.say(reply)
        raise End
    return act


def then_silence(reply):
    """Say REPLY, then nothing more."""
    def act(session, *_):
        session.say(reply)
        silence(session)
    return act


def first(count, action, after=None):
    """ACTION for the first COUNT times that the stage is reached, then AFTER (default: the usual)."""
    left = [count]

    def act(session, *args):
        left[0] -= 1
        return perform(action if left[0] >= 0 else after, session, args, USUAL)
    return act


def only(pattern, action):
    """ACTION if the address or command line matches PATTERN, else the usual."""
    def act(session, *args):
        return perform(action, session, args, USUAL) if re.search(pattern, args[0]) else USUAL
    return act


def note_pieces(pieces):
    """Of "content": notes when each piece of it has come, and what is there with which end."""
    def act(session):
        pieces.append((time.monotonic(), session._buffer[-3:]))
        while b"\r\n.\r\n" not in session._buffer:
            session.fill()
            pieces.append((time.monotonic(), session._buffer[-3:]))
    return act


def pause_before_dot(pieces):
    """How long the dot came behind the rest of the content."""
    return pieces[-1][0] - max(at for at, tail in pieces if tail != b".\r\n")


USUAL = object()


def perform(action, session, args, usual):
    """The reply that ACTION stands for; None as an action means USUAL."""
    if action is None:
        return usual
    return action(session, *args) if callable(action) else action
