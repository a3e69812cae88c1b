"""posttls-finger(1), Postfix's own look at a server's TLS: to compare verdicts with."""

import os
import re
import socket
import subprocess
import tempfile

from harness import Skip
from servers import Server, need
from spool import ROOT

PROGRAM = "/usr/sbin/posttls-finger"
ESTABLISHED = re.compile(r"(\w+) TLS connection established to")
# as the first process of a mount namespace of its own, whose resolv.conf is another one
ELSEWHERE = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"']


def posttls_finger(level, destination, match=(), ca=None, lmtp=False, resolver=None):
    """What it calls the server: "Verified", "Trusted", "Untrusted", "Anonymous"; None if there was no TLS."""
    need((PROGRAM, "postfix"))
    command = [PROGRAM, "-c", "-t", "20", "-l", level, "-L", "summary", "-d", "sha256"]
    command += ["-F", ca] if ca else []
    command += ["-S"] if lmtp else []
    command += [destination, *match]
    if resolver:
        command = [*ELSEWHERE, resolver.resolv_conf, *command]
    with tempfile.TemporaryDirectory() as config:      # the machine's Postfix may have no configuration
        with open(os.path.join(config, "main.cf"), "w") as main:
            main.write("compatibility_level = 3.6\n")
        os.utime(main.name, (0, 0))     # a file that is being written would be waited for
        done = subprocess.run(command, capture_output=True, text=True, timeout=100,
                              env={**os.environ, "MAIL_CONFIG": config})
    said = ESTABLISHED.findall(done.stdout + done.stderr)
    assert (said or resolver) and "fatal" not in done.stderr, "%s\n%s%s" % (command, done.stdout, done.stderr)
    return said[0] if said else None


CONF = """
server:
  interface: {address}
  port: 53
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/pid"
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  local-zone: "test." nodefault
  trust-anchor-file: "{anchor}"
remote-control:
  control-enable: no
stub-zone:
  name: "test."
  stub-addr: 127.0.0.1@{port}
stub-zone:
  name: "insecure.test."
  stub-addr: 127.0.0.1@{port}
"""


class Validator(Server):
    """An Unbound that validates the zones of a SignedZones, on the one port that the C library asks."""

    def __init__(self, directory, zones):
        need(("/usr/sbin/unbound", "unbound"))
        if not ROOT:
            raise Skip("port 53 and a mount namespace need root")
        if subprocess.run(["/usr/bin/unshare", "-m", "/bin/true"], capture_output=True).returncode != 0:
            raise Skip("no mount namespaces here, as in a chroot")
        super().__init__(directory)
        self.address = "127.53.%d.%d" % (os.getpid() >> 8 & 255, 1 + os.getpid() % 250)
        self.resolv_conf = self.write("resolv.conf", "nameserver %s\noptions trust-ad edns0\n" % self.address)
        self.conf = self.write("unbound.conf", CONF.format(dir=self.dir, address=self.address,
                                                           anchor=zones.anchor,
                                                           port=zones.port))

    def start(self):
        self.run(["/usr/sbin/unbound", "-d", "-c", self.conf], self._listens, "Unbound")
        return self

    def _listens(self):
        with socket.socket() as sock:
            return sock.connect_ex((self.address, 53)) == 0
