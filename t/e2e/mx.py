"""SMTP hosts at 127.0.0.11, .12 … on one port, a name server that knows them,
and a daemon that sends mail there.
"""

from dns import NameServer
from ports import reserved_port

WAITING = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"}


def address(number):
    """That of the host h<number>.test."""
    return "127.0.0.%d" % (10 + number)


def known_hosts(count):
    return {"h%d.test" % n: [address(n)] for n in range(1, count + 1)}


def servers(t, scripts, **peer_options):
    """A scripted SMTP server for each of SCRIPTS, at address(1), address(2) … on one port; None:
    nobody is there.
    """
    port = reserved_port()
    return port, [None if script is None else t.peer(script, (address(n), port), smtp=True, **peer_options)
                  for n, script in enumerate(scripts, 1)]


def daemon_with_dns(t, names, settings=None, **options):
    """A daemon that asks a name server that knows NAMES, and that server."""
    server = NameServer(names)
    t.on_end(server.close)
    options.setdefault("name", "d%d" % len(t.daemons))
    daemon = t.daemon(None, {
        "default_transport": "smtp", "resolver.servers": [server.address], "resolver.trust_anchor_file": "",
        "resolver.hosts_file": "/dev/null", "transport_maps": "inline:{client.test=lmtp:%s}"
        % t.peer().nexthop,
        "inet_protocols": "ipv4", **WAITING, **(settings or {})}, **options)
    return daemon, server


def network(t, scripts, names, settings=None, **peer_options):
    """Both: the daemon, the servers, and the name server, which knows h1.test, h2.test … besides NAMES."""
    port, peers = servers(t, scripts, **peer_options)
    daemon, server = daemon_with_dns(t, {**known_hosts(len(scripts)), **names},
                                     {"smtp.tcp_port": port, **(settings or {})})
    return daemon, peers, server


def deliver(daemon, domain, timeout=20, **how):
    """Send a message to u@DOMAIN; its delivery line."""
    daemon.send("u@" + domain, **how)
    return daemon.wait_delivery("u@" + domain, timeout=timeout)


def host_of(line):
    """The name in relay=."""
    return line["relay"].partition("[")[0]
