"""A Postfix that relays over LMTP, to compare with."""

import os
import pwd
import re
import subprocess

import processes
from harness import Skip
from servers import Server, greets, need
from spool import ROOT

POSTFIX_MAIN = """
compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/queue
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = postfix.test
mydestination =
myorigin = client.test
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
biff = no
relay_domains = example.org
relay_transport = lmtp:{nexthop}
default_transport = discard
mailbox_size_limit = 0
message_size_limit = 0
"""

# Debian's services, less the SMTP listener, which would want port 25.
POSTFIX_MASTER = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
"""


def once_each(text):
    """main.cf with each parameter once, its last value. Postfix's processes warn of what stands twice, and
    its log daemon, which warns as well, can wait for itself for ever when several do."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            values[name.strip()] = value.strip()
    return "".join(("%s = %s" % pair).rstrip() + "\n" for pair in values.items())


class Instance(Server):
    """A Postfix with that main.cf and master.cf, in a directory of its own."""

    def __init__(self, directory, main, master):
        need(("/usr/lib/postfix/sbin/master", "postfix"), ("/usr/sbin/postfix", "postfix"))
        if not ROOT:
            raise Skip("Postfix needs root")
        super().__init__(directory)
        for name in ("etc", "queue", "data"):
            os.makedirs(self.at(name), exist_ok=True)
        os.chown(self.at("data"), pwd.getpwnam("postfix").pw_uid, 0)
        self.write("etc/main.cf", once_each(main.replace("{dir}", self.dir)))
        self.write("etc/master.cf", master)
        self._command("check")

    def _command(self, *arguments):
        done = subprocess.run(["/usr/sbin/postfix", "-c", self.at("etc"), *arguments], capture_output=True,
                              text=True,
                              timeout=60)
        assert done.returncode == 0, "postfix %s: %s" % (arguments, done.stderr)

    def run_master(self, ready=lambda: True):
        """Start Postfix with the master.cf that is there now."""
        # master itself: "postfix start-fg" would leave a shell between us and it
        self.run(["/usr/lib/postfix/sbin/master", "-c", self.at("etc"), "-s"], ready, "Postfix")

    def log(self):
        """What it has logged; its log daemon makes the file when the first line comes."""
        if not os.path.exists(self.at("log")):
            return ""
        with open(self.at("log"), errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, timeout=40):
        return processes.wait_for(lambda: re.search(pattern, self.log()), timeout,
                                  "Postfix's log line " + pattern)


class Postfix(Instance):
    """A Postfix instance that takes mail for example.org by sendmail(1) and relays it over LMTP to NEXTHOP.
    """

    def __init__(self, directory, nexthop, extra=""):
        super().__init__(directory, POSTFIX_MAIN.replace("{nexthop}", nexthop) + extra, POSTFIX_MASTER)

    def master_text(self):
        """The text of master.cf, for a run with other services."""
        return POSTFIX_MASTER

    def start(self):
        self.run_master()
        processes.wait_for(lambda: os.path.exists(self.at("queue/public/pickup")), 30, "Postfix ready")
        return self

    def queued(self):
        """How many messages are in its queue."""
        return sum(len(files) for name in ("maildrop", "incoming", "active", "deferred", "hold")
                   for _, _, files in os.walk(self.at("queue/" + name)))


POSTFIX_MX = """
myhostname = mx.test
relay_transport = discard
relay_recipient_maps = regexp:{{/^good/ ok}}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_authorized_xforward_hosts = 127.0.0.0/8
in_flow_delay = 0
smtpd_peername_lookup = no
"""


class PostfixMX(Postfix):
    """A Postfix smtpd on a port of 127.0.0.1: takes mail for good...@example.org, knows nobody else there."""

    def __init__(self, directory, port, extra=""):
        super().__init__(directory, "unix:/nowhere", POSTFIX_MX + extra)
        self.port = port
        self.write("etc/master.cf", self.master_text())

    def master_text(self):
        return POSTFIX_MASTER + "127.0.0.1:%d inet n - n - 100 smtpd\n" % self.port

    def start(self):
        super().start()
        processes.wait_for(lambda: greets(("127.0.0.1", self.port)), 30, "smtpd's greeting")
        return self
