"""The dialogue with SMTP servers, seen from their side and in the log."""

import re
import time

from actions import close, first, silence, then_close
from cases import delays, outcome, short
from harness import same
from mx import daemon_with_dns

ONE = {"smtp.destination_concurrency_limit": 1}


def lines(t, scripts, settings=None, **peer_options):
    """One message to each scripted server; the daemon, the servers and the delivery lines, by name."""
    daemon, peers = t.smtp_destinations(scripts, settings, **peer_options)
    for name in scripts:
        daemon.send("u@%s.test" % name)
    return daemon, peers, {name: daemon.wait_delivery("u@%s.test" % name) for name in scripts}


def outcomes(found):
    return {name: outcome(line) for name, line in found.items()}


def commands(peer, number=0):
    return peer.sessions[number].commands


def wait_commands(peer, count):
    peer.wait(lambda: peer.sessions and len(commands(peer)) >= count, what="%d commands" % count)
    return commands(peer)


# --- greeting, EHLO and HELO ---------------------------------------------------------------------


def test_H_1_to_3_ehlo_and_helo(t):
    daemon, peers, found = lines(t, {
        "good": None,
        "plain": {"ehlo": "502 5.5.1 what?"},
        "later": {"ehlo": "450 4.3.2 not now"},
        "busy": {"ehlo": then_close("421 4.3.2 busy")},
        "none": {"ehlo": close},
    })
    same(outcomes(found), {"good": ("sent", "2.0.0"), "plain": ("sent", "2.0.0"), "later": ("sent", "2.0.0"),
                           "busy": ("deferred", "4.3.2"), "none": ("deferred", "4.4.2")})
    same(commands(peers["good"])[0], "EHLO causeway.test")
    for name in ("plain", "later"):
        same(commands(peers[name])[:3], ["EHLO causeway.test", "HELO causeway.test",
                                         "MAIL FROM:<a@client.test>"])
    for name in ("busy", "none"):
        same(commands(peers[name]), ["EHLO causeway.test"], "commands before the end")
    assert found["busy"]["reason"].endswith("refused to talk to me: 421 4.3.2 busy"), found["busy"]["reason"]
    assert found["none"]["reason"].endswith("while performing the EHLO handshake"), found["none"]["reason"]


def test_H_5_and_9_closed_after_helo(t):
    """A connection that ends is not asked again on itself, and the log says which greeting it was."""
    _, _, found = lines(t, {"helo": {"ehlo": "500 what?", "helo": close},
                            "late": {"ehlo": "500 what?", "helo": silence}}, short("helo", protocol="smtp"))
    same(outcomes(found), {"helo": ("deferred", "4.4.2"), "late": ("deferred", "4.4.2")})
    assert found["helo"]["reason"].endswith("while performing the HELO handshake"), found["helo"]["reason"]
    assert found["late"]["reason"].endswith("timed out while performing the HELO handshake"), found["late"][
        "reason"]


def test_H_6_helo_refused(t):
    _, peers, found = lines(t, {"now": {"helo": "450 4.7.1 no"}, "good": {"helo": "550 5.7.1 no"}},
                            {"smtp.never_send_ehlo": True})
    same(outcomes(found), {"now": ("deferred", "4.7.1"), "good": ("bounced", "5.7.1")})
    same({name: wait_commands(peers[name], 2) for name in found},
         {name: ["HELO causeway.test", "QUIT"] for name in found})


def test_smtp_always_send_ehlo_no(t):
    """The greeting decides: ESMTP as a word of its own, on any of its lines, in any case."""
    greetings = {"plain": "220 mx SMTP", "esmtp": "220 mx esmtp", "second": "220-mx\n220 ready ESMTP",
                 "part": "220 mx ESMTPX"}
    _, peers, _ = lines(t, {name: {"greeting": text} for name, text in greetings.items()},
                        {"smtp.always_send_ehlo": False})
    same({name: commands(peers[name])[0].split()[0] for name in greetings},
         {"plain": "HELO", "esmtp": "EHLO", "second": "EHLO", "part": "HELO"})


def test_smtp_never_send_ehlo(t):
    _, peers, found = lines(t, {"a": None}, {"smtp.never_send_ehlo": True})
    same(outcome(found["a"]), ("sent", "2.0.0"))
    same(commands(peers["a"])[:2], ["HELO causeway.test", "MAIL FROM:<a@client.test>"])


