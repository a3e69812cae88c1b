"""Corners of requests: transports and their flags, whose connection is whose, tables that change."""

import os

from cases import by_recipient, outcome
from harness import same

ONE = {"lmtp.destination_concurrency_limit": 1}
LONG = {"lmtp.connection_cache_time_limit": "60s", "connection_cache_ttl_limit": "60s"}


def flagged(t, peer, flags, settings=None):
    return t.daemon(None, {"transport store.protocol": "lmtp", "transport store.flags": flags,
                           "transport_maps": "inline:{example.org=store:%s}" % peer.nexthop,
                           **(settings or {})})


def test_R_2_the_protocol_is_the_transports(t):
    """LHLO and the parameters of lmtp, however the transport is called."""
    peer = t.peer()
    daemon = t.daemon(None, {"transport smtpish.protocol": "lmtp", "lmtp.lhlo_name": "from.lmtp.test",
                             "transport_maps": "inline:{example.org=smtpish:%s}" % peer.nexthop})
    daemon.send("u@example.org")
    assert "/lmtp[" in daemon.wait_log(r"causeway/lmtp\[\d+\]: .*status=sent").group(0)
    same(peer.sessions[0].commands[0], "LHLO from.lmtp.test")


def test_R_5_and_6_flags_D_and_O_are_for_one_recipient(t):
    """Differs: several recipients are no mistake, each gets a transaction and its own fields."""
    peer = t.peer()
    daemon = flagged(t, peer, "DO")
    daemon.send(["a@example.org", "b@example.org"])
    daemon.wait_deliveries(2, status="sent")
    same(sorted(m.content.split(b"\r\n")[:2] for m in peer.messages),
         [[b"X-Original-To: %s@example.org" % n, b"Delivered-To: %s@example.org" % n] for n in (b"a", b"b")])


def test_R_7_mail_that_was_delivered_to_its_recipient_before(t):
    """Returned as a loop with flag D, in any case of letters, without asking the store; not without the flag.
    """
    peer = t.peer()
    daemon = flagged(t, peer, "D")
    loop = b"Received: x\nDelivered-To: other@example.org\ndelivered-to:  U@Example.org \nSubject: x\n\nbody\n"
    daemon.send(["u@example.org", "v@example.org"], loop, sender="")
    same(by_recipient(daemon, 2), {"u": ("bounced", "5.4.6"), "v": ("sent", "2.0.0")})
    line = daemon.wait_delivery("u@example.org")
    same(line["relay"], "none")
    assert "forwarding loop" in line["reason"], line["reason"]
    same([m.recipients for m in peer.messages], [["v@example.org"]])
    daemon.send("w@example.org", b"Subject: x\n\nDelivered-To: w@example.org\n", sender="")
    same(daemon.wait_delivery("w@example.org")["status"], "sent")


def test_R_7_only_with_flag_D(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("u@example.org", b"Delivered-To: u@example.org\nSubject: x\n\nbody\n")
    same(daemon.wait_delivery("u@example.org")["status"], "sent")


def test_R_8_flags_are_of_DORX(t):
    daemon = t.daemon(None, {"transport store.protocol": "lmtp", "transport store.flags": "DQ"}, start=False)
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "flags are letters of DORX" in daemon.stderr(), daemon.stderr()


def test_R_10_changed_tables_come_into_force(t):
    """With a reload, for tables of a courier as for those of routing."""
    peer, path = t.peer(keywords=("PIPELINING", "SIZE")), t.path("keywords")
    with open(path, "w") as file:
        file.write("/none x\n")
    os.chmod(path, 0o644)
    daemon = t.daemon(peer, {"lmtp.discard_lhlo_keyword_address_maps": "texthash:" + path,
                             "lmtp.connection_cache_on_demand": False})
    daemon.send("one@example.org")
    daemon.wait_delivery("one@example.org", "sent")
    with open(path, "w") as file:
        file.write("%s size\n" % peer.address)
    daemon.ctl("reload")
    daemon.send("two@example.org")
    daemon.wait_delivery("two@example.org", "sent")
    same([" SIZE=" in m.mail for m in peer.messages], [True, False])


def test_R_11_one_nexthop_one_transaction(t):
    """Domains with the same route share a transaction, others do not."""
    peers = [t.peer(), t.peer()]
    daemon = t.daemon(None, {"transport_maps": "inline:{a.test=lmtp:%s, b.test=lmtp:%s, c.test=lmtp:%s}" % (
        peers[0].nexthop, peers[0].nexthop, peers[1].nexthop)})
    daemon.send(["u@a.test", "u@b.test", "u@c.test"])
    daemon.wait_deliveries(3, status="sent")
    same([[m.recipients for m in peer.messages] for peer in peers],
         [[["u@a.test", "u@b.test"]], [["u@c.test"]]])


def test_R_13_a_request_that_is_not_carried_out_has_no_relay(t):
    daemon = t.daemon(None, {"transport_maps": "inline:{a.test=lmtp:[127.0.0.1}"})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test")
    same((line["relay"], outcome(line)), ("none", ("deferred", "4.3.5")))


def test_A_27_no_family_at_all_is_refused(t):
    daemon = t.daemon(t.peer(), {"inet_protocols": []}, start=False)
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "inet_protocols" in daemon.stderr(), daemon.stderr()


def test_J_4_and_7_to_8_and_10_to_12_sessions_are_a_destinations(t):
    """Differs: who has the same transport and nexthop shares them, whatever the domain; nobody else does,
    even if it is the same host in the end. So nothing has to be looked for twice."""
    peer = t.peer(address=("127.0.0.1", 0))
    port = peer.address[1]
    daemon = t.daemon(None, {**ONE, **LONG, "transport_maps": "inline:{%s}" % ", ".join(
        "%s.test=lmtp:inet:%s:%d" % (name, host, port) for name, host in
        (("a", "[127.0.0.1]"), ("b", "[127.0.0.1]"), ("c", "127.0.0.1")))})
    for number, name in enumerate("abcabc"):
        daemon.send("u@%s.test" % name)
        daemon.wait_deliveries(number + 1, status="sent")
    same(sorted(s.transactions for s in peer.sessions), [2, 4])
