"""AUTH and TLS: what may be said inside which protection,
and what a server offers before and behind STARTTLS.
"""

import ssl

import actions
import auth
from auth import PASSWORD
from cases import outcome
from harness import limit, same
from secure_peer import SecurePeer
from test_sasl import ON, commands, deliver, nexthop, shows_no_secret, table
from test_tls import authority, secure_peer

PLAIN = ("PIPELINING", "STARTTLS", "AUTH PLAIN")


def offers(before, behind):
    """What LHLO is answered with, in clear and inside TLS."""
    def act(session, _line):
        words = behind if session.secure else (*before, "STARTTLS")
        return "\n".join("250-" + w for w in ("peer.test", *words)) + "\n250 HELP"
    return act


def client(t, peer, level, name="", entry=None, **settings):
    maps = table(t, entry or nexthop(peer), name=name + "passwords")
    return t.daemon(peer, {**ON, "lmtp.sasl_password_maps": maps, "lmtp.tls_security_level": level,
                           "lmtp.sasl_security_options": None, **{"lmtp." + k: v
                                                                  for k, v in settings.items()}}, name=name)


@limit(120)
def test_S_8_options_by_what_protects_the_connection(t):
    """parameters lmtp_sasl_tls_security_options, lmtp_sasl_tls_verified_security_options: those inside TLS
    default to the ones without, those of a certificate that matched to the ones inside TLS; a chain that is
    good but was not asked for is no match."""
    a, files = authority(t)
    inside, matched = {"sasl_tls_security_options": "noanonymous"}, {"sasl_tls_verified_security_options":
                                                                     "noanonymous"}
    for number, (level, options, lets_in) in enumerate((
            ("none", {**inside, **matched}, False), ("may", {}, False), ("may", inside, True),
            ("encrypt", inside, True),
            ("encrypt", matched, False), ("verify", matched, True), ("verify", inside, True),
            ("verify", {**inside, "sasl_tls_verified_security_options": "noplaintext"}, False),
            ("verify", {}, False))):
        peer = secure_peer(t, files, {"auth": auth.plain}, keywords=PLAIN)
        daemon = client(t, peer, level, "d%d" % number, tls_CAfile=a.ca, **options)
        line = deliver(daemon)
        same(outcome(line), ("sent", "2.0.0") if lets_in else ("deferred", "4.7.0"), (level, options, line))
        same(len(commands(peer, "AUTH")), 1 if lets_in else 0, (level, options))
        shows_no_secret(daemon)


@limit(90)
def test_AUTH_only_behind_STARTTLS(t):
    _, files = authority(t)
    for number, (level, logins) in enumerate((("may", 1), ("none", 0))):
        peer = secure_peer(t, files, {"auth": auth.plain, "lhlo": offers((), ("AUTH PLAIN",))})
        daemon = client(t, peer, level, "d%d" % number, sasl_tls_security_options="noanonymous")
        same(outcome(deliver(daemon))[0], "sent")
        same(len(commands(peer, "AUTH")), logins, level)


@limit(90)
def test_S_21_AUTH_only_ahead_of_STARTTLS(t):
    """What was offered in clear is forgotten: nothing is said for a login,
    and the mail goes without one (S-4).
    """
    _, files = authority(t)
    peer = secure_peer(t, files, {"auth": auth.plain, "lhlo": offers(("AUTH PLAIN CRAM-MD5",), ())})
    daemon = client(t, peer, "may", sasl_tls_security_options="noanonymous")
    same(outcome(deliver(daemon))[0], "sent")
    same(commands(peer, "AUTH"), [])
    same([c.split()[0] for c in peer.sessions[0].commands[:4]], ["LHLO", "STARTTLS", "LHLO", "MAIL"])


@limit(90)
def test_T_9_no_retry_in_clear_with_credentials(t):
    """A server for which there are some is not talked out of TLS; another one, of the same transport, may be.
    """
    _, files = authority(t)
    for number, (entry, tries) in enumerate(((None, 5), ("elsewhere.test", 2))):
        peer = secure_peer(t, files, {"auth": auth.right, "starttls": actions.then_close("220 go")},
                           keywords=("STARTTLS", "AUTH CRAM-MD5"))
        daemon = client(t, peer, "may", "d%d" % number, entry)
        daemon.settings.update({"queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "1s"})
        daemon.write_config()
        daemon.stop()
        daemon.start()
        daemon.send("u@example.org")
        peer.wait_sessions(tries, timeout=40)
        if entry:
            daemon.wait_delivery("u@example.org", "sent", timeout=30)
        else:
            same(commands(peer, "MAIL"), [])
            # the last of them may have just begun
            same([s.commands[-1] for s in peer.sessions[:-1]], ["STARTTLS"] * (len(peer.sessions) - 1))
        same(commands(peer, "AUTH"), [])


@limit(90)
def test_EXTERNAL_by_our_certificate(t):
    """An entry without a password, where we have shown a certificate; not where we have none."""
    a, files = authority(t)
    own = a.leaf("client", ["client.test"])
    for number, settings in enumerate(({"tls_cert_file": own[0], "tls_key_file": own[1]}, {})):
        context = SecurePeer.make_context(files)
        context.load_verify_locations(a.ca)
        context.verify_mode = ssl.CERT_OPTIONAL

        def external(session, line):
            return auth.GOOD if line == "AUTH EXTERNAL =" and session.sock.getpeercert() else auth.BAD
        peer = secure_peer(t, files, {"auth": external}, keywords=("STARTTLS", "AUTH PLAIN EXTERNAL"),
                           context=context)
        daemon = client(t, peer, "encrypt", "d%d" % number, (nexthop(peer), "user"), **settings)
        same(outcome(deliver(daemon)), ("sent", "2.0.0") if settings else ("deferred", "4.7.0"))
        same(commands(peer, "AUTH"), ["AUTH EXTERNAL ="] if settings else [])
    assert PASSWORD not in daemon.log()
