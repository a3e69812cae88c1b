"""Corners of host after host: who is asked next, with what limits, and what the log says in the end."""

import os
import socket
import struct

from actions import close, first, then_close
from cases import by_recipient, delays, outcome
from dns import NameServer
from harness import same

ONE = {"lmtp.destination_concurrency_limit": 1}
LONG = {"lmtp.connection_cache_time_limit": "60s", "connection_cache_ttl_limit": "60s"}


def inet(t, script=None, host="127.0.0.1", port=0, **options):
    return t.peer(script, address=(host, port), **options)


def nexthop(*peers):
    return "inet:" + ", ".join("[%s]:%d" % peer.address for peer in peers)


def stopped(t, **options):
    """A peer that nobody can reach."""
    peer = inet(t, **options)
    peer.stop()
    return peer


def several(t, script, count):
    """Peers at 127.0.0.1, 127.0.0.2 … on one port,
    and settings by which store.test has these addresses in order.
    """
    peers = [inet(t, script)]
    peers += [inet(t, script, "127.0.0.%d" % (n + 1), peers[0].address[1]) for n in range(1, count)]
    path = t.path("hosts")
    with open(path, "w") as file:
        file.writelines("%s store.test\n" % peer.address[0] for peer in peers)
    os.chmod(path, 0o644)
    return peers, {"resolver.hosts_file": path, "resolver.servers": "127.0.0.1@9",
                   "resolver.trust_anchor_file": "",
                   "lmtp.host_lookup": "native", "lmtp.randomize_addresses": False,
                   "queue.minimal_backoff_time": "1h",
                   "queue.maximal_backoff_time": "2h"}


def deliver(daemon, name="u"):
    daemon.send(name + "@example.org", sender="")
    return daemon.wait_delivery(name + "@example.org")


# --- keeping and dropping -----------------------------------------------------------------------------

def test_V_1_and_2_kept_recipients_are_logged_apart(t):
    """D2-13: one line with the reason and without to= for who goes on;
    one with the result for who is done with.
    """
    one, two = inet(t, {"rcpt": lambda s, a: "450 4.2.1 no" if a[0] == "a" else "550 5.1.1 no"}), inet(t)
    daemon = t.daemon(nexthop(one, two))
    daemon.send(["a@example.org", "b@example.org"], sender="")
    same(by_recipient(daemon, 2), {"a": ("sent", "2.0.0"), "b": ("bounced", "5.1.1")})
    kept = daemon.wait_log(
        r": host 127\.0\.0\.1\[127\.0\.0\.1\] said: 450 4\.2\.1 no \(in reply to RCPT TO command\)$")
    assert "to=<" not in kept.group(0)
    same((len(daemon.deliveries("a@example.org")), len(daemon.deliveries("b@example.org"))), (1, 1))
    same([c for c in two.sessions[0].commands if c.startswith("RCPT")], ["RCPT TO:<a@example.org>"])


def test_D2_13_and_14_what_is_passed_over_is_told(t):
    """A refused connection without to=, then the result."""
    gone, one = stopped(t), inet(t)
    daemon = t.daemon(nexthop(gone, one))
    same(deliver(daemon)["status"], "sent")
    pattern = r"connect to 127\.0\.0\.1\[127\.0\.0\.1\]:%d: Connection refused$" % gone.address[1]
    line = daemon.wait_log(pattern).group(0)
    assert "to=<" not in line and "status=" not in line, line


def test_V_3_the_enhanced_code_decides_nothing_against_its_reply(t):
    """Its class is that of the reply, so both say the same."""
    daemon, _ = t.destinations({"a": {"rcpt": "550 4.2.1 odd"}, "b": {"rcpt": "450 5.2.1 odd"}})
    for name in "ab":
        daemon.send("u@%s.test" % name, sender="")
    same([outcome(daemon.wait_delivery("u@%s.test" % name)) for name in "ab"],
         [("bounced", "5.0.0"), ("deferred", "4.0.0")])


