"""Lookup tables in the running daemon: files of every type, bad ones at start and at reload, and new content.
"""

import os
import subprocess

import processes
from harness import same
from servers import need


def goes_to(daemon, address, peer):
    """Mail for ADDRESS arrives at PEER."""
    before = len(peer.messages)
    daemon.send(address)
    same(peer.wait_messages(before + 1)[-1].recipients, [address])


def test_patterns_route_by_the_whole_address(t):
    """Patterns see the address once, with its extension; fixed strings its parts too; the first hit counts.
    """
    one, two, three, rest = (t.peer() for _ in range(4))
    daemon = t.daemon(None, start=False)
    pcre = daemon.write("pcre", "if /@a\\.test$/\n/^(?!owner-)list-/\n  lmtp:%s\nendif\n" % one.nexthop)
    regexp = daemon.write("regexp", "# by extension\n/^[^+]+\\+box@/\tlmtp:%s\n!/\\.test$/ lmtp:%s\n"
                   % (two.nexthop, three.nexthop))
    inline = "{u@a.test=lmtp:%s}" % three.nexthop
    daemon.settings["transport_maps"] = ["pcre:" + pcre, "inline:" + inline, "regexp:" + regexp,
                                         "static:lmtp:" + rest.nexthop]
    daemon.write_config()
    daemon.start()
    for address, peer in (("list-x@a.test", one), ("LIST-x@A.test", one), ("owner-list-x@a.test", rest),
                          ("list-x@b.test", rest), ("v+box@a.test", two), ("v+box@B.TEST", two),
                          ("v+other@a.test", rest), ("u@a.test", three), ("u@c.example", three)):
        goes_to(daemon, address, peer)


def test_mailbox_domains_by_pattern(t):
    """In the configuration itself a dollar is written twice."""
    peer, other = t.peer(), t.peer()
    daemon = t.daemon(peer, {"mailbox_domains": ["pcre:{{/^(north|south)\\.example$$/ x}}"],
                             "default_transport": "lmtp:" + other.nexthop})
    goes_to(daemon, "u@North.example", peer)
    goes_to(daemon, "u@east.south.example", other)   # sub-domains are not asked of patterns


BAD = {
    "regexp": ("/good/ lmtp:x\n\n/bad(/ lmtp:y\n", "line 3: bad pattern"),
    "pcre": ("/good/ lmtp:x\n/(.*)@/ lmtp:unix:$1\n", "line 2: $1 and the like are not allowed"),
    "cidr": ("10.0.0.1/8 lmtp:x\n",
             "line 1: address bits behind the prefix are not zero; meant is perhaps 10.0.0.0/8"),
    "texthash": (" a lmtp:x\n", "line 1: begins with a blank"),
}


def test_a_bad_table_ends_the_start(t):
    """One line that names the configuration's line, the table's file and line, and what is wrong;
    exit status 78.
    """
    for kind, (content, complaint) in BAD.items():
        daemon = t.daemon(None, start=False, name=kind)
        path = daemon.write("table", content)
        daemon.write_config("\ntransport_maps = '%s:%s'\n" % (kind, path))
        daemon.start(wait=False)
        same(daemon.exit_status(), 78, kind)
        lines = daemon.stderr().splitlines()
        same(len(lines), 1, lines)
        with open(daemon.conf) as file:
            number = file.read().count("\n")
        assert "%s:%d: transport_maps" % (daemon.conf, number) in lines[0], lines[0]
        assert "%s:%s: %s" % (kind, path, complaint) in lines[0], lines[0]


