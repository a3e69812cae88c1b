"""Non-delivery reports: who gets one, when, and what is in it."""

import re

import mail
import processes
from actions import first
from harness import same
from reports import Report

QUICK = {"queue.minimal_backoff_time": "400ms", "queue.maximal_backoff_time": "1s"}


def reported(t, recipients, content=None, settings=None, script=None, **options):
    """Send to RECIPIENTS at there.test, and return the report and the daemon."""
    daemon, peers = t.destinations({"there": script}, settings)
    daemon.send(recipients, content, **options)
    message = peers["client"].wait_messages(1)[0]
    same((message.sender, message.recipients), ("", ["a@client.test"]))
    return Report(mail.split_trace(message.content)[1]), daemon, peers


def test_report_names_the_refused_and_only_them(t):
    names = ("ok", "rcpt550", "dot552", "rcpt450")
    report, daemon, peers = reported(t, [name + "@there.test" for name in names])
    same(sorted(report.recipients), ["dot552@there.test", "rcpt550@there.test"])
    same(report.recipients["rcpt550@there.test"]["Status"], "5.1.1")
    same(report.recipients["dot552@there.test"]["Status"], "5.2.2")
    for address, block in report.recipients.items():
        same(block["Action"], "failed", address)
        assert block["Remote-MTA"], "no Remote-MTA for " + address
    said = {address: block["Diagnostic-Code"] for address, block in report.recipients.items()}
    assert "550 5.1.1 <rcpt550@there.test> User doesn't exist" in said["rcpt550@there.test"], said
    assert "552 5.2.2 <dot552@there.test> Quota exceeded" in said["dot552@there.test"], said
    for word in ("rcpt550@there.test", "User doesn't exist", "Quota exceeded"):
        assert word in report.text, report.text
    assert "ok@there.test" not in report.text and "rcpt450@there.test" not in report.text, report.text
    processes.wait_for(lambda: len(daemon.spool.messages()) == 1, 10, "only the deferred message left")
    same(len(peers["client"].messages), 1)


def test_report_header(t):
    report, daemon, _ = reported(t, "rcpt550@there.test",
                                 mail.message(subject="the subject", ident="orig@client.test"))
    for field in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        assert report.message[field], field
    assert "a@client.test" in report.message["To"]
    assert report.message["Auto-Submitted"].startswith("auto-"), report.message["Auto-Submitted"]
    assert re.search(r"@causeway\.test>$", report.message["Message-ID"]), report.message["Message-ID"]
    same(report.about["Reporting-MTA"].replace(" ", ""), "dns;causeway.test")
    assert report.about["Arrival-Date"]
    assert "the subject" in report.returned
    daemon.wait_log(r"/bounce\[\d+\]: \w+: .*\w+-1")


def test_one_report_for_each_attempt(t):
    """Those refused at the first attempt are reported at once, those refused at the second in another report.
    """
    turns = iter(["450 4.2.0 not yet", "550 5.7.1 after all"])
    script = {"rcpt": lambda session, address: "550 5.7.1 never" if address.startswith("now")
              else next(turns)}
    daemon, peers = t.destinations({"there": script}, QUICK)
    daemon.send(["now1@there.test", "now2@there.test", "later@there.test"])
    found = [Report(mail.split_trace(m.content)[1]) for m in peers["client"].wait_messages(2)]
    same(sorted(found[0].recipients), ["now1@there.test", "now2@there.test"])
    same(sorted(found[1].recipients), ["later@there.test"])
    daemon.spool.wait_empty()
    same(len(peers["client"].messages), 2)


def test_W_6_notify_never_is_honoured(t):
    daemon, peers = t.destinations({"there": None})
    daemon.send([("rcpt550.silent@there.test", "NOTIFY=NEVER"),
                 ("rcpt550.quiet@there.test", "NOTIFY=SUCCESS,DELAY"),
                 "rcpt550.loud@there.test"])
    report = Report(mail.split_trace(peers["client"].wait_messages(1)[0].content)[1])
    same(sorted(report.recipients), ["rcpt550.loud@there.test"])
    assert "silent" not in report.text and "quiet" not in report.text
    daemon.spool.wait_empty()
    daemon.send([("rcpt550.silent@there.test", "NOTIFY=NEVER")])
    daemon.wait_deliveries(2, "rcpt550.silent@there.test", "bounced")
    daemon.spool.wait_empty()
    same(len(peers["client"].messages), 1)


def test_no_report_about_a_report(t):
    """Nobody is told about mail from the null sender; of an own report only the postmaster,
    who cannot be reached here."""
    daemon, peers = t.destinations({"there": None}, {"2bounce_notice_recipient": "rcpt550.master@there.test"})
    daemon.send("rcpt550@there.test", sender="")
    daemon.wait_delivery("rcpt550@there.test", "bounced")
    daemon.spool.wait_empty()
    daemon.send("rcpt550.x@there.test", sender="rcpt550.sender@client.test")
    daemon.wait_delivery("rcpt550.sender@client.test", "bounced")
    daemon.spool.wait_empty()
    same(peers["client"].messages, [])
    same(len(re.findall(r"/bounce\[.*: sender non-delivery", daemon.log())), 1, "reports")


