"""causewayctl and the control socket."""

import json
import re
import socket

import mail
import processes
from actions import first
from harness import same
from spool import mode_of

WAITING = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"}


def waiting(t, settings=None):
    """A daemon with one deferred message of two recipients; returns it, its peer, and the message's id."""
    peer = t.peer({"final": first(1, "451 4.3.0 store <b> is not ready")})
    daemon = t.daemon(peer, {**WAITING, **(settings or {})})
    daemon.send(["b@example.org", "rcpt550@example.org"], mail.message("find this text\n"), sender="")
    ident = daemon.wait_delivery("b@example.org", "deferred")["id"]
    return daemon, peer, ident


def messages(data):
    """The messages in the answer to queue --json."""
    return data["messages"] if isinstance(data, dict) else data


def test_status(t):
    daemon, peer, ident = waiting(t)
    text = daemon.ctl("status")
    for word in ("queue", "courier", "sandbox", "uptime", "deferred"):
        assert re.search("(?i)" + word, text), text
    data = daemon.ctl("status", "--json")
    assert isinstance(data, dict)
    pids = {daemon.process.pid, *daemon.wait_pids("queue", 1), *daemon.wait_pids("courier", 2)}

    def told():
        return set(map(int, re.findall(r"\b\d+\b", json.dumps(daemon.ctl("status", "--json")))))
    processes.wait_for(lambda: pids <= told(), 10, "the processes %r in the status" % pids)


def test_queue_lists_what_waits(t):
    daemon, peer, ident = waiting(t)
    text = daemon.ctl("queue")
    lines = [line for line in text.splitlines() if ident in line]
    same(len(lines), 1, text)
    assert "store <b> is not ready" in text or "451" in text, text
    listed = messages(daemon.ctl("queue", "--json"))
    same(len(listed), 1)
    same(listed[0]["id"], ident)
    daemon.ctl("retry", ident)
    daemon.wait_delivery("b@example.org", "sent")
    daemon.spool.wait_empty()
    same(messages(daemon.ctl("queue", "--json")), [])


def test_queue_selectors(t):
    daemon, peers = t.destinations({"one": {"final": "451 4.3.0 red light"},
                                    "two": {"final": "451 4.3.0 blue light"}},
                                   WAITING)
    daemon.send("u@one.test", sender="first@client.test")
    daemon.send("u@two.test", sender="second@client.test")
    ids = {d["to"]: d["id"] for d in daemon.wait_deliveries(2, status="deferred")}
    one, two = ids["u@one.test"], ids["u@two.test"]
    for selectors, expected in ((["--to", "one.test"], [one]), (["--from", "second@client.test"], [two]),
                                (["--state", "deferred"], [one, two]), (["--state", "held"], []),
                                (["--older", "1h"], []), (["--older", "0s"], [one, two]),
                                (["--reason", "BLUE"], [two]), (["--reason", "green"], []),
                                (["--from", "first@client.test", "--reason", "red"], [one]),
                                (["--from", ""], []), (["--from", "<>"], [])):
        listed = sorted(m["id"] for m in messages(daemon.ctl("queue", "--json", *selectors)))
        same(listed, sorted(expected), selectors)


def test_an_empty_selector_is_not_all(t):
    """What a script makes of an unset variable."""
    daemon, peer, ident = waiting(t)
    for selector in ("--to", "--reason"):
        done = daemon.ctl("retry", "--dry-run", selector, "", check=False)
        same(done.returncode, 64, done)
        assert "need a text" in done.stderr, done


def test_show(t):
    daemon, peer, ident = waiting(t)
    text = daemon.ctl("show", ident)
    for word in (ident, "b@example.org", "rcpt550@example.org", "store <b> is not ready", "5.1.1", "4.3.0"):
        assert word in text, (word, text)
    assert "find this text" not in text
    assert "find this text" in daemon.ctl("show", ident, "--content")
    data = daemon.ctl("show", ident, "--json")
    same(data["id"], ident)
    same(len(data["recipients"]), 2)


def test_show_of_an_unknown_id(t):
    daemon, peer, ident = waiting(t)
    for bad in ("0000000000", "nonsense", "../journal", "%s/../../conf" % ident):
        done = daemon.ctl("show", bad, check=False)
        assert done.returncode != 0 and done.stderr, (bad, done)
        same(len(done.stderr.strip().splitlines()), 1, done.stderr)


