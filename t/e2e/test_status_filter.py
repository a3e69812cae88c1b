"""delivery_status_filter: what is recorded of a recipient may be another thing than what the server said."""

import mail
from cases import outcome
from harness import same
from reports import Report


def test_delivery_status_filter_changes_result_and_report(t):
    table = t.path("filter")
    with open(table, "w", encoding="ascii") as out:
        out.write(
            "/^4\\.2\\.2 (.*Quota.*)/ 5.2.2 too full for too long: $1\n/^5\\.1\\.1 / 4.1.1 asked again later\n"
                  "/^2\\.0\\.0 / 2.1.5 taken\n")
    daemon, peers = t.destinations({"there": None}, {"lmtp.delivery_status_filter": "pcre:" + table})
    daemon.send(["dot452@there.test", "rcpt550@there.test", "ok@there.test"])
    same(daemon.wait_delivery("rcpt550@there.test", "deferred")["dsn"], "4.1.1")
    same(daemon.wait_delivery("ok@there.test", "sent")["dsn"], "2.1.5")
    same(daemon.wait_delivery("dot452@there.test", "bounced")["dsn"], "5.2.2")
    report = Report(mail.split_trace(peers["client"].wait_messages(1)[0].content)[1])
    same(list(report.recipients), ["dot452@there.test"])
    block = report.recipients["dot452@there.test"]
    # a 452 beside a 5.2.2 would be no consistent answer
    same(block["Status"], "5.2.2")
    assert block["Diagnostic-Code"].startswith("x-causeway; too full for too long"), block["Diagnostic-Code"]


def test_smtp_delivery_status_filter(t):
    """For mail by SMTP alone; an answer of another class than may be is no answer, and the log says so."""
    table = t.path("filter")
    with open(table, "w", encoding="ascii") as out:
        out.write("/^5\\.1\\.1 / 4.1.1 later\n/^2\\.0\\.0 / 5.0.0 no\n/^4\\.2\\.0 / nonsense\n")
    smtp, lmtp = t.peer(smtp=True, address=("127.0.0.1", 0)), t.peer()
    daemon = t.daemon(None, {"smtp.delivery_status_filter": "pcre:" + table, "transport_maps":
                             "inline:{s.test=smtp:%s, l.test=lmtp:%s, client.test=lmtp:%s}"
                             % (smtp.nexthop, lmtp.nexthop, lmtp.nexthop)})
    for domain, results in (("s", ("deferred", "4.1.1")), ("l", ("bounced", "5.1.1"))):
        daemon.send("rcpt550@%s.test" % domain)
        same(outcome(daemon.wait_delivery("rcpt550@%s.test" % domain)), results)
    for user, result in (("ok", ("sent", "2.0.0")), ("rcpt450", ("deferred", "4.2.0"))):
        daemon.send(user + "@s.test")
        same(outcome(daemon.wait_delivery(user + "@s.test")), result)
    daemon.wait_log(r'warning: delivery_status_filter: "5\.0\.0 no" is no status for "2\.0\.0 ')
    daemon.wait_log(r'warning: delivery_status_filter: "nonsense" is no status for "4\.2\.0 ')


def test_default_delivery_status_filter_is_for_all(t):
    daemon, _ = t.destinations({"there": None}, {"default_delivery_status_filter": "static:{2.1.5 fine}"})
    daemon.send(["ok@there.test", "rcpt450@there.test"])
    same(daemon.wait_delivery("ok@there.test", "sent")["reason"], "fine")
    same(daemon.wait_delivery("rcpt450@there.test", "deferred")["dsn"], "4.2.0")
    daemon.wait_log(r'warning: delivery_status_filter: "2.1.5 fine" is no status for "4.2.0 ')


def test_delivery_status_filter_that_cannot_be_read_is_refused_at_the_start(t):
    daemon = t.daemon(None, {"lmtp.delivery_status_filter": "texthash:/no/such/file"}, start=False)
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "/no/such/file" in daemon.stderr(), daemon.stderr()
