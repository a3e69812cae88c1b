"""Corners of the transaction: what is sent when, whom a reply is about, and when a session ends."""

import re
import select

import mail
from actions import close, first, silence, then_close
from cases import by_recipient, outcome, short
from harness import limit, same, slow

ONE = {"lmtp.destination_concurrency_limit": 1}
NOT_KEPT = {"lmtp.connection_cache_on_demand": False}
LONG = {"lmtp.connection_cache_time_limit": "60s", "connection_cache_ttl_limit": "60s"}
PLAIN = ("8BITMIME",)


def verbs(peer, number=0):
    return [c.split()[0].split(":")[0] for c in peer.sessions[number].commands]


def inet(t, script=None, **options):
    return t.peer(script, address=("127.0.0.1", 0), **options)


def both(*peers):
    return "inet:" + " ".join("[127.0.0.1]:%d" % peer.address[1] for peer in peers)


# --- K ----------------------------------------------------------------------------------------------

def test_K_3_and_9_commands_do_not_wait_for_replies(t):
    """DATA is on its way before MAIL is answered, and only then we wait."""
    peer = t.peer({"mail": "550 5.7.1 not you"})
    daemon = t.daemon(peer)
    daemon.send(["one@example.org", "two@example.org"], sender="")
    same(by_recipient(daemon, 2), {"one": ("bounced", "5.7.1"), "two": ("bounced", "5.7.1")})
    same(re.findall(rb"(?m)^[A-Z]+", peer.sessions[0].reads[1]), [b"MAIL", b"RCPT", b"RCPT", b"DATA"])


@slow
@limit(90)
def test_K_6_ten_seconds_of_silence_in_the_middle_of_the_commands(t):
    """What did not fit into the first 4 KiB waits for the replies, however long, and then goes on."""
    waiting = []

    def mail(session, line):
        session.wait_closed_for(11)
        waiting.append((len(b"".join(session.reads)), bool(select.select([session.sock], [], [], 0)[0])))
        return "250 2.1.0 Ok"
    peer = inet(t, {"mail": mail})
    daemon = t.daemon(peer, {"lmtp.destination_recipient_limit": 150})
    names = ["a-recipient-with-a-name-of-some-length-%03d@example.org" % n for n in range(150)]
    daemon.send(names)
    same(len(daemon.wait_deliveries(150, status="sent", timeout=40)), 150)
    assert peer.messages[0].recipients == names, len(peer.messages[0].recipients)
    size, more = waiting[0]
    assert size <= 4096 + len("LHLO peer.test\r\n") * 10 and not more, waiting


def test_K_7_small_buffers_of_the_kernel(t):
    """Neither side waits for the other to read, whatever fits between them: smtp and lmtp, long replies to
    each command. parameter tcp_windowsize"""
    chatter = "".join("250-2.1.5 %s\n" % ("x" * 400) for _ in range(10)) + "250 2.1.5 Ok"
    for protocol in ("lmtp", "smtp"):
        peer = inet(t, {"rcpt": chatter, "mail": chatter}, read_size=100, smtp=protocol == "smtp")
        daemon = t.daemon(None,
                          {"transport_maps": "inline:{example.org=%s:[127.0.0.1]:%d}"
                           % (protocol, peer.address[1]),
                                 "tcp_windowsize": 512}, name=protocol)
        daemon.send(["u%d@example.org" % n for n in range(500)],
                    b"Subject: x\n\n" + b"0123456789 line of content\n" * 4000)
        same(len(daemon.wait_deliveries(500, status="sent", timeout=40)), 500)


def test_C_9_what_is_written_at_once(t):
    """Content of up to 64 KiB leaves in one write, so that it fills the segments of any connection."""
    peer = inet(t)
    daemon = t.daemon(peer)
    for lines in (10, 600, 2000):
        daemon.send("u%d@example.org" % lines, b"Subject: x\n\n" + b"0123456789 line of content\n" * lines)
        daemon.wait_delivery("u%d@example.org" % lines, "sent")
        reads = peer.sessions[-1].reads
        assert any(r.endswith(b"\r\n.\r\n") and len(r) > 28 * lines for r in reads), [len(r) for r in reads]


def test_K_8_one_write_for_what_may_go(t):
    """RSET of the old transaction comes alone; a whole envelope, and content with its dot,
    are one write each.
    """
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, **LONG})
    for name in ("one", "two"):
        daemon.send(name + "@example.org")
        daemon.wait_delivery(name + "@example.org", "sent")
    same([bool(r) for r in peer.sessions[0].reads[:5]], [True] * 5)
    assert peer.sessions[0].reads[2].endswith(b"\r\n.\r\n"), peer.sessions[0].reads
    same(len(peer.sessions[0].reads), 5, "LHLO, envelope, content, envelope, content")


