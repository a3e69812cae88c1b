"""Parameters that change what is said on a connection, and for how long an answer is awaited."""

import time

from actions import End, dot_came_apart, note_pieces, silence
from cases import delays, outcome
from harness import limit, same
from mx import daemon_with_dns

ALL = ("PIPELINING", "8BITMIME", "DSN", "SIZE 104857600")


def commands(peer, verb):
    return [c for session in peer.sessions for c in session.commands if c.startswith(verb)]


def deliver(daemon, name="u"):
    daemon.send(name + "@example.org")
    return daemon.wait_delivery(name + "@example.org")


def dribble(reply, pause):
    """Say REPLY a byte at a time."""
    def act(session, *_):
        for byte in (reply + "\r\n").encode():
            if session.wait_closed_for(pause):
                raise End
            session.raw(bytes([byte]))
        return None
    return act


# --- LHLO -------------------------------------------------------------------------------------------

def test_lhlo_name(t):
    for number, settings in enumerate(({"lmtp.lhlo_name": "foo.example"}, {"lmtp_lhlo_name": "[127.0.0.1]"},
                                       {"myhostname": "bar.example"})):
        peer = t.peer()
        daemon = t.daemon(peer, settings, name="d%d" % number)
        deliver(daemon)
        same(commands(peer, "LHLO"), ["LHLO " + list(settings.values())[0]])


def test_discard_lhlo_keywords(t):
    """Taken as not announced, and one line says so."""
    peer = t.peer(keywords=ALL)
    daemon = t.daemon(peer, {"lmtp.discard_lhlo_keywords": "dsn, Pipelining"})
    daemon.send([("u@example.org", "NOTIFY=NEVER")])
    daemon.wait_delivery("u@example.org", "sent")
    same(commands(peer, "RCPT"), ["RCPT TO:<u@example.org>"])
    assert peer.sessions[0].reads.count(b"DATA\r\n") == 1, "DATA was pipelined"
    assert "SIZE=" in commands(peer, "MAIL")[0]
    daemon.wait_log(r": discarding EHLO keywords: PIPELINING DSN$")


def test_discard_lhlo_keywords_in_silence(t):
    peer = t.peer(keywords=ALL)
    daemon = t.daemon(peer, {"lmtp.discard_lhlo_keywords": "size silent-discard nonsense"})
    same(deliver(daemon)["status"], "sent")
    assert "SIZE" not in commands(peer, "MAIL")[0]
    assert "discarding" not in daemon.log()


def test_discard_lhlo_keyword_address_maps(t):
    """By socket path or numeric address; a hit takes the place of the list, a miss leaves it."""
    local, inet = t.peer(keywords=ALL), t.peer(keywords=ALL, address=("127.0.0.1", 0))
    other = t.peer(keywords=ALL)
    tables = t.path("keywords")
    with open(tables, "w") as file:
        file.write("%s size, silent-discard\n" % local.address)
    daemon = t.daemon(None, {
        "lmtp.discard_lhlo_keywords": "dsn silent-discard",
        "lmtp.discard_lhlo_keyword_address_maps": "texthash:%s, cidr:%s" % (tables, t.path("nets")),
        "transport_maps": "inline:{%s}" % ", ".join("{%s = lmtp:%s}" % (n, p.nexthop) for n, p in (
            ("local.test", local), ("inet.test", inet), ("other.test", other)))}, start=False)
    with open(t.path("nets"), "w") as file:
        file.write("127.0.0.0/8 pipelining\n")
    daemon.start()
    for name in ("local", "inet", "other"):
        daemon.send([("u@%s.test" % name, "NOTIFY=NEVER")])
        daemon.wait_delivery("u@%s.test" % name, "sent")
    same(["SIZE=" in commands(p, "MAIL")[0] for p in (local, inet, other)], [False, True, True])
    same(["NOTIFY" in commands(p, "RCPT")[0] for p in (local, inet, other)], [True, True, False])
    same([p.sessions[0].reads.count(b"DATA\r\n") for p in (local, inet, other)], [0, 1, 0])


# --- envelope and content ---------------------------------------------------------------------------

QUOTED = ['"a..b"@example.org', '".a"@example.org', '"a b"@example.org', '"a@b"@example.org',
          '"a\\"b"@example.org']


def test_quote_rfc821_envelope(t):
    for name, quote, wanted in (("yes", True, QUOTED), ("no", False, [
            "a..b@example.org", ".a@example.org", "a b@example.org", "a@b@example.org", 'a"b@example.org'])):
        peer = t.peer()
        daemon = t.daemon(peer, {"lmtp.quote_rfc821_envelope": quote}, name=name)
        daemon.send(QUOTED, sender='"s..t"@client.test')
        daemon.wait_deliveries(len(QUOTED), status="sent")
        same(commands(peer, "RCPT"), ["RCPT TO:<%s>" % a for a in wanted])
        assert commands(peer, "MAIL")[0].startswith("MAIL FROM:<%s@client.test>"
                                                    % ('"s..t"' if quote else "s..t"))
        daemon.end()


# --- replies ----------------------------------------------------------------------------------------

