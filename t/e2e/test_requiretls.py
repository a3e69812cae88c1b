"""REQUIRETLS and TLS-Required: no (RFC 8689), from the drop file to the peer, the log and the report."""

import itertools
import time

import mx
from actions import USUAL
from certificates import Authority
from harness import limit, same
from mail import message
from ports import reserved_port
from reports import Report
from secure_peer import SecurePeer
from test_corners_tls import Policies

OFFER = ("PIPELINING", "DSN", "REQUIRETLS", "STARTTLS")
SECURE = {"smtp.tls_security_level": "secure", "smtp.tls_secure_cert_match": "mx.test"}
ENFORCE, OPPORTUNISTIC, STARTTLS = ({"smtp.requiretls_policy": word} for word in (
    "enforce", "opportunistic", "opportunistic+starttls"))
_numbers = itertools.count(1)
ASKS, RELAXED = " REQUIRETLS", message(headers=("TLS-Required: No",))


class Net:
    """SMTP servers h1.test, h2.test … with TLS: d1.test is served by the first, d12.test by the first,
    then the second.

    Each is of a kind: "good", "other" (its certificate is for another name), "plain" (no STARTTLS), "unaware"
    (no REQUIRETLS), "refuses" (STARTTLS), "first" (TLS before the greeting); None: nobody is there.
    """

    def __init__(self, t, *kinds):
        self.t, self.port = t, reserved_port()
        authority = Authority(t.path("tls"))
        self.ca = authority.ca
        self.certificate = {"other": authority.leaf("other", ["other.test"])}
        self.usual = authority.leaf("good", ["mx.test"])
        self.peers = [kind and self._peer(n, kind) for n, kind in enumerate(kinds, 1)]
        self.names = {**mx.known_hosts(len(kinds)), "d12.test": ["MX 10 h1.test", "MX 20 h2.test"],
                      **{"d%d.test" % n: ["MX 10 h%d.test" % n] for n in range(1, len(kinds) + 1)}}

    def _peer(self, n, kind):
        left_out = {"plain": "STARTTLS", "unaware": "REQUIRETLS"}.get(kind)
        peer = SecurePeer((mx.address(n), self.port),
                          {"starttls": "454 4.7.0 Not now"} if kind == "refuses" else None,
                          certificate=self.certificate.get(kind, self.usual), tls_first=kind == "first",
                          keywords=[word for word in OFFER if word != left_out], smtp=True)
        self.t.peers.append(peer)
        return peer

    def daemon(self, *settings):
        merged = {"smtp.tcp_port": self.port, "smtp.tls_CAfile": self.ca}
        for some in settings:
            merged.update(some)
        return mx.daemon_with_dns(self.t, self.names, merged)[0]

    def mails(self, n=1):
        """The MAIL commands that a server has heard."""
        return [line for session in self.peers[n - 1].sessions for line in session.commands
                if line.startswith("MAIL")]


def result(line):
    return line["status"], line["dsn"], line["tls"]


def deliver(daemon, domain="d1.test", params=ASKS, **how):
    """Send a message to a recipient of its own; its delivery line."""
    to = "u%d@%s" % (next(_numbers), domain)
    daemon.send(to, params=params, **how)
    return daemon.wait_delivery(to)


# --- how strictly -------------------------------------------------------------------------------------

def test_Q_1_who_asks_for_more_counts(t):
    """parameters tls_required_enable, requiretls_enable"""
    net = Net(t, "good", "plain")
    strict = net.daemon(SECURE, ENFORCE)
    same(result(deliver(strict, content=RELAXED)), ("sent", "2.0.0", "secure/requiretls"))
    same(result(deliver(strict, "d2.test", content=RELAXED)),
         ("bounced", "5.7.30", "!secure/!requiretls:nostarttls"))
    same(result(deliver(strict, "d2.test", params="", content=RELAXED)), ("sent", "2.0.0", "may:none"))
    for word, params, content, expected in (
            ("tls_required_enable", "", RELAXED, ("deferred", "4.7.4", "!secure")),
            ("requiretls_enable", ASKS, message(), ("deferred", "4.7.4", "!secure")),
            ("requiretls_enable", ASKS, RELAXED, ("sent", "2.0.0", "may:none"))):
        daemon = net.daemon(SECURE, ENFORCE, {word: "no"})
        same(result(deliver(daemon, "d2.test", params=params, content=content)), expected,
             "%s %s" % (word, params))
        daemon.stop()


