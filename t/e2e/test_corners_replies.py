"""Corners of replies: greeting, LHLO and what it announces, lines that are none,
and what the log says of them.
"""

import re

from actions import first, silence, then_close
from cases import by_recipient, outcome, results, short
from harness import same

ONE = {"lmtp.destination_concurrency_limit": 1}
ALL = ("PIPELINING", "8BITMIME", "DSN", "SIZE 104857600")


def reads(peer, number=0):
    return peer.sessions[number].reads


def pipelined(peer):
    """Whether MAIL, RCPT and DATA came in one read."""
    return any(b"MAIL" in read and b"DATA\r\n" in read for read in reads(peer))


# --- greeting ---------------------------------------------------------------------------------------

def test_G_4_a_greeting_out_of_place_proves_nothing(t):
    """Differs: not a refusal for good, but 4.5.0, and the next host is asked."""
    one = t.peer({"greeting": "354 go on"}, address=("127.0.0.1", 0))
    two = t.peer(address=("127.0.0.1", 0))
    daemon = t.daemon("inet:[127.0.0.1]:%d [127.0.0.1]:%d" % (one.address[1], two.address[1]), name="two")
    daemon.send("u@example.org")
    same(daemon.wait_delivery("u@example.org")["relay"], "127.0.0.1[127.0.0.1]:%d" % two.address[1])
    _, _, lines = results(t, {"alone": {"greeting": "354 go on"}})
    same(outcome(lines["alone"]), ("deferred", "4.5.0"))


def test_G_7_and_9_the_text_of_the_greeting_does_not_matter(t):
    """What makes an SMTP client speak otherwise (a masked banner, no word ESMTP) leaves LHLO alone."""
    texts = {"masked": "220 ****0*0****", "bare": "220", "plain": "220 peer ready", "smtp": "220 peer ESMTP"}
    _, peers, lines = results(t, {name: {"greeting": text} for name, text in texts.items()})
    for name, line in lines.items():
        same(line["status"], "sent", name)
        same(peers[name].sessions[0].commands[0], "LHLO causeway.test", name)
        assert pipelined(peers[name]), name


def test_G_8_our_own_name_is_no_loop(t):
    """A store on this host greets and answers with the same name."""
    _, _, lines = results(t, {"a": {"greeting": "220 causeway.test LMTP",
                                    "lhlo": "250-causeway.test\n250 PIPELINING"}})
    same(outcome(lines["a"]), ("sent", "2.0.0"))


# --- LHLO -------------------------------------------------------------------------------------------

def test_H_3_no_ehlo_after_a_refused_lhlo(t):
    _, peers, lines = results(t, {"a": {"lhlo": "502 5.5.1 what is that"}})
    same(outcome(lines["a"]), ("bounced", "5.5.1"))
    same([c.split()[0] for c in peers["a"].sessions[0].commands][:1], ["LHLO"])
    assert not any(c.startswith(("EHLO", "HELO")) for c in peers["a"].sessions[0].commands)


def test_E_1_only_the_answer_to_lhlo_announces(t):
    greeting = "220-PIPELINING\n220-250-PIPELINING\n220 DSN SIZE 1"
    daemon, peers = t.destinations({"a": {"greeting": greeting, "lhlo": "250 peer"}})
    daemon.send([("u@a.test", "NOTIFY=NEVER")])
    daemon.wait_delivery("u@a.test", "sent")
    assert not pipelined(peers["a"])
    same((peers["a"].messages[0].mail, peers["a"].messages[0].rcpts),
         ("MAIL FROM:<a@client.test>", ["RCPT TO:<u@a.test>"]))


def test_E_3_and_5_the_first_line_is_a_name(t):
    texts = {"one": "250 PIPELINING", "two": "250-PIPELINING\n250 DSN",
             "three": "250-SIZE 10\n250 PIPELINING"}
    daemon, peers = t.destinations({name: {"lhlo": text} for name, text in texts.items()})
    for name in texts:
        daemon.send("u@%s.test" % name)
        same(daemon.wait_delivery("u@%s.test" % name)["status"], "sent", name)
    same([pipelined(peers[name]) for name in texts], [False, False, True])


