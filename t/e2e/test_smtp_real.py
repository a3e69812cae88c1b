"""SMTP with real servers: Postfix' smtpd as MX, and smtp-sink with its ways to fail."""

import re

import processes
from cases import outcome
from harness import limit, same
from ports import reserved_port
from postfix import PostfixMX
from servers import Sink

ONE = {"smtp.destination_concurrency_limit": 1}


def daemon_for(t, port, settings=None):
    return t.daemon(None, {"mailbox_domains": "example.org",
                           "mailbox_transport": "smtp:[127.0.0.1]:%d" % port,
                           "transport_maps": "inline:{client.test=lmtp:%s}" % t.peer().nexthop,
                           **(settings or {})})


def postfix(t, extra="", settings=None):
    """A daemon, and the Postfix that it sends to."""
    server = PostfixMX(t.path("mx"), reserved_port(), extra)
    t.on_end(server.stop)
    server.start()
    return daemon_for(t, server.port, settings), server


def results_of(daemon, *users):
    """The outcome of each, sent in one message."""
    daemon.send([user + "@example.org" for user in users])
    return {user: outcome(daemon.wait_delivery(user + "@example.org")) for user in users}


def queue_id(line):
    return re.search(r"queued as (\w+)", line["reason"]).group(1)


@limit(90)
def test_postfix_takes_and_refuses(t):
    """Both logs tell the same: the id that Postfix gave, the recipients it knows, the ones it does not."""
    daemon, server = postfix(t)
    same(results_of(daemon, "good1", "nobody", "good2"),
         {"good1": ("sent", "2.0.0"), "nobody": ("bounced", "5.1.1"), "good2": ("sent", "2.0.0")})
    line = daemon.wait_delivery("good1@example.org")
    same(line["relay"], "127.0.0.1[127.0.0.1]:%d" % server.port)
    taken = queue_id(line)
    server.wait_log(r"%s: from=<a@client\.test>, size=\d+, nrcpt=2" % taken)
    for user in ("good1", "good2"):
        server.wait_log(r"%s: to=<%s@example\.org>, .* status=sent" % (taken, user))
    server.wait_log(r"reject: RCPT from \S+: 550 5\.1\.1 <nobody@example\.org>")


@limit(90)
def test_postfix_serves_many_messages_on_one_connection(t):
    daemon, server = postfix(t, settings=ONE)
    for number in range(30):
        daemon.send("good%d@example.org" % number)
    daemon.wait_deliveries(30, status="sent")
    processes.wait_for(lambda: server.log().count(": removed") == 30, 20, "30 messages through Postfix")
    same(len({(d["relay"], d["pid"]) for d in daemon.deliveries()}), 1)
    same(daemon.deliveries()[-1]["conn_use"], "30")


@limit(90)
def test_postfix_recipient_limit_splits_at_once(t):
    daemon, server = postfix(t, "smtpd_recipient_limit = 3\nsmtpd_recipient_overshoot_limit = 1000\n", ONE)
    users = ["good%d" % n for n in range(8)]
    same(set(results_of(daemon, *users).values()), {("sent", "2.0.0")})
    assert not daemon.deliveries(status="deferred"), daemon.log()
    server.wait_log("(?s)" + 3 * ": removed.*")
    sizes = re.findall(r"qmgr\[\d+\]: \w+: from=<a@client\.test>, size=\d+, nrcpt=(\d)", server.log())
    same(sorted(map(int, sizes)), [2, 3, 3])


@limit(90)
def test_postfix_refuses_at_each_stage(t):
    """Its restrictions, by what the envelope names; each recipient gets the words that were said."""
    daemon, server = postfix(t, """
smtpd_delay_reject = no
smtpd_helo_restrictions = check_helo_access inline:{{badhelo.test=REJECT helo}}
smtpd_sender_restrictions = check_sender_access inline:{{bad@client.test=REJECT sender}, {later@client.test=DEFER sender}}
smtpd_recipient_restrictions = check_recipient_access inline:{{good450@example.org=DEFER recipient}}
smtpd_data_restrictions = check_sender_access inline:{{data@client.test=REJECT data}}
smtpd_end_of_data_restrictions = check_sender_access inline:{{dot@client.test=REJECT dot}, {dot4@client.test=DEFER dot}}
""")
    expected = {"bad": ("bounced", "5.7.1", "MAIL FROM command"),
                "later": ("deferred", "4.7.1", "MAIL FROM command"),
                "data": ("bounced", "5.7.1", "DATA command"),
                "dot": ("bounced", "5.7.1", "end of DATA command"),
                "dot4": ("deferred", "4.7.1", "end of DATA command"), "fine": ("sent", "2.0.0", None)}
    for number, sender in enumerate(expected):
        daemon.send("good%d@example.org" % number, sender=sender + "@client.test")
    for number, (sender, (status, dsn, command)) in enumerate(expected.items()):
        line = daemon.wait_delivery("good%d@example.org" % number)
        same(outcome(line), (status, dsn), sender)
        if command:
            assert line["reason"].endswith("(in reply to %s)" % command), line["reason"]
    same(results_of(daemon, "good450", "good7"), {"good450": ("deferred", "4.7.1"),
                                                  "good7": ("sent", "2.0.0")})


