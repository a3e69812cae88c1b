"""Real name servers on loopback: NSD serves the zones, some of them signed, and Unbound resolves them."""

import os
import subprocess

from dns import answers
from ports import reserved_port
from servers import Server, need

HEAD = "$TTL 60\n@ SOA ns.test. root.test. 1 3600 600 86400 5\n@ NS ns.test.\n"
PACKAGES = (("/usr/sbin/nsd", "nsd"), ("/usr/sbin/unbound", "unbound"),
            ("/usr/bin/ldns-signzone", "ldnsutils"))

NSD = """server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  database: ""
  pidfile: "{dir}/nsd.pid"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  zonelistfile: "{dir}/zone.list"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""

# It does not validate: what it passes on has to be checked by who asked.
UNBOUND = """server:
  interface: 127.0.0.1@{port}
  do-not-query-localhost: no
  do-ip6: no
  module-config: "iterator"
  local-zone: "test." nodefault
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/unbound.pid"
  num-threads: 1
remote-control:
  control-enable: no
"""


class Zones:
    """ZONES maps the name of a zone to its records (text). "test" is signed, and its key is the trust anchor;
    those in SIGNED are signed below it, all others are not. CHANGES maps a signed zone to (old, new): a text
    that is changed when the signatures are made."""

    def __init__(self, directory, zones, signed=(), changes=None):
        need(*PACKAGES)
        self.nsd, self.unbound = Server(os.path.join(directory, "nsd")), Server(os.path.join(directory,
                                                                                             "unbound"))
        self.ports = reserved_port(), reserved_port()
        self.address = "127.0.0.1@%d" % self.ports[1]
        self.names = ["test", *zones]
        delegations = "ns A 127.0.0.1\n"
        for name, records in zones.items():
            text = "$ORIGIN %s.\n%s%s" % (name, HEAD, records)
            if name in signed:
                text, proof, _ = self._sign(name, text)
                text = text.replace(*(changes or {}).get(name, ("", "")))
                delegations += proof
            if name.endswith(".test"):
                delegations += "%s. NS ns.test.\n" % name
            self.nsd.write(name, text)
        text, _, key = self._sign("test", "$ORIGIN test.\n" + HEAD + delegations)
        self.nsd.write("test", text)
        self.trust_anchor = self.nsd.write("anchor", key)

    def _sign(self, name, text):
        """The signed zone, the DS record for its parent, and its key."""
        self.nsd.write("unsigned", text)
        base = self._ldns("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", name).strip()
        self._ldns("ldns-signzone", "-o", name, "-f", "signed", "unsigned", base)
        proof = self._ldns("ldns-key2ds", "-n", "-2", base + ".key")
        return self._read("signed"), proof, self._read(base + ".key")

    def _ldns(self, *command):
        done = subprocess.run(command, cwd=self.nsd.dir, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, "%s: %s" % (command, done.stderr)
        return done.stdout

    def _read(self, name):
        with open(self.nsd.at(name)) as file:
            return file.read()

    def start(self):
        conf = NSD.format(dir=self.nsd.dir, port=self.ports[0])
        stubs = ""
        for name in self.names:
            conf += 'zone:\n  name: "%s"\n  zonefile: "%s"\n' % (name, name)
            stubs += 'stub-zone:\n  name: "%s."\n  stub-addr: 127.0.0.1@%d\n' % (name, self.ports[0])
        self.nsd.run(["/usr/sbin/nsd", "-d", "-c", self.nsd.write("nsd.conf", conf)],
                     lambda: answers(self.ports[0], "test"), "NSD")
        conf = UNBOUND.format(dir=self.unbound.dir, port=self.ports[1]) + stubs
        self.unbound.run(["/usr/sbin/unbound", "-d", "-c", self.unbound.write("unbound.conf", conf)],
                         lambda: answers(self.ports[1], "test"), "Unbound")
        return self

    def stop(self):
        for server in (self.unbound, self.nsd):
            server.stop()


def start_zones(t, zones, **how):
    servers = Zones(t.path("dns"), zones, **how)
    t.on_end(servers.stop)
    return servers.start()


def daemon_at(t, servers, settings, name=""):
    """A daemon that finds its hosts through these servers, and validates what they say."""
    return t.daemon(None, {
        "default_transport": "smtp", "resolver.servers": [servers.address],
        "resolver.hosts_file": "/dev/null",
        "resolver.trust_anchor_file": servers.trust_anchor, "inet_protocols": "ipv4",
        "transport_maps": "inline:{client.test=lmtp:%s}" % t.peer().nexthop,
        "queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h", **settings}, name=name)


def with_zones(t, zones, settings, **how):
    """Both."""
    return daemon_at(t, start_zones(t, zones, **how), settings)