def test_K_14_rset_or_nothing_where_nobody_is_left(t):
    """All are refused and DATA is answered 503: no dot, and the next message begins with RSET."""
    peer = t.peer({"rcpt": first(1, "550 5.1.1 no")})
    daemon = t.daemon(peer, {**ONE, **LONG})
    daemon.send("one@example.org", sender="")
    daemon.wait_delivery("one@example.org", "bounced")
    daemon.send("two@example.org")
    daemon.wait_delivery("two@example.org", "sent")
    same(verbs(peer), ["LHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA"])


def test_K_15_and_16_rset_that_ends_a_transaction(t):
    """Its answer is nobody's verdict, and QUIT follows where the session is not kept."""
    peer = t.peer({"data": "451 4.3.1 disk", "rset": "250 2.0.0 Ok"})
    daemon = t.daemon(peer, NOT_KEPT)
    daemon.send("u@example.org")
    same(outcome(daemon.wait_delivery("u@example.org")), ("deferred", "4.3.1"))
    peer.wait_command("^QUIT$")
    same(verbs(peer)[4:], ["RSET", "QUIT"])


def test_K_17_and_18_quit_waits_for_the_final_replies(t):
    """Differs with PIPELINING: the answer to QUIT can never be taken for a recipient's. I-12"""
    for name, keywords in (("pipelining", ("PIPELINING",)), ("plain", PLAIN)):
        early = []

        def final(session, address, early=early):
            early.append(session.wait_closed_for(0.2) or session.pending())
            return "250 2.0.0 Saved"
        peer = t.peer({"final": final}, keywords=keywords)
        daemon = t.daemon(peer, NOT_KEPT, name=name)
        daemon.send(["one@example.org", "two@example.org"])
        daemon.wait_deliveries(2, status="sent")
        peer.wait_command("^QUIT$")
        same(early, [False, False])
        daemon.end()


def test_I_12_quit_follows_when_all_finals_are_in(t):
    """Differs: not pipelined behind the dot."""
    peer = t.peer({"final": lambda s, a: "250 2.0.0 Saved" if not s.pending() else "450 4.5.9 early"})
    daemon = t.daemon(peer, NOT_KEPT)
    daemon.send(["one@example.org", "two@example.org"])
    daemon.wait_deliveries(2, status="sent")
    peer.wait_command("^QUIT$")


def test_K_20_and_21_too_large_for_the_server(t):
    """No command, no other host, and a session that can serve the next message."""
    small, large = inet(t, keywords=("PIPELINING", "SIZE 2000")), inet(t)
    daemon = t.daemon(both(small, large), {**ONE, **LONG})
    daemon.send("big@example.org", b"Subject: x\n\n" + b"0123456789\n" * 500, sender="")
    line = daemon.wait_delivery("big@example.org")
    same(outcome(line), ("bounced", "5.3.4"))
    assert re.search(r"message size \d+ exceeds size limit 2000 of server 127\.0\.0\.1\[127\.0\.0\.1\]",
                     line["reason"])
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
    same((verbs(small), large.sessions), (["LHLO", "MAIL", "RCPT", "DATA"], []))


def test_K_22_the_size_compared_is_the_size_declared(t):
    """Differs: it is what goes over the wire, trace lines and CRLF included."""
    peer = t.peer(keywords=("PIPELINING", "SIZE"))
    daemon = t.daemon(peer)
    daemon.send("u@example.org", mail.message(b".dot\nline\n" * 200))
    message = peer.wait_messages(1)[0]
    same(int(re.search(r"SIZE=(\d+)", message.mail).group(1)), len(message.stuffed) - len(b".\r\n"))


# --- M and C2 ---------------------------------------------------------------------------------------

