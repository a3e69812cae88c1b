"""Cyrus lmtpd."""

import grp
import os
import pwd
import re
import subprocess

from harness import Skip
from ports import reserved_port
from servers import Server, connect, greets, need, read
from spool import ROOT

CYRUS = """
configdirectory: {dir}/conf
proc_path: {dir}/proc
mboxname_lockpath: {dir}/lock
defaultpartition: default
partition-default: {dir}/spool
sievedir: {dir}/sieve
lmtpsocket: {dir}/socket/lmtp
idlesocket: {dir}/socket/idle
notifysocket: {dir}/socket/notify
servername: cyrus.test
virtdomains: userid
defaultdomain: example.org
unixhierarchysep: yes
altnamespace: yes
admins: cyrus
autocreate_sieve_script_compile: no
duplicatesuppression: no
lmtp_over_quota_perm_failure: 1
umask: 077
"""

CYRUS_SERVICES = """
START {{
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  lmtp cmd="lmtpd -C {dir}/imapd.conf" listen="{dir}/socket/lmtp" prefork=0 maxchild=50
  lmtpmake cmd="lmtpd -C {dir}/make.conf" listen="{dir}/socket/make" prefork=0 maxchild=5
  lmtpfull cmd="lmtpd -C {dir}/full.conf" listen="{dir}/socket/full" prefork=0 maxchild=5
  lmtpinet cmd="lmtpd -C {dir}/imapd.conf" listen="127.0.0.1:{port}" proto="tcp4" prefork=0 maxchild=50
}}
EVENTS {{
  checkpoint cmd="/usr/sbin/cyrus ctl_cyrusdb -C {dir}/imapd.conf -c" period=30
}}
"""


class Cyrus(Server):
    """lmtpd on its UNIX socket, and on 127.0.0.1 where it wants a login,
    with the mailboxes of USERS at example.org; anybody else is 550 5.1.1 (three lines).

    overquota has 552 5.2.2 at RCPT; broken cannot be written to, which is a temporary failure after the dot.
    """

    def __init__(self, directory, users=("one", "two"), extra=""):
        need(("/usr/lib/cyrus/bin/lmtpd", "cyrus-common"), ("/usr/sbin/cyrmaster", "cyrus-common"))
        if not ROOT:
            raise Skip("Cyrus needs root to start as the user cyrus")
        super().__init__(directory)
        self.users = tuple(users)
        self.socket, self.address = self.at("socket/lmtp"), ("127.0.0.1", reserved_port())
        text = CYRUS.format(dir=self.dir)
        self.write("imapd.conf", text + "autocreate_quota: 0\n" + extra)
        self.write("make.conf", text + "autocreate_quota: 0\nautocreate_post: yes\n")
        self.write("full.conf", text + "autocreate_quota: 1\nautocreate_post: yes\n")
        self.write("cyrus.conf", CYRUS_SERVICES.format(dir=self.dir, port=self.address[1]))
        self.owner, self.group = pwd.getpwnam("cyrus").pw_uid, grp.getgrnam("mail").gr_gid
        names = ["spool", "proc", "lock", "sieve", "socket", "conf"]
        names += ["conf/" + name for name in "db socket log msg user quota proc sieve backup".split()]
        for name in names:
            os.makedirs(self.at(name), exist_ok=True)
            os.chown(self.at(name), self.owner, self.group)

    def run_again(self):
        command = ["/usr/sbin/cyrmaster", "-C", self.at("imapd.conf"), "-M", self.at("cyrus.conf"),
                   "-p", self.at("master.pid")]
        self.run(command, lambda: all(greets(self.at("socket/" + name)) for name in ("lmtp", "make", "full")),
                 "Cyrus")

    def start(self):
        self.run_again()
        self._deliver("make", [*self.users, "broken"], b"Subject: first\r\n\r\nmade\r\n")
        self._deliver("full", ["overquota"], b"Subject: first\r\n\r\n" + b"x" * 70 + b"\r\n" * 2000)
        os.chmod(self.directory_of("broken"), 0)
        os.chown(self.directory_of("broken"), 0, 0)
        return self

    def _deliver(self, listener, users, message):
        """A first message, which makes the mailbox."""
        with connect(self.at("socket/" + listener)) as sock, sock.makefile("rb") as replies:
            def say(line):
                sock.sendall(line + b"\r\n")
                return hear()

            def hear():
                line = replies.readline()
                return hear() if line[3:4] == b"-" else line
            hear()
            say(b"LHLO test")
            for user in users:
                say(b"MAIL FROM:<>")
                say(b"RCPT TO:<%s@example.org>" % user.encode())
                say(b"DATA")
                answer = say(message + b".")
                assert answer.startswith(b"250"), (user, answer)
            say(b"QUIT")

    def directory_of(self, user):
        done = subprocess.run(["/usr/sbin/cyrus", "mbpath", "-C", self.at("imapd.conf"), "-u",
                               user + "@example.org"],
                              capture_output=True, text=True, timeout=100, check=True)
        return done.stdout.strip()

    def mail(self, user):
        """The messages in a user's mailbox, without the one that made it."""
        directory = self.directory_of(user)
        numbers = sorted(int(name[:-1]) for name in os.listdir(directory) if re.fullmatch(r"\d+\.", name))
        return [read("%s/%d." % (directory, number)) for number in numbers][1:]
