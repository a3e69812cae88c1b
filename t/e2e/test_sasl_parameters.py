"""The parameters of logins, each with two values, in smtp's and in lmtp's form: what the value changes."""

import re
import subprocess

import auth
import processes
from auth import BAD, GOOD, PASSWORD, USER
from cases import outcome
from harness import limit, same
from test_sasl import commands, deliver, offering, table
from test_tls import authority, secure_peer

PROTOCOLS = ("smtp", "lmtp")
HERE = "[127.0.0.1]:{port}"
OURS = [(HERE, USER + ":" + PASSWORD)]
SENDERS = [("a@client.test", "sender:" + PASSWORD), (HERE, "nexthop:" + PASSWORD)]
SENT, NO_MECHANISM, REFUSED = ("sent", "2.0.0"), ("deferred", "4.7.0"), ("deferred", "4.7.8")
LENIENT = "noanonymous"
STRICT = "noplaintext"


def client(t, protocol, peer, settings, entries=OURS, name=""):
    """A daemon that delivers to the peer; SETTINGS are the protocol's own, without its name."""
    nexthop = HERE.format(port=peer.address[1])
    entries = [(key.format(port=peer.address[1]), value) for key, value in entries]
    own = {"sasl_auth_enable": True, "sasl_password_maps": table(t, *entries, name=name + "passwords"),
           "sasl_security_options": LENIENT, **settings}
    return t.daemon(None, {
        "mailbox_domains": "example.org",
        "mailbox_transport": "%s:%s%s" % (protocol, "inet:" * (protocol == "lmtp"), nexthop),
        "transport_maps": "inline:{client.test=lmtp:%s}" % t.peer().nexthop,
        "queue.minimal_backoff_time": "1s",
        "queue.maximal_backoff_time": "2s", **{protocol + "." + key: value for key, value in own.items()}},
                    name="with-" + name)


def seen(peer):
    """Of each login the mechanism, and the user where the first line names one."""
    said = []
    for line in commands(peer, "AUTH"):
        _, mechanism, *initial = line.split()
        user = auth.decode(initial[0]).split(b"\0")[1:2] if initial else []
        said.append(b" ".join([mechanism.encode(), *user]).decode())
    return said


def a_user(session, line):
    return GOOD if PASSWORD.encode() in auth.decode(line.split()[2]) else BAD


# name, value, what the table holds, the mechanisms that are offered, and then: the outcome, and the logins
PLAIN, ALL = ("PLAIN",), ("PLAIN", "CRAM-MD5")
VALUES = (
    ("sasl_auth_enable", False, OURS, PLAIN, SENT, []),
    ("sasl_auth_enable", True, OURS, PLAIN, SENT, ["PLAIN " + USER]),
    ("sasl_password_maps", "inline:{elsewhere.test=user:x}", OURS, PLAIN, SENT, []),
    ("sasl_password_maps", "static:other:" + PASSWORD, OURS, PLAIN, SENT, ["PLAIN other"]),
    ("sasl_password_result_delimiter", ":", [(HERE, "me:us|" + PASSWORD)], PLAIN, SENT, ["PLAIN me"]),
    ("sasl_password_result_delimiter", "|", [(HERE, "me:us|" + PASSWORD)], PLAIN, SENT, ["PLAIN me:us"]),
    ("sasl_security_options", None, OURS, PLAIN, NO_MECHANISM, []),
    ("sasl_security_options", LENIENT, OURS, PLAIN, SENT, ["PLAIN " + USER]),
    ("sasl_security_options", STRICT, OURS, ALL, SENT, ["CRAM-MD5"]),
    ("sasl_mechanism_filter", "", OURS, ALL, SENT, ["CRAM-MD5"]),
    ("sasl_mechanism_filter", "!cram-md5, static:rest", OURS, ALL, SENT, ["PLAIN " + USER]),
    ("sasl_mechanism_filter", "login", OURS, ALL, NO_MECHANISM, []),
    ("sender_dependent_authentication", False, SENDERS, PLAIN, SENT, ["PLAIN nexthop"]),
    ("sender_dependent_authentication", True, SENDERS, PLAIN, SENT, ["PLAIN sender"]),
    ("sasl_path", "smtpd", OURS, PLAIN, SENT, ["PLAIN " + USER]),
    ("send_dummy_mail_auth", False, OURS, PLAIN, SENT, ["PLAIN " + USER]),
    ("send_dummy_mail_auth", True, OURS, PLAIN, SENT, ["PLAIN " + USER]),
)


@limit(180)
def test_what_is_used_for_a_login(t):
    """parameters smtp_sasl_auth_enable, lmtp_sasl_auth_enable, smtp_sasl_password_maps,
    lmtp_sasl_password_maps, smtp_sasl_password_result_delimiter, lmtp_sasl_password_result_delimiter,
    smtp_sasl_security_options, lmtp_sasl_security_options, smtp_sasl_mechanism_filter,
    lmtp_sasl_mechanism_filter, smtp_sender_dependent_authentication, lmtp_sender_dependent_authentication,
    smtp_sasl_path, lmtp_sasl_path, smtp_send_dummy_mail_auth, lmtp_send_dummy_mail_auth"""
    for protocol in PROTOCOLS:
        for number, (name, value, entries, mechanisms, result, logins) in enumerate(VALUES):
            what = (protocol, name, value)
            right = auth.cram_md5 if logins == ["CRAM-MD5"] else a_user
            peer = t.peer({"auth": right}, address=("127.0.0.1", 0), keywords=offering(*mechanisms),
                          smtp=protocol == "smtp")
            daemon = client(t, protocol, peer, {name: value}, entries, "%s%d" % (protocol, number))
            same(outcome(deliver(daemon)), result, what)
            same(seen(peer), logins, what)
            same(any(c.endswith(" AUTH=<>") for c in commands(peer, "MAIL")),
                 name == "send_dummy_mail_auth" and value, what)
            daemon.stop()