def test_smtp_helo_name(t):
    _, peers, _ = lines(t, {"a": {"ehlo": "500 what?"}}, {"smtp.helo_name": "other.test"})
    same(commands(peers["a"])[:2], ["EHLO other.test", "HELO other.test"])


def test_smtp_skip_5xx_greeting(t):
    script = {"a": {"greeting": "554 5.7.1 no"}}
    same(outcomes(lines(t, script)[2]), {"a": ("deferred", "4.7.1")})


def test_smtp_skip_5xx_greeting_no_bounces(t):
    script = {"a": {"greeting": "554 5.7.1 no"}, "b": {"greeting": "421 4.3.2 no"}}
    same(outcomes(lines(t, script, {"smtp.skip_5xx_greeting": False})[2]),
         {"a": ("bounced", "5.7.1"), "b": ("deferred", "4.3.2")})


def test_smtp_skip_4xx_greeting_is_obsolete(t):
    daemon, _, found = lines(t, {"a": {"greeting": "450 4.3.2 no"}}, {"smtp.skip_4xx_greeting": False})
    same(outcomes(found), {"a": ("deferred", "4.3.2")})
    assert "skip_4xx_greeting" in daemon.stderr() + daemon.log(), daemon.stderr()


def test_G_1_any_2xx_will_do(t):
    same(outcomes(lines(t, {"a": {"greeting": "250 mx"}, "b": {"greeting": "354 mx"}})[2]),
         {"a": ("sent", "2.0.0"), "b": ("deferred", "4.5.0")})


def test_H_8_features_are_those_of_the_last_answer(t):
    """HELO answers nothing of them, whatever its lines say."""
    script = {"ehlo": "500-mx\n500-PIPELINING\n500 SIZE 1", "helo": "250-mx\n250-SIZE 1\n250 PIPELINING"}
    _, peers, found = lines(t, {"a": script})
    same(outcome(found["a"]), ("sent", "2.0.0"))
    same(peers["a"].messages[0].mail, "MAIL FROM:<a@client.test>")


def test_smtp_discard_ehlo_keywords(t):
    daemon, peers, _ = lines(t, {"a": None}, {"smtp.discard_ehlo_keywords": ["size", "pipelining"]})
    same(peers["a"].messages[0].mail, "MAIL FROM:<a@client.test>")
    daemon.wait_log("discarding EHLO keywords: PIPELINING SIZE")


def test_smtp_discard_ehlo_keyword_address_maps(t):
    _, peers, _ = lines(t, {"b": None}, {"smtp.discard_ehlo_keywords": ["pipelining"],
                                         "smtp.discard_ehlo_keyword_address_maps": "inline:{127.0.0.1=size}"})
    same(peers["b"].messages[0].mail, "MAIL FROM:<a@client.test>")


# --- PIX firewalls -------------------------------------------------------------------------------

STARS = {"greeting": "220 ****************0*2******"}


def test_smtp_pix_workarounds(t):
    """HELO in place of EHLO, and for mail that has waited the dot comes behind the content."""
    daemon, peers, found = lines(t, {"a": STARS}, {
        "smtp.pix_workaround_threshold_time": "0s", "smtp.pix_workaround_delay_time": "1s"})
    same(outcome(found["a"]), ("sent", "2.0.0"))
    same(commands(peers["a"])[0], "HELO causeway.test")
    daemon.wait_log(
        r"enabling PIX workarounds: disable_esmtp delay_dotcrlf for 127\.0\.0\.1\[127\.0\.0\.1\]:\d+")
    assert delays(found["a"])[3] >= 0.9, "the dot came at once"


def test_B_28_the_pause_before_the_dot(t):
    """Content that is sent, cut or large: the dot alone comes after the pause, and young mail has none."""
    big = b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 50_000
    daemon, peers = t.smtp_destinations({"a": STARS}, {
        "smtp.pix_workarounds": "delay_dotcrlf", "smtp.pix_workaround_threshold_time": "0s",
        "smtp.pix_workaround_delay_time": "1s"})
    for content in (None, big, b"Subject: x\n\n" + b"x" * 5000 + b"\n"):
        before = time.monotonic()
        sent = daemon.send("u@a.test", content)
        daemon.wait_deliveries(len(peers["a"].messages) + 1, status="sent")
        assert time.monotonic() - before > 1, "no pause"
        if content is not None and b"x" * 5000 not in content:
            assert peers["a"].messages[-1].stuffed.endswith(sent[-1000:] + b".\r\n"), "content"


