"""Asking a destination about an address: causewayctl verify (behaviour G2, parameter address_verify_target).
"""

import json
import re
import threading
import time

from actions import close, silence, then_close
from cyrus import Cyrus
from dovecot import Dovecot
from harness import same
from ports import reserved_port
from postfix import PostfixMX
from processes import wait_for
from secure_peer import SecurePeer

DATA = {"lmtp.address_verify_target": "data"}


def ask(daemon, address, *options):
    """The result, and the exit status."""
    done = daemon.ctl("verify", "--json", *options, address, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode


def check(daemon, address, status, dsn, words):
    """Asks, and looks at the answer, the exit status and the log."""
    result, code = ask(daemon, address)
    same((result["status"], result["dsn"]), (status, dsn), result)
    same(code, {"deliverable": 0, "undeliverable": 69, "deferred": 75}[status])
    assert words in result["text"], result
    line = daemon.wait_delivery(address, status)
    same(line["id"], result["id"])
    assert words in line["reason"], line
    return result


def unused(daemon):
    """A question leaves nothing behind: no message, no file, no report."""
    same(daemon.queue(), [])
    same(daemon.spool.messages(), [])


# --- the answer -----------------------------------------------------------------------------------

def test_G2_1_and_2_and_3_a_probe_by_rcpt(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    result = check(daemon, "u@example.org", "deliverable", "2.1.5", "250 2.1.5")
    assert peer.nexthop.split(":")[-1] in result["relay"], result
    same(result["destination"], "lmtp:" + peer.nexthop)
    check(daemon, "rcpt550@example.org", "undeliverable", "5.1.1", "550 5.1.1")
    check(daemon, "rcpt450@example.org", "deferred", "4.2.0", "450 4.2.0")
    commands = [c for session in peer.sessions for c in session.commands]
    assert not [c for c in commands if c.upper().startswith("DATA")], commands
    assert "MAIL FROM:<>" in [c.split(" SIZE")[0] for c in commands], commands
    assert "RSET" in commands, commands
    same(peer.messages, [])
    unused(daemon)


def test_G2_9_a_probe_session_is_kept_for_mail(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    ask(daemon, "u@example.org")
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
    same(len(peer.sessions), 1)
    same(len(peer.messages), 1)


def test_G2_4_address_verify_target_data_deliverable(t):
    peer = t.peer()
    daemon = t.daemon(peer, DATA)
    check(daemon, "u@example.org", "deliverable", "2.0.0", "354")
    same([c.split()[0].upper() for c in peer.sessions[0].commands], ["LHLO", "MAIL", "RCPT", "DATA"])
    wait_for(lambda: not peer.sessions[0].open, 10, "the connection closed")
    same(peer.messages, [])
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
    same(len(peer.sessions), 2, "never kept")
    daemon.spool.wait_empty()


def test_G2_5_address_verify_target_data_refused(t):
    peer = t.peer({"data": "550 5.7.1 not you"})
    daemon = t.daemon(peer, DATA)
    check(daemon, "u@example.org", "undeliverable", "5.7.1", "550 5.7.1 not you")
    check(daemon, "rcpt550@example.org", "undeliverable", "5.1.1", "550 5.1.1")
    same(peer.messages, [])


def test_G2_4_nobody_accepted_and_354_all_the_same(t):
    """The lone dot that mail would send here would be content."""
    peer = t.peer({"data": "354 go on"})
    daemon = t.daemon(peer, DATA)
    check(daemon, "rcpt550@example.org", "undeliverable", "5.1.1", "550 5.1.1")
    wait_for(lambda: not peer.sessions[0].open, 10, "the connection closed")
    same([len(session.commands) for session in peer.sessions], [4])
    same(peer.messages, [])


def test_without_pipelining(t):
    peer = t.peer(keywords=("8BITMIME",))
    daemon = t.daemon(peer)
    check(daemon, "u@example.org", "deliverable", "2.1.5", "250 2.1.5")
    same(peer.messages, [])


def test_smtp_address_verify_target(t):
    """The same over SMTP, where RSET is pipelined and the connection ends with QUIT if none is kept."""
    for target, words in (("rcpt", ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]),
                          ("data", ["EHLO", "MAIL", "RCPT", "DATA"])):
        peer = t.peer(smtp=True, address=("127.0.0.1", 0))
        daemon = t.daemon(None, {"transport_maps": "inline:{example.org=smtp:%s}" % peer.nexthop,
                                 "smtp.address_verify_target": target,
                                 "smtp.connection_cache_on_demand": "no"}, name=target)
        check(daemon, "u@example.org", "deliverable",
              *(("2.1.5", "250 2.1.5") if target == "rcpt" else ("2.0.0", "354")))
        wait_for(lambda: not peer.sessions[0].open, 10, "the connection closed")
        same([c.split()[0].upper() for c in peer.sessions[0].commands], words)
        daemon.stop()
    bad = t.daemon(None, {"smtp.address_verify_target": "mail"}, name="bad", start=False)
    bad.start(wait=False)
    same(bad.exit_status(), 78)
    assert "address_verify_target" in bad.stderr(), bad.stderr()


def test_G2_7_and_10_nobody_else_is_told(t):
    """The asker alone has the result: no report of whatever kind, no event, nothing in the journal;
    the log has it.
    """
    daemon, peers = t.destinations({"there": None},
                                   {"lmtp.assume_final": "yes", "events.file": t.path("run/events"),
                                                     "notify_classes": "bounce, 2bounce, delay, protocol"})
    ids = []
    for name, status in (("ok", "deliverable"), ("rcpt550", "undeliverable"), ("rcpt450", "deferred")):
        result = ask(daemon, name + "@there.test")[0]
        same(result["status"], status)
        ids.append(result["id"])
    unused(daemon)
    daemon.send("last@there.test")
    daemon.wait_delivery("last@there.test", "sent")
    daemon.spool.wait_empty()
    same(peers["client"].messages, [])
    with open(daemon.spool.at("queue/journal"), encoding="utf-8") as journal:
        assert not [line for line in journal if any(i in line for i in ids)]
    with open(t.path("run/events"), encoding="utf-8") as lines:
        same({json.loads(line).get("recipient") for line in lines} - {None}, {"last@there.test"})


def test_G2_11_size_is_that_of_a_message_without_content(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    ask(daemon, "u@example.org")
    peer.wait_command("MAIL")
    size = int(re.search(r"^MAIL FROM:<> SIZE=(\d+)$",
                         [c for c in peer.sessions[0].commands if c.startswith("MAIL")][0]).group(1))
    assert 50 < size < 300, "the Received field alone: %d" % size


# --- where it gets stuck --------------------------------------------------------------------------

def test_the_answer_says_where_it_got_stuck(t):
    peer = t.peer({"rcpt": silence})
    daemon = t.daemon(peer)
    result, code = ask(daemon, "u@example.org", "--timeout", "3s")
    same((result["status"], code), ("deferred", 75))
    assert "is being asked, and has not answered yet" in result["text"], result
    assert result["seconds"] < 20, result
    peer.stop()
    daemon.wait_delivery("u@example.org", "deferred")   # what comes after all is in the log
    unused(daemon)


def test_no_connection_is_free(t):
    peer = t.peer({"rcpt": silence})
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1})
    daemon.send("u@example.org")
    peer.wait_command("RCPT")
    result, _ = ask(daemon, "v@example.org", "--timeout", "2s")
    assert "no connection to lmtp:" in result["text"] and "1 of 1" in result["text"], result
    same(len(peer.sessions), 1)


def test_a_dead_destination_is_asked(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "100s"})
    peer.stop()
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "deferred")
    began = time.monotonic()
    check(daemon, "v@example.org", "deferred", "4.4.1", "connect")
    assert time.monotonic() - began < 30
    peer.start()
    check(daemon, "w@example.org", "deliverable", "2.1.5", "250")
    daemon.wait_delivery("u@example.org", "sent")       # the mail that waited moves
    daemon.spool.wait_empty()