@limit(120)
def test_Q_2_the_policy_goes_by_nexthop(t):
    """parameter smtp_requiretls_policy: words, tables of each kind, parents, names with brackets and port;
    the default"""
    net = Net(t, "unaware")
    port = net.port
    tables = {"smtp.requiretls_policy":
              "inline:{d1.test=opportunistic, .sub.test=disable, {h1.test=opportunistic+starttls}},"
                                        " cidr:{{127.0.0.11 opportunistic}}, regexp:{{/^pattern/ opportunistic}}, enforce"}
    net.names.update({"a.sub.test": ["MX 10 h1.test"], "pattern.test": ["MX 10 h1.test"],
                      "sub.test": ["MX 10 h1.test"],
                      "d.other.test": ["MX 10 h1.test"]})
    ways = {"transport_maps": "inline:{bracket.test=smtp:[h1.test]:%d, literal.test=smtp:[127.0.0.11]:%d}"
            % (port, port)}
    daemon = net.daemon(tables, ways, {"smtp.tls_security_level": "may"})
    none = "may/requiretls:none"
    for domain, expected in (("d1.test", none), ("a.sub.test", "may"), ("pattern.test", none),
                             ("bracket.test", none),
                             ("literal.test", none), ("sub.test", "may?/!requiretls:nocertmatch"),
                             ("d.other.test", "may?/!requiretls:nocertmatch")):
        same(deliver(daemon, domain)["tls"], expected, domain)
    default = net.daemon(ways, {"mydomain": "sub.test"})
    for domain, expected in (("sub.test", none), ("a.sub.test", none), ("literal.test", none),
                             ("d1.test", "may?/!requiretls:nocertmatch")):
        same(deliver(default, domain)["tls"], expected, "default, " + domain)


def test_Q_2_and_Q_3_a_relay_of_ours_has_an_action_of_its_own(t):
    """The fallback relay's own name is looked up; a relay that gives no such level makes mail wait."""
    net = Net(t, None, "good")
    policy = {"smtp.requiretls_policy": "inline:{d1.test=enforce, h2.test=opportunistic}, error"}
    relay = {"smtp.fallback_relay": "[h2.test]:%d" % net.port}
    levels = {"smtp.tls_policy_maps": "inline:{{d1.test=secure}, {[h2.test]:%d=may}}" % net.port}
    same(result(deliver(net.daemon(policy, relay, levels))), ("sent", "2.0.0", "may/requiretls:nocertmatch"))
    daemon = net.daemon(ENFORCE, relay, levels)
    same(result(deliver(daemon)), ("deferred", "4.3.5", "may?/!requiretls:nocertmatch"))
    daemon.wait_log("the mail waits until that is mended")
    through = net.daemon(ENFORCE, {"relayhost": "[h2.test]:%d" % net.port,
                                   "smtp.tls_security_level": "encrypt"})
    same(result(deliver(through)), ("deferred", "4.3.5", "encrypt?/!requiretls:nocertmatch"))
    same(len(net.mails(2)), 1)


@limit(90)
def test_Q_3_to_Q_5_no_connection_is_made(t):
    """behaviour Q-3 to Q-5"""
    net = Net(t, "good")
    for level, policy, expected in (
            ("none", "enforce", ("bounced", "5.7.10", "none/!requiretls:nocertmatch")),
            ("may", "enforce", ("bounced", "5.7.10", "may?/!requiretls:nocertmatch")),
            ("encrypt", "enforce", ("bounced", "5.7.10", "encrypt?/!requiretls:nocertmatch")),
            ("none", "opportunistic+starttls", ("bounced", "5.7.10", "none/!requiretls:noencryption")),
            ("secure", "error", ("deferred", "4.7.10", "secure?/requiretls?")),
            ("secure", "inline:{d1.test=strictly}", ("deferred", "4.7.10", "secure?/requiretls?")),
            ("secure", "inline:{{d1.test=enforce, opportunistic}}",
             ("deferred", "4.7.10", "secure?/requiretls?")),
            ("secure", "inline:{d1.test=cidr:/x}", ("deferred", "4.7.10", "secure?/requiretls?"))):
        daemon = net.daemon({"smtp.tls_security_level": level, "smtp.requiretls_policy": policy})
        same(result(deliver(daemon)), expected, "%s %s" % (level, policy))
        daemon.stop()
    same(len(net.peers[0].sessions), 0)


