"""Parameters about TLS that no other file tries: each shows its effect, in smtp_ and lmtp_ where both exist."""

import os
import threading

from certificates import Authority
from harness import limit, same
from processes import wait_for
from secure_peer import SecurePeer

BOTH = ("smtp", "lmtp")


class Place:
    """A certificate that everybody uses, peers, and daemons that send them the mail of x.test."""

    def __init__(self, t):
        self.t, self.authority = t, Authority(t.path("tls"))
        self.files = self.authority.leaf("leaf", ["mx.peer.test"])

    def peer(self, protocol, script=None, certificate=None, **options):
        peer = SecurePeer(("127.0.0.1", 0), script, certificate=certificate or self.files, smtp=protocol == "smtp", **options)
        self.t.peers.append(peer)
        return peer

    def daemon(self, protocol, peer, settings=None, glob=None, **options):
        """SETTINGS are those of the protocol's transport, GLOB all others."""
        nexthop = "smtp:[127.0.0.1]:%d" if protocol == "smtp" else "lmtp:inet:[127.0.0.1]:%d"
        return self.t.daemon(None, {
            "transport_maps": "inline:{x.test=%s}" % (nexthop % peer.address[1]), "workers": 1,
            protocol + ".tls_security_level": "encrypt",
            **{protocol + "." + k: v for k, v in (settings or {}).items()}, **(glob or {})},
            name="d%d" % len(self.t.daemons), **options)


def send(daemon, to="u@x.test", **how):
    daemon.send(to, **how)
    return daemon.wait_delivery(to)


# --- the end of a connection --------------------------------------------------------------------------

def slow_to_part(released):
    """What a peer does that keeps its close notice back until it is released."""
    def quit(session, line):
        session.say("221 2.0.0 Bye")
        released.wait(60)
        return None
    return quit


@limit(90)
def test_tls_fast_shutdown_enable(t):
    """parameter tls_fast_shutdown_enable; behaviour T-29"""
    place = Place(t)
    one = {"destination_concurrency_limit": 1, "connection_cache_on_demand": False}
    for protocol in BOTH:
        for fast, bound, waits in (("yes", "300s", False), ("no", "300s", True), ("no", "1s", False)):
            released = threading.Event()
            t.on_end(released.set)
            peer = place.peer(protocol, {"quit": slow_to_part(released)})
            daemon = place.daemon(protocol, peer, {**one, "starttls_timeout": bound}, {"tls_fast_shutdown_enable": fast})
            send(daemon)
            daemon.send("second@x.test")
            if waits:
                wait_for(lambda d=daemon: any(x["connections"] == 1 and x["waiting"] == 1
                                              for x in d.ctl("destinations", "--json")), 20, "the second one waits")
                same(daemon.deliveries("second@x.test"), [])
                released.set()
            same(daemon.wait_delivery("second@x.test")["status"], "sent", "%s %s %s" % (protocol, fast, bound))
            same(len(peer.sessions), 2)
            released.set()
            daemon.stop()


# --- trust ------------------------------------------------------------------------------------------------

@limit(60)
def test_tls_policy_maps_with_a_tafile_anywhere(t):
    """parameters smtp_tls_policy_maps, lmtp_tls_policy_maps: what an entry names is read ahead of the sandbox, or refused at
    the start"""
    place = Place(t)
    elsewhere = t.path("far/away")
    os.makedirs(elsewhere)
    anchor, table = os.path.join(elsewhere, "anchor.pem"), t.path("table")
    os.rename(place.authority.ca, anchor)
    for protocol in BOTH:
        peer = place.peer(protocol)
        entry = "secure match=mx.peer.test tafile=%s" % anchor
        key = "[127.0.0.1]:%d" % peer.address[1]
        with open(table, "w") as file:
            file.write("%s %s\n" % (key, entry))
        for maps in ("inline:{{%s=%s}}" % (key, entry), "texthash:" + table, "regexp:{{/./ %s}}" % entry, "static:{%s}" % entry):
            daemon = place.daemon(protocol, peer, {"tls_policy_maps": maps})
            line = send(daemon)
            same((line["status"], line["tls"]), ("sent", "secure"), "%s %s" % (maps, line["reason"]))
            daemon.stop()
        bad = place.daemon(protocol, peer, {"tls_policy_maps": "inline:{{%s=%s.missing}}" % (key, entry)}, start=False)
        bad.start(wait=False)
        same(bad.process.wait(20), 78)
        assert "%s.missing" % anchor in bad.stderr() and "tls_policy_maps" in bad.stderr(), bad.stderr()
