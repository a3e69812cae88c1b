"""Hosts found by real name servers, with every kind of record, and real servers there."""

import re

from cases import outcome
from harness import limit, same
from mx import deliver, host_of, servers
from ports import reserved_port
from postfix import PostfixMX
from servers import Sink
from zones import daemon_at, start_zones, with_zones

HOSTS = "\n".join("h%d A 127.0.0.1%d" % (n, n) for n in range(1, 4)) + "\ndead A 127.0.0.31\n"

# NAME and its records; the outcome, and the host that gets it
KINDS = [
    ("one", "MX 10 h1", "sent", "2.0.0", "h1"),
    ("several", "MX 20 h1|MX 10 h2|MX 30 h3", "sent", "2.0.0", "h2"),
    ("deadfirst", "MX 10 dead|MX 20 h1", "sent", "2.0.0", "h1"),
    ("missingfirst", "MX 10 nothere|MX 20 h1", "sent", "2.0.0", "h1"),
    ("same", "MX 10 h1|MX 20 h1", "sent", "2.0.0", "h1"),
    ("implicit", "A 127.0.0.12", "sent", "2.0.0", "implicit"),
    ("mxalias", "MX 10 alias", "sent", "2.0.0", "alias"),
    ("alias", "CNAME h1", "sent", "2.0.0", "alias"),
    ("wholealias", "CNAME several", "sent", "2.0.0", "h2"),
    ("chain", "CNAME wholealias", "sent", "2.0.0", "h2"),
    ("any.wild", "", "sent", "2.0.0", "h3"),
    ("under_score", "MX 10 h1", "sent", "2.0.0", "h1"),
    ("number", "MX 10 127.0.0.13.", "sent", "2.0.0", "127.0.0.13"),
    ("null", "MX 0 .|A 127.0.0.11", "bounced", "5.1.0", None),
    ("nothere", None, "bounced", "5.4.4", None),
    ("dangling", "CNAME nothere", "bounced", "5.4.4", None),
    ("missing", "MX 10 nothere", "bounced", "5.4.4", None),
    ("noaddress", "MX 10 words", "bounced", "5.4.4", None),
    ("words", 'TXT "neither MX nor address"', "bounced", "5.4.4", None),
    ("alldead", "MX 10 dead", "deferred", "4.4.1", None),
    ("circle", "CNAME circle2", "deferred", "4.4.3", None),
    ("circle2", "CNAME circle", "deferred", "4.4.3", None),
]


def zone_of_kinds():
    text = HOSTS + "*.wild MX 10 h3\n"
    for name, records, *_ in KINDS:
        text += "".join("%s %s\n" % (name, record) for record in (records or "").split("|") if record)
    # more than fits into any UDP packet: it is asked for again over TCP
    for n in range(100):
        text += "many MX %d a-rather-long-host-name-to-fill-the-answer-number-%02d\n" % (n + 10, n)
    return text + "a-rather-long-host-name-to-fill-the-answer-number-00 A 127.0.0.11\n"


@limit(120)
def test_every_kind_of_record(t):
    port, peers = servers(t, [{}, {}, {}])
    daemon = with_zones(t, {"plain.test": zone_of_kinds()}, {"smtp.tcp_port": port})
    for name, _, status, dsn, host in KINDS:
        line = deliver(daemon, name + ".plain.test", sender="")
        same(outcome(line), (status, dsn), name)
        if host:
            same(host_of(line), host if host[0].isdigit() else host + ".plain.test", name)
    took = {n + 1: sorted(r.split("@")[1].rpartition(".plain")[0] for m in peer.messages
                          for r in m.recipients)
            for n, peer in enumerate(peers)}
    for name, _, status, _, host in KINDS:
        if status == "sent" and host in ("h1", "h2", "h3"):
            assert name in took[int(host[1])], (name, took)


@limit(90)
def test_N_21_an_answer_too_large_for_udp(t):
    port, peers = servers(t, [{}])
    daemon = with_zones(t, {"plain.test": zone_of_kinds()}, {"smtp.tcp_port": port})
    same(outcome(deliver(daemon, "many.plain.test")), ("sent", "2.0.0"))
    same(len(peers[0].messages), 1)


SIGNED = HOSTS + "one MX 10 h1\nnone TXT x\n"