def test_Q_3_other_mail_goes_on(t):
    """What REQUIRETLS keeps back says nothing about the destination."""
    net = Net(t, "plain")
    daemon = net.daemon({"smtp.requiretls_policy": "inline:{d1.test=error}"},
                        {"smtp.tls_security_level": "may"})
    same(result(deliver(daemon))[:2], ("deferred", "4.7.10"))
    daemon.send("other@d1.test")
    same(result(daemon.wait_delivery("other@d1.test")), ("sent", "2.0.0", "may:none"))


def test_other_mail_goes_on_where_we_have_no_tls(t):
    """Nor is it the destination's fault that our key is no good."""
    net = Net(t, "good")
    broken = t.path("broken.key")
    open(broken, "w").close()
    daemon = net.daemon(STARTTLS, {"smtp.tls_security_level": "may", "smtp.tls_cert_file": net.usual[0],
                                   "smtp.tls_key_file": broken})
    same(result(deliver(daemon))[:2], ("deferred", "4.7.5"))
    same([d["state"] for d in daemon.ctl("destinations", "--json")], ["alive"])
    same(result(deliver(daemon, params="")), ("sent", "2.0.0", "may:none"))


def test_a_word_that_is_no_action_is_refused_at_start(t):
    """parameter lmtp_requiretls_policy"""
    for policy, complaint in (("enforced", "neither a table nor one of"), ("inline:{}", "the table is empty"),
                              ("texthash:/nowhere", "cannot open")):
        daemon = t.daemon(None, {"lmtp.requiretls_policy": policy}, start=False,
                          name=policy.strip("/{}:")[:6])
        daemon.start(wait=False)
        same(daemon.exit_status(), 78, policy)
        assert complaint in daemon.stderr() and "requiretls_policy" in daemon.stderr(), daemon.stderr()


# --- what the server lacks ----------------------------------------------------------------------------

@limit(120)
def test_Q_6_codes_by_server(t):
    """behaviour Q-6; with another server behind it that is soft, and the session is used for nothing else"""
    net = Net(t, "plain", "refuses", "other", "unaware", "good")
    daemon = net.daemon(SECURE, ENFORCE)
    for n, expected in enumerate((("bounced", "5.7.30", "!secure/!requiretls:nostarttls"),
                                  ("bounced", "5.7.10", "!secure/!requiretls:nostarttls"),
                                  ("bounced", "5.7.10", "!secure/!requiretls:nocertmatch"),
                                  ("bounced", "5.7.30", "secure/!requiretls:none"),
                                  ("sent", "2.0.0", "secure/requiretls")), 1):
        same(result(deliver(daemon, "d%d.test" % n)), expected, str(n))
    for peer in net.peers[:4]:
        peer.wait(lambda peer=peer: not peer.sessions[0].open, what="the session is over")
        same(peer.sessions[0].commands[-1], "QUIT")
    may = net.daemon(STARTTLS, {"smtp.tls_security_level": "may"})
    for n, expected in ((1, ("bounced", "5.7.30", "may?/!requiretls:nostarttls")),
                        (2, ("bounced", "5.7.10", "may?/!requiretls:nostarttls")),
                        (3, ("sent", "2.0.0", "may/requiretls:nocertmatch")),
                        (4, ("sent", "2.0.0", "may/requiretls:none"))):
        same(result(deliver(may, "d%d.test" % n)), expected, "starttls %d" % n)


def test_Q_6_the_next_server_is_tried(t):
    net = Net(t, "plain", "good")
    line = deliver(net.daemon(SECURE, ENFORCE), "d12.test")
    same((result(line), mx.host_of(line)), (("sent", "2.0.0", "secure/requiretls"), "h2.test"))


