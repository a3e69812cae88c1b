"""Routing: which transport and nexthop a recipient's mail takes."""

import processes
from harness import limit, same


def test_mailbox_domains(t):
    """Exact domains, sub-domains by a leading dot, without regard to case; others go to default_transport."""
    peer = t.peer()
    daemon = t.daemon(peer, {"mailbox_domains": ["example.org", ".sub.test", "inline:{table.test=x}"]})
    for address in ("u@example.org", "u@EXAMPLE.org", "u@a.sub.test", "u@b.a.sub.test", "u@table.test"):
        before = len(peer.messages)
        daemon.send(address)
        same(peer.wait_messages(before + 1)[-1].recipients, [address])
    for address in ("u@sub.example.org", "u@sub.test", "u@other.test"):
        same(daemon.ctl("explain", "--json", address)["transport"], "smtp", address)
    same(len(peer.messages), 5)


def test_default_transport_is_smtp(t):
    daemon = t.daemon(t.peer())
    daemon.send("u@elsewhere.test")
    line = daemon.wait_delivery("u@elsewhere.test")
    same((line["process"], line["status"], line["dsn"]), ("smtp", "deferred", "4.4.1"))


def test_transport_maps_come_first(t):
    """By address, by domain, by parent domain; ahead of mailbox_domains."""
    peers = {name: t.peer() for name in ("mailbox", "address", "domain", "parent", "star")}
    routes = {"special@example.org": "address", "domain.test": "domain", ".parent.test": "parent"}
    table = ", ".join("%s=lmtp:%s" % (key, peers[name].nexthop) for key, name in routes.items())
    daemon = t.daemon(peers["mailbox"], {"transport_maps": "inline:{%s}" % table})
    for address, name in (("u@example.org", "mailbox"), ("special@example.org", "address"),
                          ("special+detail@example.org", "address"), ("u@domain.test", "domain"),
                          ("u@x.parent.test", "parent"), ("SPECIAL@example.org", "address")):
        before = len(peers[name].messages)
        daemon.send(address)
        same(peers[name].wait_messages(before + 1)[-1].recipients, [address])


def test_texthash(t):
    peers = [t.peer(), t.peer()]
    table = t.path("transport")
    with open(table, "w") as file:
        file.write("# a comment\n\none.test   lmtp:%s\ntwo.test\n\tlmtp:%s\n"
                   % (peers[0].nexthop, peers[1].nexthop))
    daemon = t.daemon(None, {"transport_maps": "texthash:" + table})
    daemon.send(["u@one.test", "u@two.test"])
    same(peers[0].wait_messages(1)[0].recipients, ["u@one.test"])
    same(peers[1].wait_messages(1)[0].recipients, ["u@two.test"])


def test_missing_table_defers(t):
    """A table that cannot be read is a temporary problem of the recipient, or a refusal to start;
    no mail is lost.
    """
    daemon = t.daemon(t.peer(), {"transport_maps": "texthash:" + t.path("missing")}, start=False)
    daemon.send("u@example.org")
    daemon.start(wait=False)
    processes.wait_for(lambda: daemon.process.poll() is not None or daemon.deliveries(), 15,
                       "an end or a result")
    if daemon.process.poll() is None:
        same(daemon.deliveries()[0]["status"], "deferred")
    else:
        same(daemon.process.returncode, 78)
        assert "missing" in daemon.stderr(), daemon.stderr()


def test_named_transport_overrides_what_it_names(t):
    peer = t.peer()
    daemon = t.daemon(None, {"lmtp.lhlo_name": "from-section.test", "lmtp.destination_recipient_limit": 3,
                             "transport store.protocol": "lmtp", "transport store.nexthop": peer.nexthop,
                             "transport store.destination_recipient_limit": 2,
                             "mailbox_domains": ["example.org"], "mailbox_transport": "store:"})
    daemon.send(["u%d@example.org" % n for n in range(4)])
    daemon.wait_deliveries(4, status="sent")
    same(sorted(len(m.recipients) for m in peer.messages), [2, 2])
    same(peer.sessions[0].commands[0], "LHLO from-section.test")
    assert {d["process"]
            for d in daemon.deliveries()} == {"lmtp"}, "the log names the protocol, not the transport"


def test_nexthop_without_prefix_is_inet(t):
    peer = t.peer(address=("127.0.0.1", 0))
    daemon = t.daemon("127.0.0.1:%d" % peer.address[1])
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org", "sent")
    same(line["relay"], "127.0.0.1[127.0.0.1]:%d" % peer.address[1])


