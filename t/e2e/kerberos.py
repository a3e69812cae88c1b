"""A Kerberos realm on loopback: MIT's KDC, as any user, with all that belongs to it in one directory."""

import glob
import os
import select
import socket
import subprocess
import threading

from harness import Skip
from ports import reserved_port
from servers import Server, need
from spool import ROOT

REALM = "TEST.REALM"

KRB5 = """
[libdefaults]
 default_rcache_name = none:
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 .test = {realm}
"""

KDC = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {dir}/principal
  key_stash_file = {dir}/stash
  max_life = 1h
 }}
"""


def give(path, owner):
    """Let a file with keys or tickets be that user's."""
    if not ROOT:
        raise Skip("needs root, to give keys to the users of servers")
    os.chown(path, owner, owner)


class Kerberos(Server):
    """The KDC of REALM; `environment` makes programs belong to it."""

    def __init__(self, directory):
        need(("/usr/sbin/krb5kdc", "krb5-kdc"), ("/usr/sbin/kadmin.local", "krb5-admin-server"),
             ("/usr/bin/kinit", "krb5-user"),
             ("".join(glob.glob("/usr/lib/*/sasl2/libgssapiv2.so")), "libsasl2-modules-gssapi-mit"))
        super().__init__(directory)
        self.port = reserved_port()
        names = {"realm": REALM, "dir": self.dir, "port": self.port}
        self.environment = {"KRB5_CONFIG": self.write("krb5.conf", KRB5.format(**names)),
                            "KRB5_KDC_PROFILE": self.write("kdc.conf", KDC.format(**names))}
        self._command("/usr/sbin/kdb5_util", "create", "-s", "-r", REALM, "-P", "master")

    def _command(self, *arguments, **environment):
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=100,
                              env={**os.environ, **self.environment, **environment})
        assert done.returncode == 0, "%s: %s%s" % (arguments, done.stdout, done.stderr)

    def start(self):
        self.run(["/usr/sbin/krb5kdc", "-n", "-P", self.at("pid")], lambda: os.path.exists(self.at("pid")),
                 "krb5kdc",
                 env={**os.environ, **self.environment})
        return self

    def silent(self):
        """Who stands in the KDC's place and says nothing; for a realm that was not started,
        or has been stopped.
        """
        return SilentKDC(self.port)

    def keytab(self, principal, owner):
        """A new principal's keys in a file that OWNER may read."""
        path = self.at(principal.replace("/", "-") + ".keytab")
        self._command("/usr/sbin/kadmin.local", "addprinc", "-randkey", principal)
        self._command("/usr/sbin/kadmin.local", "ktadd", "-k", path, principal)
        give(path, owner)
        return path

    def ticket(self, principal, keytab, cache, owner, services=()):
        """A ticket of the principal in the file CACHE, that OWNER may read, with tickets for services."""
        self._command("/usr/bin/kinit", "-k", "-t", keytab, "-c", cache, principal)
        for service in services:
            self._command("/usr/bin/kvno", "-c", cache, service)
        give(cache, owner)
        return cache


class SilentKDC:
    """Takes what is asked of a KDC, by datagrams and connections, and never answers."""

    def __init__(self, port):
        self.asked = threading.Event()
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock in (self.datagrams, self.listener):
            sock.bind(("127.0.0.1", port))
        self.listener.listen(100)
        self.running = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while self.running:
            if select.select([self.datagrams], [], [], 0.1)[0]:
                self.datagrams.recv(65536)
                self.asked.set()

    def stop(self):
        """Also gives the port free, for the KDC that is there after all."""
        self.running = False
        self._reader.join()
        self.datagrams.close()
        self.listener.close()