def test_V_6_to_8_site_message_recipient(t):
    """Whom a failure concerns, and whether the session serves the next message."""
    scripts = {"site": {"lhlo": first(1, "450 4.3.2 no")}, "message": {"mail": first(1, "450 4.3.2 no")},
               "rcpt": {"rcpt": first(1, "450 4.3.2 no")}}
    wanted = {"site": ["4.3.2", "4.3.2"], "message": ["4.3.2", "4.3.2"], "rcpt": ["2.0.0", "4.3.2"]}
    daemon, peers = t.destinations(scripts, {**ONE, **LONG})
    for name in scripts:
        daemon.send(["one@%s.test" % name, "two@%s.test" % name], sender="")
    for name in scripts:
        same(sorted(daemon.wait_delivery("%s@%s.test" % (user, name))["dsn"] for user in ("one", "two")),
             wanted[name])
        daemon.send("next@%s.test" % name)
        daemon.wait_delivery("next@%s.test" % name, "sent")
    same((len(peers["message"].sessions), len(peers["rcpt"].sessions)), (1, 1))
    assert len(peers["site"].sessions) >= 2, "a session that failed was used again"


def test_V_9_and_10_when_a_destination_is_dead(t):
    """Nobody waits: not dead. A session that ran to its end, although all were refused: not dead. Else dead.
    """
    refused, gone = inet(t, {"rcpt": "450 4.2.1 no"}), stopped(t)
    for name, hosts, dead in (("sent", (gone, inet(t)), False), ("completed", (refused, gone), False),
                              ("gone", (gone,), True)):
        daemon = t.daemon(nexthop(*hosts), {"queue.minimal_backoff_time": "1h"}, name=name)
        deliver(daemon)
        if dead:
            daemon.wait_log("cannot be reached")
        else:
            deliver(daemon, "v")
        same("cannot be reached" in daemon.log(), dead, name)
        daemon.end()


def test_V_11_everybody_is_decided_in_the_end(t):
    """A peer that breaks off at each stage: all recipients have a line, each one."""
    for number, stage in enumerate(("greeting", "lhlo", "mail", "rcpt", "data", "content", "final")):
        peer = t.peer({stage: then_close(None)})
        daemon = t.daemon(peer, {"queue.minimal_backoff_time": "1h"}, name="d%d" % number)
        daemon.send(["u%d@example.org" % n for n in range(4)])
        daemon.wait_deliveries(4, status="deferred")
        same(sorted(d["to"][:2] for d in daemon.deliveries()), ["u0", "u1", "u2", "u3"], stage)
        daemon.end()


# --- limits -------------------------------------------------------------------------------------------

def test_A_15_mx_address_limit(t):
    """So many addresses are tried in one attempt, dead and refusing ones alike; 0 is all."""
    for limit, asked in (("2", 2), ("0", 4), ("5", 4)):
        peers, settings = several(t, {"greeting": "421 4.3.2 no"}, 4)
        daemon = t.daemon("inet:store.test:%d" % peers[0].address[1],
                          {**settings, "lmtp.mx_address_limit": limit},
                          name="d" + limit)
        same(outcome(deliver(daemon)), ("deferred", "4.3.2"))
        same(sum(len(peer.sessions) for peer in peers), asked, limit)
        daemon.end()
        for peer in peers:
            peer.stop()


def test_A_16_mx_session_limit(t):
    """So many hosts that pass the handshake are spoken to; those that do not are not counted."""
    peers, settings = several(t, {"mail": "451 4.3.0 no"}, 4)
    peers[0].script["greeting"] = "421 4.3.2 no"
    daemon = t.daemon("inet:store.test:%d" % peers[0].address[1], {**settings, "lmtp.mx_session_limit": 2})
    same(outcome(deliver(daemon)), ("deferred", "4.3.0"))
    same([len(peer.sessions) for peer in peers], [1, 1, 1, 0])


def test_A_17_and_19_limits_begin_anew_for_each_nexthop(t):
    """parameters mx_address_limit and mx_session_limit"""
    peers, settings = several(t, {"rcpt": "450 4.2.1 no"}, 3)
    last = inet(t)
    daemon = t.daemon("inet:store.test:%d, [127.0.0.1]:%d" % (peers[0].address[1], last.address[1]),
                      {**settings, "lmtp.mx_session_limit": 2, "lmtp.mx_address_limit": 2})
    same(deliver(daemon)["status"], "sent")
    same([len(peer.sessions) for peer in peers] + [len(last.messages)], [1, 1, 0, 1])


