"""Reports at the edges: many recipients, senders in UTF-8, senders that cannot be reached,
and a crash at every step."""

import re

import mail
from harness import limit, same, slow
from peer import KEYWORDS
from reports import Report
from test_crash import need_hooks

# and in which passage; the journal's first ones are of the start and of what is taken in
STEPS = (("report-written", 1), ("report-synced", 1), ("report-renamed", 1), ("report-directory-synced", 1),
         ("report-renamed", 2),
         ("report-directory-synced", 2), ("journal-written", 2), ("journal-synced", 2), ("journal-synced", 3),
         ("journal-synced", 4))


def report_of(message):
    return Report(mail.split_trace(message.content)[1])


@limit(120)
def test_a_thousand_failed_recipients_are_one_report(t):
    daemon, peers = t.destinations({"there": {"rcpt": "550 5.1.1 no such user"}})
    names = ["u%04d@there.test" % n for n in range(1000)]
    daemon.send([(name, "ORCPT=rfc822;x+2B%s" % name) for name in names])
    report = report_of(peers["client"].wait_messages(1, 60)[0])
    same(sorted(report.recipients), names)
    for name, block in report.recipients.items():
        same((block["Action"], block["Status"], block["Original-Recipient"].replace(" ", "")),
             ("failed", "5.1.1", "rfc822;x+" + name))
        same((block["Final-Recipient"], block["Remote-MTA"], block["Diagnostic-Code"]),
             ("rfc822; " + name, "dns; causeway.test", "smtp; 550 5.1.1 no such user"))
        assert block["Last-Attempt-Date"] and "Will-Retry-Until" not in block, str(block)
        assert "<%s>" % name in report.text
    daemon.spool.wait_empty()
    same(len(peers["client"].messages), 1)


def test_report_to_a_sender_in_utf8(t):
    """RFC 6533: both addresses are in UTF-8, so all of it travels with SMTPUTF8."""
    keywords = (*KEYWORDS, "SMTPUTF8")
    daemon, peers = t.destinations({"there": None}, keywords=keywords)
    client = t.peer(keywords=keywords)
    daemon.settings["transport_maps"] = "inline:{there.test=lmtp:%s, client.test=lmtp:%s}" % (
        peers["there"].nexthop, client.nexthop)
    daemon.write_config()
    daemon.reload()
    daemon.wait_log("the new configuration is in force")
    daemon.send([("rcpt550gr\u00fcn@there.test", "ORCPT=utf-8;alt\\x{FC}@old.test"), "rcpt550@there.test"],
                sender="j\u00f6rg@client.test", params="SMTPUTF8")
    message = client.wait_messages(1)[0]
    same(message.recipients, ["j\u00f6rg@client.test"])
    assert " SMTPUTF8" in message.mail, message.mail
    report = report_of(message)
    same(report.parts[1].get_content_type(), "message/global-delivery-status")
    same(sorted(report.recipients), ["rcpt550@there.test", "rcpt550gr\u00fcn@there.test"])
    block = report.recipients["rcpt550gr\u00fcn@there.test"]
    same(block["Final-Recipient"].split(";")[0], "utf-8")
    same(block["Original-Recipient"].replace(" ", ""), "utf-8;alt\u00fc@old.test")
    assert "rcpt550gr\u00fcn@there.test" in report.text


def three(t, client_keywords, settings=None):
    """A daemon whose reports go to a peer with those keywords; "there" has SMTPUTF8, the postmaster has not.
    """
    peers = {name: t.peer(keywords=keywords)
             for name, keywords in (("there", (*KEYWORDS, "SMTPUTF8")), ("post", KEYWORDS),
                                                                    ("client", client_keywords))}
    routes = ", ".join("%s.test=lmtp:%s" % (name, peer.nexthop) for name, peer in peers.items())
    return t.daemon(None, {"transport_maps": "inline:{%s}" % routes,
                           "2bounce_notice_recipient": "master@post.test",
                           **(settings or {})}), peers


def test_report_to_a_sender_in_utf8_whose_server_takes_none(t):
    """There is no other form of the address: the report comes back, and the postmaster is told of both."""
    daemon, peers = three(t, KEYWORDS)
    daemon.send("rcpt550gr\u00fcn@there.test", mail.message("the body\n", subject="the subject"),
                sender="j\u00f6rg@client.test",
                params="SMTPUTF8")
    message = peers["post"].wait_messages(1)[0]
    assert "SMTPUTF8" not in message.mail and "BODY=8BITMIME" in message.mail, message.mail
    notice = report_of(message)
    same(list(notice.recipients), ["j\u00f6rg@client.test"])
    block = notice.recipients["j\u00f6rg@client.test"]
    same((block["Action"], block["Status"], block["Final-Recipient"]),
         ("failed", "5.6.7", "utf-8; j\u00f6rg@client.test"))
    assert "SMTPUTF8 is required" in block["Diagnostic-Code"], block["Diagnostic-Code"]
    for words in ("rcpt550gr\u00fcn@there.test", "the subject"):
        assert words.encode() in message.content, message.content
    same(peers["client"].messages, [])
    daemon.spool.wait_empty()