def test_M_2_and_C2_1_addresses_are_quoted_where_they_must_be(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send(['"plain"@example.org', '"two words"@example.org'], sender='"a..b"@client.test')
    daemon.wait_deliveries(2, status="sent")
    assert peer.messages[0].mail.startswith('MAIL FROM:<"a..b"@client.test>'), peer.messages[0].mail
    same(peer.messages[0].rcpts, ["RCPT TO:<plain@example.org>", 'RCPT TO:<"two words"@example.org>'])


def test_C2_1_form_of_rcpt(t):
    peer = t.peer(keywords=("PIPELINING",))
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    same(peer.wait_messages(1)[0].rcpts, ["RCPT TO:<u@example.org>"])


def test_M_8_set_up_ends_with_mail(t):
    """Half a second each before and after MAIL stands in its own part of delays=."""
    def late(session, *_):
        session.wait_closed_for(0.5)
        return session.usual_capabilities()

    def later(session, *_):
        session.wait_closed_for(0.5)
        return "250 2.0.0 Saved"
    peer = t.peer({"lhlo": late, "final": later})
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    parts = [float(part) for part in daemon.wait_delivery("u@example.org", "sent")["delays"].split("/")]
    assert parts[2] >= 0.45 and parts[3] >= 0.45, parts


def test_M_12_452_and_552_are_of_their_class(t):
    daemon, _ = t.destinations({"soft": {"mail": "452 4.3.1 full"}, "hard": {"mail": "552 5.3.4 too large"}})
    for name in ("soft", "hard"):
        daemon.send("u@%s.test" % name, sender="")
    same(outcome(daemon.wait_delivery("u@soft.test")), ("deferred", "4.3.1"))
    same(outcome(daemon.wait_delivery("u@hard.test")), ("bounced", "5.3.4"))


DSN = ("PIPELINING", "DSN")


def test_C2_3_to_6_orcpt_and_notify(t):
    """Passed on as they came, ORCPT first; nothing where the sender gave nothing."""
    peer = t.peer(keywords=DSN)
    daemon = t.daemon(peer)
    given = {"a": "NOTIFY=NEVER", "b": "ORCPT=rfc822;x+2By+20z@w",
             "c": "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;o@w",
             "d": ""}
    daemon.send([("%s@example.org" % name, words) for name, words in given.items()])
    daemon.wait_deliveries(4, status="sent")
    same(peer.messages[0].rcpts, ["RCPT TO:<a@example.org> NOTIFY=NEVER",
                                  "RCPT TO:<b@example.org> ORCPT=rfc822;x+2By+20z@w",
                                  "RCPT TO:<c@example.org> ORCPT=rfc822;o@w NOTIFY=SUCCESS,FAILURE,DELAY",
                                  "RCPT TO:<d@example.org>"])


def test_C2_7_nothing_without_dsn(t):
    peer = t.peer(keywords=("PIPELINING",))
    daemon = t.daemon(peer)
    daemon.send([("u@example.org", "NOTIFY=SUCCESS ORCPT=rfc822;x@y")])
    same(peer.wait_messages(1)[0].rcpts, ["RCPT TO:<u@example.org>"])


def test_C2_9_and_I_10_each_host_gets_its_share(t):
    """One recipient is put off at RCPT, one after the dot: both go to the next host, the others do not."""
    one = inet(t, {"rcpt": lambda s, a: "450 4.2.1 no" if a.startswith("a") else "250 2.1.5 Ok",
                   "final": lambda s, a: "451 4.3.0 no" if a.startswith("b") else "250 2.0.0 one"})
    two = inet(t, {"final": "250 2.0.0 two"})
    daemon = t.daemon(both(one, two))
    daemon.send(["a@example.org", "b@example.org", "c@example.org"])
    daemon.wait_deliveries(3, status="sent")
    same({d["to"][0]: d["reason"] for d in daemon.deliveries()},
         {"a": "250 2.0.0 two", "b": "250 2.0.0 two", "c": "250 2.0.0 one"})


def test_I_10_a_soft_final_reply_goes_to_the_next_host(t):
    one, two = inet(t, {"final": "451 4.3.0 no"}), inet(t)
    daemon = t.daemon(both(one, two))
    daemon.send("u@example.org")
    same(daemon.wait_delivery("u@example.org")["status"], "sent")
    same((len(one.messages), len(two.messages)), (1, 1))


def test_C2_13_the_same_address_twice(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send(["u@example.org", "u@example.org"])
    daemon.wait_deliveries(2, to="u@example.org", status="sent")
    same(peer.messages[0].recipients, ["u@example.org", "u@example.org"])


# --- B ----------------------------------------------------------------------------------------------

def test_B_1_any_3xx_starts_the_content(t):
    peer = t.peer({"data": "399 well then"})
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")


def test_B_1_data_refused_is_for_the_accepted(t):
    daemon, _ = t.destinations({"soft": {"data": "451 4.3.1 no"}, "hard": {"data": "554 5.3.1 no"}})
    for name in ("soft", "hard"):
        daemon.send(["u@%s.test" % name, "rcpt550@%s.test" % name], sender="")
    daemon.wait_deliveries(4)
    same([outcome(daemon.wait_delivery(to)) for to in ("u@soft.test", "rcpt550@soft.test", "u@hard.test")],
         [("deferred", "4.3.1"), ("bounced", "5.1.1"), ("bounced", "5.3.1")])


def test_B_3_null_sender_in_return_path(t):
    peer = t.peer()
    daemon = t.daemon(None, {"transport flagged.protocol": "lmtp", "transport flagged.flags": "R",
                             "transport_maps": "inline:{example.org=flagged:%s}" % peer.nexthop})
    daemon.send("u@example.org", sender="")
    assert peer.wait_messages(1)[0].content.startswith(b"Return-Path: <>\r\n"), peer.messages[0].content


def test_B_4_each_line_ends_with_crlf(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("u@example.org", b"Subject: x\n\none\ntwo\nthree", eol=b"\n")
    content = peer.wait_messages(1)[0].stuffed
    same(content.count(b"\n"), content.count(b"\r\n"))
    assert content.endswith(b"one\r\ntwo\r\nthree\r\n.\r\n"), content


# --- I ----------------------------------------------------------------------------------------------

def test_I_8_354_for_nobody_owes_no_reply(t):
    """Differs: no reply is awaited after the lone dot, the connection is closed."""
    def data(session, line):
        session.say("354 go")
        same(session.line(), b".\r\n")
        silence(session)
    peer = t.peer({"rcpt": "550 5.1.1 no", "data": data})
    daemon = t.daemon(peer, {"lmtp.data_done_timeout": "60s"})
    daemon.send("u@example.org", sender="")
    daemon.wait_delivery("u@example.org", "bounced", 10)
    peer.wait(lambda: not peer.sessions[0].open, 10, "the connection closed")


def test_I_9_lhlo_mail_and_data_are_for_all(t):
    scripts = {stage: {stage: "450 4.7.5 no"} for stage in ("lhlo", "mail", "data")}
    daemon, _ = t.destinations(scripts)
    for name in scripts:
        daemon.send(["one@%s.test" % name, "two@%s.test" % name])
    daemon.wait_deliveries(6)
    same({outcome(d) for d in daemon.deliveries()}, {("deferred", "4.7.5")})


def test_I_13_the_extensions_are_those_of_smtp(t):
    peer = t.peer(keywords=("PIPELINING", "SIZE", "8BITMIME", "DSN", "SMTPUTF8"))
    daemon = t.daemon(peer)
    daemon.send([("u@example.org", "NOTIFY=NEVER")], params="SMTPUTF8 BODY=8BITMIME RET=FULL")
    message = peer.wait_messages(1)[0]
    assert re.match(r"MAIL FROM:<a@client\.test> SIZE=\d+ BODY=8BITMIME RET=FULL SMTPUTF8$",
                    message.mail), message.mail


# --- Y and V: what a failure says of the host ---------------------------------------------------------

def hosts_word(daemon, wait):
    """Whether the destination was called unreachable."""
    if wait:
        daemon.wait_log("cannot be reached: ")
    return "cannot be reached: " in daemon.log()


def test_Y_1_refused_connection_is_soft_and_of_the_host(t):
    daemon = t.daemon("unix:" + t.path("nobody"))
    daemon.send("u@example.org")
    same(outcome(daemon.wait_delivery("u@example.org")), ("deferred", "4.4.1"))
    assert hosts_word(daemon, True)


def test_Y_2_greeting_by_class(t):
    cases = {"450 4.3.2 no": ("deferred", "4.3.2"), "554 5.3.2 no": ("deferred", "4.3.2"),
             "300 what": ("deferred", "4.5.0")}
    for number, (greeting, wanted) in enumerate(cases.items()):
        daemon = t.daemon(t.peer({"greeting": greeting}), name="d%d" % number)
        daemon.send("u@example.org")
        same(outcome(daemon.wait_delivery("u@example.org")), wanted, greeting)
        assert hosts_word(daemon, True)
        daemon.end()


def test_Y_11_rset_and_quit_never_matter(t):
    peer = t.peer({"rset": "554 5.0.0 no", "quit": "554 5.0.0 no"})
    daemon = t.daemon(peer, {**ONE, **LONG})
    daemon.send(["rcpt550@example.org"], sender="")
    daemon.wait_delivery("rcpt550@example.org", "bounced")
    daemon.send("u@example.org")
    same(outcome(daemon.wait_delivery("u@example.org")), ("sent", "2.0.0"))
    assert not hosts_word(daemon, False)


def test_Y_16_a_failure_of_an_earlier_host_is_none_of_the_destination(t):
    one, two = inet(t, {"greeting": "421 4.3.2 no"}), inet(t)
    daemon = t.daemon(both(one, two))
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
    assert not hosts_word(daemon, False)


def test_Y_17_a_host_that_served_keeps_the_destination_alive(t):
    """The first one answers 450 to RCPT and is well; that the second is dead does not matter."""
    one, two = inet(t, {"rcpt": "450 4.2.1 no"}), inet(t)
    two.stop()
    daemon = t.daemon(both(one, two))
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "deferred")
    daemon.send("v@example.org")
    daemon.wait_delivery("v@example.org", "deferred")
    assert not hosts_word(daemon, False)


def test_V_5_soft_bounce(t):
    """A hard refusal goes to the next host, and on the last one stays in the queue."""
    one, two = inet(t, {"rcpt": "550 5.1.1 no"}), inet(t,
                                                       {"rcpt": lambda s, a: "550 5.1.1 no" if a[0] == "b"
                                                        else
                                                           "250 2.1.5 Ok"})
    daemon = t.daemon(both(one, two), {"soft_bounce": True})
    daemon.send(["a@example.org", "b@example.org"])
    same({d["to"][0]: d["dsn"] for d in daemon.wait_deliveries(2)}, {"a": "2.0.0", "b": "4.1.1"})
    assert daemon.queue(), "nothing is in the queue"


# --- Z ----------------------------------------------------------------------------------------------

@limit(90)
def test_Z_4_no_quit_where_nobody_listens(t):
    """After a lost connection and after a time-out."""
    for name, script in (("lost", {"rcpt": then_close(None)}), ("late", {"rcpt": silence}),
                         ("dot", {"dot": silence})):
        peer = t.peer(script)
        daemon = t.daemon(peer, {"lmtp.rcpt_timeout": "2s", "lmtp.data_done_timeout": "2s"}, name=name)
        daemon.send("u@example.org")
        daemon.wait_delivery("u@example.org", "deferred", 30)
        peer.wait(lambda: not peer.sessions[0].open, 10, "the connection closed")
        assert b"QUIT" not in b"".join(peer.sessions[0].reads), name
        daemon.end()


def test_Z_6_a_session_whose_time_is_over_says_quit(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, **LONG, "lmtp.connection_reuse_count_limit": 1})
    for name in ("a", "b", "c"):
        daemon.send(name + "@example.org")
        daemon.wait_delivery(name + "@example.org", "sent")
    same(verbs(peer)[-1], "QUIT")


def test_Z_7_nothing_is_written_after_a_lost_connection(t):
    peer = t.peer({"data": close})
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "deferred")
    same(verbs(peer), ["LHLO", "MAIL", "RCPT", "DATA"])


