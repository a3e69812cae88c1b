"""Ready-made parts of a peer's script: what it does at a stage instead of the usual."""

import itertools
import re


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
    times = itertools.count(1)      # sessions are threads

    def act(session, *args):
        return perform(action if next(times) <= count else after, session, args, USUAL)
    return act


def only(pattern, action):
    """ACTION if the address or command line matches PATTERN, else the usual."""
    def act(session, *args):
        return perform(action, session, args, USUAL) if re.search(pattern, args[0]) else USUAL
    return act


def note_pieces(pieces):
    """Of "content": notes each piece of it as it has come."""
    def act(session):
        pieces.append(session._buffer)
        while b"\r\n.\r\n" not in session._buffer:
            session.fill()
            pieces.append(session.reads[-1])
    return act


def dot_came_apart(pieces):
    """Whether nothing of the content came together with its dot."""
    return pieces[-1] == b".\r\n"


USUAL = object()


def perform(action, session, args, usual):
    """The reply that ACTION stands for; None as an action means USUAL."""
    if action is None:
        return usual
    return action(session, *args) if callable(action) else action
