"""A real OpenSMTPD delivers through Causeway, with the configuration of contrib/opensmtpd."""

import os
import re

import callers
import processes
from callers import contrib, nothing_of_ours
from harness import limit, needs_root, same
from mail import message
from servers import Server

VMAIL, SMTPD, SMTPQ = 61022, 61020, 61021


class OpenSMTPD(Server):
    """OpenSMTPD in a root directory of its own, which holds Causeway's spool too."""

    def __init__(self, t, root):
        super().__init__(root.dir)
        self.root = root
        for name in ("smtpd", "smtpctl"):
            root.add_libraries(root.at("usr/sbin/" + name))
        root.add_libraries(root.at("usr/libexec/opensmtpd/mail.mda"))
        root.write("etc/passwd", "root:x:0:0::/:/bin/sh\nopensmtpd:x:%d:%d::/var/empty:/bin/false\n"
                   "opensmtpq:x:%d:%d::/var/empty:/bin/false\nvmail:x:%d:%d::/home/vmail:/bin/sh\n"
                   % (SMTPD, SMTPD, SMTPQ, SMTPQ, VMAIL, VMAIL))
        root.write("etc/group", "root:x:0:\nopensmtpd:x:%d:\nopensmtpq:x:%d:\nvmail:x:%d:\n"
                   % (SMTPD, SMTPQ, VMAIL))
        root.write("etc/smtpd.conf",
                   "listen on socket\n" + contrib("opensmtpd/smtpd.conf")
                   + 'match from any for domain "client.test" '
                   'action "causeway"\n')
        for name, mode in (("var/spool/smtpd", 0o711), ("var/empty", 0o755), ("var/run", 0o755),
                           ("home/vmail", 0o755)):
            os.makedirs(root.at(name), exist_ok=True)
            os.chmod(root.at(name), mode)
        os.chown(root.at("home/vmail"), VMAIL, VMAIL)
        os.chown(root.at("usr/sbin/smtpctl"), 0, SMTPQ)
        os.chmod(root.at("usr/sbin/smtpctl"), 0o2755)
        t.on_end(self.stop)
        self.run(["/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf"],
                 lambda: os.path.exists(root.at("var/run/smtpd.sock")), "OpenSMTPD", preexec_fn=root.enter)

    def send(self, recipient, sender="a@client.test"):
        def sent():
            done = self.root.run(["sendmail", "-f", sender, recipient], executable="/usr/sbin/smtpctl",
                                 input=message())
            return done.returncode == 0
        processes.wait_for(sent, 20, "OpenSMTPD to take a message")

    def wait_log(self, pattern, timeout=30):
        return processes.wait_for(lambda: re.search(pattern, self.output()), timeout,
                                  "OpenSMTPD's line " + pattern)


def world(t):
    """A backend for example.org, another one for the reports, Causeway, and OpenSMTPD ahead of it."""
    peer, client, daemon, root = callers.world_in_root(t, ["opensmtpd"], ("/bin/sh", "/usr/bin/env"))
    return peer, client, daemon, OpenSMTPD(t, root)


@needs_root
@limit(120)
def test_sent(t):
    peer, _, daemon, opensmtpd = world(t)
    opensmtpd.send("u@example.org")
    same(peer.wait_messages(1)[0].sender, "a@client.test")
    opensmtpd.wait_log(r"to=<u@example.org>.* result=Ok")
    daemon.wait_log(r"uid=%d from=<a@client.test>" % VMAIL)
    nothing_of_ours(daemon)


@needs_root
@limit(120)
def test_the_backends_refusal_is_opensmtpd_s_report(t):
    _, client, daemon, opensmtpd = world(t)
    opensmtpd.send("rcpt550@example.org")
    opensmtpd.wait_log(r"to=<rcpt550@example.org>.* result=PermFail .*5.1.1 .*User doesn't exist")
    report = client.wait_messages(1)[0]
    same(report.sender, "")
    assert b"5.1.1" in report.content, report.content
    nothing_of_ours(daemon)
    same(len(client.messages), 1)


@needs_root
@limit(120)
def test_deferral_is_opensmtpd_s_to_try_again(t):
    _, client, daemon, opensmtpd = world(t)
    opensmtpd.send("rcpt452@example.org")
    opensmtpd.wait_log(r"to=<rcpt452@example.org>.* result=TempFail .*4.2.2")
    nothing_of_ours(daemon)
    daemon.stop()
    opensmtpd.send("u@example.org")
    opensmtpd.wait_log(r"to=<u@example.org>.* result=TempFail")
    same((daemon.spool.names("drop/new"), client.messages), ([], []))