def test_A_18_and_F_3_what_is_soft_on_the_last_host_is_final(t):
    """And with a fallback the nexthop is not the last one."""
    one, two = inet(t, {"mail": "450 4.7.1 one"}), inet(t, {"mail": "450 4.7.1 two"})
    daemon = t.daemon(nexthop(one), {"lmtp.fallback_relay": "[127.0.0.1]:%d" % two.address[1]})
    line = deliver(daemon)
    assert "450 4.7.1 two" in line["reason"], line["reason"]
    daemon.wait_log(r"said: 450 4\.7\.1 one \(in reply to MAIL FROM command\)$")
    same(len(daemon.deliveries()), 1)


def test_A_20_no_further_host_when_nobody_is_left(t):
    one, two = inet(t), inet(t)
    daemon = t.daemon(nexthop(one, two))
    same(deliver(daemon)["status"], "sent")
    same(two.sessions, [])


def test_A_22_to_24_the_last_reason_is_that_of_the_last_host(t):
    """Nobody could be reached: relay=none, and the destination is called unreachable."""
    one, two = inet(t, {"greeting": "421 4.3.2 first"}), stopped(t)
    daemon = t.daemon(nexthop(one, two), {"queue.minimal_backoff_time": "1h"})
    line = deliver(daemon)
    same((line["relay"], line["dsn"]), ("none", "4.4.1"))
    assert line["reason"] == "connect to 127.0.0.1[127.0.0.1]:%d: Connection refused" % two.address[1], line[
        "reason"]
    daemon.wait_log("cannot be reached: connect to")


def test_A_25_a_fallback_that_does_not_exist_is_our_mistake(t):
    daemon = t.daemon(nexthop(stopped(t)), {"lmtp.fallback_relay": "nosuch.invalid",
                                            "resolver.hosts_file": "/dev/null",
                                            "inet_protocols": "ipv4"}, start=False)
    server = NameServer({})
    t.on_end(server.close)
    daemon.settings.update({"resolver.servers": server.address, "resolver.trust_anchor_file": ""})
    daemon.write_config()
    daemon.start()
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.3.5"))
    assert "nosuch.invalid" in line["reason"], line["reason"]


def test_F_1_and_2_fallbacks_in_their_order(t):
    dead, one, two = stopped(t), stopped(t), inet(t)
    daemon = t.daemon(nexthop(dead), {"lmtp.fallback_relay": ["[127.0.0.1]:%d" % one.address[1],
                                                              "[127.0.0.1]:%d" % two.address[1]]})
    same(deliver(daemon)["relay"], "127.0.0.1[127.0.0.1]:%d" % two.address[1])


def test_F_5_a_connection_to_the_fallback_is_kept(t):
    dead, fallback = stopped(t), inet(t)
    daemon = t.daemon(nexthop(dead), {"lmtp.fallback_relay": "[127.0.0.1]:%d" % fallback.address[1], **ONE,
                                      **LONG})
    for name in "abc":
        same(deliver(daemon, name)["status"], "sent")
    same((len(fallback.sessions), daemon.log().count("Connection refused")), (1, 1))


# --- names --------------------------------------------------------------------------------------------

def test_D_7_an_ipv6_address_needs_brackets(t):
    """Differs: it is not taken for a host and a port, but refused."""
    daemon = t.daemon("inet:2001:db8::1", start=False)
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "has to stand in brackets" in daemon.stderr(), daemon.stderr()


def test_D_10_lmtp_asks_for_addresses_only(t):
    """With brackets and without: never for an MX or SRV record."""
    peer = inet(t)
    server = NameServer({"store.test": ["127.0.0.1"]})
    t.on_end(server.close)
    for number, host in enumerate(("store.test", "[store.test]")):
        daemon = t.daemon("inet:%s:%d" % (host, peer.address[1]), {
            "resolver.servers": server.address, "resolver.trust_anchor_file": "",
            "resolver.hosts_file": "/dev/null",
            "inet_protocols": "ipv4"}, name="d%d" % number)
        same(deliver(daemon)["status"], "sent")
    same(server.asked, ["store.test", "store.test"])


