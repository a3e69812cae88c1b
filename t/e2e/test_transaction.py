"""The LMTP transaction: commands and their order, and what each reply means for whom."""

import re

import mail
from actions import close, first, nothing, only, silence, then_close
from cases import by_recipient, outcome, results, short
from harness import limit, same
from spool import DAEMON_UID, PRODUCER_UID

NO_PIPELINING = ("8BITMIME", "ENHANCEDSTATUSCODES")


def verbs(peer, number=0):
    return [command.split()[0].split(":")[0] for command in peer.sessions[number].commands]


# --- order and pipelining ------------------------------------------------------------------------


def test_K_1_order_of_commands(t):
    daemon, peers = t.destinations({"a": None})
    daemon.send(["one@a.test", "two@a.test", "three@a.test"])
    peers["a"].wait_messages(1)
    same(peers["a"].sessions[0].commands[:6],
         ["LHLO causeway.test", peers["a"].messages[0].mail, "RCPT TO:<one@a.test>", "RCPT TO:<two@a.test>",
          "RCPT TO:<three@a.test>", "DATA"])


def test_K_2_without_pipelining_every_command_waits(t):
    daemon, peers = t.destinations({"a": None}, keywords=NO_PIPELINING)
    daemon.send(["one@a.test", "two@a.test"])
    peers["a"].wait_messages(1)
    for read in peers["a"].sessions[0].reads[:5]:
        same(read.count(b"\n"), 1, "lines in one read: %r" % read)


def test_K_4_with_pipelining_the_envelope_leaves_in_one_write(t):
    daemon, peers = t.destinations({"a": None})
    daemon.send(["one@a.test", "two@a.test"])
    peers["a"].wait_messages(1)
    read = peers["a"].sessions[0].reads[1]
    same(re.findall(rb"(?m)^[A-Z]+", read), [b"MAIL", b"RCPT", b"RCPT", b"DATA"])


def test_the_content_waits_for_354(t):
    """No content before DATA was answered, and nothing of the next transaction before the finals are in."""
    early = []

    def data(session, line):
        early.append(session.pending())
        return "354 go"

    def final(session, address):
        early.append(session.pending())
        return "250 2.0.0 Saved"
    peer = t.peer({"data": data, "final": final})
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1})
    for number in range(5):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(5, status="sent")
    same(set(early), {False})


@limit(90)
def test_many_pipelined_recipients_against_a_peer_that_reads_slowly(t):
    """Replies are read while commands are written, or both sides would wait for ever."""
    count = 1000
    peer = t.peer({"rcpt": lambda s, a: "250 2.1.5 " + "x" * 400}, read_size=64)
    daemon = t.daemon(peer, {"lmtp.destination_recipient_limit": count})
    daemon.send(["u%d@example.org" % n for n in range(count)])
    daemon.wait_deliveries(count, status="sent", timeout=60)
    same([len(m.recipients) for m in peer.messages], [count])


def test_K_10_and_11_without_pipelining_refusals_stop_the_transaction(t):
    daemon, peers = t.destinations({"mail": {"mail": "550 5.7.1 no"}, "rcpt": {"rcpt": "550 5.1.1 no"}},
                                   keywords=NO_PIPELINING)
    for name in ("mail", "rcpt"):
        daemon.send("u@%s.test" % name)
        same(daemon.wait_delivery("u@%s.test" % name)["status"], "bounced")
    assert "RCPT" not in verbs(peers["mail"]) and "DATA" not in verbs(peers["mail"]), verbs(peers["mail"])
    assert "DATA" not in verbs(peers["rcpt"]), verbs(peers["rcpt"])


def test_K_12_rset_after_refused_data(t):
    """The next message on the same session must not find the old transaction."""
    peer = t.peer({"data": first(1, "451 4.3.0 no")})
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1})
    daemon.send("one@example.org")
    daemon.wait_delivery("one@example.org", "deferred")
    daemon.send("two@example.org")
    daemon.wait_delivery("two@example.org", "sent")
    if len(peer.sessions) == 1:
        assert "RSET" in verbs(peer), verbs(peer)


