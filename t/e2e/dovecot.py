"""Dovecot's LMTP server."""

import glob
import grp
import os
import pwd
import subprocess

from harness import Skip
from ports import reserved_port
from servers import Server, greets, need, read
from spool import ROOT

STORE_UID = 61001       # owner of the mail when root runs it; needs no entry

DOVECOT = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
instance_name = causeway-test
protocols = lmtp
listen = 127.0.0.1
hostname = dovecot.test
postmaster_address = postmaster@example.org
ssl = no
mail_location = maildir:~/Maildir
mail_save_crlf = yes
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_plugins = quota
{users}
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
passdb {{
  driver = static
  args = password=test
  username_filter = !nosuch*@* *@*
}}
userdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%n
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = 0
}}
service anvil {{
  chroot =
  client_limit = 4096
}}
service auth {{
  client_limit = 4096
}}
service stats {{
  chroot =
  client_limit = 4096
}}
service lmtp {{
  client_limit = 1
  process_limit = {process_limit}
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  mail_plugins = quota
}}
"""

DOVECOT_USERS = """
tempfail@example.org:{{PLAIN}}test:{uid}:{gid}::{dir}/mail/tempfail::userdb_tempfail=yes
overquota@example.org:{{PLAIN}}test:{uid}:{gid}::{dir}/mail/overquota::userdb_quota_rule=*:storage=1B
broken@example.org:{{PLAIN}}test:{uid}:{gid}::{dir}/mail/broken::userdb_mail=maildir:{dir}/not-a-directory/Maildir
"""


class Dovecot(Server):
    """LMTP on a UNIX socket and on 127.0.0.1. Any user@anything has a mailbox,
    except nosuch* (550 5.1.1 at RCPT),

    tempfail@example.org (451 4.3.0 at RCPT), overquota@example.org (552 5.2.2 after the dot) and
    broken@example.org (451 4.2.0 after the dot).
    """

    def __init__(self, directory, process_limit=100):
        need(("/usr/sbin/dovecot", "dovecot-core"), ("/usr/lib/dovecot/lmtp", "dovecot-lmtpd"))
        super().__init__(directory)
        self.socket, self.address = self.at("run/lmtp"), ("127.0.0.1", reserved_port())
        uid, gid = (STORE_UID, STORE_UID) if ROOT else (os.geteuid(), os.getegid())
        values = {"dir": self.dir, "uid": uid, "gid": gid, "process_limit": process_limit,
                  "port": self.address[1], "users": "" if ROOT else self._own_users()}
        for name in ("run", "state", "mail"):
            os.makedirs(self.at(name), exist_ok=True)
        if ROOT:
            os.chown(self.at("mail"), uid, gid)
        self.write("not-a-directory", "")
        self.write("users", DOVECOT_USERS.format(**values).lstrip())
        self.conf = self.write("dovecot.conf", DOVECOT.format(**values))

    @staticmethod
    def _own_users():
        """Without root every part runs as the one user there is."""
        try:
            user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        except KeyError:
            raise Skip("Dovecot without root needs the user to have an entry in /etc/passwd")
        return "default_internal_user = %s\ndefault_login_user = %s\ndefault_internal_group = %s\n" \
            % (user, user, group)

    def run_again(self):
        self.run(["/usr/sbin/dovecot", "-F", "-c", self.conf],
                 lambda: greets(self.socket) and greets(self.address),
                 "Dovecot")

    def start(self):
        self.run_again()
        subprocess.run(["doveadm", "-c", self.conf, "-o", "plugin/quota=", "save", "-u",
                        "overquota@example.org"],
                       input=b"Subject: fills the box\n\nfull\n", check=True, capture_output=True,
                       timeout=100)
        return self

    def mail(self, user):
        """The messages in a user's mailbox, as bytes, with what Dovecot put ahead of them."""
        return [read(path) for path in sorted(glob.glob(self.at("mail/%s/Maildir/new/*" % user)))]

    def count(self):
        """All messages that were delivered to anyone."""
        return len(glob.glob(self.at("mail/*/Maildir/new/*")))