def test_a_bad_table_at_reload_keeps_the_old_one(t):
    """The complaint names file and line, mail goes on by the old table,
    and a mended one acts (behaviour R-10).
    """
    one, two = t.peer(), t.peer()
    daemon = t.daemon(None, start=False)
    path = daemon.write("table", "/@a\\.test$/ lmtp:%s\n" % one.nexthop)
    daemon.settings["transport_maps"] = "regexp:" + path
    daemon.write_config()
    daemon.start()
    goes_to(daemon, "u@a.test", one)
    daemon.write("table", "if /a/\n/@a\\.test$/ lmtp:%s\n" % two.nexthop)
    daemon.reload()
    daemon.wait_log(
        r"reload: .*transport_maps.*regexp:%s: line 1: this if has no endif: the configuration stays"
                    % path)
    daemon.wait_notify("READY=1")
    goes_to(daemon, "v@a.test", one)
    daemon.write("table", "if /a/\n/@a\\.test$/ lmtp:%s\nendif\n" % two.nexthop)
    daemon.reconfigure()
    goes_to(daemon, "w@a.test", two)


def sizes(message):
    """The MAIL commands of the message's session that say how large it is."""
    return [c for c in message.session.commands if "SIZE=" in c]


def test_networks_choose_what_a_peer_announces(t):
    """lmtp_discard_lhlo_keyword_address_maps with cidr: by the peer's numeric address;
    a reload brings new content.
    """
    peer = t.peer(address=("127.0.0.1", 0))
    daemon = t.daemon(peer, start=False)
    path = daemon.write("table", "!127.0.0.0/8 pipelining\n127.0.0.1 size, silent-discard\n")
    daemon.settings["lmtp.discard_lhlo_keyword_address_maps"] = "cidr:" + path
    daemon.write_config()
    daemon.start()
    daemon.send("u@example.org")
    same(sizes(peer.wait_messages(1)[0]), [])
    daemon.write("table", "127.0.0.1 pipelining\n")
    before = set(daemon.pids("courier"))
    daemon.reconfigure()
    processes.wait_for(lambda: before.isdisjoint(daemon.pids("courier")), 20, "other couriers")
    daemon.send("v@example.org")
    same(len(sizes(peer.wait_messages(2)[1])), 1)


def test_a_table_that_cannot_be_asked_defers(t):
    """A pattern that takes for ever is the recipient's temporary problem, and says which line it is."""
    peer = t.peer()
    daemon = t.daemon(peer, {"transport_maps": ["pcre:{{/nobody/ x}, {/^(a+)+(a+)+$$/ lmtp:x}}"]})
    daemon.send("a" * 60 + "@example.org")
    line = processes.wait_for(lambda: daemon.deliveries(status="deferred"), 30, "a deferral")[0]
    same(line["dsn"], "4.3.5")
    assert "line 2: the pattern takes too long" in line["reason"], line["reason"]
    goes_to(daemon, "u@example.org", peer)


def test_a_database_changes_without_a_reload(t):
    """postmap writes into it, or another takes its name: the next message sees that, inside the sandbox."""
    need(("/usr/sbin/postmap", "postfix"), ("/usr/lib/postfix/postfix-lmdb.so", "postfix-lmdb"))
    one, two = t.peer(), t.peer()
    daemon = t.daemon(None, {"sandbox": "require"}, start=False)
    daemon.write("main.cf", "compatibility_level = 3.6\n")

    def postmap(name, peer):
        daemon.write(name, "a.test lmtp:%s\n" % peer.nexthop)
        subprocess.run(["/usr/sbin/postmap", "-c", daemon.dir, "lmdb:" + daemon.at(name)], check=True,
                       timeout=100)
    postmap("map", one)
    daemon.settings["transport_maps"] = "lmdb:" + daemon.at("map")
    daemon.write_config()
    daemon.start()
    goes_to(daemon, "u@a.test", one)
    postmap("map", two)
    goes_to(daemon, "v@a.test", two)
    postmap("new", one)
    os.rename(daemon.at("new.lmdb"), daemon.at("map.lmdb"))
    goes_to(daemon, "w@a.test", one)
    postmap("map", two)
    goes_to(daemon, "x@a.test", two)
    os.unlink(daemon.at("map.lmdb"))
    goes_to(daemon, "y@a.test", two)
    daemon.wait_log(r"warning: lmdb:.*/map: .* was replaced or removed, and cannot be opened again")
