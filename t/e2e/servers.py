"""Real servers to deliver to, each in a directory of its own: Dovecot, Cyrus lmtpd, smtp-sink, and Postfix."""

import glob
import grp
import os
import pwd
import re
import signal
import socket
import subprocess

import processes
from harness import ROOT, Skip

STORE_UID = 61001       # owner of Dovecot's mail when root runs it; needs no entry


def need(*paths_and_packages):
    """Skip the test if one of these programs is not installed; arguments are (path, package) pairs."""
    missing = sorted({package for path, package in paths_and_packages if not os.path.exists(path)})
    if missing:
        raise Skip("Debian package(s) missing: " + " ".join(missing))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(address):
    """A connection to a path or a (host, port)."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.settimeout(5)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def greets(address):
    """Whether a server says 220 there."""
    try:
        with connect(address) as sock:
            return sock.recv(512).startswith(b"220")
    except OSError:
        return False


def accepts(address):
    try:
        connect(address).close()
        return True
    except OSError:
        return False


class Server:
    """One server program in the foreground."""

    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
        self.process = None

    def at(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "w") as file:
            file.write(text)
        os.chmod(self.at(name), mode)
        return self.at(name)

    def run(self, command, ready, what, **options):
        """Start COMMAND, and wait until READY()."""
        with open(self.at("output"), "ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.dir,
                                            start_new_session=True, **options)

        def check():
            if self.process.poll() is not None:
                raise AssertionError("%s ended with %d" % (what, self.process.returncode))
            return ready()
        try:
            processes.wait_for(check, 30, what + " ready")
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.output())) from None

    def output(self):
        texts = []
        for path in glob.glob(self.at("output")) + glob.glob(self.at("log*")):
            if os.path.isfile(path):
                with open(path, errors="replace") as file:
                    texts.append("%s:\n%s" % (path, file.read()[-3000:]))
        return "\n".join(texts)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        below = processes.descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in below:
            if processes.alive(pid):
                os.kill(pid, signal.SIGKILL)


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
    """LMTP on a UNIX socket and on 127.0.0.1. Any user@anything has a mailbox, except nosuch* (550 5.1.1 at RCPT),

    tempfail@example.org (451 4.3.0 at RCPT), overquota@example.org (552 5.2.2 after the dot) and
    broken@example.org (451 4.2.0 after the dot).
    """

    def __init__(self, directory, process_limit=100):
        need(("/usr/sbin/dovecot", "dovecot-core"), ("/usr/lib/dovecot/lmtp", "dovecot-lmtpd"))
        super().__init__(directory)
        self.socket, self.address = self.at("run/lmtp"), ("127.0.0.1", free_port())
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
        return "default_internal_user = %s\ndefault_login_user = %s\ndefault_internal_group = %s\n" % (user, user, group)

    def start(self):
        self.run(["/usr/sbin/dovecot", "-F", "-c", self.conf], lambda: greets(self.socket) and greets(self.address),
                 "Dovecot")
        subprocess.run(["doveadm", "-c", self.conf, "-o", "plugin/quota=", "save", "-u", "overquota@example.org"],
                       input=b"Subject: fills the box\n\nfull\n", check=True, capture_output=True, timeout=30)
        return self

    def mail(self, user):
        """The messages in a user's mailbox, as bytes, with what Dovecot put ahead of them."""
        return [_read(path) for path in sorted(glob.glob(self.at("mail/%s/Maildir/new/*" % user)))]

    def count(self):
        """All messages that were delivered to anyone."""
        return len(glob.glob(self.at("mail/*/Maildir/new/*")))


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
}}
EVENTS {{
  checkpoint cmd="/usr/sbin/cyrus ctl_cyrusdb -C {dir}/imapd.conf -c" period=30
}}
"""


class Cyrus(Server):
    """lmtpd on its UNIX socket, with the mailboxes of USERS at example.org; anybody else is 550 5.1.1 (three lines).

    overquota has 552 5.2.2 at RCPT; broken cannot be written to, which is a temporary failure after the dot.
    """

    def __init__(self, directory, users=("one", "two")):
        need(("/usr/lib/cyrus/bin/lmtpd", "cyrus-common"), ("/usr/sbin/cyrmaster", "cyrus-common"))
        if not ROOT:
            raise Skip("Cyrus needs root to start as the user cyrus")
        super().__init__(directory)
        self.users = tuple(users)
        self.socket = self.at("socket/lmtp")
        text = CYRUS.format(dir=self.dir)
        self.write("imapd.conf", text + "autocreate_quota: 0\n")
        self.write("make.conf", text + "autocreate_quota: 0\nautocreate_post: yes\n")
        self.write("full.conf", text + "autocreate_quota: 1\nautocreate_post: yes\n")
        self.write("cyrus.conf", CYRUS_SERVICES.format(dir=self.dir))
        self.owner, self.group = pwd.getpwnam("cyrus").pw_uid, grp.getgrnam("mail").gr_gid
        names = ["spool", "proc", "lock", "sieve", "socket", "conf"]
        names += ["conf/" + name for name in ("db", "socket", "log", "msg", "user", "quota", "proc", "sieve", "backup")]
        for name in names:
            os.makedirs(self.at(name), exist_ok=True)
            os.chown(self.at(name), self.owner, self.group)

    def start(self):
        command = ["/usr/sbin/cyrmaster", "-C", self.at("imapd.conf"), "-M", self.at("cyrus.conf"),
                   "-p", self.at("master.pid")]
        self.run(command, lambda: all(greets(self.at("socket/" + name)) for name in ("lmtp", "make", "full")), "Cyrus")
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
        done = subprocess.run(["/usr/sbin/cyrus", "mbpath", "-C", self.at("imapd.conf"), "-u", user + "@example.org"],
                              capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip()

    def mail(self, user):
        """The messages in a user's mailbox, without the one that made it."""
        paths = [path for path in glob.glob(self.directory_of(user) + "/*.") if re.fullmatch(r"\d+\.", os.path.basename(path))]
        return [_read(path) for path in sorted(paths, key=lambda path: int(os.path.basename(path)[:-1]))][1:]