@limit(90)
def test_postfix_leaves_after_too_many_errors(t):
    """421 in the middle of the recipients: nobody is lost, and nobody gets two copies."""
    daemon, server = postfix(t, "smtpd_hard_error_limit = 4\nsmtpd_soft_error_limit = 100\n", ONE)
    users = ["good%d" % n if n % 3 == 0 else "nobody%d" % n for n in range(15)]
    daemon.send([user + "@example.org" for user in users], sender="")
    found = daemon.wait_deliveries(len(users))
    # Postfix takes the good ones of a transaction with too many bad ones, or none: what it says counts
    sent = len([d for d in found if d["status"] == "sent"])
    processes.wait_for(lambda: server.queued() == 0, 20, "Postfix done")
    processes.wait_for(lambda: len(re.findall(r" to=<good\d+@example\.org>.* status=sent",
                                              server.log())) == sent, 20,
                       "%d recipients in Postfix's log" % sent)
    same({outcome(d)[0] for d in found if d["to"].startswith("nobody")} - {"bounced", "deferred"}, set())
    assert "421 4.7.0" in daemon.log(), daemon.log()


@limit(90)
def test_XF_5_postfix_learns_the_id(t):
    daemon, server = postfix(t, settings={"smtp.send_xforward_command": True})
    daemon.send("good1@example.org")
    line = daemon.wait_delivery("good1@example.org", "sent")
    server.wait_log(r"orig_queue_id=%s" % line["id"])


@limit(90)
def test_postfix_size_limit(t):
    """The limit that it announces is not even tried."""
    daemon, server = postfix(t, "message_size_limit = 10000\n")
    daemon.send("good1@example.org", b"Subject: x\n\n" + b"0123456789\n" * 2000, sender="")
    line = daemon.wait_delivery("good1@example.org")
    same(outcome(line), ("bounced", "5.3.4"))
    assert "MAIL" not in server.log(), server.log()


# smtp-sink's arguments, and what becomes of the mail
SINKS = {
    "good": ([], ("sent", "2.0.0")),
    "no pipelining": (["-p"], ("sent", "2.0.0")),
    "no ESMTP": (["-e"], ("sent", "2.0.0")),
    "no DSN, no 8BITMIME": (["-N", "-8"], ("sent", "2.0.0")),
    "PIX": (["-P"], ("sent", "2.0.0")),
    "CONNECT hard": (["-f", "CONNECT"], ("deferred", "4.3.0")),
    "CONNECT soft": (["-r", "CONNECT"], ("deferred", "4.3.0")),
    "EHLO hard": (["-f", "EHLO"], ("sent", "2.0.0")),
    "EHLO soft": (["-r", "EHLO"], ("sent", "2.0.0")),
    "EHLO and HELO hard": (["-f", "EHLO,HELO"], ("bounced", "5.3.0")),
    "EHLO and HELO soft": (["-r", "EHLO,HELO"], ("deferred", "4.3.0")),
    "MAIL hard": (["-f", "MAIL"], ("bounced", "5.3.0")),
    "MAIL soft": (["-r", "MAIL"], ("deferred", "4.3.0")),
    "RCPT hard": (["-f", "RCPT"], ("bounced", "5.3.0")),
    "RCPT soft": (["-r", "RCPT"], ("deferred", "4.3.0")),
    "DATA hard": (["-f", "DATA"], ("bounced", "5.3.0")),
    "DATA soft": (["-r", "DATA"], ("deferred", "4.3.0")),
    "dot hard": (["-f", "."], ("bounced", "5.3.0")),
    "dot soft": (["-r", "."], ("deferred", "4.3.0")),
    "RSET and QUIT hard": (["-f", "RSET,QUIT"], ("sent", "2.0.0")),
    "CONNECT closed": (["-q", "CONNECT"], ("deferred", "4.4.2")),
    "EHLO closed": (["-q", "EHLO"], ("deferred", "4.4.2")),
    "MAIL closed": (["-q", "MAIL"], ("deferred", "4.4.2")),
    "RCPT closed": (["-q", "RCPT"], ("deferred", "4.4.2")),
    "DATA closed": (["-q", "DATA"], ("deferred", "4.4.2")),
    "dot closed": (["-q", "."], ("deferred", "4.4.2")),
    "QUIT closed": (["-q", "QUIT"], ("sent", "2.0.0")),
    "EHLO 421": (["-Q", "EHLO"], ("deferred", "4.0.0")),
    "MAIL 421": (["-Q", "MAIL"], ("deferred", "4.0.0")),
    "RCPT 421": (["-Q", "RCPT"], ("deferred", "4.0.0")),
    "DATA 421": (["-Q", "DATA"], ("deferred", "4.0.0")),
    "dot 421": (["-Q", "."], ("deferred", "4.0.0")),
}


@limit(150)
def test_Y_2_to_11_smtp_sink_fails_in_every_way(t):
    """behaviour H-2 to H-6, G-2, G-3, O-1 to O-5"""
    routes = []
    for number, (arguments, _) in enumerate(SINKS.values()):
        server = Sink(t.path("sink%d" % number), arguments, reserved_port())
        t.on_end(server.stop)
        server.start()
        routes.append("s%d.test=smtp:[127.0.0.1]:%d" % (number, server.port))
    routes.append("client.test=lmtp:" + t.peer().nexthop)
    daemon = t.daemon(None, {"transport_maps": "inline:{%s}" % ", ".join(routes)})
    for number in range(len(SINKS)):
        daemon.send("u@s%d.test" % number)
    got = {name: outcome(daemon.wait_delivery("u@s%d.test" % number)) for number, name in enumerate(SINKS)}
    same({name: found for name, found in got.items() if found != SINKS[name][1]}, {})
