"""Operating the queue: hold, release, delete, retry, suspend, resume, explain."""

import json
import os
import re
import signal
import socket
import struct

from harness import limit, same
from processes import wait_for

DEFERRING = {"rcpt": "451 4.3.0 not now"}
WAITING = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "1h"}


def three(t, **settings):
    """A daemon with three deferred messages, u0 … u2, and their ids by recipient."""
    peer = t.peer(dict(DEFERRING))
    daemon = t.daemon(peer, {**WAITING, **settings})
    for number in range(3):
        daemon.send("u%d@example.org" % number, sender="s%d@client.test" % number)
    ids = {d["to"].split("@")[0]: d["id"] for d in daemon.wait_deliveries(3, status="deferred")}
    return daemon, peer, ids


def states(daemon):
    return {m["recipients"][0]["address"].split("@")[0]: m["state"] for m in daemon.queue()}


def count(text):
    return int(re.search(r": (\d+)(?: of \d+)? message", text).group(1))


# --- hold, release, delete ------------------------------------------------------------------------

def test_hold_keeps_and_release_sends(t):
    daemon, peer, ids = three(t)
    same(count(daemon.ctl("hold", ids["u1"])), 1)
    same(states(daemon), {"u0": "deferred", "u1": "held", "u2": "deferred"})
    peer.script.clear()
    daemon.ctl("retry", "ALL")
    daemon.wait_deliveries(2, status="sent")
    same(states(daemon), {"u1": "held"})
    same(count(daemon.ctl("release", ids["u1"])), 1)
    daemon.wait_delivery("u1@example.org", "sent")
    daemon.spool.wait_empty()


def test_hold_outlives_restart_and_kill(t):
    daemon, peer, ids = three(t)
    daemon.ctl("hold", ids["u1"])
    peer.script.clear()
    daemon.stop()
    daemon.start()
    daemon.retry_all()
    daemon.wait_deliveries(2, status="sent")
    same(states(daemon), {"u1": "held"})
    daemon.kill()
    daemon.start()
    wait_for(lambda: states(daemon) == {"u1": "held"}, 20, "held after kill -9")
    daemon.ctl("release", "ALL")
    daemon.wait_delivery("u1@example.org", "sent")
    daemon.kill()
    daemon.start()
    same(len(peer.messages), 3)


def test_selectors_and_dry_run(t):
    daemon, peer, ids = three(t)
    for command in ("hold", "delete", "retry"):
        same(count(daemon.ctl(command, "--dry-run", "--from", "s1@client.test")), 1, command)
    same(count(daemon.ctl("release", "--dry-run", "ALL")), 0)
    same(states(daemon), dict.fromkeys(("u0", "u1", "u2"), "deferred"), "a dry run did something")
    same(count(daemon.ctl("hold", "--from", "s1@client.test")), 1)
    same(count(daemon.ctl("hold", "--to", "u2@example.org")), 1)
    same(count(daemon.ctl("hold", "--reason", "NOT NOW", "--state", "deferred")), 1)
    same(count(daemon.ctl("hold", "ALL")), 0, "they are held already")
    same(count(daemon.ctl("hold", "--older", "1d")), 0)
    same(count(daemon.ctl("retry", "ALL")), 0, "what is held is not tried")
    same(count(daemon.ctl("release", "--state", "held", "--from", "s1")), 1)
    same(states(daemon)["u0"], "held")
    same(daemon.ctl("release", "--json", "ALL"), {"messages": 2, "found": 3})


def test_delete_removes_for_good(t):
    daemon, peer, ids = three(t)
    daemon.ctl("hold", ids["u0"])
    same(count(daemon.ctl("delete", ids["u0"], ids["u1"]).splitlines()[0]), 1)
    wait_for(lambda: daemon.spool.messages() == [ids["u2"]], 20, "two files removed")
    done = daemon.ctl("delete", ids["u0"], check=False)
    same(done.returncode, 69, done)
    peer.script.clear()
    daemon.kill()
    daemon.start()
    daemon.retry_all()
    daemon.wait_delivery("u2@example.org", "sent")
    daemon.spool.wait_empty()
    same([m.recipients for m in peer.messages], [["u2@example.org"]])
    assert "notification" not in daemon.log(), "a report about what was deleted"
    same(len(re.findall(r"deleted by the operator", daemon.log())), 2)