def test_original_recipient_and_envelope_id_come_back(t):
    report, _, _ = reported(t, [("rcpt550@there.test", "ORCPT=rfc822;first+2Blast@old.test")],
                            params="ENVID=my+2Bid")
    same(report.about["Original-Envelope-Id"], "my+id")
    block = report.recipients["rcpt550@there.test"]
    same(block["Original-Recipient"].replace(" ", ""), "rfc822;first+last@old.test")


def test_ret_chooses_what_is_returned(t):
    content = mail.message("a body to look for\n", headers=["X-Header: one to look for"])
    for params, body in (("RET=FULL", True), ("RET=HDRS", False)):
        daemon, peers = t.destinations({"there": None})
        daemon.send("rcpt550@there.test", content, params=params)
        report = Report(mail.split_trace(peers["client"].wait_messages(1)[0].content)[1])
        assert "one to look for" in report.returned
        same("a body to look for" in report.returned, body, params)
        daemon.stop()
        peers["client"].stop()


def test_bounce_size_limit_returns_the_header_of_a_large_message(t):
    """20 MB; and at the limit, which is settable, all comes back."""
    report, daemon, peers = reported(t, "rcpt550@there.test", mail.message(b"x" * 70 + b"\n", ident="big@x")
                                     + b"0123456789012345678901234567890123456789\n" * 500_000,
                                     params="RET=FULL")
    size = len(peers["client"].messages[0].content)
    assert size < 5000, "a report of %d bytes" % size
    block = report.recipients["rcpt550@there.test"]
    same((block["Action"], block["Status"], block["Remote-MTA"]), ("failed", "5.1.1", "dns; causeway.test"))
    assert block["Diagnostic-Code"].startswith("smtp; 550 5.1.1") and block["Last-Attempt-Date"], str(block)
    assert report.about["Arrival-Date"] and report.about["Reporting-MTA"] == "dns; causeway.test", str(
        report.about)
    same(report.parts[2].get_content_type(), "text/rfc822-headers")
    assert "big@x" in report.returned
    daemon.stop()
    content = mail.message(b"the body\n" * 10_000)
    for limit, kind in ((200_000, "message/rfc822"), (50_000, "text/rfc822-headers")):
        report, daemon, _ = reported(t, "rcpt550@there.test", content, {"bounce_size_limit": limit})
        same(report.parts[2].get_content_type(), kind)
        daemon.stop()


def test_peers_words_cannot_forge_a_report(t):
    """Control characters, line ends and bidirectional marks of the peer are made visible."""
    words = b"550 5.1.1 a\rStatus: 2.0.0\x1b[31m\x00\x07 \xe2\x80\xae\xff\xc2\x85x\r\n"
    report, daemon, _ = reported(t, "u@there.test", script={"rcpt": words})
    block = report.recipients["u@there.test"]
    same(block.get_all("Status"), ["5.1.1"])
    for text in (report.text, str(block["Diagnostic-Code"]), daemon.wait_delivery("u@there.test")["reason"]):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]",
                             text.replace("\r\n", "\n")), repr(text)
        assert "Status: 2.0.0" not in text.splitlines(), text


def test_report_of_8bit_content_is_well_formed(t):
    report, _, _ = reported(t, "rcpt550@there.test",
                            mail.message("gr\u00fc\u00dfe\n", headers=["X-Raw: \u00e9"]))
    assert "X-Raw" in report.returned


def test_report_to_a_sender_with_quotes(t):
    daemon, peers = t.destinations({"there": None})
    daemon.send("rcpt550@there.test", sender='"odd > sender"@client.test')
    message = peers["client"].wait_messages(1)[0]
    same(message.recipients, ['"odd > sender"@client.test'])
    Report(mail.split_trace(message.content)[1])


def test_report_survives_a_restart(t):
    """The report is in the queue with the result that caused it: one report, whenever the daemon stops."""
    daemon, peers = t.destinations({"there": None})
    peers["client"].script["final"] = first(1, "451 4.3.0 later")
    daemon.send("rcpt550@there.test")
    daemon.wait_delivery("a@client.test", "deferred")
    daemon.kill()
    daemon.settings.update(QUICK)
    daemon.write_config()
    daemon.start()
    daemon.retry_all()
    daemon.spool.wait_empty()
    same(len({mail.split_trace(m.content)[1] for m in peers["client"].messages}), 1, "different reports")
    same(len(daemon.deliveries("rcpt550@there.test")), 1)