def test_K_13_354_for_nobody(t):
    """I-8 differs: the dot is sent, no reply is owed, the session is closed without waiting."""
    contents = []

    def data(session, line):
        session.say("354 go")
        contents.append(session.line())
        while not session.gone():
            session.fill()
    peer = t.peer({"rcpt": "550 5.1.1 no", "data": data})
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    same(outcome(daemon.wait_delivery("u@example.org")), ("bounced", "5.1.1"))
    peer.wait_idle(10)
    same(contents, [b".\r\n"])


def test_503_for_want_of_recipients_and_the_session_goes_on(t):
    """As Dovecot does: all refused, DATA gets 503, RSET, and the same session serves the next message."""
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1,
                             "lmtp.connection_cache_time_limit": "30s", "connection_cache_ttl_limit": "60s"})
    daemon.send(["rcpt550@example.org", "rcpt450@example.org"], sender="")
    daemon.wait_deliveries(2)
    daemon.send("ok@example.org")
    daemon.wait_delivery("ok@example.org", "sent")
    same(by_recipient(daemon, 3), {"rcpt550": ("bounced", "5.1.1"), "rcpt450": ("deferred", "4.2.0"),
                                   "ok": ("sent", "2.0.0")})
    same(len(peer.sessions), 1, "sessions")


# --- MAIL and RCPT -------------------------------------------------------------------------------


def test_M_1_form_of_mail(t):
    daemon, peers = t.destinations({"a": None}, keywords=("PIPELINING",))
    daemon.send("u@a.test")
    daemon.send("v@a.test", sender="")
    same(sorted(m.mail for m in peers["a"].wait_messages(2)), ["MAIL FROM:<>", "MAIL FROM:<a@client.test>"])


def test_M_3_order_of_parameters(t):
    daemon, peers = t.destinations({"a": None}, keywords=("PIPELINING", "SIZE", "8BITMIME", "DSN"))
    daemon.send("u@a.test", params="RET=FULL ENVID=x BODY=8BITMIME")
    line = peers["a"].wait_messages(1)[0].mail
    same(re.findall(r" ([A-Z0-9]+)=", line), ["SIZE", "BODY", "ENVID", "RET"])


def test_M_4_size_is_declared_and_about_right(t):
    daemon, peers = t.destinations({"a": None})
    daemon.send("u@a.test", mail.message(b"0123456789\n" * 1000))
    message = peers["a"].wait_messages(1)[0]
    declared = int(re.search(r" SIZE=(\d+)", message.mail).group(1))
    assert abs(declared - len(message.content)) <= 1000, (declared, len(message.content))


def test_M_5_and_6_only_what_was_offered(t):
    daemon, peers = t.destinations({"a": None}, keywords=("PIPELINING",))
    daemon.send([("u@a.test", "NOTIFY=NEVER ORCPT=rfc822;x@y")],
                params="BODY=8BITMIME RET=HDRS ENVID=x SIZE=5")
    message = peers["a"].wait_messages(1)[0]
    same((message.mail, message.rcpts), ("MAIL FROM:<a@client.test>", ["RCPT TO:<u@a.test>"]))


def test_M_9_to_11_refused_mail_is_for_all(t):
    daemon, peers = t.destinations({"soft": {"mail": "450 4.1.8 no"}, "hard": {"mail": "550 5.1.8 no"}})
    for name in ("soft", "hard"):
        daemon.send(["one@%s.test" % name, "two@%s.test" % name])
    daemon.wait_deliveries(4)
    for name, expected in (("soft", ("deferred", "4.1.8")), ("hard", ("bounced", "5.1.8"))):
        for user in ("one", "two"):
            same(outcome(daemon.wait_delivery("%s@%s.test" % (user, name))), expected)
    same(peers["soft"].messages + peers["hard"].messages, [])


def test_C2_2_orcpt_before_notify(t):
    daemon, peers = t.destinations({"a": None}, keywords=("PIPELINING", "DSN"))
    daemon.send([("u@a.test", "NOTIFY=FAILURE,DELAY ORCPT=rfc822;x+2By@z")])
    same(peers["a"].wait_messages(1)[0].rcpts,
         ["RCPT TO:<u@a.test> ORCPT=rfc822;x+2By@z NOTIFY=FAILURE,DELAY"])


