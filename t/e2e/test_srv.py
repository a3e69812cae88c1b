"""Hosts by SRV records, where use_srv_lookup names the service."""

import collections

from cases import outcome
from dns import SERVFAIL
from harness import limit, same
from mx import daemon_with_dns, deliver, host_of, servers

GOOD = {}
SRV = "_submission._tcp."


def srv_network(t, scripts, records, settings=None, names=None):
    """relay.test has these SRV records (PORT stands for the port),
    and mail for all domains goes to its submission.
    """
    port, peers = servers(t, scripts)
    table = {"h%d.test" % n: ["127.0.0.%d" % (10 + n)] for n in range(1, len(scripts) + 1)}
    if records is not None:
        listed = isinstance(records, list)
        table[SRV + "relay.test"] = [r.replace("PORT", str(port)) for r in records] if listed else records
    daemon, server = daemon_with_dns(t, {**table, **(names or {})}, {
        "use_srv_lookup": "submission", "relayhost": "relay.test:submission",
        "known_tcp_ports": "submission=%d, smtp=25" % port, **(settings or {})})
    return daemon, peers, server


def test_use_srv_lookup_D_11_and_N_23(t):
    """By priority; the port is that of the record."""
    daemon, peers, server = srv_network(t, [None, GOOD, GOOD], [
        "SRV 20 0 PORT h3.test", "SRV 10 0 PORT h2.test", "SRV 5 0 PORT h1.test"],
                                        {"known_tcp_ports": "submission=9"})
    line = deliver(daemon, "x.test")
    same((outcome(line), line["relay"]), (("sent", "2.0.0"), "h2.test[127.0.0.12]:%d" % peers[1].address[1]))
    same(server.types_asked(SRV + "relay.test"), {"SRV"})
    same(server.types_asked("relay.test"), set())


@limit(60)
def test_A_4_weights(t):
    """Equal priorities by chance, in proportion to their weights."""
    daemon, _, _ = srv_network(t, [GOOD, GOOD], ["SRV 5 9 PORT h1.test", "SRV 5 1 PORT h2.test"], {
        "smtp.connection_cache_on_demand": False, "smtp.destination_recipient_limit": 1})
    daemon.send(["u%d@x.test" % n for n in range(200)])
    found = collections.Counter(host_of(line) for line in daemon.wait_deliveries(200, status="sent"))
    assert 140 <= found["h1.test"] <= 199, found


def test_use_srv_lookup_for_lmtp(t):
    peer = t.peer(address=("127.0.0.1", 0))
    daemon, _ = daemon_with_dns(
        t, {"_lmtp._tcp.store.test": ["SRV 0 0 %d h.test" % peer.address[1]], "h.test": ["127.0.0.1"]},
        {"use_srv_lookup": "lmtp", "transport_maps": "inline:{store.test=lmtp:inet:store.test:lmtp}"})
    same(deliver(daemon, "store.test")["relay"], "h.test[127.0.0.1]:%d" % peer.address[1])


def test_use_srv_lookup_by_word(t):
    """A port in digits, brackets, or another service: no SRV."""
    for nexthop in ("relay.test:%d", "[relay.test]:submission", "relay.test:smtp"):
        daemon, peers, server = srv_network(t, [GOOD], ["SRV 0 0 9 nosuch.test"],
                                            names={"relay.test": ["127.0.0.11"]})
        port = peers[0].address[1]
        daemon.settings.update({"relayhost": nexthop % port if "%" in nexthop else nexthop,
                                "known_tcp_ports": "submission=%d, smtp=%d" % (port, port)})
        daemon.write_config()
        daemon.stop()
        daemon.start()
        same(outcome(deliver(daemon, "x.test")), ("sent", "2.0.0"), nexthop)
        same(server.types_asked(SRV + "relay.test"), set(), nexthop)
        daemon.end()


def test_allow_srv_lookup_fallback_ignore_srv_lookup_error_N_23_and_24(t):
    """What each kind of failure means, and which switch goes round it to MX.
    relayhost turns hard failures soft.
    """
    table = [
        (None, "", ("deferred", "4.3.5")),                          # no record
        (["SRV 0 0 0 ."], "", ("deferred", "4.3.5")),               # null
        (SERVFAIL, "", ("deferred", "4.4.3")),
        (["SRV 0 0 9 gone.test"], "", ("deferred", "4.3.5")),       # no address
        (None, "allow_srv_lookup_fallback", ("sent", "2.0.0")),
        (["SRV 0 0 0 ."], "allow_srv_lookup_fallback", ("sent", "2.0.0")),
        (["SRV 0 0 9 gone.test"], "allow_srv_lookup_fallback", ("sent", "2.0.0")),
        (SERVFAIL, "allow_srv_lookup_fallback", ("sent", "2.0.0")),
        (SERVFAIL, "ignore_srv_lookup_error", ("sent", "2.0.0")),
        (None, "ignore_srv_lookup_error", ("deferred", "4.3.5")),
        (["SRV 0 0 0 ."], "ignore_srv_lookup_error", ("deferred", "4.3.5")),
    ]
    for records, switch, wanted in table:
        daemon, _, _ = srv_network(t, [GOOD], records, {switch: True} if switch else {},
                                   {"relay.test": ["MX 10 h1.test"]})
        same(outcome(deliver(daemon, "x.test")), wanted, (records, switch))
        daemon.end()


def test_N_23_codes_without_relayhost(t):
    for records, wanted in ((None, "5.4.4"), (["SRV 0 0 0 ."], "5.1.0"), (["SRV 0 0 9 gone.test"], "5.4.4")):
        daemon, _, _ = srv_network(t, [], records, {
            "relayhost": None, "default_transport": "smtp:relay.test:submission"})
        same(outcome(deliver(daemon, "x.test")), ("bounced", wanted), str(records))
        daemon.end()


def test_smtp_dns_reply_filter_sees_SRV_records(t):
    """One by one; where none is left nothing falls back to MX or address (4.7.0)."""
    for pattern, want, host in (("/ IN SRV 5 0 [0-9]+ h1/", ("sent", "2.0.0"), "h2.test"),
                                ("/ IN SRV /", ("deferred", "4.7.0"), "none"),
                                ("/ IN A 127.0.0.11$$/", ("sent", "2.0.0"), "h2.test")):
        daemon, _, _ = srv_network(t, [GOOD, GOOD], ["SRV 5 0 PORT h1.test", "SRV 10 0 PORT h2.test"],
                                   {"smtp.dns_reply_filter": "regexp:{{%s IGNORE}}" % pattern})
        line = deliver(daemon, "x.test")
        same((outcome(line), host_of(line)), (want, host), pattern)
