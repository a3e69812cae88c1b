"""Name servers that fail, break off, lie or lead in circles: the mail waits with a clear reason;
it is never "no such domain"."""

import re

from cases import outcome
from dns import BARE, FORGED, GARBAGE, REFUSED, SERVFAIL, SILENT, STRANGER, TRUNCATED, NameServer
from harness import limit, same
from mx import daemon_with_dns, deliver, network

GOOD = {}
FAILURES = {"fail": SERVFAIL, "refuse": REFUSED, "garbage": GARBAGE, "stranger": STRANGER,
            "truncated": TRUNCATED,
            "circle": ["CNAME circle.d.test"], "silent": SILENT, "forged": FORGED, "bare": BARE}


@limit(150)
def test_N_3_N_21_mx_lookups_that_fail(t):
    """Of the domain's MX records; all at once, since some take their time."""
    daemon, _ = daemon_with_dns(t, {"%s.d.test" % name: known for name, known in FAILURES.items()})
    daemon.send(["u@%s.d.test" % name for name in FAILURES])
    for name in FAILURES:
        line = daemon.wait_delivery("u@%s.d.test" % name, timeout=90)
        same((outcome(line), line["relay"]), (("deferred", "4.4.3"), "none"), name)
        reason = line["reason"]
        assert reason.startswith("Name service error for name=%s.d.test type=" % name), reason
        assert "try again" in reason, reason
        assert "not found" not in reason, reason


@limit(150)
def test_N_14_address_lookups_that_fail(t):
    """The same of the address of the only exchanger."""
    names = {"%s.host.test" % name: known for name, known in FAILURES.items()}
    names.update({"%s.test" % name: ["MX 10 %s.host.test" % name] for name in FAILURES})
    names["circle.host.test"] = ["CNAME circle.host.test"]
    daemon, _ = daemon_with_dns(t, names)
    daemon.send(["u@%s.test" % name for name in FAILURES])
    for name in FAILURES:
        line = daemon.wait_delivery("u@%s.test" % name, timeout=90)
        same(outcome(line), ("deferred", "4.4.3"), name)
        assert "type=A: " in line["reason"] and "not found" not in line["reason"], line["reason"]


@limit(90)
def test_N_3_no_name_server(t):
    """Nothing listens where resolver.servers points to."""
    server = NameServer({})
    address = server.address
    server.close()
    daemon = t.daemon(None, {
        "default_transport": "smtp", "resolver.servers": [address], "resolver.trust_anchor_file": "",
        "queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"})
    line = deliver(daemon, "d.test", timeout=80)
    same(outcome(line), ("deferred", "4.4.3"))


@limit(150)
def test_N_3_a_name_server_that_was_down(t):
    """When it is back the mail goes with the next attempt."""
    daemon, peers, server = network(t, [GOOD], {"d.test": SILENT, "e.test": SILENT, "f.test": SILENT})
    domains = ("d.test", "e.test", "f.test")
    daemon.send(["u@" + domain for domain in domains])
    for domain in domains:
        same(outcome(daemon.wait_delivery("u@" + domain, timeout=80)), ("deferred", "4.4.3"))
    server.names.update({domain: ["MX 10 h1.test"] for domain in domains})
    daemon.ctl("retry", "ALL")
    for domain in domains:
        daemon.wait_delivery("u@" + domain, "sent")


def test_ignore_mx_lookup_error(t):
    """A failing MX lookup is passed over; one that says no is not a failure."""
    daemon, peers, server = network(t, [GOOD], {"d.test": {"MX": SERVFAIL, "A": ["127.0.0.11"]}},
                                    {"ignore_mx_lookup_error": True})
    same(outcome(deliver(daemon, "d.test")), ("sent", "2.0.0"))
    same(server.types_asked("d.test"), {"MX", "A"})


def test_N_13_a_temporary_error_counts_more(t):
    """One family fails, the other has nothing: wait. One family fails, the other has an address: go."""
    daemon, peers, _ = network(t, [GOOD], {
        "half.test": {"MX": [], "A": [], "AAAA": SERVFAIL},
        "good.test": {"MX": [], "A": ["127.0.0.11"], "AAAA": SERVFAIL}},
        {"inet_protocols": "all"})
    same(outcome(deliver(daemon, "half.test")), ("deferred", "4.4.3"))
    same(outcome(deliver(daemon, "good.test")), ("sent", "2.0.0"))


