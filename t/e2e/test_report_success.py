"""Reports of success: NOTIFY=SUCCESS towards servers with and without DSN, relayed and delivered."""

import mail
from actions import first
from harness import same
from peer import KEYWORDS
from reports import Report
from test_report import QUICK

WANTED = "NOTIFY=SUCCESS ORCPT=rfc822;first@old.test"


def success(peers):
    """The one report that has come."""
    message = peers["client"].wait_messages(1)[0]
    same((message.sender, message.recipients), ("", ["a@client.test"]))
    return Report(mail.split_trace(message.content)[1])


def test_W_2_and_C2_7_relayed_where_the_server_has_no_dsn(t):
    daemon, peers = t.destinations({"there": None})
    daemon.send([("ok@there.test", WANTED), "quiet@there.test"],
                mail.message("the body\n", subject="the subject"),
                params="RET=FULL ENVID=my+2Bid")
    report = success(peers)
    same(list(report.recipients), ["ok@there.test"])
    block = report.recipients["ok@there.test"]
    same((block["Action"], block["Status"]), ("relayed", "2.0.0"))
    same(block["Original-Recipient"].replace(" ", ""), "rfc822;first@old.test")
    assert block["Remote-MTA"].startswith("dns; "), block["Remote-MTA"]
    assert block["Diagnostic-Code"].startswith("smtp; 250 2.0.0"), block["Diagnostic-Code"]
    assert block["Last-Attempt-Date"]
    same(report.about["Original-Envelope-Id"], "my+id")
    same(report.about["Reporting-MTA"].replace(" ", ""), "dns;causeway.test")
    assert "ok@there.test" in report.text and "quiet@there.test" not in report.text, report.text
    # RET is about failures only: RFC 3461 section 4.3
    assert "the subject" in report.returned and "the body" not in report.returned, report.returned
    daemon.wait_log(r"/bounce\[\d+\]: \w+: sender delivery status notification: \w+-1$")
    daemon.spool.wait_empty()
    same(len(peers["there"].messages), 1)
    same(peers["there"].messages[0].rcpts, ["RCPT TO:<ok@there.test>", "RCPT TO:<quiet@there.test>"])


def test_W_1_with_dsn_the_next_system_reports(t):
    daemon, peers = t.destinations({"there": None}, keywords=(*KEYWORDS, "DSN"))
    daemon.send([("ok@there.test", WANTED)], params="RET=HDRS ENVID=x")
    daemon.wait_delivery("ok@there.test", "sent")
    daemon.spool.wait_empty()
    same(peers["there"].messages[0].rcpts,
         ["RCPT TO:<ok@there.test> ORCPT=rfc822;first@old.test NOTIFY=SUCCESS"])
    assert peers["there"].messages[0].mail.endswith(" RET=HDRS ENVID=x") or \
        peers["there"].messages[0].mail.endswith(" ENVID=x RET=HDRS"), peers["there"].messages[0].mail
    same(peers["client"].messages, [])


def test_R_9_flag_X_and_assume_final_say_delivered(t):
    daemon, peers = t.destinations({"there": None}, {"lmtp.assume_final": "yes"})
    daemon.send([("ok@there.test", WANTED)])
    same(success(peers).recipients["ok@there.test"]["Action"], "delivered")
    daemon.stop()
    store, client = t.peer(), t.peer()
    daemon = t.daemon(None, {"transport store.protocol": "lmtp", "transport store.flags": "X",
                             "transport_maps": "inline:{example.org=store:%s, client.test=lmtp:%s}"
                                               % (store.nexthop, client.nexthop)})
    daemon.send([("ok@example.org", WANTED)])
    same(success({"client": client}).recipients["ok@example.org"]["Action"], "delivered")


def test_W_3_flag_X_means_nothing_in_smtp(t):
    """Whoever takes mail by SMTP passes it on."""
    next_host, client = t.peer(address=("127.0.0.1", 0), smtp=True), t.peer()
    daemon = t.daemon(None, {"transport out.protocol": "smtp", "transport out.flags": "X",
                             "transport_maps": "inline:{example.org=out:%s, client.test=lmtp:%s}"
                                               % (next_host.nexthop, client.nexthop)})
    daemon.send([("ok@example.org", WANTED)])
    same(success({"client": client}).recipients["ok@example.org"]["Action"], "relayed")


def test_one_report_for_all_that_an_attempt_delivers(t):
    daemon, peers = t.destinations({"there": None, "other": None})
    daemon.send([("%s@%s.test" % (name, host), "NOTIFY=SUCCESS,FAILURE") for name in "abc"
                 for host in ("there", "other")]
                + [("rcpt550@there.test", "NOTIFY=SUCCESS,FAILURE")])
    found = [Report(mail.split_trace(m.content)[1]) for m in peers["client"].wait_messages(2)]
    actions = {tuple(sorted(set(block["Action"] for block in report.recipients.values()))): report
               for report in found}
    same(sorted(actions), [("failed",), ("relayed",)])
    same(len(actions[("relayed",)].recipients), 6)
    same(list(actions[("failed",)].recipients), ["rcpt550@there.test"])
    daemon.spool.wait_empty()
    same(len(peers["client"].messages), 2)


def test_success_after_a_deferral(t):
    daemon, peers = t.destinations({"there": {"rcpt": first(1, "450 4.2.0 not yet")}}, QUICK)
    daemon.send([("ok@there.test", WANTED)])
    same(success(peers).recipients["ok@there.test"]["Action"], "relayed")
    daemon.spool.wait_empty()


def test_no_report_of_success_to_nobody(t):
    daemon, peers = t.destinations({"there": None})
    daemon.send([("ok@there.test", WANTED)], sender="")
    daemon.wait_delivery("ok@there.test", "sent")
    daemon.spool.wait_empty()
    same(peers["client"].messages, [])


def test_a_caller_who_waits_is_told_himself(t):
    daemon, peers = t.destinations({"there": None})
    done = daemon.inject(["--wait", "-N", "success", "-f", "a@client.test", "ok@there.test"],
                         b"Subject: x\n\nx\n")
    assert b"sent" in done.stdout, done
    daemon.spool.wait_empty()
    same(peers["client"].messages, [])