def test_E_6_presence_counts(t):
    daemon, peers = t.destinations({"a":
                                    {"lhlo": "250-peer\n250-PIPELINING no\n250-8BITMIME off\n250 DSN 0"}})
    daemon.send([("u@a.test", "NOTIFY=FAILURE")], params="BODY=8BITMIME RET=HDRS")
    daemon.wait_delivery("u@a.test", "sent")
    assert pipelined(peers["a"])
    message = peers["a"].messages[0]
    same((message.mail.split()[2:], message.rcpts[0].split()[2:]),
         (["BODY=8BITMIME", "RET=HDRS"], ["NOTIFY=FAILURE"]))


def test_E_13_keywords_without_effect(t):
    """BDAT is never used, and unknown words are none of our business."""
    words = ("PIPELINING", "CHUNKING", "BINARYMIME", "ENHANCEDSTATUSCODES", "VRFY", "ETRN", "X-UNKNOWN a b",
             "HELP")
    daemon, peers = t.destinations({"a": None}, keywords=words)
    daemon.send("u@a.test", params="BODY=8BITMIME")
    same(daemon.wait_delivery("u@a.test")["status"], "sent")
    same([c.split(":")[0].split()[0] for c in peers["a"].sessions[0].commands],
         ["LHLO", "MAIL", "RCPT", "DATA"])
    same(peers["a"].messages[0].mail, "MAIL FROM:<a@client.test>")


def test_E_14_smtputf8_implies_8bitmime(t):
    daemon, peers = t.destinations({"a": None}, keywords=("PIPELINING", "SMTPUTF8"))
    daemon.send("\u00e9@a.test", params="SMTPUTF8 BODY=8BITMIME")
    daemon.wait_delivery("\u00e9@a.test", "sent")
    same(peers["a"].messages[0].mail.split()[2:], ["BODY=8BITMIME", "SMTPUTF8"])


# --- lines ------------------------------------------------------------------------------------------

def test_P_3_garbage_is_told_in_the_log(t):
    daemon, _, lines = results(t, {"a": {"rcpt": b"what is this\r\n250 2.1.5 Ok\r\n"}})
    same(lines["a"]["status"], "sent")
    daemon.wait_log(r"%s: .*sent lines that are no reply.*what is this" % lines["a"]["id"])


def test_helpful_warnings_say_what_to_change(t):
    """Of garbage between pipelined replies, of port 465, and at the start; parameter helpful_warnings."""
    script, pipelining = {"rcpt": b"what is this\r\n250 2.1.5 Ok\r\n"}, ("PIPELINING", "8BITMIME")
    before = 0
    for name, helpful, keywords, hinted in (("a", "yes", pipelining, True), ("b", "no", pipelining, False),
                                            ("c", "yes", ("8BITMIME",), False)):
        daemon, _, _ = results(t, {name: script}, {"helpful_warnings": helpful, "lmtp.line_length_limit": 20},
                               keywords=keywords)
        log, before = daemon.log()[before:], len(daemon.log())
        assert "sent lines that are no reply" in log, log
        same("turn PIPELINING off for it with lmtp_discard_lhlo_keyword_address_maps" in log, hinted,
             (helpful, keywords))
        same("what is encoded may be cut" in log, helpful == "yes", helpful)
        daemon.end()


def test_P_11_and_12_the_text_of_many_lines(t):
    """Kept up to a ceiling, on one line of the log, and the last line decides."""
    text = "\n".join("550-5.0.0 line %d" % n for n in range(2000)) + "\n450 4.2.9 the last"
    _, _, lines = results(t, {"many": {"rcpt": text}, "three": {"rcpt": "550-one\n550-two\n450 4.2.9 three"}})
    same(outcome(lines["many"]), ("deferred", "4.2.9"))
    assert len(lines["many"]["reason"]) < 4000, len(lines["many"]["reason"])
    assert "said: 550-one 550-two 450 4.2.9 three (in" in lines["three"]["reason"], lines["three"]["reason"]


