"""Reports of delay: delay_warning_time."""

import re

import mail
from harness import same
from reports import Report

SETTINGS = {"queue.delay_warning_time": "2s", "queue.minimal_backoff_time": "300ms",
            "queue.maximal_backoff_time": "1s"}


def test_W_7_delay_warning_time_tells_the_sender_once(t):
    """Action delayed. Also over a restart; and when it is delivered at last, no more is said."""
    daemon, peers = t.destinations({"there": {"rcpt": "450 4.2.0 <u> Busy with something"}}, SETTINGS)
    daemon.send(["u@there.test", ("silent@there.test", "NOTIFY=FAILURE")],
                mail.message("the body\n", subject="the subject"),
                params="ENVID=abc")
    message = peers["client"].wait_messages(1)[0]
    same((message.sender, message.recipients), ("", ["a@client.test"]))
    report = Report(mail.split_trace(message.content)[1])
    same(list(report.recipients), ["u@there.test"])
    block = report.recipients["u@there.test"]
    same((block["Action"], block["Status"]), ("delayed", "4.2.0"))
    assert "Busy with something" in block["Diagnostic-Code"] and block["Will-Retry-Until"], block
    assert "Busy with something" in report.text and "need not send it again" in report.text, report.text
    assert "the subject" in report.returned and "the body" not in report.returned, report.returned
    same(report.about["Original-Envelope-Id"], "abc")
    daemon.wait_log(r"/bounce\[\d+\]: \w+: sender delay notification: \w+-1$")
    before = len(daemon.deliveries("u@there.test"))
    daemon.wait_deliveries(before + 1, "u@there.test", "deferred")
    daemon.kill()
    daemon.start()
    daemon.wait_deliveries(before + 4, "u@there.test", "deferred")
    peers["there"].script.clear()
    daemon.spool.wait_empty()
    same(len(peers["client"].messages), 1)
    same(len(re.findall("delay notification", daemon.log())), 1)


def test_a_dead_destination_is_a_delay_too(t):
    daemon, peers = t.destinations({"there": None}, SETTINGS)
    peers["there"].stop()
    daemon.send("u@there.test")
    report = Report(mail.split_trace(peers["client"].wait_messages(1)[0].content)[1])
    block = report.recipients["u@there.test"]
    same((block["Action"], block["Status"]), ("delayed", "4.4.1"))
    assert "connect to" in report.text, report.text


def test_W_5_a_login_that_fails_here_is_no_servers_word(t):
    """No Remote-MTA and no smtp diagnostic: the server has said nothing of it."""
    peer, client = t.peer(keywords=("AUTH X-UNKNOWN",), smtp=True, address=("127.0.0.1", 0)), t.peer()
    daemon = t.daemon(None, {**SETTINGS, "smtp.sasl_auth_enable": True,
                             "smtp.sasl_password_maps": "static:user:secret",
                             "transport_maps": "inline:{there.test=smtp:%s, client.test=lmtp:%s}"
                                               % (peer.nexthop, client.nexthop)})
    daemon.send("u@there.test")
    block = Report(mail.split_trace(client.wait_messages(1)[0].content)[1]).recipients["u@there.test"]
    same((block["Action"], block["Status"], block["Remote-MTA"]), ("delayed", "4.7.0", None))
    assert re.match("x-causeway; .*SASL authentication failed",
                    block["Diagnostic-Code"]), block["Diagnostic-Code"]


def test_no_delay_warning_about_mail_from_nobody(t):
    daemon, peers = t.destinations({"there": {"rcpt": "450 4.2.0 no"}},
                                   {**SETTINGS, "queue.delay_warning_time": "1s"})
    daemon.send("u@there.test", sender="")
    daemon.wait_deliveries(5, "u@there.test", "deferred")
    same(peers["client"].messages, [])
