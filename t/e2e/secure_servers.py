"""Real servers that speak STARTTLS, with a certificate for each of several addresses: Postfix' smtpd,
Dovecot's LMTP."""

import os

from harness import Skip
from ports import reserved_port
from postfix import Instance
from servers import Server, greets, need
from spool import ROOT

SMTPD_MAIN = """
compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/queue
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mx.postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
relay_domains =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = permit_mynetworks, reject
default_transport = discard
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
"""

SMTPD_MASTER = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class SmtpServers(Instance):
    """One Postfix, and an smtpd on a port of its own for each certificate of CERTIFICATES (name -> (chain,
    key)).
    """

    def __init__(self, directory, certificates, extra=""):
        self.address = {name: ("127.0.0.1", reserved_port()) for name in certificates}
        super().__init__(directory, SMTPD_MAIN + extra, SMTPD_MASTER + "".join(
            "127.0.0.1:%d inet n - n - 50 smtpd\n  -o smtpd_tls_cert_file=%s -o smtpd_tls_key_file=%s\n"
            % (self.address[name][1], chain, key) for name, (chain, key) in certificates.items()))

    def start(self):
        self.run_master(lambda: all(map(greets, self.address.values())))
        return self


DOVECOT_MAIN = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
instance_name = causeway-tls-test
protocols = lmtp
hostname = mx.dovecot.test
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
mail_location = maildir:{dir}/mail/%n
mail_uid = 61001
mail_gid = 61001
first_valid_uid = 61001
first_valid_gid = 61001
passdb {{
  driver = static
  args = password=test
}}
userdb {{
  driver = static
  args = uid=61001 gid=61001 home={dir}/mail/%n
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


class SecureDovecot(Server):
    """A Dovecot with LMTP on 127.0.0.1, and STARTTLS with one certificate."""

    def __init__(self, directory, chain, key):
        super().__init__(directory)
        for name in ("run", "state", "mail"):
            os.makedirs(self.at(name), exist_ok=True)
        os.chown(self.at("mail"), 61001, 61001)
        self.address = ("127.0.0.1", reserved_port())
        self.conf = self.write("dovecot.conf", DOVECOT_MAIN.format(dir=self.dir, chain=chain, key=key,
                                                                   port=self.address[1]))

    def start(self):
        self.run(["/usr/sbin/dovecot", "-F", "-c", self.conf], lambda: greets(self.address), "Dovecot")
        return self


class LmtpServers:
    """A Dovecot for each certificate (name -> (chain, key)): its LMTP service has one for all its addresses.
    """

    def __init__(self, directory, certificates):
        need(("/usr/sbin/dovecot", "dovecot-core"), ("/usr/lib/dovecot/lmtp", "dovecot-lmtpd"))
        if not ROOT:
            raise Skip("Dovecot with users of its own needs root")
        os.makedirs(directory)
        os.chmod(directory, 0o755)
        self.servers = {name: SecureDovecot(os.path.join(directory, name), *files)
                        for name, files in certificates.items()}
        self.address = {name: server.address for name, server in self.servers.items()}

    def start(self):
        for server in self.servers.values():
            server.start()
        return self

    def stop(self):
        for server in self.servers.values():
            server.stop()