def test_orders_about_what_is_under_way(t):
    """The recipients at the peer get their answer; the others of the message are held with it, or deleted."""
    for order, rest in (("hold", ["held"]), ("delete", [])):
        gate = t.path("gate-" + order)

        def final(session, address, gate=gate):
            wait_for(lambda: open_gate(gate), 20, "the gate open")
            return "250 2.0.0 Saved"
        peer = t.peer({"final": final})
        daemon = t.daemon(peer, {"lmtp.destination_recipient_limit": 1,
                                 "lmtp.destination_concurrency_limit": 1},
                          name=order)
        daemon.send(["u%d@example.org" % n for n in range(3)])
        wait_for(lambda: peer.sessions and "DATA" in peer.sessions[0].commands, 20, "the first at the peer")
        same(count(daemon.ctl(order, "ALL")), 1)
        same([m["state"] for m in daemon.queue()], ["active"])
        open(gate, "w").close()
        daemon.wait_delivery("u0@example.org", "sent")
        wait_for(lambda: [m["state"] for m in daemon.queue()] == rest, 20, "the order carried out")
        same(len(peer.messages), 1)
        if rest:
            daemon.ctl("release", "ALL")
            daemon.wait_deliveries(3, status="sent")
        daemon.spool.wait_empty()


def open_gate(path):
    try:
        with open(path):
            return True
    except FileNotFoundError:
        return False


def test_orders_that_make_no_sense(t):
    daemon, _, ids = three(t)
    for arguments, status in ((("hold",), 64), (("delete", "ALL", ids["u0"]), 64),
                              (("release", "--from", "a", "ALL"), 64),
                              (("delete", "nonsense"), 64), (("hold", "0000000001"), 69), (("suspend",), 64),
                              (("suspend", "nonsense"), 69), (("resume", "no:such"), 69),
                              (("suspend", "lmtp:unix:x"), 69), (("resume", "smtp:[x"), 69),
                              (("explain", "a b"), 64)):
        same(daemon.ctl(*arguments, check=False).returncode, status, arguments)
    for path in ("/hold", "/delete?all=1&id=" + ids["u0"], "/delete?from=x&all=1", "/hold?nonsense=1",
                 "/suspend", "/suspend?name=", "/suspend?nome=x"):
        same(daemon.http("POST", path)[0], 400, path)
    same(daemon.http("GET", "/hold?all=1")[0], 405)
    same(states(daemon), dict.fromkeys(ids, "deferred"))


# --- suspects -------------------------------------------------------------------------------------

