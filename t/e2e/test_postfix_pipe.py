"""A real Postfix delivers through Causeway, with the configuration of contrib/postfix."""

import os
import shutil
import subprocess

import callers
from callers import CONTRIB, DELIVER, contrib, nothing_of_ours
from harness import limit, needs_root, same
from mail import message
from postfix import Postfix

QUICK = """
relay_domains = example.org client.test
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""


class PipingPostfix(Postfix):
    """Postfix with the transport "causeway"; its copy of causeway-deliver uses this build and this spool."""

    def __init__(self, t, daemon):
        super().__init__(t.path("postfix"), "unix:none")
        with open(self.at("etc/main.cf")) as file:
            main = [line for line in file if not line.startswith("relay_")]
        self.write("etc/main.cf", "".join(main) + contrib("postfix/main.cf") + QUICK)
        deliver = shutil.copy(os.path.join(CONTRIB, "causeway-deliver"), self.at("causeway-deliver"))
        bindir = os.path.dirname(t.options.program("causeway-inject"))
        environment = "/usr/bin/env CAUSEWAY_SPOOL=%s CAUSEWAY_BINDIR=%s %s" % (daemon.spool.path, bindir,
                                                                                deliver)
        text = contrib("postfix/master.cf")
        assert DELIVER in text
        self.write("etc/master.cf", self.master_text() + text.replace(DELIVER, environment))
        t.on_end(self.stop)
        self.start()

    def send(self, recipient, sender="a@client.test"):
        subprocess.run(["/usr/sbin/sendmail", "-C", self.at("etc"), "-i", "-f", sender, recipient],
                       input=message(),
                       check=True, timeout=100)

    def wait_retried(self, pattern):
        """The same of a retry; asked for, as Postfix puts off for minutes one that meets the last attempt's
        end.
        """
        for _ in range(10):
            try:
                return self.wait_log(pattern, 1)
            except AssertionError:
                subprocess.run(["/usr/sbin/postqueue", "-c", self.at("etc"), "-f"], check=True, timeout=100)
        return self.wait_log(pattern)


def world(t, script=None, settings=None):
    """A backend for example.org, another one for the reports, Causeway, and Postfix ahead of it."""
    peer, client, daemon = callers.world(t, script, settings)
    return peer, client, daemon, PipingPostfix(t, daemon)


@needs_root
@limit(120)
def test_sent(t):
    peer, _, daemon, postfix = world(t)
    postfix.send("u@example.org")
    postfix.wait_log(r"to=<u@example.org>, .*relay=causeway, .*dsn=2.0.0, status=sent .*250 2.0.0")
    same(peer.wait_messages(1)[0].sender, "a@client.test")
    nothing_of_ours(daemon)


@needs_root
@limit(120)
def test_the_backends_refusal_is_postfix_s_report(t):
    peer, client, daemon, postfix = world(t)
    postfix.send("rcpt550@example.org")
    postfix.wait_log(r"to=<rcpt550@example.org>, .*dsn=5.1.1, status=bounced .*User doesn't exist")
    report = client.wait_messages(1, timeout=40)[0]
    same(report.sender, "")
    assert b"Status: 5.1.1" in report.content, report.content
    nothing_of_ours(daemon)
    same(len(client.messages), 1)


@needs_root
@limit(120)
def test_deferral_is_postfix_s_to_try_again(t):
    left = [2]

    def busy(session, address):
        left[0] -= 1
        return "452 4.2.2 Quota exceeded" if left[0] >= 0 else "250 2.1.5 OK"
    peer, _, daemon, postfix = world(t, {"rcpt": busy})
    postfix.send("u@example.org")
    postfix.wait_log(r"to=<u@example.org>, .*dsn=4.2.2, status=deferred .*Quota exceeded")
    postfix.wait_retried(r"to=<u@example.org>, .*status=sent")
    same(len(peer.wait_messages(1)), 1)
    nothing_of_ours(daemon)


@needs_root
@limit(120)
def test_odd_addresses(t):
    """What the shell or an address parser could take for something else."""
    peer, _, daemon, postfix = world(t)
    addresses = ["a'b@example.org", '"$(id)"@example.org', '"a b"@example.org', '"a;b"@example.org',
                 '"a\\"b"@example.org', "`id`@example.org"]
    for address in addresses:
        postfix.send(address)
    messages = peer.wait_messages(len(addresses), timeout=60)
    same(sorted(m.recipients[0] for m in messages), sorted(addresses))
    nothing_of_ours(daemon)


@needs_root
@limit(120)
def test_without_causeway_mail_waits_at_postfix(t):
    _, _, daemon, postfix = world(t)
    daemon.stop()
    postfix.send("u@example.org")
    postfix.wait_log(r"to=<u@example.org>, .*dsn=4.3.0, status=deferred .*is the daemon running")
    same(daemon.spool.names("drop/new"), [])
    daemon.start()
    postfix.wait_retried(r"to=<u@example.org>, .*status=sent")