class Sink(Server):
    """Postfix's smtp-sink as an LMTP server on a UNIX socket: takes everything and throws it away."""

    def __init__(self, directory, arguments=()):
        need(("/usr/sbin/smtp-sink", "postfix"))
        super().__init__(directory)
        self.socket, self.arguments = self.at("sink"), list(arguments)
        if ROOT:
            os.chown(self.dir, pwd.getpwnam("nobody").pw_uid, -1)
            self.arguments += ["-u", "nobody"]

    def start(self):
        self.run(["/usr/sbin/smtp-sink", *self.arguments, "-L", "unix:" + self.socket, "1024"],
                 lambda: accepts(self.socket), "smtp-sink")
        os.chmod(self.socket, 0o666)
        return self


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
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    """A Postfix instance that takes mail for example.org by sendmail(1) and relays it over LMTP to NEXTHOP."""

    def __init__(self, directory, nexthop, extra=""):
        need(("/usr/lib/postfix/sbin/master", "postfix"), ("/usr/sbin/postfix", "postfix"))
        if not ROOT:
            raise Skip("Postfix needs root")
        super().__init__(directory)
        for name in ("etc", "queue", "data"):
            os.makedirs(self.at(name), exist_ok=True)
        os.chown(self.at("data"), pwd.getpwnam("postfix").pw_uid, 0)
        self.write("etc/main.cf", POSTFIX_MAIN.format(dir=self.dir, nexthop=nexthop) + extra)
        self.write("etc/master.cf", POSTFIX_MASTER)
        self._command("check")

    def _command(self, *arguments):
        done = subprocess.run(["/usr/sbin/postfix", "-c", self.at("etc"), *arguments], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, "postfix %s: %s" % (arguments, done.stderr)

    def master_text(self):
        """The text of master.cf, for a run with other services."""
        return POSTFIX_MASTER

    def run_master(self):
        """Start Postfix with the master.cf that is there now."""
        # master itself: "postfix start-fg" would leave a shell between us and it
        self.run(["/usr/lib/postfix/sbin/master", "-c", self.at("etc"), "-s"], lambda: True, "Postfix")

    def start(self):
        self.run_master()
        processes.wait_for(lambda: os.path.exists(self.at("queue/public/pickup")), 30, "Postfix ready")
        return self

    def queued(self):
        """How many messages are in its queue."""
        return sum(len(files) for name in ("maildrop", "incoming", "active", "deferred", "hold")
                   for _, _, files in os.walk(self.at("queue/" + name)))


def _read(path):
    with open(path, "rb") as file:
        return file.read()