# --- J ----------------------------------------------------------------------------------------------

def test_J_13_sessions_used_again_count(t):
    """mx_session_limit = 1: the kept connection's host says no, so there is no second one to ask."""
    one = inet(t, {"rcpt": lambda s, a: "450 4.2.0 no" if s.transactions else "250 2.1.5 Ok"})
    daemon = t.daemon(both(one), {**ONE, **LONG, "lmtp.mx_session_limit": 1})
    for name, expected in (("a", ("sent", "2.0.0")), ("b", ("deferred", "4.2.0"))):
        daemon.send(name + "@example.org")
        same(outcome(daemon.wait_delivery(name + "@example.org")), expected)
    same(len(one.sessions), 1)


def test_J_17_trouble_on_a_kept_connection_counts_as_ever(t):
    """Once something was said of the message: a refusal refuses, silence at RCPT is a time-out."""
    def rcpt(session, address):
        if session.transactions and address.startswith("late"):
            silence(session)
        return "550 5.1.1 no" if address.startswith("hard") else "250 2.1.5 Ok"
    peer = t.peer({"rcpt": rcpt})
    daemon = t.daemon(peer, {**ONE, **LONG, **short("rcpt")})
    for name, wanted in (("a", ("sent", "2.0.0")), ("hard", ("bounced", "5.1.1")),
                         ("late", ("deferred", "4.4.2"))):
        daemon.send(name + "@example.org", sender="")
        same(outcome(daemon.wait_delivery(name + "@example.org")), wanted)
    same(len(peer.sessions), 1)
