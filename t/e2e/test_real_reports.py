"""Reports of success and delay about, and into, real stores."""

import processes
from cyrus import Cyrus
from dovecot import Dovecot
from harness import limit, same
from reports import Report


def reports_in(store, user, count):
    found = processes.wait_for(lambda: len(store.mail(user)) >= count and store.mail(user), 30,
                               "%d reports" % count)
    return [Report(message.replace(b"\r\n", b"\n")) for message in found]


def success_and_delay(t, nexthop, store, temporary):
    """Neither store has DSN: both reports are made here, and are delivered by the store that they are about.
    """
    daemon = t.daemon(nexthop, {"queue.minimal_backoff_time": "500ms", "queue.maximal_backoff_time": "1s",
                                "queue.delay_warning_time": "1s", "lmtp.assume_final": "yes"})
    daemon.send([("one@example.org", "NOTIFY=SUCCESS")], sender="two@example.org")
    daemon.send([(temporary + "@example.org", "NOTIFY=DELAY")], sender="two@example.org")
    found = reports_in(store, "two", 2)
    blocks = {name: block for report in found for name, block in report.recipients.items()}
    same({name: block["Action"] for name, block in blocks.items()},
         {"one@example.org": "delivered", temporary + "@example.org": "delayed"})
    same(blocks["one@example.org"]["Status"][0], "2")
    same(blocks[temporary + "@example.org"]["Status"][0], "4")
    assert blocks["one@example.org"]["Diagnostic-Code"].startswith("smtp; 250"), blocks
    same(len(store.mail("one")), 1)


@limit(120)
def test_dovecot(t):
    store = Dovecot(t.path("dovecot")).start()
    t.on_end(store.stop)
    success_and_delay(t, "unix:" + store.socket, store, "tempfail")


@limit(120)
def test_cyrus(t):
    store = Cyrus(t.path("cyrus")).start()
    t.on_end(store.stop)
    success_and_delay(t, "unix:" + store.socket, store, "broken")