def test_Q_7_and_M_3_on_mail(t):
    """behaviour Q-7, E-11, M-3: also to a server whose certificate proves nothing"""
    net = Net(t, "other")
    daemon = net.daemon(OPPORTUNISTIC, {"smtp.tls_security_level": "may"})
    same(result(deliver(daemon, params=" REQUIRETLS RET=FULL ENVID=x")),
         ("sent", "2.0.0", "may/requiretls:nocertmatch"))
    same(net.mails(), ["MAIL FROM:<a@client.test> ENVID=x RET=FULL REQUIRETLS"])


def test_Q_8_ret_hdrs_where_the_request_ends(t):
    net = Net(t, "unaware", "plain", "good")
    daemon = net.daemon(OPPORTUNISTIC, {"smtp.tls_security_level": "may"})
    for n, params, expected in ((1, " RET=FULL REQUIRETLS", " RET=HDRS"), (2, " REQUIRETLS", " RET=HDRS"),
                                (1, " RET=FULL", " RET=FULL"), (3, " RET=FULL REQUIRETLS",
                                                                " RET=FULL REQUIRETLS")):
        same(deliver(daemon, "d%d.test" % n, params=params)["status"], "sent")
        same(net.mails(n)[-1], "MAIL FROM:<a@client.test>" + expected, "%d %s" % (n, params))


def test_lmtp_requiretls_policy(t):
    """parameters lmtp_requiretls_policy, lmtp_log_tls_feature_status: by default a store need not know it"""
    peer = t.peer(keywords=("PIPELINING", "DSN", "REQUIRETLS"))
    daemon = t.daemon(peer)
    daemon.send("u@example.org", params=ASKS)
    same(result(daemon.wait_delivery("u@example.org")), ("sent", "2.0.0", "none/requiretls:none"))
    same([c for c in peer.sessions[0].commands if c.startswith("MAIL")],
         ["MAIL FROM:<a@client.test> RET=HDRS"])
    strict = t.daemon(peer, {"lmtp.requiretls_policy": "inline:{causeway.test=opportunistic+starttls}"},
                      name="strict")
    strict.send("u@example.org", params=ASKS)
    same(result(strict.wait_delivery("u@example.org")),
         ("bounced", "5.7.10", "none/!requiretls:noencryption"))
    silent = t.daemon(peer, {"lmtp.log_tls_feature_status": "no"}, name="silent")
    silent.send("u@example.org", params=ASKS)
    same(result(silent.wait_delivery("u@example.org")), ("sent", "2.0.0", None))


# --- TLS-Required: no ---------------------------------------------------------------------------------

@limit(90)
def test_Q_9_tls_required_no_limits_the_level(t):
    """parameter tls_required_enable; behaviour Q-9: no policy table, no DANE"""
    net = Net(t, "plain", "other", "first")
    maps = {"smtp.tls_policy_maps": "inline:{{d1.test=secure}, {d2.test=fingerprint match=AA}}"}
    for level in ("secure", "dane-only", "encrypt", "may"):
        daemon = net.daemon({"smtp.tls_security_level": level}, maps)
        same(result(deliver(daemon, params="", content=RELAXED)), ("sent", "2.0.0", "may:none"), level)
        same(result(deliver(daemon, "d2.test", params="", content=RELAXED)), ("sent", "2.0.0", "may"), level)
        daemon.stop()
    folded = net.daemon(SECURE)
    for field in ("TLS-Required:\r\n\tno", "tls-required: (as the\r\n RFC has it)\r\n NO"):
        same(result(deliver(folded, params="", content=message(headers=(field,)))),
             ("sent", "2.0.0", "may:none"), field)
    wrapped = net.daemon(SECURE, {"smtp.tls_wrappermode": "yes"})
    same(result(deliver(wrapped, "d3.test", params="", content=RELAXED)), ("sent", "2.0.0", "encrypt"))
    clear = net.daemon({"smtp.tls_security_level": "none"})
    same(result(deliver(clear, params="", content=RELAXED)), ("sent", "2.0.0", "none"))