def test_N_25_text_of_a_name_that_is_not_there(t):
    daemon, _ = daemon_with_dns(t, {"empty.test": []})
    for domain, text in (("nosuch.test", "Host not found"),
                         ("empty.test", "Host found but no data record of requested type")):
        line = deliver(daemon, domain, sender="")
        same((outcome(line), line["relay"]), (("bounced", "5.4.4"), "none"))
        same(line["reason"],
             "Host or domain name not found. Name service error for name=%s type=A: %s" % (domain, text))


def test_no_look_up_is_repeated_while_it_is_under_way(t):
    """Ten messages to ten users of a domain whose answer hangs: one question of each kind."""
    daemon, _, server = network(t, [GOOD], {"d.test": ["MX 10 h1.test"]},
                                {"workers": 1, "smtp.destination_recipient_limit": 1})
    daemon.send(["u%d@d.test" % n for n in range(10)])
    daemon.wait_deliveries(10, status="sent")
    same(sorted(server.questions), [("d.test", "MX"), ("h1.test", "A")])


def test_smtp_dns_reply_filter_N_7(t):
    """IGNORE takes records away; when nothing is left the mail waits, and so it does for another action,
    a mistake.
    """
    names = {"d.test": ["MX 10 h1.test", "MX 20 h2.test"], "all.test": ["MX 10 h1.test"],
             "odd.test": ["MX 10 odd-host.test"], "odd-host.test": ["127.0.0.12"]}
    table = (
        "pcre:{{/^d\\.test\\. \\d+ IN MX 10 h1\\.test\\.$$/ IGNORE}, {/ IN A 127\\.0\\.0\\.11$$/ ignore}, "
             "{/odd-host.* IN A / DROP}}")
    daemon, peers, _ = network(t, [GOOD, GOOD], names, {"smtp.dns_reply_filter": table})
    line = deliver(daemon, "d.test")
    same((outcome(line), line["relay"][:7]), (("sent", "2.0.0"), "h2.test"))
    assert re.search(r"ignoring DNS RR: d\.test\. (60|5\d) IN MX 10 h1\.test\.", daemon.log()), daemon.log()
    line = deliver(daemon, "all.test")
    same(outcome(line), ("deferred", "4.7.0"))
    assert "DNS reply filter drops results" in line["reason"], line["reason"]
    same(outcome(deliver(daemon, "odd.test")), ("deferred", "4.4.3"))


def test_disable_dns_lookups_smtp_dns_support_level(t):
    """Without the DNS a domain is a host of the hosts file;
    the newer parameter counts more than the older one.
    """
    hosts = t.path("hosts")
    with open(hosts, "w") as file:
        file.write("127.0.0.11 d.test\n")
    names = {"d.test": ["MX 10 h2.test"]}
    for settings, relay in (({"disable_dns_lookups": True}, "d.test[127.0.0.11]"),
                            ({"smtp.dns_support_level": "disabled"}, "d.test[127.0.0.11]"),
                            ({"disable_dns_lookups": True, "smtp.dns_support_level": "enabled"},
                             "h2.test[127.0.0.12]"),
                            ({}, "h2.test[127.0.0.12]")):
        daemon, peers, server = network(t, [GOOD, GOOD], names, {"resolver.hosts_file": hosts, **settings})
        line = deliver(daemon, "d.test")
        same(line["relay"].partition(":")[0], relay, settings)
        same(bool(server.asked), relay.startswith("h2"), settings)
        daemon.end()


