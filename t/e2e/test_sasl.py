"""AUTH with scripted servers: which credentials, which mechanism, and what becomes of mail when it fails."""

import glob
import os
import re
import subprocess

import auth
import processes
from auth import BAD, GOOD, LATER, PASSWORD, USER
from actions import close, first, silence
from cases import outcome, short
from harness import Skip, same
from spool import ROOT

ALL = ("PIPELINING", "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256")
ON = {"lmtp.sasl_auth_enable": True, "lmtp.sasl_security_options": "noanonymous"}
RETRY = {"queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "2s"}


def offering(*mechanisms):
    return ("PIPELINING", "AUTH " + " ".join(mechanisms))


def server(t, script=auth.right, keywords=ALL, **stages):
    return t.peer({"auth": script, **stages}, address=("127.0.0.1", 0), keywords=keywords)


def table(t, *entries, name="passwords"):
    """A table of passwords; an entry is (key, result) or a key that has the usual credentials."""
    path = t.path(name)
    with open(path, "w") as file:
        for entry in entries:
            file.write("%s %s\n" % ((entry, USER + ":" + PASSWORD) if isinstance(entry, str) else entry))
    os.chmod(path, 0o644)
    return "texthash:" + path


def nexthop(peer):
    return "[127.0.0.1]:%d" % peer.address[1]


def client(t, peer, settings=None, entries=None, **options):
    """A daemon that has credentials for the peer."""
    maps = table(t, *(entries if entries is not None else [nexthop(peer)]))
    return t.daemon(peer, {**ON, "lmtp.sasl_password_maps": maps, **(settings or {})}, **options)


def deliver(daemon, to="u@example.org", **options):
    daemon.send(to, **options)
    return daemon.wait_delivery(to)


def commands(peer, verb):
    return [c for session in peer.sessions for c in session.commands if c.startswith(verb)]


def commands_in_log(daemon, verb):
    """What was said, as debug_peer_list shows it."""
    return re.findall(r"> \S+: (%s .*)" % verb, daemon.log())


def content(path):
    """What stands in it; nothing if the daemon has removed it meanwhile, as it does with what is delivered.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def everything(daemon):
    """All that the daemon has written, and all that it tells an operator."""
    files = [p for p in glob.glob(daemon.dir + "/**", recursive=True) if os.path.isfile(p)]
    assert daemon.log_file in files
    text = b"".join(content(path) for path in files if os.path.basename(path) != "passwords")
    for question in ("list", "status", "destinations", "config", "explain u@example.org"):
        done = daemon.ctl(*question.split(), check=False)
        text += (done.stdout + done.stderr).encode()
    return text


def shows_no_secret(daemon, *secrets):
    text = everything(daemon)
    for secret in secrets or (PASSWORD,):
        for form in (secret, auth.encode(secret), auth.encode("\0%s\0%s" % (USER, secret))):
            assert form.encode().rstrip(b"=") not in text, "%r shows" % form


# --- when, and with what ------------------------------------------------------------------------------

def test_S_1_and_19_AUTH_once_in_a_session(t):
    peer = server(t)
    daemon = client(t, peer)
    for name in "abc":
        same(outcome(deliver(daemon, name + "@example.org"))[0], "sent")
    same([len(peer.sessions), len(commands(peer, "AUTH"))], [1, 1])
    same(peer.sessions[0].commands[1].split()[:2], ["AUTH", "SCRAM-SHA-256"])
    shows_no_secret(daemon)


def test_every_mechanism(t):
    """Each by itself, as the filter lets it pass. parameter lmtp_sasl_mechanism_filter"""
    for number, mechanism in enumerate(auth.DONE_RIGHT):
        peer = server(t)
        daemon = client(t, peer, {"lmtp.sasl_mechanism_filter": mechanism.lower()}, name="d%d" % number)
        same(outcome(deliver(daemon))[0], "sent", mechanism)
        same(commands(peer, "AUTH")[0].split()[1], mechanism)
        shows_no_secret(daemon)


def test_S_3_no_credentials_no_login(t):
    peer = server(t)
    daemon = client(t, peer, entries=["elsewhere.test"])
    same(outcome(deliver(daemon))[0], "sent")
    same(commands(peer, "AUTH"), [])


def test_S_4_AUTH_is_not_offered(t):
    peer = server(t, keywords=("PIPELINING",))
    daemon = client(t, peer)
    same(outcome(deliver(daemon))[0], "sent")
    same(commands(peer, "AUTH"), [])


def test_E_8_and_9_how_AUTH_is_offered(t):
    """With = or a blank, in several lines;
    without a mechanism that can be used it is offered all the same, and failed.
    """
    for number, (words, chosen) in enumerate(((["AUTH=PLAIN"], "PLAIN"),
                                              (["AUTH=LOGIN", "AUTH PLAIN"], "PLAIN"),
                                              (["auth plain"], "PLAIN"), (["AUTH"], None), (["AUTH ="], None),
                                              (["AUTH NO-SUCH-THING"], None))):
        peer = server(t, keywords=("PIPELINING", *words))
        daemon = client(t, peer, name="d%d" % number)
        line = deliver(daemon)
        same([c.split()[1] for c in commands(peer, "AUTH")], [chosen] if chosen else [], words)
        same(outcome(line), ("sent", "2.0.0") if chosen else ("deferred", "4.7.0"), words)
        assert chosen or "offered no compatible authentication mechanisms" in line["reason"], line["reason"]


def test_sasl_auth_enable_is_off_by_default(t):
    peer = server(t)
    daemon = t.daemon(peer, {"lmtp.sasl_password_maps": table(t, nexthop(peer))})
    same(outcome(deliver(daemon))[0], "sent")
    same(commands(peer, "AUTH"), [])


def test_S_5_keys_host_before_nexthop(t):
    """The host's name, without port, is asked for first; the nexthop as it is written comes behind it."""
    for number, (entries, user) in enumerate((
            ([("127.0.0.1", "host:" + PASSWORD), ("{nexthop}", "next:" + PASSWORD)], "host"),
            ([("{nexthop}", "next:" + PASSWORD)], "next"),
            ([("[127.0.0.1]", "bare:" + PASSWORD), ("127.0.0.1:{port}", "bare:" + PASSWORD)], None))):
        peer = server(t, lambda s, line: auth.plain(s, line, user), offering("PLAIN"))
        daemon = client(t, peer, name="d%d" % number, entries=[
            (key.format(nexthop=nexthop(peer), port=peer.address[1]), result) for key, result in entries])
        same(outcome(deliver(daemon))[0], "sent")
        same(len(commands(peer, "AUTH")), 1 if user else 0)


def test_S_5_a_table_that_cannot_be_asked(t):
    """A file that should hold the password is not there: 4.3.0, nobody is sent anything."""
    peer = server(t)
    os.mkdir(t.path("secrets"))
    daemon = client(t, peer, {"sasl_secret_directory": t.path("secrets")},
                    [(nexthop(peer), USER + ":file:token")])
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.3.0"))
    assert "secrets/token: No such file" in line["reason"], line
    same(commands(peer, "MAIL"), [])
    same(commands(peer, "AUTH"), [])


def test_S_6_sender_first(t):
    """With sender_dependent_authentication; parameter lmtp_sender_dependent_authentication. The address, the
    same without its extension, @domain, then host and nexthop; the null sender has no entry."""
    users = []

    def note(session, line):
        users.append(auth.decode(line.split()[2]).split(b"\0")[1].decode())
        return GOOD
    peer = server(t, note, offering("PLAIN"))
    daemon = client(t, peer, {"lmtp.sender_dependent_authentication": True, "recipient_delimiter": "+-"}, [
        ("one@a.test", "one:" + PASSWORD), ("one+own@a.test", "own:" + PASSWORD),
        ("@a.test", "domain:" + PASSWORD), ("@b.test", "other:" + PASSWORD),
        (nexthop(peer), "next:" + PASSWORD)])
    senders = ("one@a.test", "two@a.test", "x@b.test", "x@c.test", "one+own@a.test", "one+x@a.test", "")
    for number, sender in enumerate(senders):
        same(outcome(deliver(daemon, "to%d@example.org" % number, sender=sender))[0], "sent", sender)
    same(users, ["one", "domain", "other", "next", "own", "one", "next"])


def test_S_6_off_by_default(t):
    peer = server(t, lambda s, line: auth.plain(s, line, "next"), offering("PLAIN"))
    daemon = client(t, peer, entries=[("one@a.test", "one:" + PASSWORD), (nexthop(peer), "next:" + PASSWORD)])
    same(outcome(deliver(daemon, sender="one@a.test"))[0], "sent")


def test_sessions_are_shared_by_those_with_the_same_credentials_only(t):
    """Mail of one sender goes over no connection that another one has logged in on."""
    peer = server(t, lambda s, line: GOOD, offering("PLAIN"))
    daemon = client(t, peer, {"lmtp.sender_dependent_authentication": True}, [
        ("one@a.test", "one:" + PASSWORD), ("two@a.test", "two:" + PASSWORD),
        (nexthop(peer), "next:" + PASSWORD)])
    for number, sender in enumerate(("one@a.test", "two@a.test", "x@c.test", "y@c.test", "one@a.test")):
        same(outcome(deliver(daemon, "u%d@example.org" % number, sender=sender))[0], "sent")
    for session in peer.sessions:
        user = auth.decode(commands_of(session, "AUTH")[0].split()[2]).split(b"\0")[1].decode()
        for command in commands_of(session, "MAIL"):
            same({"one@a.test": "one", "two@a.test": "two"}.get(command.split("<")[1].split(">")[0], "next"),
                 user)


def commands_of(session, verb):
    return [c for c in session.commands if c.startswith(verb)]


# --- the password ---------------------------------------------------------------------------------------

def test_sasl_password_result_delimiter(t):
    peer = server(t, lambda s, line: auth.plain(s, line, "me@x:y", "pw|2"), offering("PLAIN"))
    daemon = client(t, peer, {"lmtp.sasl_password_result_delimiter": "|"}, [(nexthop(peer), "me@x:y|pw|2")])
    same(outcome(deliver(daemon))[0], "sent")


def test_password_with_a_delimiter_and_none_at_all(t):
    for number, (result, password) in enumerate((("user:a:b", "a:b"), ("user", ""), ("user:", ""))):
        peer = server(t, lambda s, line: auth.plain(s, line, "user", password), offering("PLAIN"))
        daemon = client(t, peer, entries=[(nexthop(peer), result)], name="d%d" % number)
        same(outcome(deliver(daemon))[0], "sent", result)


def test_password_from_a_file_that_is_replaced(t):
    """It is read anew for each login, so that somebody else can keep it fresh."""
    os.mkdir(t.path("secrets"))
    peer = server(t, lambda s, line: auth.plain(s, line, "user", "newer"), offering("PLAIN"))
    with open(t.path("secrets/token"), "w") as file:
        file.write("older\n")
    daemon = client(t, peer, {**RETRY, "sasl_secret_directory": t.path("secrets")},
                    [(nexthop(peer), "user:file:token")])
    same(outcome(deliver(daemon)), ("deferred", "4.7.8"))
    with open(t.path("secrets/fresh"), "w") as file:
        file.write("newer\n")
    os.rename(t.path("secrets/fresh"), t.path("secrets/token"))
    daemon.wait_delivery("u@example.org", "sent", timeout=20)


def test_tokens(t):
    """XOAUTH2 and OAUTHBEARER, taken and refused."""
    def bearer(session, line):
        said = auth.decode(line.split()[2])
        if b"auth=Bearer token-7\1\1" in said:
            return GOOD
        same(auth.ask(session, '{"status":"401"}'), b"\1" if "OAUTHBEARER" in line else b"")
        return BAD
    for number, (mechanism, token, result) in enumerate((
            ("XOAUTH2", "token-7", ("sent", "2.0.0")), ("XOAUTH2", "token-8", ("deferred", "4.7.8")),
            ("OAUTHBEARER", "token-7", ("sent", "2.0.0")),
            ("OAUTHBEARER", "token-8", ("deferred", "4.7.8")))):
        peer = server(t, bearer, offering("PLAIN", mechanism))
        daemon = client(t, peer, {"lmtp.sasl_mechanism_filter": "oauthbearer, xoauth2"},
                        [(nexthop(peer), USER + ":" + token)],
                        name="d%d" % number)
        same(outcome(deliver(daemon)), result)
        same(commands(peer, "AUTH")[0].split()[1], mechanism)
        shows_no_secret(daemon, token)


# --- mechanisms ------------------------------------------------------------------------------------------

def test_S_7_plaintext_needs_permission(t):
    """By default no plaintext mechanism without TLS. parameter lmtp_sasl_security_options"""
    peer = server(t, keywords=offering("PLAIN", "LOGIN"))
    daemon = client(t, peer, {"lmtp.sasl_security_options": None})
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.7.0"))
    assert "no compatible authentication mechanisms for this type of connection security" in line[
        "reason"], line
    same(commands(peer, "AUTH"), [])
    same(commands(peer, "MAIL"), [])
    same(peer.sessions[0].commands[-1], "QUIT")


def test_S_8_stronger_ones_need_none(t):
    peer = server(t)
    daemon = client(t, peer, {"lmtp.sasl_security_options": None})
    same(outcome(deliver(daemon))[0], "sent")
    same(commands(peer, "AUTH")[0].split()[1], "SCRAM-SHA-256")


def test_sasl_mechanism_filter(t):
    """In order, the first match decides."""
    for number, (value, chosen) in enumerate((
            ("plain", "PLAIN"), ("LOGIN, cram-md5", "CRAM-MD5"),
            ("!scram-sha-256, static:all", "SCRAM-SHA-1"),
            ("inline:{{plain = x}}", "PLAIN"),
            ("!inline:{{scram-sha-1 = x}, {scram-sha-256 = x}}, static:all", "CRAM-MD5"),
            ("!plain", None), ("plain, !plain", "PLAIN"), ("nosuch", None))):
        peer = server(t)
        daemon = client(t, peer, {"lmtp.sasl_mechanism_filter": value}, name="d%d" % number)
        same(outcome(deliver(daemon)), ("sent", "2.0.0") if chosen else ("deferred", "4.7.0"), value)
        same([c.split()[1] for c in commands(peer, "AUTH")], [chosen] if chosen else [])


def test_send_cyrus_sasl_authzid(t):
    for number, (value, wanted) in enumerate(((False, b"\0user\0pw"), (True, b"user\0user\0pw"))):
        peer = server(t, lambda s, line: GOOD if auth.decode(line.split()[2]) == wanted else BAD,
                      offering("PLAIN"))
        daemon = client(t, peer, {"send_cyrus_sasl_authzid": value}, [(nexthop(peer), "user:pw")],
                        name="d%d" % number)
        same(outcome(deliver(daemon))[0], "sent")


def test_send_dummy_mail_auth(t):
    """M-7: after a login only."""
    for number, entry in enumerate(("{nexthop}", "elsewhere.test")):
        peer = server(t)
        daemon = client(t, peer, {"lmtp.send_dummy_mail_auth": True}, [entry.format(nexthop=nexthop(peer))],
                        name="d%d" % number)
        same(outcome(deliver(daemon))[0], "sent")
        same(commands(peer, "MAIL")[0].endswith(" AUTH=<>"), number == 0)


def test_EXTERNAL_on_a_socket(t):
    """An entry without a password, where the connection itself says who we are."""
    peer = t.peer({"auth": lambda s, line: GOOD if line == "AUTH EXTERNAL =" else BAD},
                  keywords=offering("PLAIN", "EXTERNAL"))
    daemon = client(t, peer, entries=[("causeway.test", "user")])
    same(outcome(deliver(daemon))[0], "sent")
    same(commands(peer, "AUTH"), ["AUTH EXTERNAL ="])


# --- refusals ----------------------------------------------------------------------------------------------

def refused(t, script, settings=None, keywords=ALL, name=""):
    """Mail to a server that does not let us in; the log line. No mail follows, and the session is not kept.
    """
    peer = server(t, script, keywords)
    daemon = client(t, peer, settings, name=name)
    line = deliver(daemon)
    same(commands(peer, "MAIL"), [])
    same(len(peer.sessions), 1)
    shows_no_secret(daemon)
    return line, peer


def test_S_15_and_16_wrong_password(t):
    """parameter lmtp_sasl_auth_soft_bounce"""
    for number, (settings, result) in enumerate((({}, ("deferred", "4.7.8")),
                                                 ({"lmtp.sasl_auth_soft_bounce": False},
                                                  ("bounced", "5.7.8")),
                                                 ({"lmtp.sasl_auth_soft_bounce": False, "soft_bounce": True},
                                                  ("deferred", "4.7.8")))):
        line, peer = refused(t, BAD, settings, name="d%d" % number)
        same(outcome(line), result)
        assert "SASL authentication failed; server 127.0.0.1[127.0.0.1] said: 535 5.7.8" in line[
            "reason"], line
        same(peer.sessions[0].commands[-1], "QUIT", "Z-5")


def test_Y_5_AUTH_by_class(t):
    for number, (reply, result) in enumerate(((LATER, ("deferred", "4.7.0")),
                                              ("504 5.5.4 Unknown", ("deferred", "4.5.4")),
                                              ("421 4.3.2 Down", ("deferred", "4.3.2")),
                                              ("150 what", ("deferred", "4.5.0")))):
        line, _ = refused(t, reply, name="d%d" % number)
        same(outcome(line), result, reply)


def test_S_16_the_next_host_is_asked(t):
    """A soft refusal sends the mail to the next host, a hard one sends it back."""
    for number, (soft, result) in enumerate(((True, "sent"), (False, "bounced"))):
        bad, good = server(t, BAD), server(t)
        daemon = client(t, bad, {"mailbox_transport": "lmtp:inet:%s, %s" % (nexthop(bad), nexthop(good)),
                                 "lmtp.sasl_auth_soft_bounce": soft}, [nexthop(bad), nexthop(good)],
                        name="d%d" % number)
        same(outcome(deliver(daemon))[0], result)
        same(len(good.messages), 1 if soft else 0)


def test_S_14_challenges_that_cannot_be_read(t):
    for number, reply in enumerate(("334 !!!", "334 abc", "334-PDE+\n334 PDE+", "334 " + "A" * 5000,
                                    "334 \u00e9")):
        line, peer = refused(t, auth.says(reply, BAD), keywords=offering("CRAM-MD5"), name="d%d" % number)
        same(outcome(line), ("deferred", "4.7.0"), reply)
        assert "cannot authenticate to server" in line["reason"], line
        same(peer.sessions[0].commands[-1], "QUIT", "QUIT, not *")


def test_S_13_one_step_too_many_and_endless(t):
    for number, (mechanism, script) in enumerate((
            ("PLAIN", auth.says("334 ", GOOD)), ("CRAM-MD5", auth.says("334 PDE+", "334 PDE+", GOOD)),
            ("LOGIN", auth.says("334 ", "334 ", "334 ", GOOD)), ("PLAIN", auth.endless),
            ("CRAM-MD5", auth.endless))):
        line, _ = refused(t, script, keywords=offering(mechanism), name="d%d" % number)
        same(outcome(line), ("deferred", "4.7.0"), mechanism)
        assert "asks for more than the mechanism has to say" in line["reason"], line


def test_success_that_was_not_earned(t):
    """235 before the server has proved itself, or has even heard the password."""
    for number, (mechanism, script) in enumerate((
            ("LOGIN", GOOD), ("CRAM-MD5", GOOD), ("SCRAM-SHA-256", GOOD), ("SCRAM-SHA-1", GOOD),
            ("DIGEST-MD5", GOOD),
            ("LOGIN", auth.says("334 VXNlcm5hbWU6", GOOD)),
            ("SCRAM-SHA-256", auth.Scram("sha256", final=False)),
            ("SCRAM-SHA-1", auth.Scram("sha1", final=False)),
            ("SCRAM-SHA-256", auth.Scram("sha256", signature=False)))):
        line, _ = refused(t, script, keywords=offering(mechanism), name="d%d" % number)
        same(outcome(line), ("deferred", "4.7.0"), (mechanism, number))
        assert "cannot authenticate to server" in line["reason"], line


def test_lost_or_silent_in_the_exchange(t):
    for number, (script, words) in enumerate(((close, "lost connection with"), (silence, "timed out while"))):
        line, _ = refused(t, script, short("lhlo"), name="d%d" % number)
        same(outcome(line), ("deferred", "4.4.2"))
        assert words in line["reason"] and "performing the AUTH exchange" in line["reason"], line


def test_a_reply_too_many_is_credited_to_nobody(t):
    line, _ = refused(t, GOOD + "\n" + GOOD, keywords=offering("PLAIN"))
    same(outcome(line), ("deferred", "4.5.0"))


def test_a_refused_login_is_tried_again_later(t):
    peer = server(t, first(1, LATER, auth.right))
    daemon = client(t, peer, RETRY)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent", timeout=20)
    same(len(commands(peer, "AUTH")), 2)


# --- logins that were refused before
# -------------------------------------------------------------------------

CACHE = {**RETRY, "lmtp.sasl_auth_cache_name": "proxy:btree:/nowhere",
         "lmtp.destination_concurrency_limit": 1, "lmtp.destination_concurrency_failed_cohort_limit": 0}


def test_S_18_a_refused_login_is_not_shown_again(t):
    """After a 535 the session ends behind LHLO, in every courier. parameter lmtp_sasl_auth_cache_name"""
    peer = server(t, BAD)
    daemon = client(t, peer, {**CACHE, "workers": 3})
    same(outcome(deliver(daemon)), ("deferred", "4.7.8"))
    for number in range(6):
        line = deliver(daemon, "u%d@example.org" % number)
        same(outcome(line), ("deferred", "4.7.8"))
        daemon.retry_all()
    assert "SASL [CACHED] authentication failed; server 127.0.0.1[127.0.0.1] said: 535 5.7.8" in line[
        "reason"], line
    processes.wait_for(lambda: len(peer.sessions) > 5, 20, "further sessions")
    same(len(commands(peer, "AUTH")), 1)
    for session in peer.sessions[1:-1]:
        same(session.commands[1:], ["QUIT"])
    shows_no_secret(daemon)


def test_S_18_over_a_restart(t):
    """What was refused is known after an orderly stop, too."""
    peer = server(t, BAD)
    daemon = client(t, peer, CACHE)
    same(outcome(deliver(daemon)), ("deferred", "4.7.8"))
    daemon.stop()
    daemon.start()
    deliver(daemon, "v@example.org")
    daemon.wait_log(r"to=<v@\S+ .*SASL \[CACHED\] authentication failed")
    same(len(commands(peer, "AUTH")), 1)
    shows_no_secret(daemon)


def test_S_18_hard(t):
    peer = server(t, BAD)
    daemon = client(t, peer, {**CACHE, "lmtp.sasl_auth_soft_bounce": False})
    same(outcome(deliver(daemon)), ("bounced", "5.7.8"))
    same(outcome(deliver(daemon, "v@example.org")), ("bounced", "5.7.8"))
    same(len(commands(peer, "AUTH")), 1)


def test_S_18_only_535_and_only_for_so_long(t):
    """parameter lmtp_sasl_auth_cache_time"""
    for number, (reply, settings) in enumerate(((LATER, {}), ("504 5.5.4 what", {}),
                                                (BAD, {"lmtp.sasl_auth_cache_time": "0s"}),
                                                (BAD, {"lmtp.sasl_auth_cache_name": ""}))):
        peer = server(t, first(1, reply, auth.right))
        daemon = client(t, peer, {**CACHE, **settings}, name="d%d" % number)
        daemon.send("u@example.org")
        daemon.wait_delivery("u@example.org", "sent", timeout=20)
        same(len(commands(peer, "AUTH")), 2)


def test_S_18_another_password_is_tried(t):
    """A reload with a new one, and new couriers that were told of the old one's refusal."""
    peer = server(t)
    daemon = client(t, peer, CACHE, [(nexthop(peer), USER + ":wrong")])
    same(outcome(deliver(daemon)), ("deferred", "4.7.8"))
    couriers = daemon.pids("courier")
    daemon.reload()
    processes.wait_for(lambda: not set(couriers) & set(daemon.pids("courier")), 20, "new couriers")
    deliver(daemon, "v@example.org")
    daemon.wait_log("CACHED")
    same(len(commands(peer, "AUTH")), 1)
    table(t, nexthop(peer))
    daemon.reload()
    daemon.wait_delivery("u@example.org", "sent", timeout=20)


# --- what must not be seen
# -----------------------------------------------------------------------------------

def test_S_20_no_secret_shows_whatever_the_server_repeats(t):
    """In logs of every level, with the conversation logged, in transcripts to the postmaster,
    in what an operator sees.
    """
    def echo(code):
        def act(session, line):
            return "%s 5.7.8 no '%s' in %s\n" % (code, PASSWORD, line) + "%s 5.7.8 %s" % (code,
                                                                                          line.split()[-1])
        return act
    for number, (mechanism, script) in enumerate((
            ("PLAIN", echo("535")), ("PLAIN", echo("150")), ("PLAIN", "235 ok\n235 " + PASSWORD),
            ("PLAIN", lambda s, line: "%s\n235 2.7.0 welcome %s" % (line, PASSWORD)),
            ("LOGIN", auth.login), ("PLAIN", lambda s, line: "334 " + line.split()[-1]))):
        peer = server(t, script, offering(mechanism))
        daemon = client(t, peer, {"debug_peer_list": "127.0.0.1", "debug_peer_level": 9,
                                  "notify_classes": "protocol, bounce",
                                  "lmtp.reply_filter": "pcre:{{/^535(.*)/ 535$$1}}", "soft_bounce": True},
                        name="d%d" % number)
        deliver(daemon)
        daemon.wait_log("AUTH")
        shows_no_secret(daemon)


def test_S_20_no_secret_shows_in_a_reply_that_is_replaced(t):
    """Also when the login is long over."""
    peer = server(t, keywords=offering("PLAIN"), rcpt="450 4.7.0 you are " + PASSWORD)
    daemon = client(t, peer, {"lmtp.reply_filter": "pcre:{{/^450(.*)/ 451$$1}}"})
    same(outcome(deliver(daemon))[0], "deferred")
    daemon.wait_log(r'replacing server reply "450 4.7.0 you are \*\*\*" with "451 4.7.0 you are \*\*\*"')
    shows_no_secret(daemon)


def test_no_core_and_no_secret_left(t):
    """Couriers leave no core file, and what was a password is wiped from their memory when it has been used.
    """
    peer = server(t, keywords=offering("PLAIN"))
    daemon = client(t, peer, {"sandbox": "off", "workers": 1})
    same(outcome(deliver(daemon))[0], "sent")
    pid = daemon.pids("courier")[0]
    with open("/proc/%d/limits" % pid) as file:
        assert any(line.split()[4:6] == ["0", "0"] for line in file
                   if line.startswith("Max core")), "cores are on"


def memory_of(pid):
    """All that a process has in memory and may read itself."""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            first, last = (int(end, 16) for end in span.split("-"))
            if "r" in rights and "[v" not in line and last - first < 1 << 28:
                memory.seek(first)
                yield memory.read(last - first)


def test_passwords_are_in_the_memory_of_couriers_only(t):
    if not ROOT:
        raise Skip("to look into the memory of others needs root")
    peer = server(t, keywords=offering("PLAIN"))
    daemon = client(t, peer, {"workers": 1}, [(nexthop(peer), "me:inthehandsofcouriers")])
    deliver(daemon)
    before, = daemon.pids("courier")
    daemon.reload()
    daemon.wait_log("the new configuration is in force")
    after, = processes.wait_for(lambda: before not in daemon.pids("courier") and daemon.pids("courier"), 20,
                                "another courier")
    daemon.wait_log("courier %d: sandbox" % after)     # what it opens it has opened by then
    has = {role: any(b"inthehandsofcouriers" in piece for pid in pids for piece in memory_of(pid))
           for role, pids in (("supervisor", [daemon.process.pid]), ("queue", daemon.pids("queue")),
                              ("courier", [after]))}
    same(has, {"supervisor": False, "queue": False, "courier": True})


def test_explain_names_the_entry(t):
    """And where it would come from, never what it holds."""
    peer = server(t)
    daemon = client(t, peer)
    shown = daemon.ctl("explain", "u@example.org")
    assert "login by the entry for " + nexthop(peer) in shown, shown
    assert re.search(r"credentials +texthash:%s" % t.path("passwords"), shown), shown
    shows_no_secret(daemon, PASSWORD, USER)
    off = client(t, peer, entries=["elsewhere.test"], name="off")
    assert "login by" not in off.ctl("explain", "u@example.org")


# --- configuration
# ---------------------------------------------------------------------------------------------

def test_what_cannot_be(t):
    """One message each that names the place."""
    maps = table(t, "x.test")
    for settings, option, words in (
            ({"lmtp.sasl_password_maps": ""}, "sasl_password_maps", "needs a table"),
            ({"lmtp.sasl_type": "dovecot"}, "sasl_type", "cyrus is the only one"),
            ({"lmtp.sasl_password_maps": "texthash:/nonexistent"}, "sasl_password_maps", "No such file"),
            ({"lmtp.sasl_password_result_delimiter": "::"}, "sasl_password_result_delimiter",
             "one character"),
            ({"lmtp.sasl_password_result_delimiter": ""}, "sasl_password_result_delimiter", "one character"),
            ({"lmtp.sasl_security_options": "noplain"}, "sasl_security_options", "noplain"),
            ({"lmtp.sasl_tls_security_options": "x"}, "sasl_tls_security_options", "'x'"),
            ({"lmtp.sasl_tls_verified_security_options": "y"}, "sasl_tls_verified_security_options", "'y'"),
            ({"lmtp.sasl_mechanism_filter": "!"}, "sasl_mechanism_filter", "behind a !"),
            ({"lmtp.sasl_mechanism_filter": "/no/such/list"}, "sasl_mechanism_filter", "No such file"),
            ({"lmtp.sasl_mechanism_filter": "nosuch:x"}, "sasl_mechanism_filter", "nosuch")):
        daemon = t.daemon(None, {"lmtp.sasl_auth_enable": True, "lmtp.sasl_password_maps": maps, **settings},
                          start=False,
                          name="c")
        done = subprocess.run([t.options.program("causewayd"), "-t", "-c", daemon.conf], capture_output=True,
                              text=True,
                              check=False)
        complaint = done.stderr
        assert done.returncode, settings
        assert option in complaint and words in complaint, (settings, complaint)
