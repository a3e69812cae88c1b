"""Reading replies: greeting, LHLO, capabilities, and peers that break the protocol."""

import re
import select
import threading

from actions import USUAL, End, first, nothing, silence, then_close, then_silence
from cases import by_recipient, outcome, results, short
from harness import limit, same

# --- greeting ------------------------------------------------------------------------------------


def test_G_1_any_2xx_greeting_will_do(t):
    texts = {"a": "220 peer", "b": "299 peer", "c": "220", "d": "220-one\n220-two\n220 three",
             "e": "200 2 0 *"}
    _, _, lines = results(t, {name: {"greeting": text} for name, text in texts.items()})
    for name, line in lines.items():
        same(outcome(line), ("sent", "2.0.0"), texts[name])


def test_G_2_4xx_greeting_defers(t):
    _, peers, lines = results(t, {"a": {"greeting": "450 4.3.2 Come back later"}})
    same(outcome(lines["a"]), ("deferred", "4.3.2"))
    assert "refused to talk to me: 450 4.3.2 Come back later" in lines["a"]["reason"], lines["a"]["reason"]


def test_G_3_5xx_greeting_defers_or_bounces(t):
    """parameter skip_5xx_greeting"""
    daemon, peers = t.destinations({name: {"greeting": "554 5.7.1 Not you"} for name in ("skip", "take")})
    daemon.stop()
    daemon.settings.update({"transport take.protocol": "lmtp", "transport take.skip_5xx_greeting": False})
    daemon.settings["transport_maps"] = daemon.settings["transport_maps"].replace("take.test=lmtp:",
                                                                                  "take.test=take:")
    daemon.write_config()
    daemon.start()
    for name in ("skip", "take"):
        daemon.send("u@%s.test" % name)
    same(daemon.wait_delivery("u@skip.test")["status"], "deferred")
    same(outcome(daemon.wait_delivery("u@take.test")), ("bounced", "5.7.1"))


def test_G_5_no_greeting(t):
    _, _, lines = results(t, {"silent": {"greeting": silence}}, short("lhlo"))
    same(outcome(lines["silent"]), ("deferred", "4.4.2"))
    assert "while receiving the initial server greeting" in lines["silent"]["reason"], lines["silent"][
        "reason"]
    assert "timed out" in lines["silent"]["reason"]


def test_G_6_client_waits_for_the_whole_greeting(t):
    spoke_early = []

    def greeting(session):
        session.say("220-first line")
        spoke_early.extend(select.select([session.sock], [], [], 0.3)[0])
        return "220 last line"
    _, _, lines = results(t, {"a": {"greeting": greeting}})
    same(lines["a"]["status"], "sent")
    same(spoke_early, [])


# --- LHLO and what it announces ------------------------------------------------------------------


def test_H_7_lhlo_refused_is_of_the_servers_class(t):
    _, peers, lines = results(t, {"soft": {"lhlo": "451 4.3.2 not now"},
                                  "hard": {"lhlo": "550 5.7.1 go away"}})
    same(outcome(lines["soft"]), ("deferred", "4.3.2"))
    same(outcome(lines["hard"]), ("bounced", "5.7.1"))
    for peer in (peers["soft"], peers["hard"]):
        verbs = [command.split()[0] for session in peer.sessions for command in session.commands]
        assert set(verbs) <= {"LHLO", "QUIT"}, verbs


def test_H_9_lost_during_lhlo(t):
    _, _, lines = results(t, {"lost": {"lhlo": then_close(None)}, "slow": {"lhlo": silence}}, short("lhlo"))
    for line in lines.values():
        same(outcome(line), ("deferred", "4.4.2"))
        assert "while performing the LHLO handshake" in line["reason"], line["reason"]


def test_H_10_name_sent(t):
    _, peers, _ = results(t, {"a": None}, {"lmtp.lhlo_name": "other.name.test"})
    same(peers["a"].sessions[0].commands[0], "LHLO other.name.test")


def test_H_10_name_sent_by_default(t):
    _, peers, _ = results(t, {"a": None})
    same(peers["a"].sessions[0].commands[0], "LHLO causeway.test")