def test_P_18_enhanced_codes_need_no_announcement(t):
    _, _, lines = results(t, {"a": {"final": "452 4.2.2 full"}}, keywords=())
    same(outcome(lines["a"]), ("deferred", "4.2.2"))


def test_P_19_a_reply_of_the_wrong_kind_is_called_a_protocol_error(t):
    _, peers, lines = results(t, {"data": {"data": "250 go"}, "rcpt": {"rcpt": "354 go"}})
    for line in lines.values():
        same(outcome(line), ("deferred", "4.5.0"))
        assert line["reason"].startswith("Protocol error: host causeway.test["), line["reason"]
    same(peers["data"].messages, [])


def test_P_20_codes_that_end_a_session(t):
    """500 to 509 and 555 count as what they are, but what follows gets a new connection."""
    for number, code in enumerate(("500", "505", "509", "555", "510", "554")):
        peer = t.peer({"rcpt": first(1, code + " 5.5.9 odd")})
        daemon = t.daemon(peer, ONE, name="d%d" % number)
        daemon.send("one@example.org", sender="")
        same(outcome(daemon.wait_delivery("one@example.org")), ("bounced", "5.5.9"))
        daemon.send("two@example.org")
        daemon.wait_delivery("two@example.org", "sent")
        same(len(peer.sessions), 1 if code in ("510", "554") else 2, code)
        daemon.end()


def test_C2_10_3xx_to_rcpt_proves_nothing(t):
    """Differs: 4.5.0 for all to whom the replies may not belong, and the session ends."""
    peer = t.peer({"rcpt": lambda s, a: "354 go" if a.startswith("odd") else
                   "550 5.1.1 no" if a.startswith("hard") else "250 2.1.5 Ok"})
    daemon = t.daemon(peer)
    daemon.send(["hard@example.org", "odd@example.org", "u@example.org"], sender="")
    same(by_recipient(daemon, 3), {name: ("deferred", "4.5.0") for name in ("hard", "odd", "u")})
    same(peer.messages, [])


def test_C_10_how_the_server_is_named(t):
    """name[address] in texts, with the port in relay=."""
    peer = t.peer({"mail": "450 4.7.1 no"}, address=("127.0.0.1", 0))
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org")
    same(line["relay"], "127.0.0.1[127.0.0.1]:%d" % peer.address[1])
    assert line["reason"].startswith("host 127.0.0.1[127.0.0.1] said: 450"), line["reason"]


# --- lost and late ----------------------------------------------------------------------------------

def test_H2_7_and_10_the_words_for_lost_and_late(t):
    scripts = {"lost": {"rcpt": then_close(None)}, "late": {"rcpt": silence}}
    _, peers, lines = results(t, scripts, short("rcpt"))
    for name, words in (("lost", "lost connection with %s while sending RCPT TO"),
                        ("late", "conversation with %s timed out while sending RCPT TO")):
        same(outcome(lines[name]), ("deferred", "4.4.2"))
        words %= "causeway.test[%s]" % peers[name].address
        assert re.match(re.escape(words), lines[name]["reason"]), lines[name]


def test_H2_11_trouble_with_rset_and_quit_is_silent(t):
    scripts = {"lost": {"rset": then_close(None)}, "late": {"rset": silence}, "odd": {"rset": "554 5.0.0 no"}}
    daemon, peers = t.destinations(scripts, {"lmtp.rset_timeout": "1s", **ONE})
    for name in scripts:
        daemon.send("rcpt550@%s.test" % name, sender="")
        daemon.wait_delivery("rcpt550@%s.test" % name, "bounced")
        daemon.send("u@%s.test" % name)
        same(outcome(daemon.wait_delivery("u@%s.test" % name)), ("sent", "2.0.0"), name)
    same(len(daemon.deliveries()), 6)
