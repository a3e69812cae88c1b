"""Mail for a domain goes to its mail exchangers: which, in which order, and with which names."""

import collections

from cases import outcome
from harness import limit, same
from mx import daemon_with_dns, deliver, host_of, known_hosts, network, servers

GOOD = {}
LATER = {"mail": "451 4.3.0 not now"}


def test_A_1_preference_decides(t):
    """The hosts of the MX records, best first: behaviour N-1."""
    daemon, peers, server = network(t, [GOOD, GOOD, GOOD], {
        "d.test": ["MX 30 h3.test", "MX 10 h2.test", "MX 20 h1.test"]})
    line = deliver(daemon, "d.test")
    same((outcome(line), line["relay"]), (("sent", "2.0.0"), "h2.test[127.0.0.12]:%d" % peers[1].address[1]))
    same([len(peer.messages) for peer in peers], [0, 1, 0])
    same(server.types_asked("d.test"), {"MX"})


def test_Y_1_dead_hosts_are_passed_over(t):
    """The log names the one that failed; mail goes to the next one."""
    daemon, peers, _ = network(t, [None, LATER, GOOD], {
        "d.test": ["MX 10 h1.test", "MX 20 h2.test", "MX 30 h3.test"]})
    line = deliver(daemon, "d.test")
    same((outcome(line), host_of(line)), (("sent", "2.0.0"), "h3.test"))
    same([len(peers[n].sessions) for n in (1, 2)], [1, 1])
    assert "connect to h1.test[127.0.0.11]" in daemon.log(), daemon.log()


@limit(60)
def test_smtp_randomize_addresses_A_2(t):
    """Equal preferences take turns by chance; without it the order of the answer stays."""
    names = {"equal.test": ["MX 10 h1.test", "MX 10 h2.test", "MX 20 h3.test"],
             "host.test": ["127.0.0.11", "127.0.0.12"]}
    daemon, _, _ = network(t, [GOOD, GOOD, GOOD], names, {
        "smtp.connection_cache_on_demand": False, "smtp.destination_recipient_limit": 1})
    for domain in ("equal.test", "host.test"):
        daemon.send(["u%d@%s" % (n, domain) for n in range(40)])
    lines = daemon.wait_deliveries(80, status="sent")
    relays = collections.Counter((line["to"].split("@")[1], line["relay"].partition("[")[2][:10])
                                 for line in lines)
    for key in (("equal.test", "127.0.0.11"), ("equal.test", "127.0.0.12"),
                ("host.test", "127.0.0.11"), ("host.test", "127.0.0.12")):
        assert relays[key] >= 5, relays
    same(sum(relays.values()), 80)


def test_N_2_implicit_mx(t):
    """No MX record, or no such record in an answer: the domain's own address is its exchanger."""
    daemon, peers, server = network(t, [GOOD], {"plain.test": ["127.0.0.11"]})
    line = deliver(daemon, "plain.test")
    same((outcome(line), line["relay"]), (("sent", "2.0.0"),
                                          "plain.test[127.0.0.11]:%d" % peers[0].address[1]))
    same(server.types_asked("plain.test"), {"MX", "A"})


def test_N_5_null_mx(t):
    """Returned, and no address is asked for; also beside other records, and with ignore_mx_lookup_error."""
    daemon, peers, server = network(t, [GOOD], {
        "null.test": ["MX 0 .", "127.0.0.11"], "both.test": ["MX 0 .", "MX 10 h1.test"]},
        {"ignore_mx_lookup_error": True})
    for domain in ("null.test", "both.test"):
        line = deliver(daemon, domain)
        same((outcome(line), line["relay"]), (("bounced", "5.1.0"), "none"), domain)
        assert "does not accept mail (nullMX)" in line["reason"], line["reason"]
        same(server.types_asked(domain), {"MX"})
    same(peers[0].sessions, [])


def test_N_8_and_9_odd_targets(t):
    """A numeric target is used as an address; names that are none are left out, with a warning, and if
    nothing is left the mail is returned: behaviour N-4."""
    daemon, peers, _ = network(t, [GOOD], {
        "number.test": ["MX 10 127.0.0.11"], "some.test": ["MX 5 a,b.test", "MX 10 h1.test"],
        "bad.test": ["MX 5 a,b.test"]})
    for domain in ("number.test", "some.test"):
        same(outcome(deliver(daemon, domain)), ("sent", "2.0.0"), domain)
    same(outcome(deliver(daemon, "bad.test")), ("bounced", "5.4.4"))
    assert "number.test: its DNS record names the address 127.0.0.11" in daemon.log()
    assert "some.test: its DNS record names a,b.test, which is not a host" in daemon.log()
    same(len(peers[0].messages), 2)