def test_tcp_windowsize(t):
    """Small enough, and the window is not scaled: what the peer sees of it in its TCP_INFO."""
    for size, scaled in ((0, True), (16384, False)):
        scales = []

        def greeting(session, scales=scales):
            info = session.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
            scales.append(struct.unpack("8B", info)[6] & 15)
            return "220 peer.test LMTP"
        daemon = t.daemon(inet(t, {"greeting": greeting}), {"tcp_windowsize": size}, name="d%d" % size)
        same(deliver(daemon)["status"], "sent")
        same([scale > 0 for scale in scales], [scaled], size)


# --- the message itself -------------------------------------------------------------------------------

def test_B_26_and_27_a_file_that_ends_early_is_not_sent_as_a_whole(t):
    """Cut while it goes out: no final dot, no further host, and it is kept for a person to look at."""
    spool = []

    def cut(session):
        for name in spool[0].messages():
            os.truncate(os.path.join(spool[0].path, "queue", name), 100_000)
        return None
    peer = t.peer({"content": cut})
    daemon = t.daemon(peer)
    spool.append(daemon.spool)
    daemon.send("u@example.org", b"Subject: x\n\n" + b"0123456789012345678901234567890123456789\n" * 400_000,
                sender="")
    line = daemon.wait_delivery("u@example.org")
    same(outcome(line), ("deferred", "4.3.0"))
    assert "the message cannot be read" in line["reason"], line["reason"]
    same(peer.messages, [])


def test_Y_13_a_table_that_cannot_be_asked(t):
    """A pattern that takes too long is an error: 4.3.0, and nothing is believed of what the peer said."""
    path = t.path("filter")
    with open(path, "w") as file:
        file.write("/^250 (a+)+$/ 250 x\n")
    peer = t.peer({"mail": "250 " + "a" * 200 + "!"})
    daemon = t.daemon(peer, {"lmtp.reply_filter": "pcre:" + path})
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.3.0"))
    assert line["reason"].startswith("local data error while talking to causeway.test["), line["reason"]
    same(peer.messages, [])


def test_Y_13_a_table_that_cannot_be_asked_for_keywords(t):
    """The same before anything is said to the host; the next one may be asked."""
    path = t.path("keywords")
    with open(path, "w") as file:
        file.write("/\\/(a+)+$/ dsn\n")
    peer = t.peer(address=t.path("a" * 40 + "!"))
    daemon = t.daemon(peer, {"lmtp.discard_lhlo_keyword_address_maps": "pcre:" + path})
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.3.0"))
    assert "local data error" in line["reason"], line["reason"]
    same(peer.sessions, [])


def test_D2_6_time_on_earlier_hosts_is_set_up(t):
    def late(session):
        session.wait_closed_for(0.6)
        return "421 4.3.2 no"
    daemon = t.daemon(nexthop(inet(t, {"greeting": late}), inet(t)))
    parts = delays(deliver(daemon))
    assert parts[2] >= 0.5, parts


def test_H2_4_a_deadline_counts_waiting_only(t):
    """Many recipients, each answered in time: none of them has to pay for the others."""
    def slowly(session, address):
        session.wait_closed_for(0.15)
        return "250 2.1.5 Ok"
    daemon = t.daemon(t.peer({"rcpt": slowly}), {"lmtp.rcpt_timeout": "4s",
                                                 "lmtp.per_request_deadline": True})
    daemon.send(["u%d@example.org" % n for n in range(40)])
    daemon.wait_deliveries(40, status="sent")


def test_J_15_a_kept_connection_is_tried_with_the_message_itself(t):
    """Differs: no RSET ahead of it where nothing is to be reset; one that is dead costs nothing."""
    peer = t.peer({"mail": lambda s, line: close(s) if s.transactions == 2 else "250 2.1.0 Ok"})
    daemon = t.daemon(peer, {**ONE, **LONG})
    for name in "abc":
        same(deliver(daemon, name)["status"], "sent")
    same([s.transactions for s in peer.sessions], [2, 1])
    assert "RSET" not in peer.sessions[0].commands, peer.sessions[0].commands
