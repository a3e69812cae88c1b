"""A scripted LMTP or SMTP server: correct by default, and misbehaving exactly as a test asks.

By default every recipient is accepted, except that a local part that begins with
    rcptNNN   is answered NNN at RCPT
    dotNNN    is answered NNN after the final dot

A script replaces the peer's part at a stage: Peer(directory, script={"rcpt": ...}). The stages are
    greeting lhlo ehlo helo auth xforward mail rcpt data bdat content final dot rset quit noop
A value is a reply, or a function of the session (and of the address for rcpt and final, of the command
line for lhlo, ehlo, helo, auth, xforward, mail, data, bdat, rset, quit and noop) that returns a reply. A
reply is text (one or more lines, CRLF is added), bytes (sent as they are) or None (nothing is sent).
"content" runs after 354 and before the content is read; "final" runs once for each accepted recipient; "dot",
if given, replaces all of them. A peer that speaks SMTP knows EHLO and HELO in place of LHLO, and answers a
content once: "dot", for the message. What stands ready to be such a value (close, silence, first, only ...)
is in actions.py.
"""

import functools
import os
import re
import select
import socket
import struct
import threading
import time

from actions import USUAL, End, perform
from mail import message_id
from ports import reserved_port
from processes import PATIENCE

ENHANCED = {"550": "5.1.1", "552": "5.2.2", "452": "4.2.2", "450": "4.2.0", "451": "4.3.0", "421": "4.3.2"}
WORDS = {"550": "User doesn't exist", "552": "Quota exceeded", "452": "Quota exceeded",
         "451": "Temporary error"}
KEYWORDS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 104857600")
POLLRDHUP = 0x2000


class Message:
    """One transaction that came to its final dot."""

    def __init__(self, session, mail, rcpts, stuffed):
        self.session = session
        self.mail = mail            # the MAIL line
        self.rcpts = rcpts          # the accepted RCPT lines
        self.stuffed = stuffed      # the content as it came, final dot included
        self.finals = {}            # recipient -> final reply line, as sent
        self.began = session.mail_time      # when its MAIL command was read
        self.time = time.monotonic()

    @property
    def content(self):
        return re.sub(rb"(^|\r\n)\.", rb"\1", self.stuffed[:-len(b".\r\n")])

    @property
    def sender(self):
        return address_of(self.mail)

    @property
    def recipients(self):
        return [address_of(line) for line in self.rcpts]

    @functools.cached_property
    def id(self):
        return message_id(self.stuffed)


def address_of(line):
    """The address in a MAIL or RCPT line, between the outer angle brackets."""
    match = re.match(r'(?i)(?:MAIL FROM|RCPT TO):\s*<((?:"(?:\\.|[^"\\])*"|[^">])*)>', line)
    return match.group(1) if match else ""


