"""chunking and pipeline_transactions with real servers: Dovecot, Cyrus, and Postfix' smtpd."""

import re

import processes
from cyrus import Cyrus
from dovecot import Dovecot
from harness import limit, same
from ports import reserved_port
from postfix import PostfixMX
from spool import PRODUCER_UID
from test_real import attachment

COUNT = 40


def switched_on(protocol):
    values = {"chunking": True, "pipeline_transactions": True, "destination_concurrency_limit": 1,
              "initial_destination_concurrency": 1}
    return {"workers": 1, protocol + ".line_length_limit": 0, "debug_peer_list": "static:all",
            "debug_peer_level": 1,
            **{protocol + "." + key: value for key, value in values.items()}}


def many(daemon):
    """COUNT messages, each to somebody who is there and to one who is not, on one connection."""
    for number in range(COUNT):
        daemon.send(["one@example.org", "nosuch%d@example.org" % number],
                    b"Subject: %d\n\n.\n..\n.dot %d\n" % (number, number),
                    sender="")
    daemon.wait_deliveries(COUNT, status="sent", timeout=60)
    daemon.wait_deliveries(COUNT, status="bounced", timeout=60)
    assert not daemon.deliveries(status="deferred"), daemon.deliveries(status="deferred")


def one_copy_each(store):
    """Each message once, with its dots as they were."""
    stored = processes.wait_for(lambda: len(store.mail("one")) >= COUNT and store.mail("one"), 30,
                                "all messages")
    numbers = sorted(int(re.search(rb"(?m)^Subject: (\d+)", message).group(1)) for message in stored)
    same(numbers, list(range(COUNT)))
    for message in stored:
        assert re.search(rb"\r?\n\r?\n\.\r?\n\.\.\r?\n\.dot \d+\r?\n$", message), message[-40:]


def large(daemon, store):
    expected = daemon.send("one@example.org", attachment(), uid=PRODUCER_UID)
    stored = processes.wait_for(lambda: len(store.mail("one")) == COUNT + 1 and store.mail("one"), 60,
                                "the large one")
    biggest = max(stored, key=len)
    same(biggest[-len(expected):], expected)


def commands(daemon, verb):
    return len(re.findall(r": > [^ ]+: %s" % verb, daemon.log()))


def many_to(t, store, **settings):
    """COUNT messages to a store, which has each once; the daemon."""
    store.start()
    t.on_end(store.stop)
    daemon = t.daemon("unix:" + store.socket, {**switched_on("lmtp"), **settings})
    many(daemon)
    one_copy_each(store)
    return daemon


def many_to_postfix(t, **settings):
    """The same with Postfix, whose count of bad recipients is for the session: after ten it is slow,
    after twenty it leaves."""
    server = PostfixMX(t.path("mx"), reserved_port(),
                       "smtpd_soft_error_limit = 1000\nsmtpd_hard_error_limit = 1000\n"
                       "relay_recipient_maps = regexp:{{/^one/ ok}}\n")
    t.on_end(server.stop)
    server.start()
    daemon = t.daemon(None, {**switched_on("smtp"), "mailbox_domains": "example.org",
                             "mailbox_transport": "smtp:[127.0.0.1]:%d" % server.port, **settings})
    many(daemon)
    processes.wait_for(lambda: server.log().count(": removed") == COUNT, 30, "all through Postfix")
    return daemon


@limit(180)
def test_dovecot(t):
    dovecot = Dovecot(t.path("dovecot"))
    daemon = many_to(t, dovecot)
    large(daemon, dovecot)
    assert commands(daemon, "BDAT") > COUNT and commands(daemon, "DATA") == 0, "BDAT was not used"


@limit(180)
def test_dovecot_by_data(t):
    """Two transactions at once: Dovecot 2.3 takes it well."""
    daemon = many_to(t, Dovecot(t.path("dovecot")), **{"lmtp.chunking": False})
    assert commands(daemon, "RSET") > 1, "nothing followed"


@limit(180)
def test_cyrus(t):
    """It offers no CHUNKING."""
    daemon = many_to(t, Cyrus(t.path("cyrus")))
    assert commands(daemon, "BDAT") == 0 and commands(daemon, "RSET") > 1, "nothing followed"


@limit(120)
def test_postfix(t):
    daemon = many_to_postfix(t)
    assert commands(daemon, "BDAT") == COUNT, "BDAT was not used"


@limit(120)
def test_postfix_by_data(t):
    daemon = many_to_postfix(t, **{"smtp.chunking": False})
    assert commands(daemon, "RSET") > 1, "nothing followed"