@limit(120)
def test_N_26_dnssec(t):
    """What is signed is seen to be; what is not is used all the same; what was changed on the way is never
    believed. Addresses are validated as the MX records are: behaviour N-27."""
    port, peers = servers(t, [{}, {}])
    daemon = with_zones(t, {"plain.test": SIGNED, "signed.test": SIGNED, "bogus.test": SIGNED},
                        {"smtp.tcp_port": port}, signed=("signed.test", "bogus.test"),
                        changes={"bogus.test": ("127.0.0.11", "127.0.0.12")})
    for zone, status in (("plain", "insecure"), ("signed", "secure")):
        same(outcome(deliver(daemon, "one.%s.test" % zone)), ("sent", "2.0.0"))
        way = daemon.ctl("explain", "--json", "u@one.%s.test" % zone)
        same([(host["name"], host["mx_dnssec"], host["address_dnssec"]) for host in way["hosts"]],
             [("h1.%s.test" % zone, status, status)])
        same({(look["type"], look["dnssec"]) for look in way["lookups"]}, {("MX", status), ("A", status)})
    line = deliver(daemon, "one.bogus.test")
    same(outcome(line), ("deferred", "4.4.3"))
    assert "bogus" in line["reason"], line["reason"]
    same([len(peer.messages) for peer in peers], [2, 0])


@limit(120)
def test_dnssec_probe_N_28(t):
    """Where validated answers are wanted and the first one is not, one question shows whether there are any
    at all; two warnings if not."""
    port, _ = servers(t, [{}])
    zones = start_zones(t, {"plain.test": SIGNED, "signed.test": SIGNED}, signed=("signed.test",))
    settings = {"smtp.tcp_port": port, "smtp.dns_support_level": "dnssec", "workers": 1}
    for zone, complains in (("plain", True), ("signed", False)):
        daemon = daemon_at(t, zones, {"dnssec_probe": "mx:one.%s.test" % zone, **settings}, zone)
        for domain in ("one.plain.test", "one.signed.test"):
            same(outcome(deliver(daemon, domain)), ("sent", "2.0.0"))
        if complains:
            daemon.wait_log("DNSSEC validation may be unavailable: .*'mx:one.plain.test'")
            daemon.wait_log("warning: mail goes on without it")
        else:
            assert "DNSSEC" not in daemon.log(), daemon.log()


@limit(120)
def test_postfix_is_the_exchanger(t):
    """Behind a dead one. Its log and ours name the same queue id; a user it does not know is returned."""
    server = PostfixMX(t.path("mx"), reserved_port())
    t.on_end(server.stop)
    server.start()
    daemon = with_zones(t, {"example.org": "@ MX 10 dead\n@ MX 20 mx\ndead A 127.0.0.31\nmx A 127.0.0.1\n"},
                        {"smtp.tcp_port": server.port})
    daemon.send(["good1@example.org", "nobody@example.org"])
    line = daemon.wait_delivery("good1@example.org", "sent")
    same(line["relay"], "mx.example.org[127.0.0.1]:%d" % server.port)
    ident = re.search(r"queued as (\w+)", line["reason"]).group(1)
    server.wait_log(ident + ": client=")
    same(outcome(daemon.wait_delivery("nobody@example.org"))[0], "bounced")
    assert "connect to dead.example.org[127.0.0.31]" in daemon.log()


@limit(90)
def test_smtp_sink_is_the_exchanger(t):
    """It refuses the first command of every session: the mail waits. Then it takes all:
    the same mail arrives.
    """
    port = reserved_port()
    daemon = with_zones(t, {"plain.test": "d MX 10 mx\nmx A 127.0.0.1\n"}, {
        "smtp.tcp_port": port, "queue.minimal_backoff_time": "1s"})
    refusing = Sink(t.path("sink1"), ["-r", "mail"], port).start()
    t.on_end(refusing.stop)
    line = deliver(daemon, "d.plain.test")
    same((line["status"], line["relay"]), ("deferred", "mx.plain.test[127.0.0.1]:%d" % port))
    refusing.stop()
    taking = Sink(t.path("sink2"), [], port).start()
    t.on_end(taking.stop)
    daemon.ctl("retry", "ALL")
    same(outcome(daemon.wait_delivery("u@d.plain.test", "sent")), ("sent", "2.0.0"))