def test_E_2_keywords_without_regard_to_case_or_parameters(t):
    texts = {"lower": "250-peer\n250-pipelining\n250 dsn",
             "params": "250-peer\n250-PIPELINING yes\n250 DSN=x",
             "empty": "250-PIPELINING\n250-DSN\n250 ", "last": "250-peer\n250-DSN\n250 PIPELINING"}
    daemon, peers = t.destinations({name: {"lhlo": text} for name, text in texts.items()})
    for name in texts:
        daemon.send([("u@%s.test" % name, "NOTIFY=NEVER")])
        message = peers[name].wait_messages(1)[0]
        assert message.rcpts[0].endswith("NOTIFY=NEVER"), (name, message.rcpts)
    # E-5: a keyword on the first line is the server's name
    assert len(peers["empty"].sessions[0].reads) > 3, "pipelined although the first line is only a name"


def test_E_7_size(t):
    """A number is a limit, 0 and none are not; a message over the limit is refused without a command."""
    texts = {"small": "SIZE 400", "zero": "SIZE 0", "bare": "SIZE", "junk": "SIZE many", "none": "HELP"}
    scripts = {name: {"lhlo": "250-peer\n250-PIPELINING\n250 " + word} for name, word in texts.items()}
    daemon, peers = t.destinations(scripts)
    for name in scripts:
        daemon.send("u@%s.test" % name, b"Subject: x\n\n" + b"0123456789\n" * 100)
    for name in scripts:
        line = daemon.wait_delivery("u@%s.test" % name)
        same(outcome(line), ("bounced", "5.3.4") if name == "small" else ("sent", "2.0.0"), name)
        said = [c for s in peers[name].sessions for c in s.commands if c.startswith("MAIL")]
        if name == "small":
            same(said, [], "K-20: commands")
        else:
            same(" SIZE=" in said[0], name != "none", said[0])


def test_E_16_repeated_keywords(t):
    daemon, _, lines = results(
        t, {"a": {"lhlo": "250-peer\n250-SIZE 10\n250-PIPELINING\n250-PIPELINING\n250 SIZE 9999999"}})
    same(lines["a"]["status"], "sent")


# --- lines ---------------------------------------------------------------------------------------


def test_P_1_replies_of_several_lines_everywhere(t):
    many = "%s-one\n%s-two\n%s three"
    script = {"greeting": many.replace("%s", "220"), "mail": many.replace("%s", "250"),
              "rcpt": many.replace("%s", "250"), "data": many.replace("%s", "354"),
              "final": many.replace("%s", "250"), "rset": many.replace("%s", "250")}
    daemon, _, lines = results(t, {"a": script})
    same(outcome(lines["a"]), ("sent", "2.0.0"))
    assert re.search(r"one.*two.*three", lines["a"]["reason"]), lines["a"]["reason"]


def test_P_4_last_line_decides(t):
    _, _, lines = results(t, {"bad": {"rcpt": "250-fine\n550 5.1.1 no"},
                              "good": {"rcpt": "550-no\n250 fine"}})
    same(outcome(lines["bad"]), ("bounced", "5.1.1"))
    same(lines["good"]["status"], "sent")


def test_P_6_line_ends(t):
    raw = {"lf": b"250 2.1.5 ok\n", "crcrlf": b"250 2.1.5 ok\r\r\r\n", "cr": b"250 2.1.5 o\rk\r\n"}
    _, _, lines = results(t, {name: {"rcpt": text} for name, text in raw.items()})
    for name, line in lines.items():
        same(line["status"], "sent", name)


ENHANCED = {
    "550 5.2.2 full": "5.2.2", "550 4.2.2 wrong class": "5.0.0", "550 no code": "5.0.0", "550 5.1.1": "5.1.1",
    "550  5.1.1 blanks": "5.1.1", "550 5.1.1000 long": "5.0.0", "550 5.1 short": "5.0.0",
    "550 5.1.1x": "5.0.0",
    "550-5.2.2 earlier line\n550 later": "5.0.0", "550": "5.0.0", "450 4.2.1 soft": "4.2.1",
    "450 5.2.1 soft": "4.0.0",
    "452 2.1.5 odd": "4.0.0",
}


def test_P_14_to_18_enhanced_codes(t):
    texts = {"c%d" % number: text for number, text in enumerate(ENHANCED)}
    _, _, lines = results(t, {name: {"rcpt": text} for name, text in texts.items()}, keywords=("PIPELINING",))
    for name, text in texts.items():
        expected = ENHANCED[text]
        same(outcome(lines[name]), ("bounced" if expected[0] == "5" else "deferred", expected), text)