def crash_for(sender):
    """A peer's answer to RCPT that kills the courier at its other end, as a bug would, for one sender's mail.
    """
    def rcpt(session, address):
        if sender in session.commands[-2] or sender in session.commands[-1]:
            pid = struct.unpack("3i", session.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            os.kill(pid, signal.SIGSEGV)
            return None
        return "250 2.1.5 Ok"
    return rcpt


def test_message_that_makes_couriers_crash_is_held(t):
    peer = t.peer({"rcpt": crash_for("evil@client.test")})
    daemon = t.daemon(peer, WAITING, start=False)
    # a sanitizer would make a report of the signal, and an exit
    daemon.start(environment={"ASAN_OPTIONS": "detect_leaks=0:handle_segv=0"})
    daemon.send("u@example.org", sender="evil@client.test")
    for number in range(5):
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(5, status="sent", timeout=30)
    wait_for(lambda: [m["state"] for m in daemon.queue()] == ["held"], 30, "the guilty one held")
    message = daemon.queue()[0]
    assert "crash" in message["reason"], message
    same(daemon.log().count("was killed by signal 11"), 3)
    assert "crash" in daemon.ctl("show", message["id"])
    assert not any(c["for_suspects"] for c in daemon.ctl("status", "--json")["couriers"] if not c["retiring"])
    daemon.stop()
    daemon.start()
    wait_for(lambda: [m["state"] for m in daemon.queue()] == ["held"], 30, "held after a restart")
    assert "crash" in daemon.queue()[0]["reason"], message
    peer.script.clear()
    daemon.ctl("release", "ALL")
    daemon.wait_delivery("u@example.org", "sent")
    daemon.spool.wait_empty()


# --- suspend, resume ------------------------------------------------------------------------------

def test_suspend_and_resume(t):
    daemon, peers = t.destinations({"a": None, "b": None})
    name = "lmtp:" + peers["a"].nexthop
    assert "suspended" in daemon.ctl("suspend", name)
    daemon.send("u@a.test")
    daemon.send("u@b.test")
    daemon.wait_delivery("u@b.test", "sent")
    destination = [d for d in daemon.ctl("destinations", "--json") if d["nexthop"] == peers["a"].nexthop][0]
    same(destination["state"], "suspended")
    same(peers["a"].messages, [])
    same(len(daemon.queue()), 1)
    daemon.ctl("retry", "ALL")
    daemon.reload()
    daemon.wait_notify("READY=1")
    daemon.ctl("retry", "ALL")
    daemon.send("v@b.test")
    daemon.wait_delivery("v@b.test", "sent")
    same(peers["a"].messages, [])
    assert "alive" in daemon.ctl("resume", name)
    daemon.wait_delivery("u@a.test", "sent")
    daemon.spool.wait_empty()


def test_suspend_ahead_of_all_mail(t):
    daemon, peers = t.destinations({"a": None})
    name = "lmtp:" + peers["a"].nexthop
    assert "nothing has been sent there lately; it was not suspended" in daemon.ctl("resume", name + "x")
    assert "nothing has been sent there lately; it is suspended from now on" in daemon.ctl("suspend", name)
    assert "lately" not in daemon.ctl("suspend", name)
    assert "lately" not in daemon.ctl("resume", name)
    daemon.send("u@a.test")
    daemon.wait_delivery("u@a.test", "sent")
    mistyped = daemon.ctl("suspend", "ltmp:" + peers["a"].nexthop, check=False)
    same((mistyped.returncode, mistyped.stdout), (69, ""))
    same(mistyped.stderr, "causewayctl: there is no transport 'ltmp'; did you mean lmtp?\n")


def test_suspended_over_a_restart(t):
    daemon, peers = t.destinations({"a": None, "b": None})
    name = "lmtp:" + peers["a"].nexthop
    daemon.ctl("suspend", name)
    for _ in range(2):
        daemon.stop()
        daemon.start()
        daemon.send("u@a.test")
        daemon.send("u@b.test")
        daemon.wait_delivery("u@b.test", "sent")
        destination = [d for d in daemon.ctl("destinations", "--json")
                       if d["nexthop"] == peers["a"].nexthop][0]
        same(destination["state"], "suspended")
        same(daemon.ctl("explain", "--json", "u@a.test")["destination"]["state"], "suspended")
        assert 'causeway_destinations{state="suspended"} 1' in daemon.http("GET", "/metrics")[2]
    same(peers["a"].messages, [])
    daemon.ctl("resume", name)
    daemon.stop()
    daemon.start()
    daemon.wait_delivery("u@a.test", "sent")
    daemon.spool.wait_empty()


def test_destinations_tell_what_goes_on(t):
    daemon, peers = t.destinations({"a": None, "b": {"rcpt": "451 4.3.0 not now"}})
    daemon.send("u@a.test")
    daemon.send("u@b.test")
    daemon.wait_delivery("u@a.test", "sent")
    daemon.wait_delivery("u@b.test", "deferred")
    by_name = {d["nexthop"]: d for d in daemon.ctl("destinations", "--json")}
    a, b = by_name[peers["a"].nexthop], by_name[peers["b"].nexthop]
    same((a["state"], a["sent"], a["deferred"], a["sent_last_minute"]), ("alive", 1, 0, 1))
    same((b["sent"], b["deferred"], b["sent_last_minute"]), (0, 1, 0))
    for key in ("connections", "window", "limit", "waiting", "parked", "last_error", "rate_delay_seconds"):
        assert key in a, key
    assert "in the last minute" in daemon.ctl("destinations")


# --- explain --------------------------------------------------------------------------------------

def test_explain(t):
    daemon, peers = t.destinations({"a": None}, {"myorigin": "a.test"})
    text = daemon.ctl("explain", "u@a.test")
    assert "lmtp" in text and peers["a"].nexthop in text and "transport_maps" in text, text
    way = daemon.ctl("explain", "--json", "u@A.TEST")
    same((way["transport"], way["nexthop"], way["tls"], way["credentials"]),
         ("lmtp", peers["a"].nexthop, "none", None))
    same(daemon.ctl("explain", "--json", "u")["address"], "u@a.test")
    way = daemon.ctl("explain", "--json", "u@elsewhere.test")
    same((way["deliverable"], way["rule"]), (True, "default_transport"))
    same(peers["a"].sessions, [], "explain must not connect")


def test_explain_is_clean(t):
    daemon = t.daemon(t.peer())
    status, _, text = daemon.http("GET", "/explain?name=" + "%1b%5b2J%0d%0a@example.org")
    same(status, 400)
    assert "\x1b" not in json.loads(text)["error"]


# --- many -----------------------------------------------------------------------------------------

@limit(120)
def test_many_orders(t):
    """Orders about thousands of messages, waiting for a destination that is dead, do not hold up other mail.
    """
    daemon, peers = t.destinations({"a": None, "b": None}, WAITING)
    peers["a"].stop()
    for number in range(2000):
        daemon.send("u%d@a.test" % number, sync=False)
    daemon.spool.wait_taken(60)
    same(count(daemon.ctl("hold", "--to", "a.test")), 2000)
    wait_for(lambda: {m["state"] for m in daemon.queue()} == {"held"}, 30, "all held")
    daemon.send("u@b.test")
    daemon.wait_delivery("u@b.test", "sent")
    same(count(daemon.ctl("delete", "--state", "held")), 2000)
    daemon.spool.wait_empty()


# --- what nobody can be told ----------------------------------------------------------------------

def test_double_bounce_goes_to_the_postmaster(t):
    daemon, peers = t.destinations({"a": {"rcpt": "550 5.1.1 no such user"},
                                    "client": {"rcpt": "550 5.1.1 gone"},
                                    "home": None}, {"myorigin": "home.test"})
    daemon.send("u@a.test", sender="s@client.test")
    notice = peers["home"].wait_messages(1)[0]
    same((notice.sender, notice.recipients), ("", ["postmaster@home.test"]))
    assert b"Subject: A report could not be delivered" in notice.content, notice.content
    assert b"s@client.test" in notice.content and b"550 5.1.1 gone" in notice.content
    daemon.spool.wait_empty()
    same(len(peers["home"].messages), 1)


def test_double_bounce_ends_at_the_postmaster(t):
    daemon, peers = t.destinations({"a": {"rcpt": "550 5.1.1 no such user"}},
                                   {"2bounce_notice_recipient": "p@a.test",
                                                                            "notify_classes": "2bounce"})
    daemon.send("u@a.test", sender="")
    daemon.wait_log("the notice to the postmaster cannot be delivered")
    daemon.wait_deliveries(2, status="bounced")
    daemon.spool.wait_empty()
    same(len(daemon.deliveries()), 2)


def test_double_bounce_outlives_kill(t):
    """The notice waits while the daemon is killed, and has its own name beside that of its report."""
    daemon, peers = t.destinations({"a": {"rcpt": "550 5.1.1 no such user"},
                                    "client": {"rcpt": "550 5.1.1 gone"},
                                    "home": dict(DEFERRING)}, {"myorigin": "home.test", **WAITING})
    daemon.send("u@a.test", sender="s@client.test")
    daemon.wait_delivery("postmaster@home.test", "deferred")
    daemon.kill()
    daemon.start()
    peers["home"].script.clear()
    daemon.retry_all()
    daemon.wait_delivery("postmaster@home.test", "sent")
    daemon.spool.wait_empty()


# --- soft_bounce ----------------------------------------------------------------------------------

def test_soft_bounce_keeps_what_is_refused(t):
    """At RCPT, after the dot, and where Causeway itself refuses (hopcount_limit)."""
    peer = t.peer()
    daemon = t.daemon(peer, {**WAITING, "soft_bounce": True, "queue.hopcount_limit": 1})
    daemon.send("rcpt550@example.org")
    daemon.send("dot554@example.org")
    daemon.send("u@example.org", content=b"Received: a\r\nReceived: b\r\n\r\nx\r\n")
    lines = {d["to"].split("@")[0]: d for d in daemon.wait_deliveries(3, status="deferred")}
    same({to: d["dsn"][0] for to, d in lines.items()}, {"rcpt550": "4", "dot554": "4", "u": "4"})
    assert "550" in lines["rcpt550"]["text"] and "554" in lines["dot554"]["text"], lines
    same(len(daemon.queue()), 3)
    daemon.settings["soft_bounce"] = False
    daemon.write_config()
    daemon.ctl("reload")
    daemon.ctl("retry", "ALL")
    daemon.wait_deliveries(3, status="bounced")
