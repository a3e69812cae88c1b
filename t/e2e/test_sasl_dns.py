"""Credentials go to the host that they are for:
which names that came from DNS are keys of sasl_password_maps.
"""

import auth
from auth import GOOD
from cases import outcome
from harness import limit, same
from mx import deliver, servers
from test_sasl import commands, offering, table
from zones import daemon_at, start_zones

MX = "@ MX 10 mx\nmx A 127.0.0.11\n"


def client(t, zones, port, entries, name, **settings):
    return daemon_at(t, zones, {
        "smtp.tcp_port": port, "smtp.sasl_auth_enable": True, "smtp.sasl_security_options": "noanonymous",
        "smtp.sasl_password_maps": table(t, *entries, name=name + "passwords"), **settings}, name=name)


def users(peer):
    """Whom the client has logged in as, so far."""
    return [auth.decode(c.split()[2]).split(b"\0")[1].decode() for c in commands(peer, "AUTH")]


@limit(120)
def test_a_name_from_unsigned_DNS_is_no_key(t):
    """Whoever can forge an MX record must not get the password that is meant for another host: only the name
    that the postmaster wrote is looked for, and the log tells of the entry that was passed over. Where DNSSEC
    vouches for the MX record its host is the first key, as S-5 says."""
    port, (peer,) = servers(t, [{"auth": lambda s, line: GOOD}], keywords=offering("PLAIN"))
    zones = start_zones(t, {"signed.test": MX, "plain.test": MX}, signed=["signed.test"])
    both = [("mx.%s.test", "host:pw"), ("%s.test", "next:pw")]
    for number, (zone, entries, wanted) in enumerate((
            ("signed", both, ["host"]), ("plain", both, ["next"]), ("signed", both[1:], ["next"]),
            ("plain", both[:1], []))):
        before = users(peer)
        daemon = client(t, zones, port, [(key % zone, value) for key, value in entries], "d%d" % number)
        same(outcome(deliver(daemon, zone + ".test"))[0], "sent", (zone, entries))
        same(users(peer)[len(before):], wanted, (zone, entries))
        withheld = "has an entry for mx.plain.test, which is not used" in daemon.log()
        same(withheld, not wanted)
        shown = daemon.ctl("explain", "u@%s.test" % zone)
        same("login by the entry for " in shown, bool(wanted), shown)
        same("DNSSEC does not vouch for it" in shown, withheld, shown)


@limit(120)
def test_a_name_that_is_written_needs_no_DNSSEC(t):
    """[host] as nexthop is what the postmaster wrote."""
    port, (peer,) = servers(t, [{"auth": lambda s, line: GOOD}], keywords=offering("PLAIN"))
    zones = start_zones(t, {"plain.test": MX})
    daemon = client(t, zones, port, [("mx.plain.test", "host:pw")], "d",
                    default_transport="smtp:[mx.plain.test]")
    same(outcome(deliver(daemon, "anywhere.test"))[0], "sent")
    same(users(peer), ["host"])