def test_reply_filter(t):
    """P-21: a line is replaced before it is read, whatever it answers; the log tells."""
    filters = t.path("filters")
    with open(filters, "w") as file:
        file.write("/^250 2\\.0\\.0 <late/ 451 4.3.0 test\n/^250 PIPELINING/ 250 HELP\n/^554 / 220 ok\n")
    peer = t.peer({"greeting": "554 5.3.2 no"}, keywords=("8BITMIME", "PIPELINING"))
    daemon = t.daemon(peer, {"lmtp.reply_filter": "regexp:" + filters})
    daemon.send(["late@example.org", "u@example.org"])
    line = daemon.wait_delivery("late@example.org")
    same(outcome(line), ("deferred", "4.3.0"))
    assert "451 4.3.0 test" in line["reason"], line["reason"]
    same(outcome(daemon.wait_delivery("u@example.org")), ("sent", "2.0.0"))
    daemon.wait_log(': replacing server reply "250 PIPELINING" with "250 HELP"$')
    assert b"DATA\r\n" in peer.sessions[0].reads, "pipelined"


def test_reply_filter_with_a_plain_table(t):
    """Such tables are asked in lower case; a replacement with a hyphen goes on with the next line."""
    peer = t.peer({"mail": "250 Fine By Me\r\n451 4.7.1 later"})
    daemon = t.daemon(peer, {"lmtp.reply_filter": "inline:{{250 fine by me = 250-fine}}"})
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.7.1"))
    assert "250-fine 451 4.7.1 later" in line["reason"], line["reason"]


# --- PIX firewalls, XFORWARD and names, in LMTP -----------------------------------------------------

def test_lmtp_pix_workarounds(t):
    """parameters lmtp_pix_workarounds, lmtp_pix_workaround_delay_time, lmtp_pix_workaround_threshold_time and
    lmtp_pix_workaround_maps: the pause before the dot; LHLO stays LHLO, whatever disable_esmtp says."""
    none, both = {"lmtp.pix_workarounds": ""}, {"lmtp.pix_workarounds": "disable_esmtp delay_dotcrlf"}
    pause = {"lmtp.pix_workaround_threshold_time": "0s", "lmtp.pix_workaround_delay_time": "1s"}
    maps = {"lmtp.pix_workaround_maps": "inline:{127.0.0.1=delay_dotcrlf}"}
    for name, settings, paused in (
            ("both", {**both, **pause}, True), ("none", {**none, **pause}, False),
            ("maps", {**none, **maps, **pause}, True),
            ("young", {**both, "lmtp.pix_workaround_delay_time": "15s"}, False)):
        pieces = []
        peer = t.peer({"greeting": "220 ****************0*2******", "content": note_pieces(pieces)},
                      ("127.0.0.1", 0))
        daemon = t.daemon(peer, settings, name=name)
        line = deliver(daemon)
        same(outcome(line), ("sent", "2.0.0"), name)
        if paused:
            assert delays(line)[3] >= 0.9, (name, line)
        else:
            assert not dot_came_apart(pieces), (name, pieces)
        same(peer.sessions[0].commands[0].split()[0], "LHLO", name)