class Session:
    """One connection: what came, byte for byte, and the conversation on it."""

    def __init__(self, peer, sock, number):
        self.peer, self.sock, self.number = peer, sock, number
        self.client = _client_of(sock)
        self.reads = []             # what each read returned
        self.commands = []          # command lines, without CRLF
        self.stamps = []            # when each command came
        self.sent = b""
        self.transactions = 0
        self.message = None         # the one whose final replies are due
        self.started = time.monotonic()
        self.open = True
        self.ended_by = None        # "client", "peer"
        self._buffer = b""
        self._reset()

    # --- what a script may use -------------------------------------------------------------------

    def say(self, reply):
        """Send a reply: text gets CRLF on each line, bytes go out as they are, None is nothing."""
        if reply is None:
            return
        if isinstance(reply, str):
            reply = reply.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8",
                                                                             "surrogateescape") + b"\r\n"
        self.raw(reply)

    def raw(self, data):
        """Send bytes; one at a time if the peer is told to dribble."""
        self.sent += data if len(self.sent) < 1 << 20 else b""
        step = 1 if self.peer.dribble else len(data)
        try:
            for at in range(0, len(data), step or 1):
                self.sock.sendall(data[at:at + step])
        except OSError:
            self._client_left()

    def fill(self):
        """Read once; ends the session if the client has closed."""
        try:
            data = self.sock.recv(self.peer.read_size)
        except OSError:
            data = b""
        if not data:
            self._client_left()
        self.reads.append(data)
        self._buffer += data

    def line(self):
        """The next line, LF included."""
        while b"\n" not in self._buffer:
            self.fill()
        line, rest = self._buffer.split(b"\n", 1)
        self._buffer = rest
        return line + b"\n"

    def pending(self):
        """Whether the client has sent something that was not read yet."""
        return bool(self._buffer) or bool(select.select([self.sock], [], [], 0)[0])

    def hang_up(self):
        """Close the connection from outside the session's own thread."""
        _shutdown(self.sock)

    def wait_closed(self):
        """Wait until the client has closed, without reading."""
        while not self.wait_closed_for(0.2) and self.peer.running:
            pass

    def wait_closed_for(self, seconds):
        """Pause, without reading, and say whether the client has closed meanwhile."""
        poll = select.poll()
        poll.register(self.sock, POLLRDHUP)
        return bool(poll.poll(1000 * seconds))

    def gone(self):
        """Whether the client has closed its end, whatever is still unread."""
        return self.wait_closed_for(0)

    def usual_capabilities(self):
        return "\n".join("250-" + word for word in ("peer.test", *self.peer.keywords[:-1])) \
            + "\n250 " + (self.peer.keywords[-1] if self.peer.keywords else "HELP")

    # --- the conversation ------------------------------------------------------------------------

    def run(self):
        try:
            self._stage("greeting", (), "220 peer.test ESMTP" if self.peer.smtp else "220 peer.test LMTP")
            while True:
                self._command(self.line())
        except End:
            pass
        finally:
            self._over()

    def _over(self):
        # marked before the descriptor can be reused by the next connection
        with self.peer.changed:
            self.open, self.ended_by = False, self.ended_by or "peer"
            self.sock.close()
            self.peer.changed.notify_all()

    def _client_left(self):
        self.ended_by = "client"
        raise End

    def _reset(self):
        self.mail, self.mail_time, self.rcpts, self._needs_rset, self._chunks = None, None, [], False, b""

    def _stage(self, name, args, usual):
        """Say what the script or custom wants; returns the last line, which is the one that counts."""
        reply = perform(self.peer.script.get(name), self, args, usual)
        reply = usual if reply is USUAL else reply
        self.say(reply)
        text = reply.decode("latin-1") if isinstance(reply, bytes) else reply or ""
        return text.strip().split("\n")[-1]

    def _command(self, raw):
        line = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        with self.peer.changed:
            self.commands.append(line)
            self.stamps.append(time.monotonic())
            self.peer.changed.notify_all()
        verb = line.split(None, 1)[0].split(":")[0].upper() if line.strip() else ""
        unknown = ("LHLO",) if self.peer.smtp else ("EHLO", "HELO")
        handler = getattr(self, "_do_" + verb.lower(), None) if verb not in unknown else None
        handler(line) if handler else self.say("500 5.5.2 What?")

    def _do_lhlo(self, line):
        self._reset()
        self._stage("lhlo", (line,), self.usual_capabilities())

    def _do_ehlo(self, line):
        self._reset()
        self._stage("ehlo", (line,), self.usual_capabilities())

    def _do_helo(self, line):
        self._reset()
        self._stage("helo", (line,), "250 peer.test")

    def _do_xforward(self, line):
        self._stage("xforward", (line,), "250 2.0.0 Ok")

    def _do_auth(self, line):
        self._stage("auth", (line,), "503 5.5.1 No AUTH here")

    def _do_mail(self, line):
        # as Cyrus: a refused or unfinished transaction refuses the next until RSET
        nested = self.mail is not None or self._needs_rset
        usual = "503 5.5.1 Nested MAIL command" if nested else "250 2.1.0 Ok"
        if self._stage("mail", (line,), usual).startswith("2"):
            self.mail, self.mail_time = line, self.stamps[-1]
        else:
            self._needs_rset = True

    def _do_rcpt(self, line):
        address = address_of(line)
        usual = self._verdict("rcpt", address, "250 2.1.5 Ok")
        if self.mail is None:
            usual = "503 5.5.1 Need MAIL command"
        if self._stage("rcpt", (address,), usual).startswith("2"):
            self.rcpts.append(line)

    def _do_data(self, line):
        usual = "354 End data with <CR><LF>.<CR><LF>" if self.rcpts else "503 5.5.1 No valid recipients"
        if self._stage("data", (line,), usual).startswith("3"):
            perform(self.peer.script.get("content"), self, (), None)
            self._finish(self._content())
        else:
            self._needs_rset = True

    def _do_bdat(self, line):
        """A chunk; its bytes are read whatever the answer. "bdat" answers those that are not the last."""
        words = line.split()
        self._chunks += self._exactly(int(words[1]))
        if not self.rcpts:
            self._needs_rset = True
            self.say("503 5.5.1 No valid recipients")
        elif len(words) > 2:
            stuffed = re.sub(rb"(^|\r\n)\.", rb"\1..", self._chunks) + b".\r\n"
            self._finish(stuffed)
        elif not self._stage("bdat", (line,), "250 2.0.0 %s octets" % words[1]).startswith("2"):
            self._needs_rset = True

    def _exactly(self, count):
        while len(self._buffer) < count:
            self.fill()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _do_rset(self, line):
        self._reset()
        self._stage("rset", (line,), "250 2.0.0 Ok")

    def _do_noop(self, line):
        self._stage("noop", (line,), "250 2.0.0 Ok")

    def _do_quit(self, line):
        self._stage("quit", (line,), "221 2.0.0 Bye")
        raise End

    def _content(self):
        kept, tail = [], b"\r\n"
        while True:
            data, self._buffer = tail + self._buffer, b""
            end = data.find(b"\r\n.\r\n")
            if end >= 0:
                kept.append(data[:end + 5])
                self._buffer = data[end + 5:]
                return b"".join(kept)[2:]
            kept.append(data[:-4])
            tail = data[-4:]
            self.fill()

    def _finish(self, stuffed):
        message = self.message = Message(self, self.mail or "", self.rcpts, stuffed)
        self.transactions += 1
        self._reset()
        self.peer.took(message)
        if "dot" in self.peer.script or self.peer.smtp:
            self._answer_once(message)
        else:
            for address in message.recipients:
                usual = self._verdict("dot", address, "250 2.0.0 <%s> Saved" % address)
                reply = perform(self.peer.script.get("final"), self, (address,), usual)
                self.peer.gave(message, address, usual if reply is USUAL else reply)
        self.peer.finished(message)

    def _answer_once(self, message):
        refused = [a for a in message.recipients if re.match(r"dot\d{3}", a)]
        usual = self._verdict("dot", refused[0], None) if refused else "250 2.0.0 Queued"
        self._stage("dot", (message,), usual if self.peer.smtp else USUAL)

    def _verdict(self, stage, address, good):
        match = re.match(stage + r"(\d{3})", address)
        if not match:
            return good
        code = match.group(1)
        enhanced = ENHANCED.get(code, code[0] + ".0.0")
        return "%s %s <%s> %s" % (code, enhanced, address, WORDS.get(code, "As asked"))


