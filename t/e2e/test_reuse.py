"""Sessions that serve more than one message."""

import re

from actions import USUAL, End, first, only, silence
from cases import outcome
from harness import same

ONE = {"lmtp.destination_concurrency_limit": 1, "lmtp.initial_destination_concurrency": 1,
       "lmtp.connection_cache_time_limit": "30s", "connection_cache_ttl_limit": "60s"}


def one_after_another(daemon, recipients, **options):
    """Send a message to each in turn, each after the result of the one before; their delivery lines."""
    lines = []
    for number, recipient in enumerate(recipients, 1):
        daemon.send(recipient, sender="", **options)
        lines.append(daemon.wait_deliveries(number)[-1])
    return lines


def test_J_24_conn_use_counts_from_the_second_message(t):
    peer = t.peer()
    daemon = t.daemon(peer, ONE)
    lines = one_after_another(daemon, ["u@example.org"] * 4)
    same(len(peer.sessions), 1)
    same([line["conn_use"] for line in lines], [None, "2", "3", "4"])
    same([c.split()[0] for c in peer.sessions[0].commands].count("LHLO"), 1)


def test_J_19_refusals_do_not_end_a_session(t):
    """And RSET comes between a transaction that went wrong and the next."""
    peer = t.peer({"mail": only("bad@", "550 5.1.8 no")})
    daemon = t.daemon(peer, ONE)
    one_after_another(daemon, ["rcpt550@example.org", "rcpt450@example.org", "dot552@example.org",
                               "dot451@example.org"])
    daemon.send("u@example.org", sender="bad@client.test")
    daemon.wait_delivery("u@example.org")
    daemon.send("ok@example.org")
    daemon.wait_delivery("ok@example.org", "sent")
    same(len(peer.sessions), 1)


def test_J_18_protocol_errors_end_a_session(t):
    """What follows goes over a new session: 500 to 509 and 555, odd classes, broken lines."""
    bad = ["500 5.5.2 what", "503 5.5.1 order", "555 5.5.4 params", "354 go on", b"x\r\n250 ok\r\n"]
    for number, reply in enumerate(bad):
        peer = t.peer({"mail": first(1, reply)})
        daemon = t.daemon(peer, ONE, name="d%d" % number)
        one_after_another(daemon, ["one@example.org", "two@example.org"])
        same(len(peer.sessions), 2, reply)
        daemon.end()


def test_J_23_a_session_that_died_while_idle_costs_nothing(t):
    """Closed, or 421 and closed, while cached: the next message goes over a new one, at its first attempt."""
    goodbyes = {"silent": b"", "spoken": b"421 4.4.2 peer.test Disconnected for inactivity\r\n"}
    for name, words in goodbyes.items():
        peer = t.peer()
        daemon = t.daemon(peer, ONE, name=name)
        one_after_another(daemon, ["one@example.org"])
        peer.sessions[0].raw(words)
        peer.sessions[0].hang_up()
        daemon.send("two@example.org")
        same(outcome(daemon.wait_delivery("two@example.org")), ("sent", "2.0.0"), name)
        same(len(daemon.deliveries()), 2, name)
        daemon.end()


def test_a_session_that_dies_at_its_next_mail_costs_nothing(t):
    """The peer closes at the first command: nothing was accepted, so a new session takes the message at once.
    """
    def mail(session, line):
        if session.transactions:
            raise End
        return USUAL
    peer = t.peer({"mail": mail})
    daemon = t.daemon(peer, ONE)
    one_after_another(daemon, ["u@example.org"] * 3)
    same([outcome(line) for line in daemon.deliveries()], [("sent", "2.0.0")] * 3)


def test_421_at_mail_of_a_reused_session_costs_nothing(t):
    def mail(session, line):
        if session.transactions:
            session.say("421 4.3.2 Shutting down")
            raise End
        return USUAL
    peer = t.peer({"mail": mail})
    daemon = t.daemon(peer, ONE)
    one_after_another(daemon, ["u@example.org"] * 3)
    same([outcome(line) for line in daemon.deliveries()], [("sent", "2.0.0")] * 3)


def test_J_22_number_of_uses_is_limited(t):
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "lmtp.connection_reuse_count_limit": 2})
    one_after_another(daemon, ["u@example.org"] * 7)
    same([session.transactions for session in peer.sessions], [3, 3, 1])


def test_J_22_age_is_limited(t):
    """A session under steady use is given up when it is older than the limit."""
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "lmtp.connection_reuse_time_limit": "1s"})
    sent = 0
    while len(peer.sessions) < 2:
        daemon.send("u@example.org")
        sent += 1
        daemon.wait_deliveries(sent, status="sent")
    assert peer.sessions[0].transactions > 1, "not reused at all"
    first_session, second = peer.sessions[:2]
    assert 0.9 <= second.started - first_session.started < 25, second.started - first_session.started


def test_J_21_idle_time_is_limited(t):
    """parameter connection_cache_time_limit"""
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "lmtp.connection_cache_time_limit": "1s"})
    one_after_another(daemon, ["u@example.org"])
    peer.wait_idle(8)
    daemon.send("v@example.org")
    daemon.wait_delivery("v@example.org", "sent")
    same(len(peer.sessions), 2)


