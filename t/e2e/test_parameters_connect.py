"""Parameters that say to which host and from where: each by its name, as a postmaster would see it act."""

import os

from actions import then_close
from cases import outcome
from dns import NameServer
from harness import same
from ports import reserved_port

NO_DNS = {"resolver.servers": "127.0.0.1@9", "resolver.trust_anchor_file": ""}


def whence(session):
    """A greeting that notes where the client comes from."""
    session.peer.clients.append(session.sock.getpeername()[0])
    return "220 peer.test LMTP"


def inet_peer(t, script=None, host="127.0.0.1", port=0):
    peer = t.peer({"greeting": whence, **(script or {})}, address=(host, port))
    peer.clients = []
    return peer


def two_families(t, script=None):
    """Peers at 127.0.0.1 and ::1 on one port."""
    four = inet_peer(t, script)
    return four, inet_peer(t, script, "::1", four.address[1])


def hosts_file(t, *lines):
    path = t.path("hosts")
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in lines)
    os.chmod(path, 0o644)
    return {"resolver.hosts_file": path, "lmtp.host_lookup": "native", **NO_DNS}


def deliver(daemon, name="u"):
    daemon.send(name + "@example.org")
    return daemon.wait_delivery(name + "@example.org")


# --- destinations -----------------------------------------------------------------------------------

def test_D_9_tcp_port_is_the_default(t):
    peer = inet_peer(t)
    daemon = t.daemon("inet:127.0.0.1", {"lmtp.tcp_port": peer.address[1]})
    same(deliver(daemon)["relay"], "127.0.0.1[127.0.0.1]:%d" % peer.address[1])


def test_D_9_tcp_port_under_its_postfix_name_and_by_service(t):
    peer = inet_peer(t)
    daemon = t.daemon("inet:127.0.0.1", {"lmtp_tcp_port": "store",
                                         "known_tcp_ports": "store=%d" % peer.address[1]})
    same(deliver(daemon)["status"], "sent")


def test_D_5_services_of_a_nexthop(t):
    """A name is looked up in known_tcp_ports first; one that nobody knows leaves the mail in the queue
    where a table gives it.

    parameter known_tcp_ports
    """
    peer = inet_peer(t)
    daemon = t.daemon("inet:127.0.0.1:smtp, 127.0.0.1:store",
                      {"known_tcp_ports": "smtp=%d, shop=store=%d" % (reserved_port(), peer.address[1])})
    same(deliver(daemon)["relay"], "127.0.0.1[127.0.0.1]:%d" % peer.address[1])
    daemon = t.daemon(None, {"transport_maps": "inline:{example.org=lmtp:inet:127.0.0.1:nosuchservice}"},
                      name="unknown")
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.3.5"))
    assert "nosuchservice" in line["reason"], line["reason"]


def test_D_6_and_14_a_nexthop_that_cannot_be_read_keeps_the_mail(t):
    """At the start it is refused where it can be seen; where a table gives it, the mail waits."""
    bad = {"a": "inet:[127.0.0.1", "b": "inet:[127.0.0.1]x", "c": "inet:-bad-", "d": "inet:[ipv6:1.2.3.4]",
           "e": "inet:, ,"}
    daemon = t.daemon(None, {"transport_maps": "inline:{%s}" % ", ".join(
        "{%s.test = lmtp:%s}" % pair for pair in bad.items())})
    for name in bad:
        daemon.send("u@%s.test" % name)
    for name in bad:
        same(outcome(daemon.wait_delivery("u@%s.test" % name)), ("deferred", "4.3.5"), bad[name])


def test_D_3_and_8_numeric_addresses_need_no_brackets(t):
    peer = inet_peer(t)
    for number, nexthop in enumerate(("inet:127.0.0.1:%d", "inet:[127.0.0.1]:%d", "127.0.0.1:%d")):
        daemon = t.daemon(nexthop % peer.address[1], NO_DNS, name="d%d" % number)
        same(deliver(daemon)["relay"], "127.0.0.1[127.0.0.1]:%d" % peer.address[1])


