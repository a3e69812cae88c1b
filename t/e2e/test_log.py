"""The log: Postfix's fields, one line an event, and what log readers make of them."""

import json
import os
import re
import subprocess

import mail
from cases import delays
from harness import Skip, needs_root, same

NOBODY = 65534
NUMBER = r"(0|[1-9]\d*|0\.\d{1,2}|[1-9]\.\d)"


def test_life_of_a_message(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send(["b@example.org", "c@example.org"], mail.message(ident="the@id"))
    ident = daemon.wait_delivery("b@example.org")["id"]
    daemon.wait_log(ident + ": removed")
    lines = [line.split("]: ", 1) for line in daemon.log().splitlines() if " %s: " % ident in line]
    processes = [re.search(r" causeway/([a-z]+)\[\d+$", head).group(1) for head, _ in lines]
    texts = [text.split(": ", 1)[1] for _, text in lines]
    same(processes, ["pickup", "cleanup", "qmgr", "lmtp", "lmtp", "qmgr"])
    assert re.fullmatch(r"uid=\d+ from=<a@client\.test>", texts[0]), texts[0]
    same(texts[1], "message-id=<the@id>")
    assert re.fullmatch(r"from=<a@client\.test>, size=\d+, nrcpt=2 \(queue active\)", texts[2]), texts[2]
    same(texts[-1], "removed")


def test_message_without_an_id(t):
    daemon = t.daemon(t.peer())
    daemon.send("u@example.org", b"Subject: no id\r\n\r\ntext\r\n")
    daemon.wait_log(r"/cleanup\[\d+\]: \w+: message-id=<>$")


def test_line_heads(t):
    """In a file: RFC 3339 time and host name."""
    daemon = t.daemon(t.peer())
    daemon.send("u@example.org")
    daemon.wait_log("removed")
    host = os.uname().nodename
    for line in daemon.log().splitlines():
        match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)) (\S+) "
                         r"causeway/[a-z]+\[\d+\]: ", line)
        assert match, line
        same(match.group(4).split(".")[0], host.split(".")[0])


def test_pids_are_those_of_the_processes(t):
    daemon = t.daemon(t.peer())
    daemon.send("u@example.org")
    line = daemon.wait_delivery("u@example.org")
    assert int(line["pid"]) in daemon.pids("courier"), line
    qmgr = daemon.wait_log(r"/qmgr\[(\d+)\]: \w+: removed").group(1)
    assert int(qmgr) in daemon.pids("queue"), qmgr


def test_standard_error_has_neither_time_nor_host(t):
    daemon = t.daemon(t.peer(), {"log.to": "stderr"})
    daemon.send("u@example.org")
    daemon.log_file = daemon.at("stderr")
    daemon.wait_log(r"^causeway/qmgr\[\d+\]: \w+: removed")


def test_D2_1_and_10_delivery_line(t):
    daemon = t.daemon(t.peer())
    daemon.send(["ok@example.org", "rcpt550@example.org", "dot451@example.org"])
    for line in daemon.wait_deliveries(3):
        parts = line["delays"].split("/")
        same(len(parts), 4)
        for number in (line["delay"], *parts):
            assert re.fullmatch(NUMBER, number), line
        same(line["dsn"][0], {"sent": "2", "bounced": "5", "deferred": "4"}[line["status"]])


def test_D2_2_original_recipient_only_if_it_differs(t):
    daemon = t.daemon(t.peer())
    daemon.send(["u@example.org"])
    same(daemon.wait_delivery("u@example.org")["orig_to"], None)


def test_D2_3_relay(t):
    inet = t.peer(address=("127.0.0.1", 0))
    unix = t.peer()
    daemon = t.daemon(None, {"transport_maps":
                             "inline:{inet.test=lmtp:%s, unix.test=lmtp:%s, none.test=lmtp:unix:%s}"
                             % (inet.nexthop, unix.nexthop, t.path("nobody"))})
    for name in ("inet", "unix", "none"):
        daemon.send("u@%s.test" % name)
    same(daemon.wait_delivery("u@inet.test")["relay"], "127.0.0.1[127.0.0.1]:%d" % inet.address[1])
    same(daemon.wait_delivery("u@unix.test")["relay"], "causeway.test[%s]" % unix.address)
    same(daemon.wait_delivery("u@none.test")["relay"], "none")