def test_J_16_a_reused_session_keeps_what_was_announced(t):
    """SIZE, PIPELINING and DSN hold for the second message; one over the announced size is refused as ever.
    """
    peer = t.peer(keywords=("PIPELINING", "DSN", "SIZE 2000"))
    daemon = t.daemon(peer, ONE)
    one_after_another(daemon, ["one@example.org"])
    daemon.send([("two@example.org", "NOTIFY=NEVER")])
    daemon.wait_delivery("two@example.org", "sent")
    assert "NOTIFY=NEVER" in peer.messages[1].rcpts[0]
    daemon.send("three@example.org", b"Subject: x\n\n" + b"0123456789\n" * 500)
    same(outcome(daemon.wait_delivery("three@example.org")), ("bounced", "5.3.4"))
    same(len(peer.sessions), 1)


def test_J_9_transports_do_not_share_sessions(t):
    peer = t.peer()
    daemon = t.daemon(None, {
        "lmtp.connection_cache_time_limit": "30s", "connection_cache_ttl_limit": "60s",
        "transport other.protocol": "lmtp",
        "transport_maps": "inline:{one.test=lmtp:%s, two.test=other:%s}" % (peer.nexthop, peer.nexthop)})
    one_after_another(daemon, ["u@one.test", "u@two.test", "u@one.test", "u@two.test"])
    same(len(peer.sessions), 2)


def test_rset_timeout_ends_the_session(t):
    """A peer that does not answer RSET is not used again, and no recipient hears of it."""
    peer = t.peer({"rset": silence})
    daemon = t.daemon(peer, {**ONE, "lmtp.rset_timeout": "1s"})
    daemon.send("rcpt550@example.org", sender="")
    daemon.wait_delivery("rcpt550@example.org", "bounced")
    daemon.send("ok@example.org")
    same(outcome(daemon.wait_delivery("ok@example.org")), ("sent", "2.0.0"))
    same(len(daemon.deliveries()), 2)


def test_sessions_are_shared_by_all_messages_of_a_burst(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 4})
    for number in range(200):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(200, status="sent")
    assert len(peer.sessions) <= 12, "%d sessions for 200 messages" % len(peer.sessions)
    assert re.search(r"conn_use=\d\d", daemon.log()), "no session served ten messages"


def kept_for(t, name, nexthop, listed):
    """How many transactions each connection of two messages got where only LISTED keeps its connections."""
    daemon = t.daemon(nexthop, {**ONE, "lmtp.connection_cache_on_demand": False,
                                "lmtp.connection_cache_destinations": listed},
                      name=name)
    one_after_another(daemon, ["a@example.org", "b@example.org"])
    daemon.stop()


def test_J_2_the_bare_name_of_the_first_host_decides(t):
    """Without brackets and port, and whichever host of the nexthop serves; of a socket its path."""
    host, gone, local = t.peer(address=("127.0.0.1", 0)), t.peer(address=("127.0.0.2", 0)), t.peer()
    gone.stop()
    one = "inet:[127.0.0.1]:%d" % host.address[1]
    two = "inet:[127.0.0.2]:%d, [127.0.0.1]:%d" % (gone.address[1], host.address[1])
    rows = ((host, one, "127.0.0.1", [2]), (host, one, "[127.0.0.1]", [1, 1]), (host, one, one[5:], [1, 1]),
            (host, two, "127.0.0.2", [2]), (host, two, "127.0.0.1", [1, 1]),
            (local, local.nexthop, local.address, [2]))
    for number, (peer, nexthop, listed, expected) in enumerate(rows):
        before = len(peer.sessions)
        kept_for(t, "d%d" % number, nexthop, listed)
        same([s.transactions for s in peer.sessions[before:]], expected, (nexthop, listed))


def test_J_3_what_follows_soon_uses_the_connection(t):
    """Without a word about connections in the configuration.
    A lone message's connection is given up soon after it.
    """
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1,
                             "lmtp.connection_cache_time_limit": None,
                             "connection_cache_ttl_limit": None})
    for number in range(3):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(3, status="sent")
    peer.wait(lambda: not peer.sessions[-1].open, 10, "the connection closed")
    before = [s.transactions for s in peer.sessions]
    assert max(before) > 1, before
    daemon.send("d@example.org")
    daemon.wait_delivery("d@example.org", "sent")
    same([s.transactions for s in peer.sessions], [*before, 1])


def test_J_25_tls_of_a_kept_connection(t):
    """Differs: it is what it was for the first message, and not left open or out."""
    peer = t.peer(address=("127.0.0.1", 0))
    for level, said in (("may", "may:none"), ("none", "none")):
        daemon = t.daemon(peer, {**ONE, "lmtp.tls_security_level": level}, name=level)
        lines = one_after_another(daemon, ["u@example.org"] * 3)
        same([(line["conn_use"], line["tls"]) for line in lines], [(None, said), ("2", said), ("3", said)])


def test_J_28_what_becomes_of_kept_connections_is_no_matter_for_mail(t):
    """The courier that has them dies, and the file of what is kept is damaged:
    mail goes out at its first attempt.
    """
    peer = t.peer()
    daemon = t.daemon(peer, {**ONE, "workers": 1})
    one_after_another(daemon, ["a@example.org"])
    daemon.kill(daemon.pids("courier")[0])
    daemon.send("b@example.org")
    same(outcome(daemon.wait_delivery("b@example.org")), ("sent", "2.0.0"))
    daemon.stop()
    with open(daemon.spool.at("kept"), "wb") as file:
        file.write(b"\xff" * 5000)
    daemon.start()
    daemon.send("c@example.org")
    same(outcome(daemon.wait_delivery("c@example.org")), ("sent", "2.0.0"))
    same((len(daemon.deliveries()), len(peer.sessions)), (3, 3))
