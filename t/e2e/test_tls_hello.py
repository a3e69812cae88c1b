"""What a ClientHello (RFC 8446 4.1.2) offers, by the parameters that say so."""

import os
import struct

from actions import End
from harness import limit, same
from peer import Session

SERVER_NAME, GROUPS, TICKET, VERSIONS = 0, 10, 35, 43
X25519, X448, P256, P384, P521, FFDHE2048, FFDHE3072 = "001d", "001e", "0017", "0018", "0019", "0100", "0101"
USUAL_GROUPS = [X25519, X448, P256, P384, P521, FFDHE2048, FFDHE3072]
AES256_SHA = "0035"
ANONYMOUS = {"00a7", "00a6", "006d", "0034", "003a", "c018", "c019"}


def in_pieces(data, size=2):
    return [data[at:at + size].hex() for at in range(0, len(data), size)]


class Hello:
    """A ClientHello, from its record."""

    def __init__(self, record):
        at = 5 + 4 + 2 + 32                      # record, handshake, version, random
        at += 1 + record[at]                     # session id
        size, = struct.unpack_from("!H", record, at)
        self.suites = in_pieces(record[at + 2:at + 2 + size])
        at += 2 + size
        at += 1 + record[at] + 2                 # compression; length of the extensions
        self.extensions = {}
        while at < len(record):
            kind, size = struct.unpack_from("!HH", record, at)
            self.extensions[kind] = record[at + 4:at + 4 + size]
            at += 4 + size

    @property
    def groups(self):
        return in_pieces(self.extensions[GROUPS][2:])

    @property
    def versions(self):
        return in_pieces(self.extensions.get(VERSIONS, b"\0")[1:])

    @property
    def server_name(self):
        return self.extensions.get(SERVER_NAME, b"")[5:].decode()


class Listening(Session):
    """Takes the ClientHello, and hangs up."""

    def _do_starttls(self, _line):
        self.say("220 2.0.0 Ready to start TLS")
        while len(self._buffer) < 5 or len(self._buffer) < 5 + struct.unpack("!H", self._buffer[3:5])[0]:
            self.fill()
        self.peer.hellos.append(Hello(self._buffer))
        raise End


def server(t):
    peer = t.peer(address=("127.0.0.1", 0), smtp=True, keywords=("STARTTLS",))
    peer.session_class, peer.hellos = Listening, []
    return peer


class Asking:
    """Daemons, each with settings of its own, that say ClientHello to one server."""

    def __init__(self, t):
        self.t, self.peer = t, server(t)

    def daemon(self, settings):
        return self.t.daemon(None, {"transport_maps": "inline:{a.test=smtp:%s}" % self.peer.nexthop,
                                    "smtp_tls_security_level": "encrypt", **settings},
                             name="d%d" % len(self.t.daemons))

    def hello(self, **settings):
        """The ClientHello with these settings."""
        daemon, count = self.daemon(settings), len(self.peer.hellos)
        daemon.send("u@a.test")
        daemon.wait_delivery("u@a.test", "deferred")
        daemon.end()
        same(len(self.peer.hellos), count + 1, "ClientHello with %r" % settings)
        return self.peer.hellos[-1]


def openssl_configuration(t, name, section):
    """A file that allows TLS 1.3 only."""
    with open(t.path(name), "w") as file:
        file.write(
            "%s = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = ours\n[ours]\nMinProtocol = TLSv1.3\n"
            % section)
    os.chmod(t.path(name), 0o644)
    return t.path(name)


def passed_over(daemon):
    """What the daemon says at its start that it does not know."""
    return [line for line in daemon.log().splitlines() if "not known to OpenSSL" in line]


@limit(60)
def test_groups_by_tls_eecdh_auto_curves_and_tls_ffdhe_auto_groups(t):
    asking = Asking(t)
    same(asking.hello().groups, USUAL_GROUPS)
    same(asking.hello(tls_eecdh_auto_curves="secp384r1, X25519").groups, [P384, X25519, FFDHE2048, FFDHE3072])
    same(asking.hello(tls_ffdhe_auto_groups="").groups, USUAL_GROUPS[:5])
    left_to_openssl = asking.hello(tls_eecdh_auto_curves="", tls_ffdhe_auto_groups="").groups
    assert left_to_openssl != USUAL_GROUPS and X25519 in left_to_openssl, left_to_openssl
    same(asking.hello(tls_eecdh_auto_curves="nosuch", tls_ffdhe_auto_groups="").groups, left_to_openssl)
    assert "tls_eecdh_auto_curves: 'nosuch'" in passed_over(t.daemons[-1])[0]


