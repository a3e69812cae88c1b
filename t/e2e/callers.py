"""What the tests with real mail servers that deliver through Causeway have in common."""

import os

from chroot import Root, need

CONTRIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib")
DELIVER = "/usr/local/libexec/causeway/causeway-deliver"


def contrib(name):
    with open(os.path.join(CONTRIB, name)) as file:
        return file.read()


def world(t, script=None, settings=None, **options):
    """A backend for example.org and .net, another one for the reports, and Causeway;
    options are those of t.daemon.
    """
    peer, client = t.peer(script), t.peer()
    maps = "inline:{example.org=lmtp:%s, example.net=lmtp:%s, client.test=lmtp:%s}" % (
        peer.nexthop, peer.nexthop, client.nexthop)
    return peer, client, t.daemon(None, {"transport_maps": maps, **(settings or {})}, **options)


def world_in_root(t, packages, programs, script=None, settings=None, **options):
    """The same below a root directory that holds the caller too, with contrib/causeway-deliver;
    and that root.
    """
    need(t)
    root = Root(t.path("root"), packages)
    peer, client, daemon = world(t, script, settings, name="root/causeway", **options)
    for program in programs:
        root.add_program(program)
    root.add_program("/usr/local/bin/causeway-inject", t.options.program("causeway-inject"))
    # the spool as it is called from inside
    root.write(DELIVER, contrib("causeway-deliver").replace(
        "export PATH", "export CAUSEWAY_SPOOL=/causeway/spool\nexport PATH", 1), 0o755)
    return peer, client, daemon, root


def nothing_of_ours(daemon):
    """All is the caller's: Causeway keeps no message and made no report."""
    daemon.spool.wait_empty()
    assert "bounce[" not in daemon.log(), daemon.log()
