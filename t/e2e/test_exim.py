"""A real Exim delivers through Causeway, with the configuration of contrib/exim."""

import os
import re

import callers
import processes
from callers import contrib
from harness import limit, needs_root, same
from mail import message
from servers import Server
from spool import DAEMON_UID

EXIM, MAIL = 61030, 61031
PICKUP = "/var/spool/causeway-exim"

MAIN = """
primary_hostname = exim.test
qualify_domain = client.test
acl_not_smtp = accept
log_file_path = /var/log/exim4/%%slog
never_users =
keep_environment =
timezone =
begin routers
%s
begin transports
%s
begin retry
* * F,1h,1s
"""


class Exim(Server):
    """Exim in a root directory of its own, which holds Causeway's spool too. Every call delivers at once."""

    def __init__(self, root):
        super().__init__(root.dir)
        self.root = root
        root.add_libraries(root.at("usr/sbin/exim4"))
        root.write("etc/passwd", "root:x:0:0::/:/bin/sh\nDebian-exim:x:%d:%d::/var/spool/exim4:/bin/false\n"
                   "mail:x:%d:%d::/tmp:/bin/sh\n" % (EXIM, EXIM, MAIL, MAIL))
        root.write("etc/group", "root:x:0:\nDebian-exim:x:%d:\nmail:x:%d:\ncauseway:x:%d:\n" % (
            EXIM, MAIL, DAEMON_UID))
        routers = contrib("exim/routers").replace("domains = example.org",
                                                  "domains = example.org : client.test")
        root.write("etc/exim4/exim4.conf", MAIN % (routers, contrib("exim/transports")))
        for name in ("var/spool/exim4", "var/log/exim4"):
            os.makedirs(root.at(name), exist_ok=True)
            os.chown(root.at(name), EXIM, EXIM)
        os.chmod(root.at("usr/sbin/exim4"), 0o4755)

    def exim(self, *arguments, **options):
        done = self.root.run(["/usr/sbin/exim4", *arguments], **options)
        assert done.returncode == 0, (arguments, done)
        return done.stdout.decode()

    def send(self, *recipients, sender="a@client.test", content=None):
        self.exim("-odf", "-oi", "-f", sender, *recipients, input=content or message())

    def run_queue(self):
        self.exim("-qff")

    def waiting(self):
        return self.exim("-bp").strip()

    def log(self):
        path = self.root.at("var/log/exim4/mainlog")
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, timeout=30):
        return processes.wait_for(lambda: re.search(pattern, self.log()), timeout,
                                  "Exim's log line " + pattern)


def world(t, script=None, **settings):
    """A backend for example.org and .net, another one for reports, Causeway, and Exim ahead of it."""
    peer, client, daemon, root = callers.world_in_root(t, ["exim4-daemon-light"], ("/bin/sh",), script,
                                                       settings,
                                                       start=False)
    return peer, client, daemon, Exim(root)


@needs_root
@limit(120)
def test_pipe_sent(t):
    peer, _, daemon, exim = world(t)
    daemon.start()
    exim.send("u@example.org", "v@example.org")
    same({m.recipients[0] for m in peer.wait_messages(2)}, {"u@example.org", "v@example.org"})
    exim.wait_log(r"=> u <u@example.org> R=causeway T=causeway_wait")
    same(exim.waiting(), "")
    daemon.spool.wait_empty()


@needs_root
@limit(120)
def test_pipe_the_backends_refusal_is_exim_s_report(t):
    _, client, daemon, exim = world(t)
    daemon.start()
    exim.send("rcpt550@example.org")
    exim.wait_log(r"\*\* rcpt550@example.org .*returned 69")
    report = client.wait_messages(1)[0]
    same(report.sender, "")
    assert b"5.1.1 host " in report.content and b"User doesn't exist" in report.content, report.content
    daemon.spool.wait_empty()
    assert "bounce[" not in daemon.log()
    same(len(client.messages), 1)


@needs_root
@limit(120)
def test_pipe_deferral_is_exim_s_to_try_again(t):
    left = [1]

    def busy(session, address):
        left[0] -= 1
        return "452 4.2.2 Quota exceeded" if left[0] >= 0 else "250 2.1.5 OK"
    peer, _, daemon, exim = world(t, {"rcpt": busy})
    daemon.start()
    exim.send("u@example.org")
    exim.wait_log(r"<u@example.org>: causeway_wait transport output: 4.2.2 .*Quota exceeded")
    daemon.spool.wait_empty()
    assert "u@example.org" in exim.waiting()
    exim.run_queue()
    same(len(peer.wait_messages(1)), 1)
    daemon.stop()
    exim.send("w@example.org")
    exim.wait_log(r"<w@example.org>: causeway_wait transport output: .*is the daemon running")


def dropping(t, script=None):
    """The same with a pickup directory, as contrib/exim asks for it."""
    peer, client, daemon, exim = world(t, script)
    path = exim.root.at(PICKUP)
    os.makedirs(path)
    os.chown(path, DAEMON_UID, DAEMON_UID)
    os.chmod(path, 0o3733)
    daemon.settings["pickup %s.format" % path] = "bsmtp"
    daemon.settings["pickup %s.settle_time" % path] = "1h"
    daemon.write_config()
    daemon.start()
    return peer, client, daemon, exim


@needs_root
@limit(120)
def test_appendfile_use_bsmtp(t):
    """One batch file for all recipients of a domain, linked into place; dots come through."""
    peer, _, daemon, exim = dropping(t)
    content = message(".\n..dots\n.\nFrom here\n")
    exim.send("u@example.net", "v@example.net", content=content)
    exim.wait_log(r"=> v <v@example.net> R=causeway_queued T=causeway_drop|-> v <v@example.net>")
    same(exim.waiting(), "")
    got = peer.wait_messages(1)[0]
    same((got.sender, sorted(got.recipients)), ("a@client.test", ["u@example.net", "v@example.net"]))
    assert got.content.endswith(b"\r\n\r\n.\r\n..dots\r\n.\r\nFrom here\r\n"), got.content
    daemon.wait_log(r"uid=%d from=<a@client.test>" % MAIL)
    daemon.spool.wait_empty()
    same((os.listdir(exim.root.at(PICKUP)), daemon.spool.names("drop/bad")), ([], []))


@needs_root
@limit(120)
def test_appendfile_refusal_is_causeway_s_report(t):
    _, client, daemon, exim = dropping(t)
    exim.send("rcpt550@example.net")
    report = client.wait_messages(1)[0]
    same(report.sender, "")
    assert b"Causeway" in report.content and b"5.1.1" in report.content, report.content
    same(exim.waiting(), "")
    daemon.spool.wait_empty()


@needs_root
@limit(120)
def test_appendfile_many_at_once(t):
    """Exim's temporary files are never taken, and no message is lost or taken twice."""
    peer, _, daemon, exim = dropping(t)
    for _ in range(30):
        exim.exim("-odb", "-oi", "-f", "a@client.test", "u@example.net", input=message())
    peer.wait_messages(30, timeout=60)
    exim.run_queue()
    daemon.spool.wait_empty()
    same((len(peer.messages), len({m.id for m in peer.messages})), (30, 30))
    same((os.listdir(exim.root.at(PICKUP)), daemon.spool.names("drop/bad")), ([], []))