def test_D2_4_status(t):
    """The words there are; soft_bounce has none of its own."""
    daemon = t.daemon(t.peer())
    for user in ("ok", "rcpt450", "rcpt550", "dot452", "dot550"):
        daemon.send(user + "@example.org", sender="")       # no report is among the lines
    for user in ("ask.ok", "rcpt550.ask"):
        daemon.ctl("verify", user + "@example.org", check=False)
    words = {line["to"].split("@")[0]: line["status"]
             for line in daemon.wait_deliveries(7) if "example.org" in line["to"]}
    same(words, {"ok": "sent", "rcpt450": "deferred", "rcpt550": "bounced", "dot452": "deferred",
                 "dot550": "bounced",
                 "ask.ok": "deliverable", "rcpt550.ask": "undeliverable"})


def test_D2_12_no_tls_without_a_level(t):
    """It is not known before a host is found; and log_tls_feature_status can leave it out."""
    peer = t.peer(address=("127.0.0.1", 0), smtp=True)
    daemon = t.daemon(None, {"transport off.protocol": "smtp", "transport off.log_tls_feature_status": "no",
                             "transport_maps":
                             "inline:{off.test=off:%s, may.test=smtp:%s, nowhere.test=smtp:[no.such.host.invalid]:25}"
                             % (peer.nexthop, peer.nexthop), "smtp.tls_security_level": "may",
                             "smtp.host_lookup": "native"})
    found = {}
    for name in ("off", "may", "nowhere"):
        daemon.send("u@%s.test" % name)
        found[name] = daemon.wait_delivery("u@%s.test" % name)["tls"]
    same(found, {"off": None, "may": "may:none", "nowhere": None})


def test_D2_5_delays_tell_the_stages_apart(t):
    def final(session, address):
        session.wait_closed_for(1)
        return "250 2.0.0 Saved"

    def lhlo(session, line):
        session.wait_closed_for(0.5)
        return session.usual_capabilities()
    daemon = t.daemon(t.peer({"lhlo": lhlo, "final": final}))
    daemon.send("u@example.org")
    _, _, c, d = delays(daemon.wait_delivery("u@example.org"))
    assert c >= 0.4 and d >= 0.9, (c, d)        # and nothing counts twice, as they add up


def test_D2_7_delays_of_a_failed_connection(t):
    daemon = t.daemon("unix:" + t.path("nobody"))
    daemon.send("u@example.org")
    same(daemon.wait_delivery("u@example.org")["delays"].split("/")[3], "0")


def test_D2_8_recipients_decided_together_show_the_same_times(t):
    daemon = t.daemon(t.peer({"mail": "450 4.1.8 no"}))
    daemon.send(["a@example.org", "b@example.org"])
    lines = daemon.wait_deliveries(2)
    same(lines[0]["delays"], lines[1]["delays"])


def test_D2_15_addresses_cannot_forge_a_line(t):
    """Quoted local parts may hold nearly anything; our fields stay ours."""
    nasty = ['"x>, relay=none, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250"@example.org',
             '"\\"> (queue active)"@example.org']
    daemon = t.daemon(t.peer({"rcpt": "550 5.1.1 no"}))
    for address in nasty:
        daemon.send(address, sender=address)
    daemon.wait_log("removed", 2)
    for line in daemon.log().splitlines():
        if "/lmtp[" in line:
            assert re.search(r"dsn=5\.1\.1, status=bounced \(.*\)$", line), line
            same(len(re.findall(r", status=", re.sub(r"to=<\".*?\"@example\.org>", "", line))), 1, line)


def test_json_format(t):
    """One object a line, with the names of the text's fields."""
    daemon = t.daemon(t.peer(), {"log.format": "json"})
    daemon.send("u@example.org")
    daemon.wait_log("removed")
    lines = [json.loads(line) for line in daemon.log().splitlines()]
    results = [line for line in lines if line.get("status") == "sent"]
    same(len(results), 1)
    for name, value in (("to", "u@example.org"), ("dsn", "2.0.0"), ("transport", "lmtp")):
        same(results[0][name].strip("<>"), value, name)
    assert isinstance(results[0]["delay"], (int, float)) and results[0]["delays"].count("/") == 3, results[0]
    assert "relay" in results[0] and results[0]["text"].startswith("250 "), results[0]
    for line in lines:
        assert {"time", "host", "name", "process", "pid"} <= set(line), line
        same([type(line[name]) for name in ("pid", "uid", "size", "nrcpt") if name in line],
             [int for name in ("pid", "uid", "size", "nrcpt") if name in line], line)
    by_process = {line["process"]: line for line in lines if "id" in line}
    same(sorted(by_process), ["cleanup", "lmtp", "pickup", "qmgr"])
    assert "message-id" in by_process["cleanup"] and by_process["pickup"][
        "from"] == "a@client.test", by_process