def test_P_2_garbage_before_a_final_line_is_skipped_and_the_session_not_reused(t):
    daemon, peers, lines = results(t, {"a": {"mail": b"what?\r\n\t\r\n25\r\n250 2.1.0 Ok\r\n"}})
    same(lines["a"]["status"], "sent")
    daemon.send("second@a.test")
    daemon.wait_delivery("second@a.test", "sent")
    same(len(peers["a"].sessions), 2)


def test_P_7_unprintable_bytes_are_made_visible(t):
    raw = b"550 5.1.1 a\x00b\x1b[2Jc\x7f\xff\xc2\x9b\xe2\x80\xae status=sent (250\r\n"
    _, _, lines = results(t, {"a": {"rcpt": raw}})
    same(outcome(lines["a"]), ("bounced", "5.1.1"))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e\udc80-\udcff]",
                         lines["a"]["reason"]), repr(lines["a"]["reason"])


def test_P_8_nul_at_the_start_is_garbage(t):
    _, _, lines = results(t, {"a": {"rcpt": b"\x00250 ok\r\n450 4.2.0 no\r\n"}})
    same(outcome(lines["a"])[0], "deferred")


def test_P_9_overlong_line_is_cut(t):
    daemon, _, lines = results(t, {"a": {"rcpt": b"550 5.1.1 " + b"x" * 3000 + b"\r\n"}, "b": None})
    same(outcome(lines["a"]), ("bounced", "5.1.1"))
    assert 1900 < len(lines["a"]["reason"]) < 3000, len(lines["a"]["reason"])
    daemon.wait_log("warning: .*/lmtp0.* sent a reply with an overlong line")
    same(daemon.log().count("overlong"), 1)


def test_P_9_line_length_limit(t):
    _, _, lines = results(t, {"a": {"rcpt": b"550 5.1.1 " + b"x" * 300 + b"\r\n"}}, {"line_length_limit": 60})
    same(outcome(lines["a"]), ("bounced", "5.1.1"))
    assert "x" * 50 in lines["a"]["reason"] and "x" * 51 not in lines["a"]["reason"], lines["a"]["reason"]


def endless(piece):
    """Send PIECE over and over, as fast as it is taken."""
    def act(session, *_):
        session.sock.settimeout(100)
        while session.peer.running:
            session.raw(piece)
    return act


@limit(90)
def test_P_10_and_13_what_never_ends_costs_bounded_memory_and_time(t):
    pieces = {"line": b"x" * 65536, "lines": b"250-again and again\r\n" * 3000,
              "garbage": b"nothing\r\n" * 8000,
              "nul": b"\0" * 65536}
    scripts = {"%s-%s" % (name, stage): {stage: endless(piece)}
               for name, piece in pieces.items() for stage in ("greeting", "mail", "final")}
    daemon, _, lines = results(t, scripts, timeout=60)
    for name, line in lines.items():
        same(line["status"], "deferred", name)
    for pid in daemon.pids("courier") + daemon.pids("queue"):
        with open("/proc/%d/status" % pid) as file:
            peak = int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
        assert peak < (200 if not t.options.sanitize else 2000) * 1024, "%d kB in %d" % (peak, pid)


def test_P_13_a_trickle_does_not_extend_the_time_for_ever(t):
    """A peer that sends a byte now and then inside one reply is not waited for without end."""
    def trickle(session, *_):
        while not session.wait_closed_for(0.2):
            session.raw(b"x")
        raise End
    _, _, lines = results(t, {"a": {"mail": trickle}}, {"lmtp.mail_timeout": "1s"}, timeout=40)
    same(outcome(lines["a"])[0], "deferred")


def test_replies_one_byte_at_a_time(t):
    daemon, peers = t.destinations({"a": None}, dribble=True)
    daemon.send(["ok@a.test", "dot552@a.test", "rcpt550@a.test"])
    same(by_recipient(daemon, 3),
         {"ok": ("sent", "2.0.0"), "dot552": ("bounced", "5.2.2"), "rcpt550": ("bounced", "5.1.1")})


# --- peers that break the protocol (doc/differences.md) -------------------------------------------

OUT_OF_PLACE = {
    "greeting": ["354 go on", "150 wait", "000 zero", "999 nine", "600 six"],
    "lhlo": ["354 go on", "150 wait", "700 seven"],
    "mail": ["354 go on", "150 wait", "600 six"],
    "rcpt": ["354 go on", "199 wait", "999 nine"],
    "data": ["250 fine", "200 ok", "150 wait", "600 six"],
    "final": ["354 go on", "150 wait", "600 six", "000 zero"],
}