def test_a_suspended_destination_is_not_asked(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.ctl("suspend", "lmtp:" + peer.nexthop)
    result, code = ask(daemon, "u@example.org")
    same((result["status"], code), ("deferred", 75))
    assert "suspended" in result["text"], result
    same(peer.sessions, [])


def test_the_second_host_answers(t):
    first = t.peer({"greeting": close}, address=("127.0.0.1", reserved_port()))
    second = t.peer(address=("127.0.0.1", reserved_port()))
    daemon = t.daemon(None, {"mailbox_domains": ["example.org"],
                             "mailbox_transport": "lmtp:inet:[127.0.0.1]:%d, [127.0.0.1]:%d"
                                                  % (first.address[1], second.address[1])})
    result = check(daemon, "u@example.org", "deliverable", "2.1.5", "250")
    assert ":%d" % second.address[1] in result["relay"], result
    assert len(result["notes"]) >= 1, result


def test_G2_6_a_soft_refusal_goes_to_the_next_host_first(t):
    first, second = (t.peer({"rcpt": reply}, address=("127.0.0.1", 0), smtp=True)
                     for reply in ("450 4.2.0 not here", "250 2.1.5 here"))
    daemon = t.daemon(None, {"transport_maps": "inline:{{example.org=smtp:%s, %s}}"
                             % (first.nexthop, second.nexthop)})
    result = check(daemon, "u@example.org", "deliverable", "2.1.5", "250 2.1.5 here")
    same(len(first.sessions), 1)
    assert any("450 4.2.0 not here" in note for note in result["notes"]), result


def test_G2_8_in_clear_at_once_where_tls_fails(t):
    """Mail waits for minimal_backoff_time before it goes without TLS; a question shows nothing to anybody."""
    peer = SecurePeer(("127.0.0.1", 0), {"starttls": then_close("220 go")}, smtp=True)
    t.peers.append(peer)
    daemon = t.daemon(None, {"transport_maps": "inline:{example.org=smtp:%s}" % peer.nexthop,
                             "smtp.tls_security_level": "may"})
    check(daemon, "u@example.org", "deliverable", "2.1.5", "250 2.1.5")
    same([[c.split()[0] for c in s.commands][:3] for s in peer.sessions],
         [["EHLO", "STARTTLS"], ["EHLO", "MAIL", "RCPT"]])
    daemon.send("u@example.org")
    same(daemon.wait_deliveries(2, "u@example.org")[1]["status"], "deferred")


def test_a_courier_dies_meanwhile(t):
    peer = t.peer({"rcpt": silence})
    daemon = t.daemon(peer, {"workers": 1})
    done = []
    thread = threading.Thread(target=lambda: done.append(ask(daemon, "u@example.org")))
    thread.start()
    peer.wait_command("RCPT")
    peer.script.clear()
    daemon.kill(daemon.wait_pids("courier", 1)[0])
    thread.join(100)
    same(done[0][0]["status"], "deliverable")
    unused(daemon)


def test_no_address(t):
    daemon = t.daemon(t.peer())
    same(daemon.ctl("verify", "a b", check=False).returncode, 64)
    same(daemon.ctl("verify", "--timeout", "soon", "a@example.org", check=False).returncode, 64)
    for path in ("/verify", "/verify?name=", "/verify?name=a@b.test&timeout=9h",
                 "/verify?name=a@b.test&nome=x"):
        same(daemon.http("GET", path)[0], 400, path)


def test_for_people(t):
    text = t.daemon(t.peer()).ctl("verify", "u@example.org")
    assert re.search(r"(?m)^status +deliverable$", text) and "2.1.5" in text, text


# --- real servers ---------------------------------------------------------------------------------

def test_real_dovecot(t):
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    daemon = t.daemon("unix:" + dovecot.socket)
    check(daemon, "one@example.org", "deliverable", "2.1.5", "250 2.1.5")
    check(daemon, "nosuch@example.org", "undeliverable", "5.1.1", "550 5.1.1")
    same(dovecot.mail("one"), [])


def test_real_dovecot_by_data(t):
    dovecot = Dovecot(t.path("dovecot")).start()
    t.on_end(dovecot.stop)
    daemon = t.daemon("unix:" + dovecot.socket, DATA)
    check(daemon, "one@example.org", "deliverable", "2.0.0", "354")
    same(dovecot.mail("one"), [])


def test_real_cyrus(t):
    cyrus = Cyrus(t.path("cyrus")).start()
    t.on_end(cyrus.stop)
    daemon = t.daemon("unix:" + cyrus.socket)
    check(daemon, "one@example.org", "deliverable", "2.1.5", "250 2.1.5")
    check(daemon, "nosuch@example.org", "undeliverable", "5.1.1", "550")
    check(daemon, "overquota@example.org", "undeliverable", "5.2.2", "552")
    same(cyrus.mail("one"), [])


def test_real_postfix_over_smtp(t):
    """An MX that knows its recipients."""
    mx = PostfixMX(t.path("mx"), reserved_port()).start()
    t.on_end(mx.stop)
    daemon = t.daemon(None, {"transport_maps": "inline:{example.org=smtp:[127.0.0.1]:%d}" % mx.port})
    check(daemon, "good@example.org", "deliverable", "2.1.5", "250 2.1.5 Ok")
    check(daemon, "nosuch@example.org", "undeliverable", "5.1.1", "550 5.1.1")
    same(mx.queued(), 0)