def test_lmtp_send_xforward_command(t):
    for send in (True, False):
        peer = t.peer(keywords=("PIPELINING", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"))
        daemon = t.daemon(peer, {"lmtp.send_xforward_command": send}, name="d%d" % send)
        line = deliver(daemon)
        same(commands(peer, "XFORWARD"), ["XFORWARD IDENT=%s SOURCE=LOCAL" % line["id"]] if send else [])


def test_lmtp_xforward_timeout(t):
    peer = t.peer({"xforward": silence}, keywords=("PIPELINING", "XFORWARD IDENT"))
    daemon = t.daemon(peer, {"lmtp.send_xforward_command": True, "lmtp.xforward_timeout": "1s"})
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.4.2"))
    assert line["reason"].endswith("timed out while sending XFORWARD protocol/helo_name"), line["reason"]


def test_lmtp_cname_overrides_servername_and_lmtp_defer_if_no_mx_address_found(t):
    """An alias is called by its name or by that of its host. Nothing is an MX here:
    a host without address is returned."""
    peer = t.peer(address=("127.0.0.1", 0))
    names = {"alias.test": ["CNAME store.test"], "store.test": ["127.0.0.1"], "none.test": [],
             "d.test": ["MX 5 none.test"]}
    hosts = {"a.test": "alias.test", "none.test": "none.test", "d.test": "d.test"}
    for setting, called in ((True, "store.test"), (False, "alias.test")):
        daemon, _ = daemon_with_dns(t, names, {
            "transport_maps": "inline:{%s}" % ", ".join(
                "%s=lmtp:inet:%s:%d" % (*pair, peer.address[1]) for pair in hosts.items()),
            "lmtp.cname_overrides_servername": setting, "lmtp.defer_if_no_mx_address_found": setting})
        daemon.send("u@a.test")
        same(daemon.wait_delivery("u@a.test", "sent")["relay"].partition("[")[0], called)
        for domain in ("none.test", "d.test"):
            daemon.send("u@" + domain, sender="")
            same(outcome(daemon.wait_delivery("u@" + domain)), ("bounced", "5.4.4"), domain)


# --- deadlines --------------------------------------------------------------------------------------

@limit(90)
def test_per_request_deadline(t):
    """A reply that comes a byte at a time: each byte has the whole limit, but with a deadline all together.

    parameters per_request_deadline, per_record_deadline
    """
    cases = {"no": {}, "yes": {"lmtp.per_request_deadline": True}, "old": {"lmtp.per_record_deadline": True},
             "both": {"lmtp.per_record_deadline": True, "lmtp.per_request_deadline": False}}
    daemons = {name: t.daemon(t.peer({"lhlo": dribble("250 peer.test", 0.4)}),
                              {"lmtp.lhlo_timeout": "4s", **settings},
                              name=name) for name, settings in cases.items()}
    for daemon in daemons.values():
        daemon.send("u@example.org")
    for name, daemon in daemons.items():
        line = daemon.wait_delivery("u@example.org")
        if name in ("no", "both"):
            same(outcome(line), ("sent", "2.0.0"), name)
        else:
            same(outcome(line), ("deferred", "4.4.2"), name)
            assert line["reason"].endswith("timed out while performing the LHLO handshake"), line["reason"]


def test_a_reply_in_pieces_has_ten_limits_in_all(t):
    peer = t.peer({"mail": dribble("250-" + "x" * 400, 0.3)})
    daemon = t.daemon(peer, {"lmtp.mail_timeout": "1s"})
    began = time.monotonic()
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.4.2"))
    assert 3 < time.monotonic() - began < 100, time.monotonic() - began


def test_H2_5_greeting_and_lhlo_share_a_deadline(t):
    """Each is in time, both together are not."""
    def greeting(session):
        session.wait_closed_for(3)
        return "220 peer.test LMTP"

    def lhlo(session, line):
        session.wait_closed_for(3)
        return session.usual_capabilities()
    daemons = {wanted: t.daemon(t.peer({"greeting": greeting, "lhlo": lhlo}), {
        "lmtp.lhlo_timeout": "5s", "lmtp.per_request_deadline": deadline}, name=wanted)
        for wanted, deadline in (("sent", False), ("deferred", True))}
    for daemon in daemons.values():
        daemon.send("u@example.org")
    for wanted, daemon in daemons.items():
        line = daemon.wait_delivery("u@example.org")
        same(line["status"], wanted)
        if wanted == "deferred":
            assert line["reason"].endswith("timed out while performing the LHLO handshake"), line["reason"]


@limit(90)
def test_min_data_rate(t):
    """With a deadline a peer that takes content more slowly than that runs out of time;
    a quicker one does not.
    """
    body = b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 100_000

    def slowly(session):
        end = time.monotonic() + 4
        while time.monotonic() < end:
            session.fill()
            session.wait_closed_for(0.1)
    for rate, wanted in (("500", ("sent", "2.0.0")), ("1000000000", ("deferred", "4.4.2"))):
        peer = t.peer({"content": slowly})
        daemon = t.daemon(peer, {"lmtp.data_xfer_timeout": "2s", "lmtp.per_request_deadline": True,
                                 "lmtp.min_data_rate": rate}, name="d" + rate)
        daemon.send("u@example.org", body)
        line = daemon.wait_delivery("u@example.org", timeout=30)
        same(outcome(line), wanted, rate)
        if wanted[0] == "deferred":
            assert line["reason"].endswith("timed out while sending message body"), line["reason"]
        daemon.end()


# --- QUIT -------------------------------------------------------------------------------------------

def test_skip_quit_response(t):
    """yes: closed at once; no: the answer is awaited, at most for quit_timeout. The result is known before.

    parameters skip_quit_response, quit_timeout
    """
    for name, skip, limit_of_quit, least, most in (("yes", True, "300s", 0, 100),
                                                   ("no", False, "2s", 1, 100)):
        stamps = {}

        def quit_command(session, line, stamps=stamps):
            stamps["quit"] = time.monotonic()
            try:
                silence(session)
            finally:
                stamps["closed"] = time.monotonic()
        peer = t.peer({"quit": quit_command})
        daemon = t.daemon(peer, {"lmtp.skip_quit_response": skip, "lmtp.quit_timeout": limit_of_quit,
                                 "lmtp.connection_cache_on_demand": False}, name=name)
        same(deliver(daemon)["status"], "sent")
        peer.wait(lambda: "closed" in stamps, what="the connection closed")
        took = stamps["closed"] - stamps["quit"]
        assert least <= took < most, (name, took)
        daemon.end()


def test_Z_3_errors_at_quit_are_nobodys_business(t):
    def broken(session, line):
        session.raw(b"\0\xff garbage")
        raise End
    for number, script in enumerate((broken, "500 what", "421 no", "354 go")):
        peer = t.peer({"quit": script})
        daemon = t.daemon(peer, {"lmtp.connection_cache_on_demand": False}, name="d%d" % number)
        same(deliver(daemon)["status"], "sent")
        same(deliver(daemon, "v")["status"], "sent")
        daemon.end()
