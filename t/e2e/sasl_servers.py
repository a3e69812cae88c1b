"""What real servers ask when somebody logs in: Dovecot's auth service, and Cyrus' sasldb."""

import os
import subprocess

from servers import Server, need
from spool import ROOT
from harness import Skip

DOVECOT_AUTH = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
instance_name = causeway-sasl
protocols = none
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener {dir}/auth {{
    mode = 0666
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


class DovecotAuth(Server):
    """Dovecot without any protocol: its auth service at the socket `socket`, for a Postfix."""

    def __init__(self, directory, users):
        need(("/usr/sbin/dovecot", "dovecot-core"))
        if not ROOT:
            raise Skip("Dovecot's auth service needs root")
        super().__init__(directory)
        self.socket = self.at("auth")
        os.makedirs(self.at("run"), exist_ok=True)
        self.write("users", "".join("%s:{PLAIN}%s\n" % user for user in users))
        self.conf = self.write("dovecot.conf", DOVECOT_AUTH.format(dir=self.dir))

    def start(self):
        self.run(["/usr/sbin/dovecot", "-F", "-c", self.conf], lambda: os.path.exists(self.socket),
                 "Dovecot's auth")
        return self

    @property
    def postfix(self):
        """What makes a Postfix smtpd ask it."""
        return "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = %s\n" % self.socket


class Sasldb:
    """A database of Cyrus SASL with these users in a realm, readable by its owner."""

    def __init__(self, directory, users, realm, owner):
        need(("/usr/sbin/saslpasswd2", "sasl2-bin"))
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
        self.path, self.realm, self.mechanisms = os.path.join(directory, "sasldb2"), realm, ""
        for user, password in users:
            subprocess.run(["/usr/sbin/saslpasswd2", "-p", "-c", "-f", self.path, "-u", realm, user],
                           input=password.encode() + b"\n", check=True, timeout=100)
        if not ROOT:
            raise Skip("needs root, to give the passwords to the server's user")
        os.chown(self.path, owner, owner)

    def postfix(self, mechanisms):
        """What makes a Postfix smtpd ask it, beside the file of configure_postfix."""
        self.mechanisms = mechanisms
        return "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = cyrus\nsmtpd_sasl_path = smtpd\n" \
               "smtpd_sasl_local_domain = %s\n" % self.realm

    def configure_postfix(self, server):
        """Debian's Postfix looks for it there, whatever cyrus_sasl_config_path says."""
        server.write("etc/sasl/smtpd.conf",
                     "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\n"
                     "mech_list: %s\n" % (self.path, self.mechanisms))

    def cyrus(self, mechanisms):
        """The same for Cyrus' imapd.conf."""
        return "sasl_pwcheck_method: auxprop\nsasl_auxprop_plugin: sasldb\nsasl_sasldb_path: %s\nsasl_mech_list: %s\n" \
               "sasl_minimum_layer: 0\n" % (self.path, mechanisms)