class Peer:
    """A listening scripted server. ADDRESS: a path, or (host, port) with port 0 for any."""

    session_class = Session

    def __init__(self, address, script=None, keywords=KEYWORDS, dribble=False, read_size=1 << 16, backlog=128,
                 smtp=False):
        self.script = dict(script or {})
        self.keywords = tuple(keywords)
        self.dribble, self.read_size, self.backlog = dribble, read_size, backlog
        self.address, self.smtp = address, smtp
        self.sessions, self.messages = [], []
        self.connections_max = 0
        self.running = False
        self.changed = threading.Condition()
        self.start()

    # --- running ---------------------------------------------------------------------------------

    def start(self):
        """Listen (again)."""
        if isinstance(self.address, str):
            if os.path.exists(self.address):
                os.unlink(self.address)
            self._listener = socket.socket(socket.AF_UNIX)
        else:
            family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
            self._listener = socket.socket(family)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.address = self.address[0], self.address[1] or reserved_port()
        self._listener.bind(self.address)
        if isinstance(self.address, str):
            os.chmod(self.address, 0o666)
        self._listener.listen(self.backlog)
        self.running = True
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self):
        """Close the listener and every session; a UNIX socket's path disappears."""
        self.running = False
        listener, self._listener = self._listener, None
        if listener:
            _shutdown(listener)
            listener.close()
        if isinstance(self.address, str) and os.path.exists(self.address):
            os.unlink(self.address)
        with self.changed:
            for session in self.sessions:
                _shutdown(session.sock)

    @property
    def nexthop(self):
        if isinstance(self.address, str):
            return "unix:" + self.address
        host, port = self.address
        return ("" if self.smtp else "inet:") + "[%s]:%d" % ("ipv6:" + host if ":" in host else host, port)

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                session = self.session_class(self, sock, len(self.sessions))
                self.sessions.append(session)
                self.connections_max = max(self.connections_max, self.connections)
                self.changed.notify_all()
            threading.Thread(target=session.run, daemon=True).start()

    # --- what happened ---------------------------------------------------------------------------

    @property
    def connections(self):
        """How many connections the client holds now."""
        with self.changed:
            return sum(1 for session in self.sessions if session.open and not session.gone())

    def took(self, message):
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def gave(self, message, address, reply):
        """Send one recipient's final reply; it is noted first,
        so that the client never knows more than we do.
        """
        with self.changed:
            message.finals[address] = reply
        message.session.say(reply)

    def finished(self, message):
        with self.changed:
            self.changed.notify_all()

    def wait(self, condition, timeout=20, what="the peer's condition"):
        """Wait until CONDITION() is true, looking again whenever something happens."""
        end = time.monotonic() + timeout * PATIENCE
        with self.changed:
            while not condition():
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError("%s: not within %g s; commands so far: %r"
                                         % (what, timeout * PATIENCE, [s.commands
                                                                       for s in self.sessions][-5:]))
                self.changed.wait(min(left, 0.2))

    def wait_messages(self, count, timeout=20):
        self.wait(lambda: len(self.messages) >= count, timeout, "%d messages" % count)
        return self.messages

    def wait_sessions(self, count, timeout=20):
        self.wait(lambda: len(self.sessions) >= count, timeout, "%d sessions" % count)
        return self.sessions

    def wait_command(self, pattern, count=1, timeout=20):
        """Wait until COUNT commands in all sessions match PATTERN."""
        def seen():
            return sum(1 for s in self.sessions for c in s.commands if re.search(pattern, c))
        self.wait(lambda: seen() >= count, timeout, "%d commands like %s" % (count, pattern))

    def wait_idle(self, timeout=20):
        """Wait until the client holds no connection."""
        self.wait(lambda: self.connections == 0, timeout, "no connection left")


def _client_of(sock):
    """The process that made this connection; None where the kernel does not tell, which is for TCP."""
    if sock.family != socket.AF_UNIX:
        return None
    return struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def _shutdown(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