def test_C2_8_text_of_a_refused_recipient(t):
    daemon, peers = t.destinations({"a": None})
    daemon.send("rcpt550@a.test")
    reason = daemon.wait_delivery("rcpt550@a.test")["reason"]
    same(reason, "host causeway.test[%s] said: 550 5.1.1 <rcpt550@a.test> User doesn't exist "
         "(in reply to RCPT TO command)" % peers["a"].address)


def test_C2_11_421_at_rcpt_is_like_any_4xx(t):
    daemon, peers = t.destinations({"a": None})
    daemon.send(["one@a.test", "rcpt421@a.test", "two@a.test"])
    same(by_recipient(daemon, 3),
         {"one": ("sent", "2.0.0"), "two": ("sent", "2.0.0"), "rcpt421": ("deferred", "4.3.2")})


def test_C2_12_too_many_recipients_go_at_once_into_a_further_transaction(t):
    """452, or 552 without a mailbox's code, after others were accepted (RFC 5321 4.5.3.1.10)."""
    def limited(reply):
        return lambda session, address: reply if len(session.rcpts) >= 2 else "250 2.1.5 Ok"
    scripts = {"soft": {"rcpt": limited("452 4.5.3 Too many recipients")},
               "hard": {"rcpt": limited("552 5.5.3 Too many recipients")}}
    daemon, peers = t.destinations(scripts)
    for name in scripts:
        daemon.send(["u%d@%s.test" % (n, name) for n in range(5)])
    daemon.wait_deliveries(10, status="sent")
    for name in scripts:
        same(sorted(len(m.recipients) for m in peers[name].messages), [1, 2, 2], name)
    same(daemon.deliveries(status="deferred") + daemon.deliveries(status="bounced"), [])


def test_552_with_a_mailbox_code_is_that_mailbox_alone(t):
    daemon, peers = t.destinations({"a": {"rcpt": only("^full", "552 5.2.2 Mailbox full")}})
    daemon.send(["one@a.test", "full@a.test", "two@a.test"])
    same(by_recipient(daemon, 3), {"one": ("sent", "2.0.0"), "two": ("sent", "2.0.0"),
                                   "full": ("bounced", "5.2.2")})
    same(len(peers["a"].messages), 1)


# --- end of data ---------------------------------------------------------------------------------


def test_I_1_one_final_per_accepted_rcpt(t):
    daemon, peers = t.destinations({"a": None})
    names = ["ok1", "rcpt550", "dot552", "ok2", "rcpt450", "dot451", "ok3", "dot550"]
    daemon.send([name + "@a.test" for name in names])
    same(by_recipient(daemon, 8), {
        "ok1": ("sent", "2.0.0"), "ok2": ("sent", "2.0.0"), "ok3": ("sent", "2.0.0"),
        "rcpt550": ("bounced", "5.1.1"),
        "dot552": ("bounced", "5.2.2"), "dot550": ("bounced", "5.1.1"), "rcpt450": ("deferred", "4.2.0"),
        "dot451": ("deferred", "4.3.0")})
    same(peers["a"].messages[0].recipients, [n + "@a.test" for n in names if not n.startswith("rcpt")])


def test_I_2_each_gets_its_own_text(t):
    daemon, peers = t.destinations({"a": None})
    daemon.send(["one@a.test", "two@a.test"])
    for user in ("one", "two"):
        same(daemon.wait_delivery(user + "@a.test")["reason"], "250 2.0.0 <%s@a.test> Saved" % user)


def test_I_3_results_count_as_they_arrive(t):
    """The first final reply is recorded although the second keeps us waiting."""
    daemon, peers = t.destinations({"a": {"final": only("^second", silence)}},
                                   {"lmtp.data_done_timeout": "30s"})
    daemon.send(["first@a.test", "second@a.test"])
    same(outcome(daemon.wait_delivery("first@a.test", timeout=10)), ("sent", "2.0.0"))
    same(daemon.deliveries("second@a.test"), [])