def test_retry_by_id_all_and_selectors(t):
    peer = t.peer({"final": "451 4.3.0 not ready"})
    daemon = t.daemon(peer, WAITING)
    for number in range(3):
        daemon.send("u%d@example.org" % number, sender="s%d@client.test" % number)
    ids = {d["to"]: d["id"] for d in daemon.wait_deliveries(3, status="deferred")}
    daemon.ctl("retry", ids["u0@example.org"])
    daemon.wait_deliveries(2, "u0@example.org")
    daemon.ctl("retry", "--from", "s1@client.test")
    daemon.wait_deliveries(2, "u1@example.org")
    text = daemon.ctl("retry", "--dry-run", "ALL")
    assert "3" in text, text
    peer.script.clear()
    daemon.ctl("retry", "ALL")
    daemon.wait_deliveries(3, status="sent")
    same(len(daemon.deliveries("u2@example.org")), 2, "the dry run did something")
    daemon.spool.wait_empty()


def test_retry_of_an_unknown_id_says_so(t):
    daemon, peer, ident = waiting(t)
    done = daemon.ctl("retry", "0000000000", check=False)
    assert done.returncode != 0 or re.search(r"\b(0|no)\b", done.stdout), done


def test_retry_wakes_a_dead_destination(t):
    peer = t.peer(address=("127.0.0.1", 0))
    daemon = t.daemon(peer, WAITING)
    peer.stop()
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "deferred")
    peer.start()
    daemon.ctl("retry", "ALL")
    daemon.wait_delivery("u@example.org", "sent")


def test_config_prints_effective_values(t):
    daemon = t.daemon(t.peer(), {"lmtp.rcpt_timeout": "7s", "queue.minimal_backoff_time": "1h"})
    text = daemon.ctl("config")
    values = dict(re.findall(r"(?m)^(\S+) =[ \t]*(.*)$", text))
    same(values["lmtp_rcpt_timeout"], "7s")
    same(values["smtp_rcpt_timeout"], "300s")
    same(values["minimal_backoff_time"] in ("1h", "3600s"), True, values["minimal_backoff_time"])
    same(values["lmtp_skip_quit_response"], "no")
    same(values["smtp_skip_quit_response"], "yes")
    assert values["myhostname"] == "causeway.test"
    assert "lmtp_lhlo_name" in values and "smtp_lhlo_name" not in values
    assert "7s" in daemon.ctl("config", "lmtp_rcpt_timeout")
    data = daemon.ctl("config", "--json")
    same(data["lmtp_rcpt_timeout"], "7s")
    done = daemon.ctl("config", "no_such_parameter", check=False)
    assert done.returncode != 0 and "no_such_parameter" in done.stderr, done


def test_reload_by_causewayctl(t):
    peers = [t.peer(), t.peer()]
    daemon = t.daemon(peers[0])
    daemon.settings["mailbox_transport"] = "lmtp:" + peers[1].nexthop
    daemon.write_config()
    daemon.ctl("reload")
    daemon.wait_notify("READY=1")
    daemon.send("u@example.org")
    peers[1].wait_messages(1)
    same(peers[0].messages, [])


def test_bad_usage(t):
    daemon = t.daemon(t.peer())
    for arguments in ([], ["no-such-command"], ["queue", "--no-such-selector"], ["show"], ["retry"],
                      ["queue", "--older", "nonsense"]):
        done = daemon.ctl(*arguments, check=False)
        same(done.returncode, 64, arguments)
        assert done.stderr.startswith("causewayctl: ") or done.stderr.lower().startswith("usage"), done.stderr


def test_no_daemon(t):
    daemon = t.daemon(t.peer(), start=False)
    done = daemon.ctl("status", check=False)
    assert done.returncode in (69, 75), done
    assert done.stderr.startswith("causewayctl: ") and daemon.settings[
        "control.socket"] in done.stderr, done.stderr


def test_socket_mode(t):
    daemon = t.daemon(t.peer())
    same(mode_of(daemon.settings["control.socket"]), 0o660)


