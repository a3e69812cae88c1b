"""BDAT (RFC 3030), where it is asked for and offered."""

from actions import close, first, silence, then_close
from cases import by_recipient, outcome, short
from harness import limit, same

CHUNKING = ("PIPELINING", "8BITMIME", "SIZE 104857600", "CHUNKING")
NO_PIPELINING = ("8BITMIME", "CHUNKING")
ON = {"smtp.chunking": True, "lmtp.chunking": True, "smtp.destination_concurrency_limit": 1,
      "lmtp.destination_concurrency_limit": 1}
BIG = b"Subject: x\n\n" + b"".join(b"%s line %d of the message\n" % (b"." * (n % 3), n)
                                   for n in range(20_000))
DOTS = b"Subject: x\n\n.\n..\n.a\nb.\n\n.."


def bdats(peer, number=0):
    return [c for c in peer.sessions[number].commands if c.startswith("BDAT")]


def stores(t, scripts, settings=None, keywords=CHUNKING):
    """A daemon with scripted peers for SMTP, named s_..., and for LMTP."""
    peers = {name: t.peer(script, ("127.0.0.1", 0), smtp=name.startswith("s_"), keywords=keywords)
             for name, script in scripts.items()}
    peers["client"] = t.peer()
    routes = ", ".join("{%s.test = %s:%s}" % (name, "smtp" if peer.smtp else "lmtp", peer.nexthop)
                       for name, peer in peers.items())
    return t.daemon(None, {**ON, "transport_maps": "inline:{%s}" % routes, **(settings or {})}), peers


def test_a_small_message_is_one_chunk_in_one_go(t):
    daemon, peers = stores(t, {"s_a": None, "l_a": None})
    for name in ("s_a", "l_a"):
        sent = daemon.send(["one@%s.test" % name, "two@%s.test" % name], DOTS)
        daemon.wait_deliveries(2, status="sent") if name == "s_a" else daemon.wait_deliveries(4,
                                                                                              status="sent")
        message = peers[name].messages[0]
        assert message.content.endswith(sent), message.content
        session = peers[name].sessions[0]
        same([c.split()[0].split(":")[0] for c in session.commands[1:]], ["MAIL", "RCPT", "RCPT", "BDAT"],
             name)
        same(bdats(peers[name]), ["BDAT %d LAST" % len(message.content)])
        assert any(b"MAIL FROM" in read and read.endswith(message.content) for read in session.reads), \
            session.reads


def test_a_large_message_waits_for_its_recipients(t):
    early = []

    def rcpt(session, address):
        early.append(session.pending())
        return "250 2.1.5 Ok"
    daemon, peers = stores(t, {"s_a": {"rcpt": rcpt}, "l_a": {"rcpt": rcpt}})
    for name in ("s_a", "l_a"):
        sent = daemon.send("u@%s.test" % name, BIG)
        daemon.wait_delivery("u@%s.test" % name, "sent")
        assert peers[name].messages[0].content.endswith(sent), "content"
        commands = bdats(peers[name])
        assert len(commands) > 2 and [c for c in commands
                                      if c.endswith("LAST")] == ["BDAT 0 LAST"] == commands[-1:], commands
    same(set(early), {False})


def test_not_where_it_is_not_offered_or_not_asked_for(t):
    daemon, peers = stores(t, {"s_a": None}, keywords=("PIPELINING",))
    daemon.send("u@s_a.test")
    daemon.wait_delivery("u@s_a.test", "sent")
    same(bdats(peers["s_a"]), [])


def test_E_13_by_default_chunking_has_no_effect(t):
    daemon, peers = stores(t, {"s_a": None, "l_a": None}, {"smtp.chunking": None, "lmtp.chunking": None})
    for name in ("s_a", "l_a"):
        daemon.send("u@%s.test" % name)
        daemon.wait_delivery("u@%s.test" % name, "sent")
        same(bdats(peers[name]), [])


def test_without_pipelining_it_waits_for_each_reply(t):
    daemon, peers = stores(t, {"s_a": None}, keywords=NO_PIPELINING)
    daemon.send(["one@s_a.test", "two@s_a.test"])
    daemon.wait_deliveries(2, status="sent")
    for read in peers["s_a"].sessions[0].reads[:4]:
        same(read.count(b"\n"), 1, "lines in one read: %r" % read)


def test_final_replies_of_lmtp(t):
    """One for each accepted recipient, known only when the replies to RCPT are in."""
    daemon, peers = stores(t, {"l_a": None})
    users = ["good1", "rcpt550", "dot452", "good2", "rcpt450", "dot552"]
    daemon.send([user + "@l_a.test" for user in users])
    same(by_recipient(daemon, 6), {
        "good1": ("sent", "2.0.0"), "rcpt550": ("bounced", "5.1.1"), "dot452": ("deferred", "4.2.2"),
        "good2": ("sent", "2.0.0"), "rcpt450": ("deferred", "4.2.0"), "dot552": ("bounced", "5.2.2")})


