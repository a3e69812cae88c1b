"""Mail whose exchanger is this host itself: port 25, where loops are looked for. Nothing listens there."""

from cases import outcome
from harness import same
from mx import daemon_with_dns, deliver, network

SELF = ["127.0.0.1"]
LOOPS = {"best.test": ["MX 10 self.test", "MX 20 h1.test"],
         "backup.test": ["MX 10 h1.test", "MX 20 self.test", "MX 30 h2.test"],
         "blind.test": ["MX 10 gone.test", "MX 20 self.test"], "self.test": SELF,
         "host.test": SELF + ["127.0.0.12"],
         "equal.test": ["MX 10 h1.test", "MX 10 self.test"],
         "h1.test": ["127.0.0.11"], "h2.test": ["127.0.0.12"]}
QUICK = {"smtp.connect_timeout": "3s"}


def outcomes(daemon, *domains):
    found = {}
    for domain in domains:
        line = deliver(daemon, domain, sender="")
        found[domain] = outcome(line)
        if line["dsn"] == "5.4.6":
            assert "mail for %s loops back to myself" % domain in line["reason"], line["reason"]
            same(line["relay"], "none", domain)
    return found


def test_inet_interfaces_A_7_to_10_own_addresses(t):
    """The best exchanger, one of equals, or the host itself: a loop. Behind better ones:
    these alone are tried.
    """
    daemon, _ = daemon_with_dns(t, LOOPS, QUICK)
    same(outcomes(daemon, "best.test", "equal.test", "host.test", "blind.test", "backup.test"), {
        "best.test": ("bounced", "5.4.6"), "equal.test": ("bounced", "5.4.6"),
        "host.test": ("bounced", "5.4.6"),
        "blind.test": ("deferred", "4.4.4"), "backup.test": ("deferred", "4.4.1")})
    log = daemon.log()
    assert "unable to find primary relay for blind.test" in log, log
    assert "connect to h1.test[127.0.0.11]:25" in log and "connect to h2.test" not in log, log


def test_proxy_interfaces_A_11(t):
    """Addresses in front of a proxy are ours too; a list of interfaces stands for itself."""
    daemon, _ = daemon_with_dns(t, LOOPS, {"inet_interfaces": "127.0.0.77", "proxy_interfaces": "127.0.0.11",
                                           **QUICK})
    same(outcomes(daemon, "backup.test", "self.test"), {
        "backup.test": ("bounced", "5.4.6"), "self.test": ("deferred", "4.4.1")})


def test_A_6_other_ports_have_no_loops(t):
    daemon, peers, _ = network(t, [{}], {"d.test": ["MX 10 self.test"], "self.test": SELF}, QUICK)
    line = deliver(daemon, "d.test")
    same(outcome(line), ("deferred", "4.4.1"))
    assert "connect to self.test[127.0.0.1]:%d" % peers[0].address[1] in line["reason"], line["reason"]


def test_A_12_and_13_no_other_nexthop_takes_over(t):
    """Neither a further element of the list nor a fallback relay gets what this host is an exchanger of."""
    peer = t.peer({}, ("127.0.0.1", 0), smtp=True)
    relay = "[127.0.0.1]:%d" % peer.address[1]
    daemon, _ = daemon_with_dns(t, LOOPS, {"smtp.fallback_relay": relay, "transport_maps":
                                           "inline:{list.test=smtp:best.test, client.test=lmtp:unix:/nosuch}",
                                           **QUICK})
    same(outcomes(daemon, "best.test", "backup.test", "blind.test"), {
        "best.test": ("bounced", "5.4.6"), "backup.test": ("deferred", "4.4.1"),
        "blind.test": ("deferred", "4.4.4")})
    same(peer.sessions, [])


def test_best_mx_transport_A_14(t):
    """Mail that would loop goes to the transport for it, each recipient with its own address;
    other mail does not.
    """
    local = t.peer()
    daemon, _ = daemon_with_dns(t, LOOPS, {"best_mx_transport": "lmtp:" + local.nexthop, **QUICK})
    daemon.send(["a@best.test", "b@best.test"])
    daemon.wait_deliveries(2, status="sent")
    same(sorted(r for m in local.messages for r in m.recipients), ["a@best.test", "b@best.test"])
    same(outcomes(daemon, "blind.test"), {"blind.test": ("deferred", "4.4.4")})
    same({line["process"] for line in daemon.deliveries() if line["status"] == "sent"}, {"lmtp"})


def test_best_mx_transport_that_loops_itself(t):
    """It ends, and is returned as a loop."""
    daemon, _ = daemon_with_dns(t, LOOPS, {"best_mx_transport": "smtp", **QUICK})
    same(outcomes(daemon, "best.test"), {"best.test": ("bounced", "5.4.6")})


def test_best_mx_transport_not_behind_relayhost(t):
    """That our relay is this host is a mistake in the configuration: the mail waits."""
    local = t.peer()
    daemon, _ = daemon_with_dns(t, LOOPS, {
        "best_mx_transport": "lmtp:" + local.nexthop, "relayhost": "best.test", **QUICK})
    line = deliver(daemon, "anywhere.test")
    same(outcome(line), ("deferred", "4.3.5"))
    same(local.messages, [])
