"""A scripted peer that speaks TLS: by STARTTLS, or before its greeting."""

import ssl

from peer import Peer, Session


class SecureSession(Session):
    """A session that can go over to TLS."""

    secure = None               # what ssl knows of it

    def run(self):
        if self.peer.tls_first and not self.shake_hands():
            self._over()
            return
        super().run()

    def shake_hands(self):
        """The server's side of the handshake; False if it fails."""
        if self.peer.before_handshake:
            self.raw(self.peer.before_handshake)
        try:
            # the plain socket is empty from now on: nobody may look at it while the other takes its place
            with self.peer.changed:
                self.sock = self.peer.context.wrap_socket(self.sock, server_side=True,
                                                          do_handshake_on_connect=False)
            self.sock.do_handshake()
        except (OSError, ssl.SSLError):
            self.ended_by = "client"
            self.peer.handshakes_failed += 1
            return False
        self.secure = self.sock.version()
        with self.peer.changed:
            self.peer.handshakes += 1
            self.peer.resumed += bool(self.sock.session_reused)
            self.peer.changed.notify_all()
        return True

    def usual_capabilities(self):
        words = [w for w in self.peer.keywords if w != "STARTTLS" or not self.secure]
        return "\n".join("250-" + word for word in ("peer.test", *words)) + "\n250 HELP"

    def pending(self):
        return bool(self.secure and self.sock.pending()) or super().pending()

    def gone(self):
        return self.sock.fileno() < 0 or super().gone()

    def _do_ehlo(self, line):
        self._do_lhlo(line)

    def _do_starttls(self, line):
        if not self._stage("starttls", (line,), "220 2.0.0 Ready to start TLS").startswith("2"):
            return
        self._buffer = b""
        if not self.shake_hands():
            self._client_left()


class SecurePeer(Peer):
    """CERTIFICATE is (chain file, key file), or None for a server without one."""

    session_class = SecureSession

    def __init__(self, address, script=None, certificate=None, tls_first=False,
                 keywords=("PIPELINING", "STARTTLS"),
                 context=None, before_handshake=b"", **options):
        self.context = context or self.make_context(certificate)
        self.tls_first, self.before_handshake = tls_first, before_handshake
        self.handshakes = self.handshakes_failed = self.resumed = 0
        self.servernames = []
        self.context.sni_callback = lambda sock, name, context: self.servernames.append(name)
        super().__init__(address, script, keywords=keywords, **options)

    @staticmethod
    def make_context(certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate:
            context.load_cert_chain(*certificate)
        return context
