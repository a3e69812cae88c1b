"""A real OpenSMTPD delivers through Causeway, with the configuration of contrib/opensmtpd."""

import os
import re

import processes
from chroot import Root
from harness import limit, needs_root, same
from mail import message
from servers import Server

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRIB = os.path.join(HERE, "../../contrib")
VMAIL, SMTPD, SMTPQ = 61022, 61020, 61021
DELIVER = "/usr/local/libexec/causeway/causeway-deliver"


class OpenSMTPD(Server):
    """OpenSMTPD in a root directory of its own, which holds Causeway's spool too."""

    def __init__(self, t, daemon, root):
        super().__init__(root.dir)
        self.root = root
        for name in ("smtpd", "smtpctl"):
            root.add_libraries(root.at("usr/sbin/" + name))
        root.add_libraries(root.at("usr/libexec/opensmtpd/mail.mda"))
        root.write("etc/passwd", "root:x:0:0::/:/bin/sh\nopensmtpd:x:%d:%d::/var/empty:/bin/false\n"
                   "opensmtpq:x:%d:%d::/var/empty:/bin/false\nvmail:x:%d:%d::/home/vmail:/bin/sh\n"
                   % (SMTPD, SMTPD, SMTPQ, SMTPQ, VMAIL, VMAIL))
        root.write("etc/group", "root:x:0:\nopensmtpd:x:%d:\nopensmtpq:x:%d:\nvmail:x:%d:\n" % (SMTPD, SMTPQ, VMAIL))
        with open(os.path.join(CONTRIB, "opensmtpd/smtpd.conf")) as file:
            text = file.read()
        root.write("etc/smtpd.conf", "listen on socket\n" + text + 'match from any for domain "client.test" '
                   'action "causeway"\n')
        for name, mode in (("var/spool/smtpd", 0o711), ("var/empty", 0o755), ("var/run", 0o755), ("home/vmail", 0o755)):
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
            done = self.root.run(["sendmail", "-f", sender, recipient], executable="/usr/sbin/smtpctl", input=message())
            return done.returncode == 0
        processes.wait_for(sent, 20, "OpenSMTPD to take a message")

    def wait_log(self, pattern, timeout=30):
        return processes.wait_for(lambda: re.search(pattern, self.output()), timeout, "OpenSMTPD's line " + pattern)


def world(t, script=None):
    """A backend for example.org, another one for the reports, Causeway, and OpenSMTPD ahead of it."""
    peer, client = t.peer(script), t.peer()
    root = Root(t.path("root"), ["opensmtpd"])
    daemon = t.daemon(None, {"transport_maps": "inline:{example.org=lmtp:%s, client.test=lmtp:%s}" % (
        peer.nexthop, client.nexthop)}, name="root/causeway")
    for program in ("/bin/sh", "/usr/bin/env"):
        root.add_program(program)
    root.add_program("/usr/local/bin/causeway-inject", t.options.program("causeway-inject"))
    with open(os.path.join(CONTRIB, "causeway-deliver")) as file:
        text = file.read()
    # the spool as it is called from inside
    root.write(DELIVER, text.replace("export PATH", "export CAUSEWAY_SPOOL=/causeway/spool\nexport PATH", 1), 0o755)
    return peer, client, daemon, OpenSMTPD(t, daemon, root)


def nothing_of_ours(daemon):
    """All is OpenSMTPD's: Causeway keeps no message and made no report."""
    daemon.spool.wait_empty()
    assert "bounce[" not in daemon.log(), daemon.log()


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
