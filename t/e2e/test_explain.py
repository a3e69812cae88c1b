"""causewayctl explain: which hosts mail for an address would go to, and why not to others.
Nobody is connected to.
"""

import re
import socket
import threading

import processes
from cases import outcome
from dns import SERVFAIL, SILENT
from harness import limit, same
from mx import address, daemon_with_dns, deliver, host_of, known_hosts, network

NAMES = {"d.test": ["MX 10 h1.test", "MX 20 alias.test", "MX 30 h3.test", "MX 5 gone.test"],
         "alias.test": ["CNAME h2.test"]}


def explain(daemon, domain):
    return daemon.ctl("explain", "--json", "u@" + domain)


def test_hosts_in_order_and_those_left_out(t):
    daemon, peers, _ = network(t, [{}, {}, {}], NAMES, {
        "smtp.mx_address_limit": 2, "smtp.bind_address": "127.0.0.9"})
    way = explain(daemon, "d.test")
    port = peers[0].address[1]
    same([(h["preference"], h["name"], h["address"], h["port"], h["alias_of"], h["from"])
          for h in way["hosts"]],
         [(10, "h1.test", address(1), port, None, "127.0.0.9"),
          (20, "alias.test", address(2), port, "h2.test", "127.0.0.9")])
    same({(one["host"], one["address"]): one["why"].split(":")[0] for one in way["left_out"]}, {
        ("gone.test", None): "Host or domain name not found. Name service error for name=gone.test type=A",
        ("h3.test", address(3)): "mx_address_limit"})
    same(sorted((look["type"], look["name"], look["dnssec"]) for look in way["lookups"]), [
        ("A", "alias.test", "insecure"), ("A", "gone.test", "insecure"), ("A", "h1.test", "insecure"),
        ("A", "h3.test", "insecure"), ("MX", "d.test", "insecure")])
    same(way["failure"], None)
    text = daemon.ctl("explain", "u@d.test")
    for part in ("10 h1.test[127.0.0.11]:%d" % port, "alias of h2.test", "mx_address_limit"):
        assert part in text, text
    assert re.search(r"d\.test\. (60|5\d) IN MX 10 h1\.test\.", text), text     # seconds may have passed
    same([peer.sessions for peer in peers], [[], [], []])


def test_why_there_is_no_host(t):
    daemon, _ = daemon_with_dns(t, {"fail.test": SERVFAIL, "null.test": ["MX 0 ."],
                                    "self.test": ["127.0.0.1"],
                                    "bad.test": ["MX 10 self.test", "MX 20 h1.test"], **known_hosts(1)},
                                {"best_mx_transport": "lmtp:unix:/nosuch"})
    for domain, dsn in (("fail.test", "4.4.3"), ("null.test", "5.1.0"), ("nosuch.test", "5.4.4"),
                        ("bad.test", "5.4.6")):
        way = explain(daemon, domain)
        same((way["hosts"], way["failure"]["dsn"]), ([], dsn), domain)
        assert dsn in daemon.ctl("explain", "u@" + domain)
    way = explain(daemon, "bad.test")
    assert {one["host"] for one in way["left_out"]} == {"self.test", "h1.test"}, way
    same(way["notes"], ["best_mx_transport would have this mail"])


def test_lists_and_fallback_relays(t):
    daemon, _, _ = network(t, [{}, {}], {}, {
        "relayhost": "[h1.test]:26, nosuch.test", "smtp.fallback_relay": "[h2.test]:27"})
    way = explain(daemon, "anywhere.test")
    same([(h["nexthop"], h["name"], h["port"]) for h in way["hosts"]],
         [("[h1.test]:26", "h1.test", 26), ("[h2.test]:27", "h2.test", 27)])
    same(way["rule"], "relayhost")


def test_a_courier_that_ends_meanwhile(t):
    """The question is answered all the same, with what the queue knows."""
    daemon, server = daemon_with_dns(t, {"d.test": SILENT}, {"workers": 1})
    answers = []
    asking = threading.Thread(target=lambda: answers.append(explain(daemon, "d.test")))
    asking.start()
    processes.wait_for(lambda: "d.test" in server.asked, 10, "the question")
    for pid in daemon.pids("courier"):
        daemon.kill(pid)
    asking.join(100)
    same((answers[0]["transport"], answers[0]["hosts"]), ("smtp", []))
    assert "has ended" in answers[0]["failure"]["text"], answers


class BlackHole:
    """A socket whose queue of connections is full: who connects there gets no answer at all."""

    def __init__(self, at):
        self.listener = socket.socket()
        self.listener.bind(at)
        self.listener.listen(0)
        self.filling = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(at)
            self.filling.append(one)

    def close(self):
        for one in [self.listener, *self.filling]:
            one.close()


@limit(60)
def test_dead_addresses_cost_the_time_limit_once(t):
    """All further messages go to the host that answers at once, at other couriers too; explain says why. When
    the address answers it comes first again at once."""
    daemon, peers, _ = network(t, [None, {}], {"d.test": ["MX 10 h1.test", "MX 20 h2.test"],
                                               "one.test": ["MX 10 h1.test"]}, {
        "smtp.connect_timeout": "6s", "smtp.connection_cache_on_demand": False, "workers": 2})
    hole = BlackHole((address(1), peers[1].address[1]))
    t.on_end(hole.close)
    first = deliver(daemon, "d.test")
    same(outcome(first), ("sent", "2.0.0"))
    daemon.kill(int(first["pid"]))
    daemon.send("v@d.test")
    line = daemon.wait_delivery("v@d.test", "sent")
    assert line["pid"] != first["pid"] and float(line["delay"]) < 6, line
    same(daemon.log().count("connect to h1.test[127.0.0.11]"), 1)
    way = explain(daemon, "d.test")
    same([(h["name"], h["dead_since"] is not None) for h in way["hosts"]],
         [("h2.test", False), ("h1.test", True)])
    assert "did not answer" in daemon.ctl("explain", "u@d.test")
    hole.close()
    t.peer({}, (address(1), peers[1].address[1]), smtp=True)
    same(outcome(deliver(daemon, "one.test")), ("sent", "2.0.0"))
    for number in range(6):
        daemon.send("w%d@d.test" % number)
    lines = [daemon.wait_delivery("w%d@d.test" % number, "sent") for number in range(6)]
    same({host_of(line) for line in lines}, {"h1.test"})