def test_tls_required_no_does_not_expose_a_login(t):
    """Where this host logs in, what protects the password is not for writers of mail to say."""
    net = Net(t, "plain")
    login = {"smtp.sasl_auth_enable": "yes", "smtp.sasl_password_maps": "inline:{{d1.test=me:secret}}",
             "smtp.sasl_security_options": "noanonymous"}
    same(result(deliver(net.daemon(SECURE, login), params="", content=RELAXED)),
         ("deferred", "4.7.4", "!secure"))


# --- sessions, headers, reports -----------------------------------------------------------------------

def test_J_8_kept_sessions_are_kept_apart(t):
    """A session that was made for mail with one wish about TLS serves no mail with another."""
    net = Net(t, "good")
    daemon = net.daemon(OPPORTUNISTIC, {"smtp.tls_security_level": "may",
                                        "smtp.connection_cache_on_demand": "no",
                                        "smtp.connection_cache_destinations": "d1.test"})
    for n, (params, content) in enumerate((("", message()), ("", message()), (ASKS, message()),
                                           (ASKS, message()),
                                           ("", RELAXED), ("", RELAXED), ("", message()))):
        daemon.send("u%d@d1.test" % n, content, params=params)
        daemon.wait_delivery("u%d@d1.test" % n, status="sent")
    same([sum(c.startswith("MAIL") for c in s.commands) for s in net.peers[0].sessions], [2, 2, 2, 1])
    same(["REQUIRETLS" in line for line in net.mails()], [False, False, True, True, False, False, False])


def test_Q_2_a_kept_session_follows_the_policy(t):
    """An action that changes in the table counts for mail that could go over a session from before."""
    net, policies = Net(t, "good"), Policies(t)
    policies.write("d1.test", "opportunistic")
    daemon = net.daemon({"smtp.tls_security_level": "may",
                         "smtp.requiretls_policy": policies.spec + ", enforce",
                         "smtp.connection_cache_on_demand": "no",
                         "smtp.connection_cache_destinations": "d1.test"})
    same(result(deliver(daemon)), ("sent", "2.0.0", "may/requiretls:nocertmatch"))
    policies.write("d1.test", "enforce")
    same(result(deliver(daemon)), ("bounced", "5.7.10", "may?/!requiretls:nocertmatch"))
    same(len(net.mails()), 1)


def test_J_8_what_waits_for_a_connection_gets_one_of_its_own(t):
    """Also where commands follow a content (pipeline_transactions), and in any order."""
    net = Net(t, "good")
    daemon = net.daemon(OPPORTUNISTIC, {"smtp.tls_security_level": "may", "smtp.pipeline_transactions": "yes",
                                        "smtp.destination_concurrency_limit": 2})
    for n in range(40):
        daemon.send("u%d@d1.test" % n, params=ASKS if n % 3 == 0 else "",
                    content=RELAXED if n % 3 == 1 else message())
    daemon.wait_deliveries(40, status="sent")
    for session in net.peers[0].sessions:
        same(len({"REQUIRETLS" in c for c in session.commands if c.startswith("MAIL")}), 1)
    same(sum("REQUIRETLS" in line for line in net.mails()), 14)


def slowly(*_):
    """An answer to the dot that gives others time to follow."""
    time.sleep(0.03)
    return USUAL


def test_a_report_is_followed_by_mail_that_is_refused(t):
    """Behind a report, which goes without REQUIRETLS, other mail may follow on the connection,
    and is refused there.
    """
    net = Net(t, "unaware")
    net.peers[0].script["dot"] = slowly
    daemon = net.daemon(SECURE, ENFORCE, {"smtp.pipeline_transactions": "yes",
                                          "smtp.destination_concurrency_limit": 1})
    for n in range(30):
        daemon.send("u%d@d1.test" % n, params=ASKS, sender="" if n % 3 else "a@client.test")
    daemon.spool.wait_empty()
    lines = [line for line in daemon.deliveries() if line["to"].endswith("@d1.test")]
    same(sorted(result(line) for line in lines), [("bounced", "5.7.30", "secure/!requiretls:none")] * 10
         + [("sent", "2.0.0", "secure/requiretls:none")] * 20)
    same(len(set(line["to"] for line in lines)), 30)
    same(len(net.peers[0].messages), 20)