def test_sighup_reopens_the_file(t):
    daemon = t.daemon(t.peer())
    daemon.send("u@example.org")
    daemon.wait_log("removed")
    os.rename(daemon.log_file, daemon.log_file + ".1")
    daemon.reload()
    daemon.wait_notify("READY=1")
    daemon.send("v@example.org")
    daemon.wait_log(r"to=<v@example\.org>.*status=sent")
    with open(daemon.log_file + ".1") as old:
        assert "v@example.org" not in old.read()


@needs_root
def test_logrotate(t):
    """With the file of contrib: the old lines are renamed, a new file is made, the daemon goes over to it."""
    if not os.path.exists("/usr/sbin/logrotate"):
        raise Skip("logrotate is not installed")
    # logrotate wants a user with a name
    daemon = t.daemon(t.peer(), uid=NOBODY)
    daemon.send("before@example.org")
    daemon.wait_log("removed")
    with open(os.path.join(os.path.dirname(__file__), "../../contrib/logrotate/causeway")) as file:
        text = file.read()
    called = re.search(r"pkill -HUP (-x -u) causeway (causewayd) ", text)
    found = subprocess.run(["pgrep", *called.group(1).split(), str(daemon.uid), called.group(2)],
                           capture_output=True,
                           text=True, timeout=100).stdout.split()
    assert str(daemon.process.pid) in found and not set(map(str, daemon.pids(""))) & set(found), found
    # other daemons of this user may be under test at the same time
    text = text.replace(called.group(), "kill -HUP %d " % daemon.process.pid)
    text = text.replace("/var/log/causeway/log", daemon.log_file).replace("causeway causeway",
                                                                          "nobody nogroup")
    with open(t.path("rotate"), "w") as file:
        file.write(text)
    done = subprocess.run(["/usr/sbin/logrotate", "-f", "-s", t.path("state"), t.path("rotate")],
                          capture_output=True,
                          text=True, timeout=100)
    same((done.returncode, done.stderr), (0, ""))
    daemon.wait_notify("READY=1")
    daemon.send("after@example.org")
    daemon.wait_log(r"to=<after@example\.org>.*status=sent")
    with open(daemon.log_file + ".1") as old:
        assert "before@example.org" in old.read()
    assert "before@example.org" not in daemon.log()


def test_pflogsumm_counts_right(t):
    """Debian's log summariser, unchanged, on a log named postfix."""
    if not os.path.exists("/usr/sbin/pflogsumm"):
        raise Skip("pflogsumm is not installed")
    daemon, peers = t.destinations({"there": None}, {"log.name": "postfix"})
    for number in range(3):
        daemon.send(["ok1.%d@there.test" % number, "ok2.%d@there.test" % number])
    daemon.send(["rcpt550@there.test", "rcpt450@there.test"])
    daemon.send("dot552@there.test", sender="")
    daemon.wait_deliveries(6 + 3 + 1)
    daemon.wait_log("removed", 5)
    done = subprocess.run(["/usr/sbin/pflogsumm", daemon.log_file], capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0 and not done.stderr, done.stderr
    totals = {name: int(count) for count, name in re.findall(
        r"(?m)^\s+(\d+)\s+(received|delivered|deferred|bounced|rejected)\b", done.stdout)}
    # a report is delivered, but it was not received
    same(totals, {"received": 5, "delivered": 7, "deferred": 1, "bounced": 2, "rejected": 0},
         done.stdout[:1500])
    deferrals = re.search(r"(?s)message deferral detail\n-+\n(.*?)\n\n", done.stdout).group(1)
    assert re.search(r"lmtp \(total: 1\)\n\s+1\s+4\.2\.0 <rcpt450@there\.test>", deferrals), deferrals


def test_log_name(t):
    daemon = t.daemon(t.peer(), {"log.name": "store"})
    daemon.send("u@example.org")
    daemon.wait_log(r" store/lmtp\[\d+\]: \w+: to=<u@example\.org>")