def test_D_2_inet_nexthops(t):
    """Bare address, address in brackets, IPv6 in brackets, and a name of the hosts file."""
    v4 = t.peer(address=("127.0.0.1", 0))
    v6 = t.peer(address=("::1", 0))
    hosts = t.path("hosts")
    with open(hosts, "w") as file:
        file.write("127.0.0.1 store.test\n::1 store6.test\n")
    nexthops = {"bare": "inet:127.0.0.1:%d" % v4.address[1], "bracket": "inet:[127.0.0.1]:%d" % v4.address[1],
                "six": "inet:[ipv6:::1]:%d" % v6.address[1], "six2": "inet:[::1]:%d" % v6.address[1],
                "name": "inet:store.test:%d" % v4.address[1],
                "name6": "inet:[store6.test]:%d" % v6.address[1]}
    daemon = t.daemon(None, {
        "resolver.hosts_file": hosts, "lmtp.host_lookup": "native",
        "transport_maps": "inline:{%s}" % ", ".join("%s.test=lmtp:%s" % pair for pair in nexthops.items())})
    for name in nexthops:
        daemon.send("u@%s.test" % name)
    relays = {name: daemon.wait_delivery("u@%s.test" % name, "sent")["relay"] for name in nexthops}
    same(relays["bare"], "127.0.0.1[127.0.0.1]:%d" % v4.address[1])
    same(relays["six"], "::1[::1]:%d" % v6.address[1])
    same(relays["name"], "store.test[127.0.0.1]:%d" % v4.address[1])
    same(relays["name6"], "store6.test[::1]:%d" % v6.address[1])


def test_C_6_unix_relay_names_us_and_the_path(t):
    """parameter myhostname"""
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    same(daemon.wait_delivery("u@example.org")["relay"], "causeway.test[%s]" % peer.address)


def test_D_4_nexthop_list_is_tried_in_order(t):
    dead, alive = t.peer(address=("127.0.0.1", 0)), t.peer(address=("127.0.0.1", 0))
    dead.stop()
    daemon = t.daemon("inet:[127.0.0.1]:%d, [127.0.0.1]:%d" % (dead.address[1], alive.address[1]))
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")


def test_bad_nexthops_keep_the_mail(t):
    bad = {"port": "inet:[127.0.0.1]:99999", "bracket": "inet:[127.0.0.1", "relative": "unix:not/absolute",
           "missing": "unix:" + t.path("nobody"), "long": "unix:/" + "x" * 150}
    daemon = t.daemon(None, {
        "transport_maps": "inline:{%s}" % ", ".join("%s.test=lmtp:%s" % pair for pair in bad.items())})
    for name in bad:
        daemon.send("u@%s.test" % name)
    for name in bad:
        same(daemon.wait_delivery("u@%s.test" % name)["status"], "deferred", name)
    same(daemon.wait_delivery("u@long.test")["dsn"], "4.3.5")


@limit(90)
def test_N_14_name_servers_that_do_not_answer(t):
    daemon = t.daemon("inet:store.example.com", {"resolver.servers": ["127.0.0.1@1"]})
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org", timeout=60)
    same((line["status"], line["dsn"]), ("deferred", "4.4.3"))


def test_unknown_transport_defers(t):
    daemon = t.daemon(None, {"transport_maps": "inline:{x.test=nosuch:there}"})
    daemon.send("u@x.test")
    line = daemon.wait_delivery("u@x.test")
    same((line["status"], line["dsn"]), ("deferred", "4.3.5"))
    assert "nosuch" in line["reason"], line["reason"]


def test_recipients_of_one_message_take_their_routes(t):
    daemon, peers = t.destinations({"one": None, "two": None})
    daemon.send(["a@one.test", "b@two.test", "c@one.test"])
    same(peers["one"].wait_messages(1)[0].recipients, ["a@one.test", "c@one.test"])
    same(peers["two"].wait_messages(1)[0].recipients, ["b@two.test"])
    same(len(daemon.wait_deliveries(3, status="sent")), 3)


def test_B_2_flags_add_headers(t):
    """R, O, D: Return-Path, X-Original-To, Delivered-To, in this order, ahead of the message."""
    peer = t.peer()
    daemon = t.daemon(None, {"transport store.protocol": "lmtp", "transport store.flags": "DOR",
                             "transport store.destination_recipient_limit": 1,
                             "mailbox_domains": ["example.org"], "mailbox_transport": "store:"
                             + peer.nexthop})
    daemon.send("u@example.org")
    lines = peer.wait_messages(1)[0].content.split(b"\r\n")
    same([line.split(b":")[0] for line in lines[:3]], [b"Return-Path", b"X-Original-To", b"Delivered-To"])
    same(lines[0], b"Return-Path: <a@client.test>")
    same(lines[2], b"Delivered-To: u@example.org")