def test_D_1_ipv6_literals(t):
    peer = inet_peer(t, host="::1")
    for number, nexthop in enumerate(("inet:[::1]:%d", "inet:[ipv6:::1]:%d", "[IPv6:::1]:%d")):
        daemon = t.daemon(nexthop % peer.address[1], NO_DNS, name="d%d" % number)
        same(deliver(daemon)["relay"], "::1[::1]:%d" % peer.address[1])


def test_D_13_non_ascii_names_are_asked_as_a_labels(t):
    peer = inet_peer(t)
    server = NameServer({"xn--bcher-kva.test": ["127.0.0.1"]})
    t.on_end(server.close)
    daemon = t.daemon("inet:b\u00fccher.test:%d" % peer.address[1],
                      {**NO_DNS, "resolver.servers": server.address, "inet_protocols": "ipv4"})
    line = deliver(daemon)
    same(line["status"], "sent")
    same(line["relay"], "b\u00fccher.test[127.0.0.1]:%d" % peer.address[1])
    same(set(server.asked), {"xn--bcher-kva.test"})


# --- several hosts, several addresses ---------------------------------------------------------------

def test_C_1_each_address_in_turn(t):
    """Refused and dead ones are passed over, each told in the log, and the last reason stays."""
    peer = inet_peer(t)
    dead = [reserved_port() for _ in range(3)]
    nexthop = "inet:" + ", ".join("[127.0.0.%d]:%d" % (n + 2, port) for n, port in enumerate(dead))
    daemon = t.daemon(nexthop + ", [127.0.0.1]:%d" % peer.address[1])
    same(deliver(daemon)["relay"], "127.0.0.1[127.0.0.1]:%d" % peer.address[1])
    for n, port in enumerate(dead):
        daemon.wait_log(r"connect to 127\.0\.0\.%d\[127\.0\.0\.%d\]:%d: Connection refused$"
                        % (n + 2, n + 2, port))
    daemon = t.daemon(nexthop, name="dead")
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.4.1"))
    assert "127.0.0.4" in line["reason"], line["reason"]


def test_C_1_a_host_that_answers_on_one_address_only(t):
    """A name with two addresses, nobody at one of them: all mail gets through, whichever is tried first."""
    peer = inet_peer(t)
    daemon = t.daemon("inet:store.test:%d" % peer.address[1],
                      {**hosts_file(t, "127.0.0.2 store.test", "127.0.0.1 store.test"),
                       "lmtp.connection_cache_on_demand": False})
    for number in range(10):
        same(deliver(daemon, "u%d" % number)["relay"], "store.test[127.0.0.1]:%d" % peer.address[1])


def test_C_11_the_name_is_that_of_the_nexthop(t):
    peer = inet_peer(t, {"lhlo": "250-another.test\n250 PIPELINING"})
    daemon = t.daemon("inet:Store.test:%d" % peer.address[1],
                      hosts_file(t, "127.0.0.1 canonical.test store.test"))
    same(deliver(daemon)["relay"], "Store.test[127.0.0.1]:%d" % peer.address[1])


def test_V_4_recipients_that_one_host_does_not_settle_go_to_the_next(t):
    """A-20, I-10: 4xx at RCPT and after the dot; what was sent or refused is not asked about again."""
    one = inet_peer(t, {"rcpt": lambda s, address: "450 4.2.0 later" if address.startswith("soft") else None,
                        "final": lambda s, address: "451 4.3.0 later" if address.startswith("late") else
                        "250 2.0.0 by one"})
    one.script["rcpt"] = lambda s, a: "450 4.2.0 later" if a.startswith("soft") else \
        "550 5.1.1 never" if a.startswith("hard") else "250 2.1.5 Ok"
    two = inet_peer(t)
    daemon = t.daemon("inet:[127.0.0.1]:%d [127.0.0.1]:%d" % (one.address[1], two.address[1]))
    daemon.send(["soft@example.org", "good@example.org", "hard@example.org", "late@example.org"], sender="")
    lines = {name: daemon.wait_delivery(name + "@example.org") for name in ("soft", "good", "hard", "late")}
    same({name: outcome(line) for name, line in lines.items()},
         {"soft": ("sent", "2.0.0"), "good": ("sent", "2.0.0"), "hard": ("bounced", "5.1.1"),
          "late": ("sent", "2.0.0")})
    same(sorted(two.messages[0].recipients), ["late@example.org", "soft@example.org"])
    same(sorted(one.messages[0].recipients), ["good@example.org", "late@example.org"])
    daemon.wait_log(
        r": host 127\.0\.0\.1\[127\.0\.0\.1\] said: 450 4\.2\.0 later \(in reply to RCPT TO command\)$")