def test_smtp_host_lookup_N_15_to_17(t):
    """dns: the hosts file counts for nothing. native: it comes first. Both: after the DNS has said that there
    is no such host, and not when it fails."""
    hosts = t.path("hosts")
    with open(hosts, "w") as file:
        file.write("127.0.0.11 only-file.test both.test fail.test\n::1 six.test\n")
    names = {"both.test": ["127.0.0.12"], "fail.test": {"MX": [], "*": SERVFAIL},
             "only-dns.test": ["127.0.0.12"]}
    table = {
        "dns": {"only-file.test": "5.4.4", "both.test": "127.0.0.12", "fail.test": "4.4.3",
                "only-dns.test": "127.0.0.12"},
        "native": {"only-file.test": "127.0.0.11", "both.test": "127.0.0.11", "fail.test": "127.0.0.11",
                   "only-dns.test": "127.0.0.12", "six.test": "5.4.4"},
        "dns, native": {"only-file.test": "127.0.0.11", "both.test": "127.0.0.12", "fail.test": "4.4.3",
                        "only-dns.test": "127.0.0.12"},
    }
    for setting, wanted in table.items():
        daemon, _, _ = network(t, [GOOD, GOOD], names,
                               {"resolver.hosts_file": hosts, "smtp.host_lookup": setting})
        for domain, where in wanted.items():
            line = deliver(daemon, domain, sender="")
            found = line["relay"].partition("[")[2].partition("]")[0] or line["dsn"]
            same(found, where, (setting, domain))
        daemon.end()


def test_smtp_dns_resolver_options(t):
    """Short names of hosts are completed, those of domains never."""
    names = {"relay.local.test": ["127.0.0.11"], "d.test": ["MX 10 relay"], "relay": 3}
    for options, found in (("", None), ("res_defnames", "relay[127.0.0.11]"),
                           ("res_dnsrch", "relay[127.0.0.11]")):
        daemon, _, server = network(t, [GOOD], names,
                                    {"smtp.dns_resolver_options": options, "mydomain": "local.test"})
        line = deliver(daemon, "d.test")
        same(line["relay"].partition(":")[0], found or "none", options)
        same("relay.local.test" in server.asked, bool(options), options)
        assert "d.test.local.test" not in server.asked
        daemon.end()


def test_lmtp_looks_hosts_up_in_the_same_way(t):
    """Its hosts by name: parameters dns_reply_filter, dns_resolver_options, dns_support_level, host_lookup;
    and defer_if_no_mx_address_found, which means nothing where no MX is looked up."""
    peer = t.peer(address=("127.0.0.1", 0))
    hosts = t.path("hosts")
    with open(hosts, "w") as file:
        file.write("127.0.0.1 file.test\n")
    names = {"dns.test": ["127.0.0.1"], "two.test": ["127.0.0.9", "127.0.0.1"],
             "short.local.test": ["127.0.0.1"]}
    for nexthop, settings, wanted in (
            ("dns.test", {}, ("sent", "2.0.0")),
            ("file.test", {"lmtp.defer_if_no_mx_address_found": True}, ("bounced", "5.4.4")),
            ("file.test", {"lmtp.host_lookup": "dns, native"}, ("sent", "2.0.0")),
            ("dns.test", {"lmtp.dns_support_level": "disabled"}, ("bounced", "5.4.4")),
            ("file.test", {"lmtp.dns_support_level": "disabled"}, ("sent", "2.0.0")),
            ("two.test", {"lmtp.dns_reply_filter": "regexp:{{/127.0.0.9$$/ IGNORE}}"}, ("sent", "2.0.0")),
            ("dns.test", {"lmtp.dns_reply_filter": "static:ignore"}, ("deferred", "4.7.0")),
            ("short", {}, ("bounced", "5.4.4")),
            ("short", {"lmtp.dns_resolver_options": "res_defnames", "mydomain": "local.test"},
             ("sent", "2.0.0"))):
        daemon, _ = daemon_with_dns(t, names, {
            "resolver.hosts_file": hosts, "default_transport": "lmtp:inet:%s:%d" % (nexthop, peer.address[1]),
            **settings})
        same(outcome(deliver(daemon, "x.test", sender="")), wanted, (nexthop, settings))
        daemon.end()


def test_D_12_port_465(t):
    """A hint for who forgot the wrapper mode."""
    daemon, _ = daemon_with_dns(t, {}, {"relayhost": "[127.0.0.19]:465"})
    same(outcome(deliver(daemon, "x.test")), ("deferred", "4.4.1"))
    assert "warning: [127.0.0.19]:465: port 465 speaks TLS from the first byte" in daemon.log()


def test_helpful_warnings_no_port_465(t):
    daemon, _ = daemon_with_dns(t, {}, {"relayhost": "[127.0.0.19]:465", "helpful_warnings": "no"})
    same(outcome(deliver(daemon, "x.test")), ("deferred", "4.4.1"))
    assert "port 465" not in daemon.log(), daemon.log()