def test_requiretls_esmtp_header(t):
    """parameter requiretls_esmtp_header: a filter that knows no REQUIRETLS brings the request back in the
    header
    """
    net = Net(t, "good")
    field = "Require-TLS-ESMTP: yes"
    usual = {"smtp.tls_security_level": "may"}
    daemon = net.daemon(OPPORTUNISTIC, usual)
    deliver(daemon)
    daemon.send("back@d1.test", message(headers=(field,)))
    same(daemon.wait_delivery("back@d1.test")["tls"], "may/requiretls:nocertmatch")
    daemon.send("plain@d1.test")
    daemon.wait_delivery("plain@d1.test")
    same([m.content.count(field.encode()) for m in net.peers[0].wait_messages(3)], [1, 1, 0])
    off = net.daemon(OPPORTUNISTIC, usual, {"requiretls_esmtp_header": "no"})
    off.send("back@d1.test", message(headers=(field,)))
    same(off.wait_delivery("back@d1.test")["tls"], "may")
    deliver(off)
    same(net.peers[0].wait_messages(5)[-1].content.count(field.encode()), 0)


def report(t, daemon, **how):
    """The report about a message that comes back to the store of that daemon: its MAIL, and what it holds."""
    same(deliver(daemon, **how)["status"], "bounced")
    back = [peer for peer in t.peers if not peer.smtp][-1].wait_messages(1)[0]
    return back.mail, Report(back.content)


def test_reports_keep_the_property(t):
    """RFC 8689 section 5; parameters requiretls_redact_dsn, requiretls_enable"""
    net = Net(t, "plain", "good")
    net.names["client.test"] = ["MX 10 h2.test"]
    daemon = net.daemon(SECURE, ENFORCE)
    mail, about = report(t, daemon)
    same(("REQUIRETLS" in mail, "hello" in about.returned, about.message["TLS-Required"]),
         (False, False, None))
    assert "You asked for a protected way (REQUIRETLS)" in about.text, about.text
    daemon = net.daemon(SECURE, ENFORCE, {"requiretls_redact_dsn": "no", "transport_maps": ""})
    deliver(daemon)
    daemon.wait_delivery("a@client.test", status="sent")
    same(net.mails(2)[-1], "MAIL FROM:<> REQUIRETLS")
    assert b"hello" not in net.peers[1].messages[-1].content
    daemon = net.daemon({"smtp.tls_security_level": "may"})
    net.peers[0].script["rcpt"] = "550 5.1.1 Nobody here"
    _, about = report(t, daemon, params="", content=RELAXED)
    same((about.message["TLS-Required"], "hello" in about.returned), ("no", True))


def test_it_survives_a_restart_and_is_shown(t):
    """show says what a message asks for; explain says what would come of it."""
    net = Net(t, "good")
    net.peers[0].script["rcpt"] = "450 4.2.0 Later"
    daemon = net.daemon(ENFORCE, SECURE)
    for to, params, content in (("a@d1.test", ASKS, message()), ("b@d1.test", "", RELAXED),
                                ("c@d1.test", "", message())):
        daemon.send(to, content, params=params)
        daemon.wait_delivery(to, status="deferred")
    daemon.stop()
    daemon.start()
    shown = {m["recipients"][0]["address"][0]: m["tls_wanted"] for m in daemon.ctl("queue", "--json")}
    same(shown, {"a": "REQUIRETLS", "b": "TLS-Required: no", "c": None})
    name = next(m["id"] for m in daemon.ctl("queue", "--json") if m["tls_wanted"] == "REQUIRETLS")
    assert "asks for  REQUIRETLS" in daemon.ctl("show", name)
    assert "REQUIRETLS: enforce" in daemon.ctl("explain", "u@d1.test")


def test_causeway_inject_and_pickup_fields(t):
    """X-Sender of a pickup file takes parameters of MAIL."""
    net = Net(t, "good")
    daemon = net.daemon(OPPORTUNISTIC, {"smtp.tls_security_level": "may"})
    daemon.drop(
        b"X-Sender: <a@client.test> REQUIRETLS\r\nX-Receiver: <u@d1.test>\r\nSubject: x\r\n\r\nhello\r\n")
    same(daemon.wait_delivery("u@d1.test")["tls"], "may/requiretls:nocertmatch")