@limit(120)
def test_I_4_fewer_replies_than_recipients(t):
    """What was answered stands; the rest is deferred and may be sent twice."""
    scripts = {"lost": {"final": only("^late", close)}, "slow": {"final": only("^late", silence)}}
    daemon, peers = t.destinations(scripts, short("data_done"))
    for name in scripts:
        daemon.send(["%s@%s.test" % (user, name) for user in ("good", "dot552", "late")])
    for name in scripts:
        same(outcome(daemon.wait_delivery("good@%s.test" % name)), ("sent", "2.0.0"))
        line = daemon.wait_delivery("late@%s.test" % name, timeout=40)
        same(outcome(line), ("deferred", "4.4.2"))
        assert "message may be sent more than once" in line["reason"], line["reason"]
        same(outcome(daemon.wait_delivery("dot552@%s.test" % name)), ("bounced", "5.2.2"))


def test_I_11_multi_line_finals(t):
    daemon, peers = t.destinations({"a": {"final": lambda s,
                                          a: "250-2.0.0 one\n250-2.0.0 two\n250 2.0.0 <%s>" % a}})
    daemon.send(["one@a.test", "two@a.test"])
    same(by_recipient(daemon, 2), {"one": ("sent", "2.0.0"), "two": ("sent", "2.0.0")})


def test_421_as_a_final_reply_is_its_recipients_answer(t):
    """Later ones are ambiguous: deferred as a possible second copy."""
    daemon, peers = t.destinations({"a": {"final": only("^second", then_close("421 4.3.2 Shutting down"))}})
    daemon.send(["first@a.test", "second@a.test", "third@a.test"])
    same(by_recipient(daemon, 3),
         {"first": ("sent", "2.0.0"), "second": ("deferred", "4.3.2"), "third": ("deferred", "4.4.2")})


def test_one_552_for_all_and_silence_is_split(t):
    """As Cyrus with maxmessagesize: the first has its verdict;
    the others go at once in transactions of their own.
    """
    def dot(session, message):
        if len(message.rcpts) > 1:
            session.say("552 5.2.3 Message size exceeds fixed maximum message size")
            silence(session)
        return "250 2.0.0 Saved"
    peer = t.peer({"dot": dot})
    daemon = t.daemon(peer)
    daemon.send(["first@example.org", "second@example.org", "third@example.org"], sender="")
    same(by_recipient(daemon, 3),
         {"first": ("bounced", "5.2.3"), "second": ("sent", "2.0.0"), "third": ("sent", "2.0.0")})
    same(sorted(m.recipients for m in peer.messages[1:]), [["second@example.org"], ["third@example.org"]])
    same(daemon.deliveries(status="deferred"), [])


def test_552_in_time_for_each_is_not_split(t):
    peer = t.peer({"final": "552 5.2.3 too big"})
    daemon = t.daemon(peer)
    daemon.send(["first@example.org", "second@example.org"], sender="")
    same(by_recipient(daemon, 2), {"first": ("bounced", "5.2.3"), "second": ("bounced", "5.2.3")})
    same(len(peer.messages), 1)


def test_no_second_host_after_an_unanswered_dot(t):
    """The message may have been taken: the same attempt goes nowhere else."""
    peers = [t.peer({"dot": close}, ("127.0.0.1", 0)), t.peer(address=("127.0.0.1", 0))]
    daemon = t.daemon(", ".join("[127.0.0.1]:%d" % peer.address[1] for peer in peers))
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org")
    same(outcome(line), ("deferred", "4.4.2"))
    same((len(peers[0].messages), len(peers[1].messages)), (1, 0))


def test_B_29_and_32_early_verdict_while_content_is_sent(t):
    """Differs: a reply before the dot is credited to nobody, but the log has its words."""
    def refuse(session):
        session.fill()
        session.say("452 4.3.1 Disk full")
        close(session)
    daemon, peers = t.destinations({"a": {"content": refuse}})
    daemon.send("u@a.test", b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 100_000)
    same(outcome(daemon.wait_delivery("u@a.test")), ("deferred", "4.5.0"))
    daemon.wait_log("452 4.3.1 Disk full")