def test_raw_http(t):
    """curl --unix-socket works: JSON bodies, a health check, metrics."""
    daemon, peer, ident = waiting(t)
    status, headers, body = daemon.http("GET", "/healthz")
    same(status, 200, body)
    status, headers, body = daemon.http("GET", "/metrics")
    same(status, 200)
    assert headers["Content-Type"].startswith("text/plain"), headers
    assert re.search(r'(?m)^causeway_deliveries_total\{[^}]*status="deferred"[^}]*\} 1$', body), body
    assert re.search(r'(?m)^causeway_queue_messages\{[^}]*state="deferred"[^}]*\} 1$', body), body
    for name in ("causeway_queue_oldest_seconds", "causeway_delivery_seconds", "causeway_sessions"):
        assert re.search("(?m)^" + name, body), name
    status, headers, body = daemon.http("GET", "/status")
    if status == 200:
        assert isinstance(json.loads(body), dict)


def test_raw_http_refusals(t):
    """Bad requests get an error each, and the daemon goes on."""
    daemon, peer, ident = waiting(t)
    for method, path, body in (("GET", "/no-such-thing", None), ("DELETE", "/status", None),
                               ("POST", "/retry", b"{"),
                               ("POST", "/retry", b"[]"), ("POST", "/retry", b"\xff" * 1000),
                               ("GET", "/../../etc/passwd", None), ("GET", "/show/%00", None),
                               ("POST", "/retry", b'{"id": 5}')):
        status, _, text = daemon.http(method, path, body)
        assert 400 <= status < 500, (method, path, body, status, text)
    for noise in (b"nonsense\r\n\r\n", b"GET " + b"x" * 100_000, b"\0" * 1000,
                  b"GET / HTTP/1.1\r\nA: " + b"b" * 1_000_000):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(100)
            raw.connect(daemon.settings["control.socket"])
            try:
                raw.sendall(noise)
                raw.shutdown(socket.SHUT_WR)
                raw.recv(1000)
            except OSError:
                pass
    same(daemon.http("GET", "/healthz")[0], 200)
    same(len(messages(daemon.ctl("queue", "--json"))), 1)


def test_many_messages_are_listed(t):
    daemon = t.daemon(t.peer({"final": "451 4.3.0 no"}),
                      {**WAITING, "lmtp.destination_concurrency_limit": 20})
    for number in range(500):
        daemon.send("u%d@example.org" % number, sync=False)
    daemon.wait_deliveries(500, status="deferred")
    same(len(messages(daemon.ctl("queue", "--json"))), 500)
    same(len(set(re.findall(r"(?m)\b[0-9A-Za-z]{10}\b", daemon.ctl("queue"))) & set(daemon.spool.messages())),
         500)


def test_listings_are_clean(t):
    """What a peer or an address says cannot move the operator's cursor."""
    daemon = t.daemon(t.peer({"final": b"451 4.3.0 \x1b[2J\x07\xc2\x9b31m\xff\r\n"}), WAITING)
    daemon.send("u@example.org")
    ident = daemon.wait_delivery("u@example.org")["id"]
    for text in (daemon.ctl("queue"), daemon.ctl("show", ident), daemon.ctl("queue", "--json") and ""):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]", text), repr(text)


def resident(pid):
    """Memory of a process in bytes."""
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * 4096


def test_a_long_listing_waits_for_its_reader(t):
    """What is not read yet is not made yet: no memory, and in the end the listing is whole."""
    peer = t.peer()
    daemon = t.daemon("unix:" + t.path("nobody"), {
        **WAITING, "transport_maps": "inline:{another.test=lmtp:%s}" % peer.nexthop})
    for number in range(200):
        daemon.send(["%s.%d@example.org" % ("x" * 60, n) for n in range(500)], sync=False)
    processes.wait_for(lambda: daemon.ctl("status", "--json")["queue"]["total"] == 200, 50, "all taken in")
    daemon.wait_log(r"nrcpt=500 \(queue active\)$", 200, 50)     # their recipients are in memory, too
    queue, = daemon.pids("queue")
    before = resident(queue)
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(60)
        raw.connect(daemon.settings["control.socket"])
        raw.sendall(b"GET /queue HTTP/1.0\r\n\r\n")
        came = raw.recv(1000)
        daemon.send("u@another.test")           # the queue is not busy with a listing that nobody reads
        daemon.wait_delivery("u@another.test")
        assert len(daemon.queue()) >= 200       # a second one is read to its end meanwhile
        grown = resident(queue) - before
        while chunk := raw.recv(1 << 20):
            came += chunk
    listed = json.loads(came.partition(b"\r\n\r\n")[2])
    same(len(listed), 200)
    assert grown < len(came) // 3 or t.options.sanitize, (grown, len(came))