def test_Y_14_a_refusal_for_good_goes_nowhere_else(t):
    one = inet_peer(t, {"mail": "550 5.7.1 not you"})
    two = inet_peer(t)
    daemon = t.daemon("inet:[127.0.0.1]:%d [127.0.0.1]:%d" % (one.address[1], two.address[1]))
    daemon.send("u@example.org", sender="")
    same(outcome(daemon.wait_delivery("u@example.org")), ("bounced", "5.7.1"))
    same(two.sessions, [])


def test_lmtp_fallback_relay_takes_what_the_nexthop_does_not(t):
    """F-1, F-2: after a refused connection, and for recipients that were put off; not for refused ones."""
    fallback = inet_peer(t)
    peer = inet_peer(t)
    settings = {"lmtp.fallback_relay": "[127.0.0.1]:%d" % fallback.address[1]}
    daemon = t.daemon("inet:[127.0.0.1]:%d" % reserved_port(), settings)
    same(deliver(daemon)["relay"], "127.0.0.1[127.0.0.1]:%d" % fallback.address[1])
    daemon = t.daemon("inet:[127.0.0.1]:%d" % peer.address[1], settings, name="soft")
    daemon.send(["rcpt450@example.org", "rcpt550@example.org", "u@example.org"], sender="")
    daemon.wait_deliveries(3)
    same(fallback.messages[-1].recipients[:0], [])
    same(len(fallback.messages), 1, "the fallback refuses it as well")
    same(outcome(daemon.wait_delivery("rcpt450@example.org")), ("deferred", "4.2.0"))
    same(outcome(daemon.wait_delivery("rcpt550@example.org")), ("bounced", "5.1.1"))
    same([c for s in fallback.sessions for c in s.commands if c.startswith("RCPT")][1:],
         ["RCPT TO:<rcpt450@example.org>"])


def test_F_4_a_socket_has_no_fallback(t):
    fallback = inet_peer(t)
    daemon = t.daemon("unix:" + t.path("nobody"), {"lmtp.fallback_relay": "[127.0.0.1]:%d"
                                                   % fallback.address[1]})
    same(outcome(deliver(daemon)), ("deferred", "4.4.1"))
    daemon.wait_log("warning: fallback_relay does not count for a nexthop that is a socket$")
    same(fallback.sessions, [])


# --- families ---------------------------------------------------------------------------------------

def test_address_preference(t):
    """A-2: the family that is preferred is always first; without a preference both are."""
    four, six = two_families(t)
    for prefer, wanted in (("ipv4", {"127.0.0.1"}), ("ipv6", {"::1"}), ("any", {"127.0.0.1", "::1"})):
        four.clients[:], six.clients[:] = [], []
        daemon = t.daemon("inet:store.test:%d" % four.address[1],
                          {**hosts_file(t, "127.0.0.1 store.test", "::1 store.test"),
                           "lmtp.address_preference": prefer, "lmtp.connection_cache_on_demand": False},
                          name=prefer)
        for number in range(30):
            daemon.send("u%d@example.org" % number)
        daemon.wait_deliveries(30, status="sent")
        same(set(four.clients + six.clients), wanted, prefer)
        daemon.end()


def test_randomize_addresses_no_keeps_the_order(t):
    first, second = inet_peer(t), None
    second = inet_peer(t, host="127.0.0.2", port=first.address[1])
    daemon = t.daemon("inet:store.test:%d" % first.address[1],
                      {**hosts_file(t, "127.0.0.2 store.test", "127.0.0.1 store.test"),
                       "lmtp.randomize_addresses": False, "lmtp.connection_cache_on_demand": False})
    for number in range(20):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(20, status="sent")
    same((len(first.messages), len(second.messages)), (0, 20))