def test_N_10_and_11_aliases(t):
    """The domain's alias leads to the MX of its target; the log keeps the domain. An MX may be an alias too.
    """
    daemon, peers, _ = network(t, [GOOD], {
        "alias.test": ["CNAME deep.test"], "deep.test": ["CNAME real.test"], "real.test": ["MX 10 h1.test"],
        "mxalias.test": ["MX 10 name.test"], "name.test": ["CNAME h1.test"]})
    line = deliver(daemon, "alias.test")
    same((outcome(line), line["to"], host_of(line)), (("sent", "2.0.0"), "u@alias.test", "h1.test"))
    line = deliver(daemon, "mxalias.test")
    same((outcome(line), host_of(line)), (("sent", "2.0.0"), "name.test"))


def test_smtp_cname_overrides_servername(t):
    daemon, _, _ = network(t, [GOOD], {"d.test": ["MX 10 name.test"], "name.test": ["CNAME h1.test"]},
                           {"smtp.cname_overrides_servername": True})
    same(host_of(deliver(daemon, "d.test")), "h1.test")


def test_N_18_one_host_with_an_address_is_enough(t):
    daemon, _, _ = network(t, [GOOD], {"d.test": ["MX 5 gone.test", "MX 10 h1.test"]})
    line = deliver(daemon, "d.test")
    same((outcome(line), host_of(line)), (("sent", "2.0.0"), "h1.test"))


def test_smtp_defer_if_no_mx_address_found_N_19(t):
    """MX records but no address: returned, or kept; a warning names the domain."""
    names = {"d.test": ["MX 5 gone.test", "MX 10 none.test"], "none.test": []}
    for setting, wanted in (("no", ("bounced", "5.4.4")), ("yes", ("deferred", "4.4.4"))):
        daemon, _, _ = network(t, [], names, {"smtp.defer_if_no_mx_address_found": setting})
        same(outcome(deliver(daemon, "d.test", sender="")), wanted)
        assert "no MX host for d.test has a valid address record" in daemon.log()
        daemon.end()


def test_smtp_mx_address_limit_A_15(t):
    """So many addresses are tried, of whatever hosts."""
    names = {"d.test": ["MX %d h%d.test" % (n, n) for n in range(1, 6)]}
    daemon, _, _ = network(t, [None] * 5, names, {"smtp.mx_address_limit": 3})
    line = deliver(daemon, "d.test")
    same(outcome(line), ("deferred", "4.4.1"))
    tried = [n for n in range(1, 6) if "connect to h%d.test[" % n in daemon.log()]
    same(tried, [1, 2, 3])


def test_smtp_mx_session_limit_A_16(t):
    """Hosts that pass the handshake count, those that refuse it do not."""
    names = {"d.test": ["MX %d h%d.test" % (n, n) for n in range(1, 6)]}
    daemon, peers, _ = network(t, [{"greeting": "421 4.3.2 busy"}, LATER, LATER, GOOD, GOOD], names,
                               {"smtp.mx_session_limit": 2})
    same(outcome(deliver(daemon, "d.test")), ("deferred", "4.3.0"))
    same([len(peer.sessions) for peer in peers], [1, 1, 1, 0, 0])


def test_smtp_address_preference_A_2_and_3(t):
    """Families within one preference, and of a plain host."""
    names = {"d.test": ["MX 10 both.test"], "both.test": ["127.0.0.11", "::1"]}
    for preference, first in (("ipv4", "127.0.0.11"), ("ipv6", "::1")):
        daemon, _, _ = network(t, [None], names, {"smtp.address_preference": preference,
                                                  "inet_protocols": "all"})
        for domain in ("d.test", "both.test"):
            deliver(daemon, domain)
            found = [line for line in daemon.log().splitlines() if "connect to both.test[" in line]
            assert "[%s]" % first in found[0], found
        daemon.end()


def test_A_18_the_last_session_allowed_is_final(t):
    """What its host says for now is the answer, though another host is there; it is not asked."""
    for limit_of_sessions, want, sessions in ((1, ("deferred", "4.2.0"), [1, 0]),
                                              (2, ("sent", "2.0.0"), [1, 1])):
        daemon, peers, _ = network(t, [{"rcpt": "450 4.2.0 not now"}, GOOD],
                                   {"d.test": ["MX 10 h1.test", "MX 20 h2.test"]},
                                   {"smtp.mx_session_limit": limit_of_sessions})
        same(outcome(deliver(daemon, "d.test")), want)
        same([len(peer.sessions) for peer in peers], sessions)


def test_inet_protocols_smtp_balance_inet_protocols_A_5(t):
    """With more addresses than may be tried, a share of each family."""
    six = ["::1"] + ["fd00::%d" % n for n in range(5)]
    names = {"d.test": six + ["127.0.0.11"]}
    daemon, _, server = network(t, [GOOD], names, {"inet_protocols": "all", "smtp.address_preference": "ipv6",
                                                   "smtp.mx_address_limit": 2, "smtp.connect_timeout": "2s"})
    same(outcome(deliver(daemon, "d.test")), ("sent", "2.0.0"))
    same(server.types_asked("d.test"), {"MX", "A", "AAAA"})