def test_B_30_lost_connection_while_content_is_sent(t):
    def leave(session):
        session.fill()
        close(session)
    daemon, peers = t.destinations({"a": {"content": leave}})
    daemon.send("u@a.test", b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 100_000)
    line = daemon.wait_delivery("u@a.test")
    same(outcome(line), ("deferred", "4.4.2"))
    assert "while sending message body" in line["reason"], line["reason"]


def test_large_content_to_a_slow_reader(t):
    peer = t.peer(read_size=8192)
    daemon = t.daemon(peer)
    content = mail.message(b"0123456789012345678901234567890123456789\n" * 200_000)
    for count, uid in enumerate((PRODUCER_UID, DAEMON_UID), 1):
        expected = daemon.send("u@example.org", content, uid=uid)
        same(mail.split_trace(peer.wait_messages(count, 40)[-1].content)[1], expected)


# --- Y: what a reply of each class means at each stage ---------------------------------------------

STAGES = ("lhlo", "mail", "rcpt", "data", "final")


def test_Y_3_and_7_to_10_reply_class_by_stage(t):
    cases = {"%s%s" % (stage, code): {stage: "%s %s.7.9 asked for" % (code, code[0])}
             for stage in STAGES for code in ("421", "450", "499", "500", "550", "599")}
    daemon, peers, lines = results(t, cases)
    for name, line in lines.items():
        soft = name[-3] == "4"
        same(outcome(line), ("deferred", "4.7.9") if soft else ("bounced", "5.7.9"), name)


def test_Y_12_lost_connection_at_any_stage_before_the_dot(t):
    scripts = {stage: {stage: close} for stage in ("lhlo", "mail", "rcpt", "data")}
    daemon, peers, lines = results(t, scripts)
    for name, line in lines.items():
        same(outcome(line), ("deferred", "4.4.2"), name)
        assert line["reason"].startswith("lost connection with causeway.test[%s] while"
                                         % peers[name].address), line
        assert "more than once" not in line["reason"], line


def test_Y_19_failure_text_names_server_reply_and_command(t):
    stages = {"mail": "MAIL FROM", "rcpt": "RCPT TO", "data": "DATA", "final": "end of DATA"}
    scripts = {stage: {stage: "450-4.7.9 one\n450 4.7.9 two"} for stage in stages}
    daemon, peers, lines = results(t, scripts)
    for stage, command in stages.items():
        same(lines[stage]["reason"], "host causeway.test[%s] said: 450-4.7.9 one 450 4.7.9 two "
             "(in reply to %s command)" % (peers[stage].address, command))


# --- closing -------------------------------------------------------------------------------------


def test_Z_1_sessions_end_with_quit(t):
    daemon, peers = t.destinations({"a": None}, {"lmtp.connection_cache_time_limit": "1s"})
    daemon.send("u@a.test")
    daemon.wait_delivery("u@a.test", "sent")
    peers["a"].wait_idle(10)
    assert peers["a"].sessions[0].commands[-1] in ("QUIT", "DATA"), peers["a"].sessions[0].commands


def test_Z_2_and_3_trouble_with_quit_harms_nobody(t):
    """parameter quit_timeout"""
    scripts = {name: {"quit": action} for name, action in
               (("lost", close), ("slow", silence), ("odd", "599 never"), ("mute", nothing))}
    daemon, peers, lines = results(t, scripts, {"lmtp.connection_cache_time_limit": "1s",
                                                "lmtp.quit_timeout": "2s"})
    for name in scripts:
        same(outcome(lines[name]), ("sent", "2.0.0"), name)
        peers[name].wait_idle(15)
    same(len(daemon.deliveries()), 4)


def test_Z_5_quit_after_refused_greeting_and_lhlo(t):
    daemon, peers, lines = results(t, {"greeting": {"greeting": "450 4.3.2 no"},
                                       "lhlo": {"lhlo": "450 4.3.2 no"}})
    for name in lines:
        peers[name].wait_idle(10)
        same(verbs(peers[name])[-1], "QUIT", name)
