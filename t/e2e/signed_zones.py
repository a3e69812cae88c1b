"""Zones for DANE on loopback: NSD answers, one zone is signed, another below it is not."""

import glob
import os
import re
import subprocess

from dns import answers
from ports import reserved_port
from servers import Server, need

HEAD = "$ORIGIN %s.\n$TTL 60\n@ SOA ns.test. root.test. 1 3600 600 86400 60\n@ NS ns.test.\n"


class SignedZones(Server):
    """"test." signed from LINES, "insecure.test." unsigned from INSECURE,
    and the zones of BROKEN without an answer.
    """

    def __init__(self, directory, lines, insecure=(), broken=(), altered=()):
        need(("/usr/sbin/nsd", "nsd"), ("/usr/bin/ldns-signzone", "ldnsutils"))
        super().__init__(directory)
        self.port = reserved_port()
        self.resolver = "127.0.0.1@%d" % self.port
        zone = HEAD % "test" + "ns A 127.0.0.1\n" + "".join(
            "%s NS ns.test.\n" % name for name in ("insecure.test.", *broken)) + "\n".join(lines) + "\n"
        self.write("test.zone", zone)
        self.write("insecure.zone", HEAD % "insecure.test" + "\n".join(insecure) + "\n")
        self._sign()
        self._alter(altered)
        self.write("nsd.conf", self._conf(broken))

    def _sign(self):
        for flags in (["-k"], []):
            subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", *flags, "test"], cwd=self.dir, check=True,
                           capture_output=True, timeout=100)
        keys = [os.path.basename(path)[:-4] for path in glob.glob(self.at("Ktest*.key"))]
        subprocess.run(["ldns-signzone", "-n", "-o", "test", "test.zone", *keys], cwd=self.dir, check=True,
                       capture_output=True, timeout=100)
        anchors = ""
        for name in keys:
            with open(self.at(name + ".key")) as file:
                anchors += file.read()
        self.anchor = self.write("anchor", anchors)

    def _alter(self, owners):
        """What stands at these names is no longer what was signed."""
        with open(self.at("test.zone.signed")) as file:
            text = file.read()
        for owner in owners:
            text, count = re.subn(r"(?m)^(%s\t\d+\tIN\tTLSA\t3 1 1 )[0-9a-f]{8}" % re.escape(owner),
                                  r"\g<1>00000000", text)
            assert count == 1, owner
        self.write("test.zone.signed", text)

    def _conf(self, broken):
        zones = {"test": "test.zone.signed", "insecure.test": "insecure.zone"}
        zones.update({name.rstrip("."): "missing.zone" for name in broken})
        return ("server:\n ip-address: 127.0.0.1@%d\n port: %d\n zonesdir: %s\n pidfile: \"\"\n logfile: %s\n"
                " database: \"\"\n username: \"\"\n rrl-ratelimit: 0\n xfrdfile: %s\n zonelistfile: %s\nremote-control:\n control-enable: no\n"
                % (self.port, self.port, self.dir, self.at("log"), self.at("xfrd"), self.at("zonelist"))
                + "".join("zone:\n name: %s\n zonefile: %s\n" % item for item in zones.items()))

    def start(self):
        self.run(["/usr/sbin/nsd", "-d", "-c", self.at("nsd.conf")], lambda: answers(self.port, "test"),
                 "NSD")
        return self