def test_D_1_forms_of_a_nexthop(t):
    """Brackets ask for no MX, and a service stands behind a colon."""
    port, _ = servers(t, [GOOD, GOOD])
    table = {"one.test": "d.test", "two.test": "[d.test]", "three.test": "d.test:%d" % port,
             "four.test": "[d.test]:%d" % port, "five.test": "[127.0.0.11]",
             "six.test": "[127.0.0.11]:%d" % port}
    daemon, _ = daemon_with_dns(t, {"d.test": ["MX 10 h2.test", "127.0.0.11"], **known_hosts(2)}, {
        "smtp.tcp_port": port,
        "transport_maps": "inline:{%s}" % ", ".join("%s=smtp:%s" % pair for pair in table.items())})
    for domain, host in (("one.test", "h2.test[127.0.0.12]"), ("two.test", "d.test[127.0.0.11]"),
                         ("three.test", "h2.test[127.0.0.12]"), ("four.test", "d.test[127.0.0.11]"),
                         ("five.test", "127.0.0.11[127.0.0.11]"), ("six.test", "127.0.0.11[127.0.0.11]")):
        same(deliver(daemon, domain)["relay"], "%s:%d" % (host, port), domain)


def test_address_literals_N_22(t):
    """The domain of an address may be an address: nobody is asked."""
    daemon, peers, server = network(t, [GOOD], {})
    line = deliver(daemon, "[127.0.0.11]")
    same((outcome(line), line["relay"]), (("sent", "2.0.0"),
                                          "127.0.0.11[127.0.0.11]:%d" % peers[0].address[1]))
    same(server.asked, [])


def test_D_4_lists_and_smtp_fallback_relay_F_1(t):
    """The elements of a list in turn, then the fallback relays; each is looked up as if it stood alone."""
    daemon, peers, _ = network(t, [None, LATER, GOOD], {
        "first.test": ["MX 10 h1.test"], "second.test": ["MX 10 h2.test"], "relay.test": ["MX 10 h3.test"]},
        {"relayhost": "first.test, second.test", "smtp.fallback_relay": "relay.test"})
    line = deliver(daemon, "anywhere.test")
    same((outcome(line), host_of(line)), (("sent", "2.0.0"), "h3.test"))
    same(len(peers[1].sessions), 1)


def test_F_2_and_3_what_leads_to_a_fallback_relay(t):
    """No such domain, no answer, nobody there, no service (behaviour N-6), not now: yes.
    Refused by a server: no.
    """
    names = {"fail.test": 2, "dead.test": ["127.0.0.19"], "null.test": ["MX 0 ."],
             "later.test": ["127.0.0.12"],
             "never.test": ["127.0.0.13"], "rcpt.test": ["127.0.0.14"]}
    daemon, peers, _ = network(t, [GOOD, LATER, {"mail": "550 5.7.1 no"}, {"rcpt": "451 4.2.0 not now"}],
                               names,
                               {"smtp.fallback_relay": "[h1.test]"})
    for domain in ("nosuch.test", "fail.test", "dead.test", "null.test", "later.test", "rcpt.test"):
        line = deliver(daemon, domain)
        same((outcome(line), host_of(line)), (("sent", "2.0.0"), "h1.test"), domain)
    same(outcome(deliver(daemon, "never.test")), ("bounced", "5.7.1"))


def test_A_25_and_26_our_own_relays_fail_for_now_only(t):
    """relayhost or a fallback relay that does not exist is a mistake of ours: the mail waits,
    and the log says why.
    """
    for name, settings in (("relayhost", {"relayhost": "nosuch.test"}),
                           ("fallback_relay", {"smtp.fallback_relay": "nosuch2.test"})):
        daemon, _, _ = network(t, [], {}, settings)
        same(outcome(deliver(daemon, "anywhere.test")), ("deferred", "4.3.5"), name)
        assert "warning: %s: " % name in daemon.log()
        daemon.end()


@limit(60)
def test_enable_idna2003_compatibility_D_13(t):
    """Names beyond ASCII become A-labels for the DNS, and stay what they are in the log."""
    names = {"xn--bcher-kva.test": ["MX 10 h1.test"], "xn--strae-oqa.test": ["127.0.0.11"],
             "strasse.test": ["127.0.0.12"]}
    for setting, host in (("no", "127.0.0.11"), ("yes", "127.0.0.12")):
        daemon, _, _ = network(t, [GOOD, GOOD], names, {"enable_idna2003_compatibility": setting},
                               keywords=("SMTPUTF8", "8BITMIME"))
        line = deliver(daemon, "b\u00fccher.test", params="SMTPUTF8")
        same((outcome(line), line["to"]), (("sent", "2.0.0"), "u@b\u00fccher.test"))
        line = deliver(daemon, "stra\u00dfe.test", params="SMTPUTF8")
        assert "[%s]" % host in line["relay"], line["relay"]
        daemon.end()