def test_inet_protocols(t):
    """Addresses of a family that is off are not used, from the hosts file and as literals."""
    four, six = two_families(t)
    for protocols, relay in (("ipv4", "[127.0.0.1]"), ("ipv6", "[::1]")):
        daemon = t.daemon("inet:store.test:%d" % four.address[1],
                          {**hosts_file(t, "127.0.0.1 store.test", "::1 store.test"),
                           "inet_protocols": protocols},
                          name=protocols)
        for number in range(3):
            assert relay in deliver(daemon, "u%d" % number)["relay"]
    daemon = t.daemon("inet:[::1]:%d" % six.address[1], {"inet_protocols": "ipv4"}, name="literal")
    daemon.send("u@example.org", sender="")
    same(outcome(daemon.wait_delivery("u@example.org")), ("bounced", "5.4.4"))


# --- the own address --------------------------------------------------------------------------------

def test_bind_address(t):
    for number, address in enumerate(("127.0.0.7", "[127.0.0.7]")):
        peer = inet_peer(t)
        daemon = t.daemon(peer, {"lmtp.bind_address": address}, name="d%d" % number)
        same(deliver(daemon)["status"], "sent")
        same(peer.clients, ["127.0.0.7"])


def test_bind_address6(t):
    """An IPv6 address counts for IPv6 only."""
    four, six = inet_peer(t), inet_peer(t, host="::1")
    for name, peer, client in (("four", four, "127.0.0.1"), ("six", six, "::1")):
        daemon = t.daemon(peer, {"lmtp.bind_address6": "::1"}, name=name)
        same(deliver(daemon)["status"], "sent")
        same(peer.clients, [client])


def test_C_4_an_address_that_cannot_be_bound(t):
    """Without bind_address_enforce it is said and another one used; with it the mail waits."""
    peer = inet_peer(t)
    daemon = t.daemon(peer, {"lmtp.bind_address": "192.0.2.1"}, name="lax")
    same(deliver(daemon)["status"], "sent")
    daemon.wait_log("warning: cannot connect to .* from 192.0.2.1: Cannot assign requested address")
    daemon = t.daemon(peer, {"lmtp.bind_address": "192.0.2.1", "lmtp.bind_address_enforce": True},
                      name="strict")
    line = deliver(daemon)
    same(outcome(line), ("deferred", "4.4.0"))
    assert "server configuration error: cannot use the configured bind address" in line["reason"], line[
        "reason"]
    same(len(peer.sessions), 1)


def test_bind_address_enforce_tries_the_other_family(t):
    four, six = two_families(t)
    daemon = t.daemon("inet:[127.0.0.1]:%d, [::1]:%d" % (four.address[1], four.address[1]),
                      {"lmtp.bind_address": "192.0.2.1", "lmtp.bind_address_enforce": True})
    assert "[::1]" in deliver(daemon)["relay"]


def test_C_5_a_socket_path_that_is_too_long_keeps_the_mail(t):
    daemon = t.daemon(None, {"transport_maps": "inline:{{a.test = lmtp:unix:/%s}}" % ("x" * 120)})
    daemon.send("u@a.test")
    line = daemon.wait_delivery("u@a.test")
    same(outcome(line), ("deferred", "4.3.5"))


def test_C_2_no_port_in_what_is_said_of_a_socket(t):
    path = t.path("nobody")
    line = deliver(t.daemon("unix:" + path))
    same(line["reason"], "connect to causeway.test[%s]: No such file or directory" % path)


def test_C_7_a_socket_is_asked_once(t):
    peer = t.peer({"greeting": then_close("421 4.3.2 no")})
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "1h"})
    same(outcome(deliver(daemon)), ("deferred", "4.3.2"))
    same(len(peer.sessions), 1)


def test_C_8_quit_after_a_failed_handshake(t):
    """With a host that is still there, and before the next one is asked."""
    one = inet_peer(t, {"lhlo": "451 4.3.0 not now"})
    two = inet_peer(t)
    daemon = t.daemon("inet:[127.0.0.1]:%d [127.0.0.1]:%d" % (one.address[1], two.address[1]))
    same(deliver(daemon)["status"], "sent")
    one.wait_command("^QUIT$")