def test_P_5_and_17_to_20_code_out_of_place_is_a_protocol_error_not_a_verdict(t):
    cases = {"%s%d" % (stage, number): (stage, text)
             for stage, texts in OUT_OF_PLACE.items() for number, text in enumerate(texts)}
    daemon, peers, lines = results(t, {name: {stage: text} for name, (stage, text) in cases.items()})
    for name, (stage, text) in cases.items():
        same(outcome(lines[name]), ("deferred", "4.5.0"), cases[name])
        if stage == "data":
            same(peers[name].messages, [], "content was sent after " + text)
    same(peers["client"].messages, [], "reports")


UNAWAITED = {
    "after lhlo": {"lhlo": "250-peer\n250 PIPELINING\n250 2.1.0 Ok"},
    "after mail": {"mail": "250 2.1.0 Ok\n250 2.1.5 Ok"},
    "everything at once": {"greeting": "220 peer\n250 peer\n250 Ok\n250 Ok\n354 go\n250 2.0.0 Saved"},
    "final before the dot": {"data": "354 go\n250 2.0.0 Saved"},
    "354 while rcpt owes": {"rcpt": "354 go\n250 2.1.5 Ok", "data": nothing},
}


def test_reply_that_nothing_awaits_is_credited_to_nobody(t):
    """Before the dot: no dot is sent, nobody is reported delivered or refused."""
    names = {"u%d" % number: name for number, name in enumerate(UNAWAITED)}
    daemon, peers, lines = results(t, {key: UNAWAITED[name] for key, name in names.items()},
                                   keywords=("ENHANCEDSTATUSCODES", "PIPELINING"))
    for key, name in names.items():
        same(lines[key]["status"], "deferred", name)
        same(peers[key].messages, [], name)
    same(peers["client"].messages, [], "reports")


def test_I_6_and_7_extra_final_reply_ends_the_session_quietly(t):
    """Those judged keep their results; the session is not used again."""
    daemon, peers, lines = results(t, {"a": {"final": "250 2.0.0 Saved\n250 2.0.0 Saved"}})
    same(outcome(lines["a"]), ("sent", "2.0.0"))
    daemon.send("second@a.test")
    daemon.wait_delivery("second@a.test", "sent")
    same(len(peers["a"].sessions), 2)


def test_extra_reply_while_idle_ends_the_session_quietly(t):
    sessions = []

    def greeting(session):
        sessions.append(session)
        return USUAL
    daemon, peers, lines = results(t, {"a": {"greeting": greeting}},
                                   {"lmtp.connection_cache_time_limit": "60s",
                                    "connection_cache_ttl_limit": "60s"})
    same(lines["a"]["status"], "sent")
    sessions[0].raw(b"250 2.0.0 by the way\r\n")
    peers["a"].wait(lambda: sessions[0].ended_by, 10, "the session's end")
    daemon.send("second@a.test")
    same(outcome(daemon.wait_delivery("second@a.test")), ("sent", "2.0.0"))
    same([d["status"] for d in daemon.deliveries()], ["sent", "sent"])


def test_a_peer_that_floods_while_content_is_sent_does_not_stall_us(t):
    """Replies that nobody awaits come by the megabyte while a large message goes out: the session ends,
    in time.
    """
    def flood(session):
        def talk():
            try:
                while session.peer.running:
                    session.raw(b"250 2.0.0 noise\r\n" * 1000)
            except End:
                pass
        threading.Thread(target=talk, daemon=True).start()
    daemon, peers = t.destinations({"a": {"content": flood}, "b": None})
    daemon.send("u@a.test", b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 200_000)
    same(daemon.wait_delivery("u@a.test")["status"], "deferred")
    daemon.send("u@b.test")
    same(daemon.wait_delivery("u@b.test")["status"], "sent")


def test_P_22_a_peer_that_stops_in_the_middle_of_a_line(t):
    """A reply without its line end is no reply."""
    _, _, lines = results(t, {"a": {"final": then_close(b"250 2.0.0 Saved")}})
    same(outcome(lines["a"]), ("deferred", "4.4.2"))


def test_first_stage_that_fails_then_works(t):
    peer = t.peer({"lhlo": first(1, then_silence("250-half"))})
    daemon = t.daemon(peer, {**short("lhlo"), "queue.minimal_backoff_time": "500ms"})
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