def test_finals_of_lmtp_are_told_as_they_come(t):
    """A store may take long over each; what it has said is not lost with the courier."""
    daemon, _ = stores(t, {"l_a": {"final": lambda session, address: silence(session, address)
                                   if address.startswith("slow") else "250 2.0.0 Saved"}})
    daemon.send(["quick@l_a.test", "slow@l_a.test"])
    daemon.wait_delivery("quick@l_a.test", "sent")
    same([line["to"] for line in daemon.deliveries()], ["quick@l_a.test"])


def test_nobody_accepted_and_the_session_goes_on(t):
    daemon, peers = stores(t, {"s_a": None, "l_a": None, "s_mail": {"mail": first(1, "550 5.7.1 no")}})
    for name in ("s_a", "l_a", "s_mail"):
        user = "u" if name == "s_mail" else "rcpt550"
        daemon.send("%s@%s.test" % (user, name))
        same(outcome(daemon.wait_delivery("%s@%s.test" % (user, name)))[0], "bounced")
        daemon.send("good@%s.test" % name)
        daemon.wait_delivery("good@%s.test" % name, "sent")
        same(len(peers[name].sessions), 1)
        assert "RSET" in peers[name].sessions[0].commands, peers[name].sessions[0].commands


def test_refusals(t):
    """Of the last chunk: the message's result. Of an earlier one: the same, and the session ends."""
    daemon, peers = stores(t, {"s_last": {"dot": "554 5.7.1 spam"},
                               "s_first": {"bdat": "552 5.3.4 too large"},
                               "l_first": {"bdat": "452 4.3.1 no room"}})
    for name in ("s_last", "s_first", "l_first"):
        daemon.send("u@%s.test" % name, BIG)
    same({name: outcome(daemon.wait_delivery("u@%s.test" % name))
          for name in ("s_last", "s_first", "l_first")},
         {"s_last": ("bounced", "5.7.1"), "s_first": ("bounced", "5.3.4"), "l_first": ("deferred", "4.3.1")})


@limit(60)
def test_lost_without_a_reply(t):
    """Once the last chunk is out the message may have been taken: no other host, and the log says so,
    whatever reply it was that did not come."""
    scripts = {"dot": {"dot": close}, "mail": {"mail": close}, "late": {"mail": silence},
               "rcpt": {"rcpt": then_close("250 ok")}}
    settings = {**ON, **short("mail", protocol="smtp")}
    other = t.peer(None, ("127.0.0.1", 0), smtp=True, keywords=CHUNKING)
    peers = {name: t.peer(script, ("127.0.0.1", 0), smtp=True, keywords=CHUNKING)
             for name, script in scripts.items()}
    daemon = t.daemon(None, {**settings, "transport_maps": "inline:{%s}" % ", ".join(
        "{%s.test = smtp:%s, %s}" % (name, peer.nexthop, other.nexthop) for name, peer in peers.items())})
    for name in scripts:
        daemon.send("u@%s.test" % name)
    for name in scripts:
        line = daemon.wait_delivery("u@%s.test" % name)
        same(outcome(line), ("deferred", "4.4.2"), name)
        assert "message may be sent more than once" in line["reason"], line["reason"]
    same(len(other.messages), 0)


def test_a_250_before_the_end_is_nobodys(t):
    """All replies of a transaction while its content is still on the way."""
    def rcpt(session, address):
        session.say("250 2.1.5 Ok\n250 2.0.0 chunk\n250 2.0.0 all of it")
        session.wait_closed()
    daemon, _ = stores(t, {"s_a": {"rcpt": rcpt}}, {"tcp_windowsize": 4096})
    daemon.send("u@s_a.test", BIG)
    same(outcome(daemon.wait_delivery("u@s_a.test")), ("deferred", "4.5.0"))


def test_what_was_refused_in_part_is_never_complete(t):
    """No LAST is said, so that no server can take it all the same;
    nor was anything taken that may come twice.
    """
    daemon, peers = stores(t, {"s_a": {"bdat": first(1, "452 4.3.1 Full")},
                               "l_a": {"bdat": first(1, "452 4.3.1 Full")}})
    for name in ("s_a", "l_a"):
        daemon.send("u@%s.test" % name, BIG)
        line = daemon.wait_delivery("u@%s.test" % name)
        same(outcome(line), ("deferred", "4.3.1"))
        assert "more than once" not in line["reason"] and not peers[name].messages, line["reason"]
        assert not any("LAST" in c for c in bdats(peers[name])), bdats(peers[name])


def test_long_lines_are_cut_in_chunks_too(t):
    daemon, peers = stores(t, {"s_a": None})
    daemon.send("u@s_a.test", b"Subject: x\n\n" + b"x" * 1500 + b"\n." + b"y" * 1500 + b"\n")
    daemon.wait_delivery("u@s_a.test", "sent")
    content = peers["s_a"].messages[0].content
    assert b"\r\n" + b"x" * 998 + b"\r\n " + b"x" * 502 + b"\r\n" in content, content
    assert b"\r\n." + b"y" * 997 + b"\r\n " + b"y" * 503 + b"\r\n" in content, content
    same(bdats(peers["s_a"]), ["BDAT %d LAST" % len(content)])