def test_tls_ssl_options_and_tls_disable_workarounds(t):
    """Known names and numbers act; unknown ones are told once, with their place."""
    asking = Asking(t)
    assert TICKET in asking.hello().extensions
    assert TICKET not in asking.hello(tls_ssl_options="NO_TICKET, NO_COMPRESSION").extensions
    assert TICKET not in asking.hello(tls_ssl_options="0x4000").extensions      # SSL_OP_NO_TICKET
    asking.hello(tls_ssl_options="WARP", tls_disable_workarounds="TLSEXT_PADDING, KLUDGE")
    said = passed_over(t.daemons[-1])
    same(len(said), 2, said)
    conf = t.daemons[-1].conf
    assert "warning: %s:" % conf in said[0] and ": tls_disable_workarounds: 'KLUDGE'" in said[0], said
    assert "warning: %s:" % conf in said[1] and ": tls_ssl_options: 'WARP'" in said[1], said


@limit(60)
def test_tls_config_file_and_tls_config_name(t):
    own = openssl_configuration(t, "own.cnf", "openssl_conf")
    named = openssl_configuration(t, "named.cnf", "causeway")
    asking = Asking(t)
    assert "0303" in asking.hello().versions
    assert "0303" in asking.hello(tls_config_file="none").versions
    same(asking.hello(tls_config_file=own).versions, ["0304"])
    same(asking.hello(tls_config_file=named, tls_config_name="causeway").versions, ["0304"])
    daemon = asking.daemon({"tls_config_file": named, "tls_config_name": "nosuch"})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test")
    same((line["status"], line["dsn"]), ("deferred", "4.7.5"))
    daemon.wait_log(r"warning: transport smtp: TLS is off: OpenSSL cannot use its configuration file '%s'"
                    % named)


@limit(60)
def test_smtp_tls_mandatory_protocols_and_smtp_tls_protocols(t):
    asking = Asking(t)
    same(asking.hello(smtp_tls_mandatory_protocols=">=TLSv1.3").versions, ["0304"])
    same(asking.hello(smtp_tls_mandatory_protocols="<=TLSv1.2").versions, [])
    same(asking.hello(smtp_tls_mandatory_protocols="!TLSv1.1, !TLSv1, !SSLv3").versions, ["0304", "0303"])
    same(asking.hello(smtp_tls_mandatory_protocols="TLSv1.3, TLSv1.2").versions, ["0304", "0303"])
    same(asking.hello(smtp_tls_security_level="may", smtp_tls_protocols=">=0304").versions, ["0304"])
    same(asking.hello(smtp_tls_protocols=">=TLSv1.3").versions, ["0304", "0303", "0302", "0301"])


@limit(90)
def test_ciphers_by_grade_and_exclusions(t):
    """parameters smtp_tls_ciphers, smtp_tls_mandatory_ciphers, smtp_tls_exclude_ciphers,
    smtp_tls_mandatory_exclude_ciphers, smtp_tls_cipherlist, tls_medium_cipherlist, tls_high_cipherlist,
    tls_low_cipherlist, tls_export_cipherlist and tls_null_cipherlist"""
    asking = Asking(t)
    usual = asking.hello().suites
    assert AES256_SHA in usual and ANONYMOUS & set(usual), usual
    same(asking.hello(smtp_tls_cipherlist="x", tls_low_cipherlist="x", tls_export_cipherlist="x").suites,
         usual)
    for grade in ("low", "export", "medium"):
        same(asking.hello(smtp_tls_mandatory_ciphers=grade).suites, usual, grade)
    same(asking.hello(tls_medium_cipherlist="AES256-SHA", smtp_tls_mandatory_protocols="TLSv1.2").suites[0],
         AES256_SHA)
    same(asking.hello(tls_high_cipherlist="AES256-SHA", smtp_tls_mandatory_ciphers="high",
                      smtp_tls_mandatory_protocols="TLSv1.2").suites[0], AES256_SHA)
    assert AES256_SHA not in asking.hello(smtp_tls_exclude_ciphers="AES256-SHA").suites
    assert not ANONYMOUS & set(asking.hello(smtp_tls_mandatory_exclude_ciphers="aNULL").suites)
    may = {"smtp_tls_security_level": "may", "smtp_tls_protocols": "TLSv1.2"}
    assert asking.hello(**may, smtp_tls_mandatory_exclude_ciphers="aNULL").suites[0] in ANONYMOUS
    same(asking.hello(**may, smtp_tls_ciphers="high", tls_high_cipherlist="AES256-SHA").suites[0], AES256_SHA)
    # without encryption nothing is left at level encrypt
    daemon = asking.daemon({"smtp_tls_mandatory_ciphers": "null"})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test")
    same((line["status"], line["dsn"]), ("deferred", "4.7.5"))


def test_smtp_tls_servername(t):
    asking = Asking(t)
    same(asking.hello().server_name, "")
    same(asking.hello(smtp_tls_servername="sni.test").server_name, "sni.test")
    same(asking.hello(smtp_tls_servername="nexthop").server_name, "")        # it is an address