def test_smtp_pix_workaround_threshold_time(t):
    """parameter smtp_pix_workaround_delay_time: not for mail that is young."""
    _, _, found = lines(t, {"a": STARS}, {"smtp.pix_workaround_delay_time": "15s"})
    same(outcome(found["a"]), ("sent", "2.0.0"))


def test_smtp_pix_workaround_maps(t):
    daemon, peers, _ = lines(t, {"a": STARS}, {
        "smtp.pix_workaround_maps": "inline:{{127.0.0.1=delay_dotcrlf}}",
        "smtp.pix_workaround_threshold_time": "0s",
        "smtp.pix_workaround_delay_time": "1s"})
    same(commands(peers["a"])[0], "EHLO causeway.test")
    daemon.wait_log("enabling PIX workarounds: delay_dotcrlf for ")


def test_a_greeting_without_text_is_no_pix(t):
    daemon, peers, found = lines(t, {"a": {"greeting": "220"}, "b": {"greeting": "220  "}})
    same({name: commands(peers[name])[0] for name in found}, {name: "EHLO causeway.test" for name in found})
    assert "PIX" not in daemon.log(), daemon.log()


# --- XFORWARD ------------------------------------------------------------------------------------

FORWARDING = ("PIPELINING", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")


def test_XF_1_to_5_xforward(t):
    """parameter smtp_send_xforward_command: what a dropped message has are its id and that it is local."""
    daemon, peers = t.smtp_destinations({"a": None}, {**ONE, "smtp.send_xforward_command": True},
                                        keywords=FORWARDING)
    for user in ("one", "two"):
        daemon.send(user + "@a.test")
        daemon.wait_delivery(user + "@a.test", "sent")
    ids = [d["id"] for d in daemon.deliveries(status="sent")]
    same([c for c in commands(peers["a"]) if c.startswith("XFORWARD")],
         ["XFORWARD IDENT=%s SOURCE=LOCAL" % i for i in ids])


def test_smtp_send_xforward_command_no(t):
    _, peers, _ = lines(t, {"a": None}, keywords=FORWARDING)
    assert not any("XFORWARD" in c for c in commands(peers["a"])), commands(peers["a"])


def test_K_19_xforward_refused(t):
    daemon, _, found = lines(t, {"a": {"xforward": "501 5.5.4 no"}}, {"smtp.send_xforward_command": True},
                             keywords=FORWARDING)
    same(outcome(found["a"]), ("sent", "2.0.0"))
    daemon.wait_log(r"warning: host \S+ said: 501 5\.5\.4 no \(in reply to XFORWARD command\)")


def test_smtp_xforward_timeout(t):
    _, _, found = lines(t, {"a": {"xforward": silence}}, {
        "smtp.xforward_timeout": "1s", "smtp.send_xforward_command": True}, keywords=FORWARDING)
    same(outcome(found["a"]), ("deferred", "4.4.2"))
    assert found["a"]["reason"].endswith("timed out while sending XFORWARD protocol/helo_name"), found["a"][
        "reason"]


# --- the end of data, and many recipients --------------------------------------------------------


def test_O_1_and_2_one_reply_for_all(t):
    daemon, _ = t.smtp_destinations({"a": None, "b": {"dot": "554 5.7.1 spam"}})
    for name in ("a", "b"):
        daemon.send(["one@%s.test" % name, "rcpt550@%s.test" % name, "two@%s.test" % name], sender="")
        daemon.wait_deliveries(3 if name == "a" else 6)
    same({d["to"]: outcome(d) for d in daemon.deliveries()}, {
        "one@a.test": ("sent", "2.0.0"), "rcpt550@a.test": ("bounced", "5.1.1"),
        "two@a.test": ("sent", "2.0.0"),
        "one@b.test": ("bounced", "5.7.1"), "rcpt550@b.test": ("bounced", "5.1.1"),
        "two@b.test": ("bounced", "5.7.1")})
    same(len({(d["delay"], d["delays"], d["reason"]) for d in daemon.deliveries(status="sent")}), 1,
         "times and texts")


def test_O_3_4xx_goes_to_the_next_host(t):
    peers = [t.peer({"dot": "451 4.3.0 no"}, ("127.0.0.1", 0), smtp=True),
             t.peer(address=("127.0.0.1", 0), smtp=True)]
    daemon = t.daemon(None, {"transport_maps": "inline:{{a.test = smtp:%s, %s}}"
                             % tuple(p.nexthop for p in peers)})
    daemon.send("u@a.test")
    daemon.wait_delivery("u@a.test", "sent")
    same([len(p.messages) for p in peers], [1, 1])


def test_O_5_no_reply_to_the_dot_goes_to_no_other_host(t):
    peers = [t.peer({"dot": close}, ("127.0.0.1", 0), smtp=True), t.peer(address=("127.0.0.1", 0), smtp=True)]
    daemon = t.daemon(None, {"transport_maps": "inline:{{a.test = smtp:%s, %s}}"
                             % tuple(p.nexthop for p in peers)})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test")
    same(outcome(line), ("deferred", "4.4.2"))
    assert "message may be sent more than once" in line["reason"], line["reason"]
    same([len(p.messages) for p in peers], [1, 0])


def test_O_4_3xx_to_the_dot_is_out_of_place(t):
    same(outcomes(lines(t, {"a": {"dot": "354 go"}})[2]), {"a": ("deferred", "4.5.0")})


def test_O_6_the_time_is_that_of_the_reply(t):
    def dot(session, message):
        time.sleep(1)
        return "250 2.0.0 Ok"
    _, _, found = lines(t, {"a": {"dot": dot}})
    assert float(found["a"]["delays"].split("/")[3]) >= 1, found["a"]["delays"]


def test_too_many_recipients_split_at_once(t):
    """452 to one RCPT after others were accepted: a further transaction for the rest, in the same attempt."""
    def rcpt(session, address):
        return "452 4.5.3 Too many" if len(session.rcpts) >= 2 else "250 2.1.5 Ok"
    daemon, peers = t.smtp_destinations({"a": {"rcpt": rcpt}}, ONE)
    daemon.send(["u%d@a.test" % n for n in range(5)])
    daemon.wait_deliveries(5, status="sent")
    same(sorted(len(m.recipients) for m in peers["a"].messages), [1, 2, 2])
    assert not daemon.deliveries(status="deferred"), daemon.log()


def test_recipients_of_a_message_share_transactions(t):
    daemon, peers = t.smtp_destinations({"a": None, "b": None}, {"smtp.destination_recipient_limit": 3})
    daemon.send(["u%d@%s.test" % (n, name) for n in range(6) for name in ("a", "b")])
    daemon.wait_deliveries(12, status="sent")
    same({name: sorted(len(m.recipients) for m in peers[name].messages) for name in ("a", "b")},
         {"a": [3, 3], "b": [3, 3]})


def test_K_12_and_13_nobody_left(t):
    """DATA refused for want of recipients: RSET, and the session goes on. 354 all the same: the dot, whose
    reply counts for nobody."""
    daemon, peers = t.smtp_destinations({"a": None, "b": {"data": "354 go"}}, ONE)
    for name in ("a", "b"):
        daemon.send("rcpt550@%s.test" % name, sender="")
        daemon.wait_delivery("rcpt550@%s.test" % name, "bounced")
        daemon.send("u@%s.test" % name)
        daemon.wait_delivery("u@%s.test" % name, "sent")
    same([c.split(":")[0] for c in commands(peers["a"])],
         ["EHLO causeway.test", "MAIL FROM", "RCPT TO", "DATA", "RSET", "MAIL FROM", "RCPT TO", "DATA"])
    same([(m.recipients, m.stuffed == b".\r\n") for m in peers["b"].messages],
         [([], True), (["u@b.test"], False)])


def test_421_anywhere(t):
    """Its recipients wait, the session ends without QUIT, and the next message has a session of its own."""
    scripts = {"greeting": "greeting", "ehlo": "ehlo", "mail": "mail", "rcpt": "rcpt", "data": "data"}
    _, peers, found = lines(t, {name: {stage: first(1, then_close("421 4.3.2 bye"))}
                                for name, stage in scripts.items()})
    same(outcomes(found), {name: ("deferred", "4.3.2") for name in scripts})
    for name in scripts:
        assert "QUIT" not in commands(peers[name]), commands(peers[name])


def test_Y_11_rset_refused_concerns_nobody(t):
    daemon, peers = t.smtp_destinations({"a": {"rset": first(1, "502 5.5.1 what?")}}, ONE)
    daemon.send("rcpt550@a.test", sender="")
    daemon.wait_delivery("rcpt550@a.test", "bounced")
    daemon.send("u@a.test")
    same(outcome(daemon.wait_delivery("u@a.test")), ("sent", "2.0.0"))


def test_early_replies_are_nobodys(t):
    """All replies at once with the greeting, and a 250 before the dot: credited to nobody,
    no content is sent.
    """
    flood = b"220 mx ESMTP\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"
    _, peers, found = lines(t, {"flood": {"greeting": flood}, "early": {"data": "354 go\n250 2.0.0 queued"}})
    same(outcomes(found), {"flood": ("deferred", "4.5.0"), "early": ("deferred", "4.5.0")})
    same([len(peers[name].messages) for name in found], [0, 0])


# --- what is logged of a watched peer ------------------------------------------------------------


def test_TR_5_and_6_debug_peer_list(t):
    """parameters debug_peer_list, debug_peer_level: by address, nexthop or network, and nobody else."""
    daemon, peers = t.smtp_destinations({"a": None, "b": None}, {"debug_peer_list": "192.0.2.0/24"})
    port = peers["a"].address[1]
    daemon.send("u@a.test")
    daemon.wait_delivery("u@a.test", "sent")
    assert "> 127.0.0.1" not in daemon.log(), daemon.log()
    daemon.settings["debug_peer_list"] = "[127.0.0.1]:%d" % port
    daemon.settings["debug_peer_level"] = 1
    daemon.write_config()
    daemon.reload()
    daemon.wait_log("reload")
    for name in ("a", "b"):
        daemon.send("watched@%s.test" % name)
        daemon.wait_delivery("watched@%s.test" % name, "sent")
    daemon.wait_log(r": > 127\.0\.0\.1\[127\.0\.0\.1\]:%d: RCPT TO:<watched@a\.test>" % port)
    daemon.wait_log(r": < 127\.0\.0\.1\[127\.0\.0\.1\]:%d: 250 2\.0\.0 Queued" % port)
    assert "watched@b.test>" not in "".join(line for line in daemon.log().splitlines()
                                            if "> 127.0.0.1" in line)
    assert "server features" not in daemon.log()


def test_debug_peer_level_2_tells_the_features(t):
    daemon, _, _ = lines(t, {"a": None}, {"debug_peer_list": "127.0.0.0/8"})
    daemon.wait_log("server features: PIPELINING SIZE 8BITMIME ENHANCEDSTATUSCODES")


def test_debug_peer_list_with_parent_domain_matches_subdomains(t):
    """A nexthop's parent stands for it; exceptions ahead of it; without the list in that parameter not."""
    for number, (settings, shown) in enumerate((
            ({"debug_peer_list": "test"}, True), ({"debug_peer_list": "!mx.a.test, !127.0.0.1, test"}, False),
            ({"debug_peer_list": "test", "parent_domain_matches_subdomains": "relay_domains"}, False),
            ({"debug_peer_list": ".test", "parent_domain_matches_subdomains": "relay_domains"}, True))):
        peer = t.peer(None, ("127.0.0.1", 0), smtp=True)
        daemon, _ = daemon_with_dns(t, {"mx.a.test": ["127.0.0.1"]}, {
            "smtp.tcp_port": peer.address[1], "transport_maps": "inline:{a.test=smtp:[mx.a.test]}",
            **settings}, name="p%d" % number)
        daemon.send("u@a.test")
        daemon.wait_delivery("u@a.test", "sent")
        told = re.search(r": > mx\.a\.test\[127\.0\.0\.1\]:%d: EHLO" % peer.address[1], daemon.log())
        same(bool(told), shown, settings)


def test_a_table_of_debug_peers_that_is_not_there(t):
    daemon = t.daemon(None, {"debug_peer_list": "texthash:/no/such/file"}, start=False)
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "debug_peer_list" in daemon.stderr(), daemon.stderr()