def test_report_about_a_recipient_in_utf8_to_servers_that_have_less(t):
    """Its header is ASCII, so it needs no SMTPUTF8; without 8BITMIME the status part is encoded (RFC 6533),
    and all is 7-bit."""
    for keywords, coding in ((KEYWORDS, "8bit"), (("PIPELINING",), "quoted-printable")):
        daemon, peers = three(t, keywords)
        daemon.send([("rcpt550gr\u00fcn@there.test", "ORCPT=utf-8;alt\\x{FC}@old.test")],
                    mail.message("gr\u00fcn\n", subject="gr\u00fcn"), params="SMTPUTF8 BODY=8BITMIME")
        message = peers["client"].wait_messages(1)[0]
        assert "SMTPUTF8" not in message.mail, message.mail
        same(message.content.isascii(), coding != "8bit", coding)
        report = report_of(message)
        same((report.parts[1].get_content_type(), report.parts[1]["Content-Transfer-Encoding"]),
             ("message/global-delivery-status", coding))
        block = report.recipients["rcpt550gr\u00fcn@there.test"]
        same({name: block[name] for name in ("Action", "Status", "Final-Recipient", "Original-Recipient")},
             {"Action": "failed", "Status": "5.1.1", "Final-Recipient": "utf-8; rcpt550gr\u00fcn@there.test",
              "Original-Recipient": "utf-8;alt\u00fc@old.test"})
        assert block["Diagnostic-Code"].startswith("smtp; 550 5.1.1 <rcpt550gr\u00fcn@there.test>"), block[
            "Diagnostic-Code"]
        assert "rcpt550gr\u00fcn@there.test" in report.text, report.text
        daemon.end()


def test_report_to_an_unreachable_sender_ends_at_the_postmaster(t):
    """It waits for bounce_queue_lifetime; then the postmaster has it, and about that notice there is nothing.
    """
    daemon, peers = t.destinations({"there": None, "post": None}, {
        "queue.bounce_queue_lifetime": "2s", "2bounce_notice_recipient": "master@post.test",
        "queue.minimal_backoff_time": "300ms", "queue.maximal_backoff_time": "1s"})
    peers["client"].stop()
    daemon.send("rcpt550@there.test", mail.message("the body\n", subject="the subject"))
    message = peers["post"].wait_messages(1, 30)[0]
    same((message.sender, message.recipients), ("", ["master@post.test"]))
    notice = report_of(message)
    same(list(notice.recipients), ["a@client.test"])
    same(notice.recipients["a@client.test"]["Status"], "4.4.7")
    assert "rcpt550@there.test" in notice.returned, notice.returned
    daemon.spool.wait_empty()
    same(len(peers["post"].messages), 1)


def test_2bounces_are_no_flood(t):
    """Of reports that one host refuses for one reason the postmaster has the first; the log has all."""
    daemon, peers = t.destinations({"there": None, "post": None},
                                   {"2bounce_notice_recipient": "master@post.test"})
    for number in range(5):
        daemon.send("rcpt550@there.test", sender="rcpt550.%d@there.test" % number)
    daemon.wait_log(
        r"/bounce\[\d+\]: \w+-1: no postmaster notification: the same was mailed in the last hour; this one is "
                    r"counted, and the count is mailed$", count=4)
    daemon.spool.wait_empty()
    same(len(peers["post"].messages), 1)
    same(list(report_of(peers["post"].messages[0]).recipients.values())[0]["Status"], "5.1.1")


def test_mail_that_nobody_can_be_told_of_ends(t):
    """Sender, postmaster and all refuse: one report, one notice, and then silence."""
    daemon, peers = t.destinations({"there": None}, {"2bounce_notice_recipient": "rcpt550@there.test",
                                                     "notify_classes":
                                                     "bounce, 2bounce, protocol, delay, software, data",
                                                     "bounce_notice_recipient": "rcpt550@there.test",
                                                     "error_notice_recipient": "rcpt550@there.test"})
    daemon.send("rcpt550.x@there.test", sender="rcpt550.y@there.test")
    daemon.wait_log(r"the notice to the postmaster cannot be delivered: it is given up", count=2)
    daemon.spool.wait_empty()
    same(len(re.findall(r"/bounce\[\d+\]: \S+ (sender|postmaster) non-delivery notification", daemon.log())),
         3)
    same(peers["there"].messages, [])


@slow
@limit(300)
def test_crash_at_every_step_of_a_report_of_success_or_delay(t):
    """The report comes, and once only: a crash before its commit undoes it together with what relies on it.
    """
    need_hooks(t)
    for step, passage in STEPS:
        daemon, peers = t.destinations({"there": None, "late": {"rcpt": "450 4.2.0 not yet"}}, {
            "queue.delay_warning_time": "1s", "queue.minimal_backoff_time": "300ms",
            "queue.maximal_backoff_time": "1s"})
        daemon.stop()
        daemon.start(wait=False, environment={"CAUSEWAY_TEST_CRASH": "%s:%d" % (step, passage)})
        daemon.send([("ok@there.test", "NOTIFY=SUCCESS")], mail.message(ident="success@client.test"))
        daemon.send([("u@late.test", "NOTIFY=DELAY")], mail.message(ident="delay@client.test"))
        daemon.wait_log(r"queue process \d+ was killed by signal 9")
        daemon.kill()
        daemon.start()
        found = [report_of(m) for m in peers["client"].wait_messages(2, 40)]
        daemon.wait_deliveries(len(daemon.deliveries("u@late.test")) + 3, "u@late.test", "deferred")
        found = [report_of(m) for m in peers["client"].messages]
        actions = sorted(block["Action"] for report in found for block in report.recipients.values())
        same(actions, ["delayed", "relayed"], "reports after a crash at %s:%d" % (step, passage))
        daemon.end()
        for peer in peers.values():
            peer.stop()
