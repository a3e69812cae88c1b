"""Notices to the postmaster: notify_classes, and who gets which."""

import email
import email.policy
import os
import re
import signal

import mail
from harness import same
from reports import Report

RECIPIENTS = {"bounce_notice_recipient": "bounces@client.test",
              "delay_notice_recipient": "delays@client.test",
              "error_notice_recipient": "errors@client.test", "2bounce_notice_recipient": "twice@client.test"}


def notices(peers, count):
    """The mail that the client's peer has got, by recipient."""
    return {m.recipients[0]: mail.split_trace(m.content)[1] for m in peers["client"].wait_messages(count)}


def test_TR_1_and_TR_3_and_TR_4_protocol_with_the_conversation(t):
    daemon, peers = t.destinations({"there": {"rcpt": "500 5.5.2 what"}},
                                   {"notify_classes": "protocol", **RECIPIENTS})
    daemon.send("u@there.test", b"Subject: x\n\nnot for the postmaster\n")
    got = notices(peers, 2)
    same(sorted(got), ["a@client.test", "errors@client.test"])
    notice = email.message_from_bytes(got["errors@client.test"], policy=email.policy.default)
    assert re.match(r"Causeway LMTP client: errors from \S+\[", notice["Subject"]), notice["Subject"]
    same(notice["Auto-Submitted"], "auto-generated")
    text = notice.get_content()
    for line in (r" Out: MAIL FROM:<a@client\.test>", r" Out: RCPT TO:<u@there\.test>",
                 r" In:  500 5\.5\.2 what"):
        assert re.search("(?m)^" + line, text), text
    assert "not for the postmaster" not in text, text
    daemon.send("u@there.test")
    daemon.wait_deliveries(2, "u@there.test", "bounced")
    daemon.spool.wait_empty()
    same([m.recipients[0] for m in peers["client"].messages].count("errors@client.test"), 1)


def test_TR_2_not_about_mail_without_a_sender(t):
    daemon, peers = t.destinations({"there": {"rcpt": "500 5.5.2 what"}},
                                   {"notify_classes": "protocol", **RECIPIENTS})
    daemon.send("u@there.test", sender="")
    daemon.wait_delivery("u@there.test", "bounced")
    daemon.spool.wait_empty()
    same(peers["client"].messages, [])


def test_notify_classes_bounce_and_bounce_notice_recipient(t):
    daemon, peers = t.destinations({"there": None}, {"notify_classes": "bounce", **RECIPIENTS,
                                                     "header_from_format": "obsolete"})
    daemon.send("rcpt550@there.test", mail.message("the body\n", subject="the subject"))
    got = notices(peers, 2)
    same(sorted(got), ["a@client.test", "bounces@client.test"])
    copy = Report(got["bounces@client.test"])
    same(list(copy.recipients), ["rcpt550@there.test"])
    assert "the subject" in copy.returned and "the body" not in copy.returned
    assert "<a@client.test>" in copy.text, copy.text
    assert b"\nFrom: MAILER-DAEMON@causeway.test (Mail Delivery System)\r\n" in got["bounces@client.test"]
    assert "the body" in Report(got["a@client.test"]).returned
    daemon.wait_log(r"/bounce\[\d+\]: \w+: postmaster non-delivery notification: \w+-2049$")


def test_notify_classes_delay_and_delay_notice_recipient(t):
    daemon, peers = t.destinations({"there": {"rcpt": "450 4.2.0 no"}}, {
        "notify_classes": "delay", **RECIPIENTS, "queue.delay_warning_time": "1s",
        "queue.minimal_backoff_time": "300ms", "queue.maximal_backoff_time": "1s"})
    daemon.send("u@there.test")
    got = notices(peers, 2)
    same(sorted(got), ["a@client.test", "delays@client.test"])
    same(Report(got["delays@client.test"]).recipients["u@there.test"]["Action"], "delayed")


def test_notify_classes_software_tells_of_a_crash(t):
    """A courier that is ended by SIGABRT; error_notice_recipient is told, and the mail goes out."""
    daemon, peers = t.destinations({"there": None},
                                   {"notify_classes": "software", **RECIPIENTS, "workers": 1})
    os.kill(daemon.wait_pids("courier", 1)[0], signal.SIGABRT)
    notice = email.message_from_bytes(notices(peers, 1)["errors@client.test"], policy=email.policy.default)
    same(notice["Subject"], "a courier has crashed")
    daemon.send("ok@there.test")
    daemon.wait_delivery("ok@there.test", "sent")
