"""A scripted server's part of AUTH (RFC 4954), for the peer's stage "auth": mechanisms done right,
and spoilt ones.
"""

import base64
import hashlib
import hmac
import os

from actions import End

USER, PASSWORD = "user@example.org", "correct-horse-battery-9"
GOOD, BAD = "235 2.7.0 Authentication successful", "535 5.7.8 Error: authentication failed"
LATER = "454 4.7.0 Temporary authentication failure"


def encode(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def decode(line):
    return base64.b64decode(line, validate=True)


def ask(session, text):
    """Send a challenge; the client's response, decoded. Ends the session if the client leaves instead."""
    session.say("334 " + encode(text))
    line = session.line().rstrip(b"\r\n")
    if line == b"QUIT":
        session.commands.append("QUIT")
        session.say("221 2.0.0 Bye")
        raise End
    return decode(line)


def _initial(session, line):
    words = line.split()
    return decode("" if words[2] == "=" else words[2]) if len(words) > 2 else ask(session, "")


def plain(session, line, user=USER, password=PASSWORD):
    return GOOD if _initial(session, line).split(b"\0")[1:] == [user.encode(), password.encode()] else BAD


def login(session, line, user=USER, password=PASSWORD):
    given = ask(session, "Username:"), ask(session, "Password:")
    return GOOD if given == (user.encode(), password.encode()) else BAD


def cram_md5(session, line, user=USER, password=PASSWORD):
    challenge = b"<%s@peer.test>" % os.urandom(8).hex().encode()
    name, _, digest = ask(session, challenge).rpartition(b" ")
    wanted = hmac.new(password.encode(), challenge, "md5").hexdigest().encode()
    return GOOD if (name, digest) == (user.encode(), wanted) else BAD


class Scram:
    """SCRAM (RFC 5802) of one kind; what it says can be spoilt."""

    def __init__(self, digest, user=USER, password=PASSWORD, final=True, signature=True):
        self.digest, self.user, self.password = digest, user, password
        self.final, self.signature = final, signature       # whether it proves itself, and how well

    def _mac(self, key, text):
        return hmac.new(key, text, self.digest).digest()

    def __call__(self, session, line):
        bare = _initial(session, line).split(b",", 2)[2]
        fields = dict(f.split(b"=", 1) for f in bare.split(b","))
        nonce = fields[b"r"] + encode(os.urandom(12)).encode()
        salt = os.urandom(16)
        first = b"r=%s,s=%s,i=4096" % (nonce, base64.b64encode(salt))
        answer = ask(session, first)
        without, _, proof = answer.rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(), salt, 4096)
        key = self._mac(salted, b"Client Key")
        message = b",".join((bare, first, without))
        signed = self._mac(hashlib.new(self.digest, key).digest(), message)
        wanted = bytes(a ^ b for a, b in zip(key, signed))
        if fields[b"n"] != self.user.encode() or not hmac.compare_digest(base64.b64decode(proof), wanted):
            return BAD
        if self.final:
            verifier = self._mac(self._mac(salted, b"Server Key"), message)
            ask(session, b"v=" + base64.b64encode(verifier if self.signature else verifier[::-1]))
        return GOOD


DONE_RIGHT = {"PLAIN": plain, "LOGIN": login, "CRAM-MD5": cram_md5,
              "SCRAM-SHA-1": Scram("sha1"), "SCRAM-SHA-256": Scram("sha256")}


def right(session, line):
    """Whichever mechanism the client chose, done right."""
    return DONE_RIGHT[line.split()[1].upper()](session, line)


def says(*replies):
    """Say these, reading a line after each but the last, whatever the client says."""
    def act(session, *_):
        for reply in replies[:-1]:
            session.say(reply)
            if session.line() == b"QUIT\r\n":
                session.commands.append("QUIT")
                session.say("221 2.0.0 Bye")
                raise End
        return replies[-1]
    return act


def endless(session, *_):
    """Challenges for as long as the client answers."""
    while True:
        ask(session, "more")