@limit(180)
def test_S_8_inside_TLS(t):
    """parameters smtp_sasl_tls_security_options, lmtp_sasl_tls_security_options,
    smtp_sasl_tls_verified_security_options, lmtp_sasl_tls_verified_security_options"""
    a, files = authority(t)
    inside, matched = "sasl_tls_security_options", "sasl_tls_verified_security_options"
    for protocol in PROTOCOLS:
        for number, (level, options, result) in enumerate((
                ("encrypt", {}, NO_MECHANISM), ("encrypt", {inside: LENIENT}, SENT),
                ("encrypt", {matched: LENIENT}, NO_MECHANISM),
                ("verify", {inside: LENIENT}, SENT), ("verify", {matched: LENIENT}, SENT),
                ("verify", {inside: LENIENT, matched: STRICT}, NO_MECHANISM))):
            peer = secure_peer(t, files, {"auth": auth.plain},
                               keywords=("PIPELINING", "STARTTLS", "AUTH PLAIN"),
                               smtp=protocol == "smtp")
            daemon = client(t, protocol, peer, {"sasl_security_options": STRICT, "tls_security_level": level,
                                                "tls_CAfile": a.ca, **options},
                            name="%s%d" % (protocol, number))
            same(outcome(deliver(daemon)), result, (protocol, level, options))
            same(len(commands(peer, "AUTH")), result == SENT, (protocol, level, options))
            daemon.stop()


@limit(120)
def test_what_a_refusal_does(t):
    """parameters smtp_sasl_auth_soft_bounce, lmtp_sasl_auth_soft_bounce, smtp_sasl_auth_cache_name,
    lmtp_sasl_auth_cache_name, smtp_sasl_auth_cache_time, lmtp_sasl_auth_cache_time: a remembered refusal is
    not asked for again, as long as it is remembered."""
    cache = {"sasl_auth_cache_name": "any"}
    for protocol in PROTOCOLS:
        for number, (settings, result, logins) in enumerate((
                ({"sasl_auth_soft_bounce": False}, ("bounced", "5.7.8"), 1),
                ({"sasl_auth_soft_bounce": True}, REFUSED, 2),
                (cache, REFUSED, 1), ({**cache, "sasl_auth_cache_time": "0s"}, REFUSED, 2),
                ({**cache, "sasl_auth_cache_time": "1h"}, REFUSED, 1))):
            what = (protocol, settings)
            peer = t.peer({"auth": BAD}, address=("127.0.0.1", 0), keywords=offering("PLAIN"),
                          smtp=protocol == "smtp")
            daemon = client(t, protocol, peer, settings, name="%s%d" % (protocol, number))
            same(outcome(deliver(daemon)), result, what)
            if result == REFUSED:
                processes.wait_for(lambda: len(daemon.deliveries()) > 1, 20, "a second try")
            # a third try may have begun
            tries = [session.commands[1:] for session in peer.sessions[:2]]
            same(sum(command.startswith("AUTH") for said in tries for command in said), logins, what)
            daemon.stop()


@limit(60)
def test_sasl_type(t):
    """parameters smtp_sasl_type, lmtp_sasl_type: cyrus is the only one, and anything else ends the start."""
    for protocol in PROTOCOLS:
        peer = t.peer(address=("127.0.0.1", 0), smtp=protocol == "smtp")
        same(outcome(deliver(client(t, protocol, peer, {"sasl_type": "cyrus"}, name=protocol)))[0], "sent")
        other = t.daemon(peer, {protocol + ".sasl_auth_enable": True, protocol + ".sasl_type": "dovecot",
                                protocol + ".sasl_password_maps": "static:a:b"}, start=False,
                         name=protocol + "-other")
        done = subprocess.run([t.options.program("causewayd"), "-t", "-c", other.conf], capture_output=True,
                              text=True,
                              timeout=30)
        assert done.returncode != 0 and "no SASL implementation 'dovecot'" in done.stderr, done


def uri(session, line):
    """DIGEST-MD5's digest-uri: service and host as the client has them."""
    answer = auth.ask(session, 'nonce="abc",qop="auth",algorithm=md5-sess,charset=utf-8')
    session.uri = re.search(rb'digest-uri="([^"]*)"', answer).group(1).decode()
    return BAD


@limit(60)
def test_S_10_service_and_host(t):
    """The protocol's name, and the host's as the log has it."""
    for protocol in PROTOCOLS:
        peer = t.peer({"auth": uri}, address=("127.0.0.1", 0), keywords=offering("DIGEST-MD5"),
                      smtp=protocol == "smtp")
        daemon = client(t, protocol, peer, {}, name=protocol)
        line = deliver(daemon)
        same(outcome(line), REFUSED)
        assert "server 127.0.0.1[127.0.0.1] said" in line["reason"], line
        same(peer.sessions[0].uri, protocol + "/127.0.0.1")

