"""header_checks, mime_header_checks, nested_header_checks and body_checks in the daemon;
test_checks_postfix.py compares what they do with Postfix."""

import subprocess

import mail
from cases import outcome
from harness import same
from servers import need

RETRY = {"queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "1s"}


def arrives(daemon, peer, content, to="u@example.org", **options):
    """What arrives of a message: trace fields, and the rest as it was stuffed."""
    count = len(peer.messages)
    daemon.send(to, content, **options)
    return mail.split_trace(peer.wait_messages(count + 1)[-1].stuffed)


HOSTILE = b"""Subject: first
X-Remove: one
 more of it
\tand more
X-Keep: y
Content-Type: multipart/mixed; boundary=b
Content-Disposition: x

--b
Content-Type: text/plain
X-Remove: in a part

remove this
keep
--b
Content-Type: message/rfc822

X-Remove: nested

remove this too
--b--
"""


def test_B_20_and_22_each_kind_sees_its_own(t):
    """A field goes with its folds. The parameters header_checks, mime_header_checks, nested_header_checks,
    body_checks."""
    remove = "regexp:{{/^(X-)?remove/ IGNORE}}"
    everything = HOSTILE.replace(b"\n", b"\r\n")
    expected = {
        "header": everything.replace(b"X-Remove: one\r\n more of it\r\n\tand more\r\n", b""),
        "mime_header": everything.replace(b"X-Remove: in a part\r\n", b""),
        "nested_header": everything.replace(b"X-Remove: nested\r\n", b""),
        "body": everything.replace(b"remove this\r\n", b"").replace(b"remove this too\r\n", b""),
    }
    peers = {name: t.peer() for name in expected}
    daemon = t.daemon(None, {
        "transport_maps": "inline:{%s}" % ", ".join("%s.test=%s:%s" % (n.replace("_", "-"), n, p.nexthop)
                                                    for n, p in peers.items()),
        **{"transport %s.protocol" % name: "lmtp" for name in expected},
        **{"transport %s.%s_checks" % (name, name): remove for name in expected}})
    for name, peer in peers.items():
        same(arrives(daemon, peer, HOSTILE, "u@%s.test" % name.replace("_", "-"))[1],
             expected[name] + b".\r\n", name)


def test_smtp_header_checks_smtp_body_checks(t):
    """The same by SMTP. The parameters smtp_header_checks, smtp_mime_header_checks,
    smtp_nested_header_checks, smtp_body_checks."""
    daemon, peers = t.smtp_destinations({"a": None}, {
        "smtp_header_checks": "regexp:{{/^X-Keep/ REPLACE X-Kept: z}}",
        "smtp_mime_header_checks": "regexp:{{/^X-Remove/ STRIP}}",
        "smtp_nested_header_checks": "regexp:{{/^X-Remove/ WARN}}",
        "smtp_body_checks": "regexp:{{/^keep$$/ REPLACE .kept}}"})
    got = arrives(daemon, peers["a"], HOSTILE, "u@a.test")[1]
    same(got, HOSTILE.replace(b"\n", b"\r\n").replace(b"X-Keep: y",
                                                      b"X-Kept: z").replace(b"X-Remove: in a part\r\n", b"")
         .replace(b"\r\nkeep\r\n", b"\r\n..kept\r\n") + b".\r\n")
    daemon.wait_log(r"causeway/smtp\[\d+\]: \w+: strip: header X-Remove: in a part$")
    daemon.wait_log(r"causeway/smtp\[\d+\]: \w+: warning: header X-Remove: nested$")
    daemon.wait_log(r"causeway/smtp\[\d+\]: \w+: replace: header X-Keep: y: X-Kept: z$")
    daemon.wait_log(r"causeway/smtp\[\d+\]: \w+: replace: body keep: .kept$")


def test_B_2_and_21_trace_fields_pass_the_checks(t):
    peer = t.peer()
    daemon = t.daemon(None, {
        "transport store.protocol": "lmtp", "transport store.flags": "DOR",
        "transport_maps": "inline:{example.org=store:%s}" % peer.nexthop,
        "transport store.header_checks":
        "regexp:{{/^Delivered-To/ IGNORE}, {/^Received:/ REPLACE Received: by nobody; today},"
                                         " {/^Return-Path:/ PREPEND X-First: Return-Path: none}}"})
    daemon.send("u@example.org")
    same(peer.wait_messages(1)[0].stuffed.split(b"From:")[0],
         b"X-First: Return-Path: none\r\nReturn-Path: <a@client.test>\r\nX-Original-To: u@example.org\r\nReceived: by nobody; today\r\n")


def test_B_25_a_table_that_cannot_answer(t):
    """Nothing more of the content is sent, and no dot; the message waits with 4.3.0,
    and the log names the table.
    """
    peer = t.peer()
    daemon = t.daemon(peer, {**RETRY, "lmtp.header_checks": "pcre:{{/^X-Slow: (a+)+$$/ WARN}}"}, start=False)
    daemon.settings["lmtp.body_checks"] = "pcre:{{/^(b+)+$$/ WARN}}"
    daemon.write_config()
    daemon.start()
    daemon.send("header@example.org", b"X-Slow: " + b"a" * 60 + b"!\n\nbody\n")
    daemon.send("body@example.org", b"Subject: x\n\n" + b"b" * 60 + b"!\n")
    for name in ("header", "body"):
        line = daemon.wait_delivery(name + "@example.org", "deferred")
        same(outcome(line), ("deferred", "4.3.0"))
        assert "local data error while sending the message" in line["reason"], line
        daemon.wait_log(r": warning: lmtp_%s_checks: lookup error: .*takes too long" % name)
    same(peer.messages, [])
    daemon.send("fine@example.org")
    daemon.wait_delivery("fine@example.org", "sent")
    daemon.settings.update({"lmtp.header_checks": "", "lmtp.body_checks": ""})
    daemon.reconfigure()
    daemon.wait_delivery("header@example.org", "sent")
    daemon.wait_delivery("body@example.org", "sent")


def test_rules_that_cannot_be_carried_out(t):
    """They change nothing; the log has one line for each use, which cannot be faked by what it shows."""
    peer = t.peer()
    daemon = t.daemon(peer,
                      {"lmtp.header_checks":
                       "regexp:{{/^X-A:/ REJECT no}, {/^X-B:/ REPLACE nothing}, {/^X-C:(.*)/ WARN $$1}}"})
    content = b"X-A: 1\nX-B: 2\nX-C: \x1b[2J\x08\n evil/lmtp[1]: status=sent \xff\n\nbody\n"
    same(arrives(daemon, peer, content)[1], content.replace(b"\n", b"\r\n") + b".\r\n")
    daemon.wait_log(
        r": warning: lmtp_header_checks: REJECT no: there is no such action where mail is delivered$")
    daemon.wait_log(r": warning: lmtp_header_checks: REPLACE nothing: the text is not \"name: value\"$")
    daemon.wait_log(
        r": warning: header X-C: \?\[2J\?\? evil/lmtp\[1\]: status=sent \?: \?\[2J\?\? evil/lmtp\[1\]: status=sent \?$")


def test_not_more_than_a_thousand_lines_about_a_message(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.body_checks": "regexp:{{/^line/ INFO}}"})
    got = arrives(daemon, peer, b"Subject: x\n\n" + b"line\n" * 5000)[1]
    same(got.count(b"line\r\n"), 5000)
    daemon.wait_log(r"warning: no more of what the checks find in this message is logged$")
    daemon.wait_deliveries(1, status="sent")
    same(daemon.log().count(": info: body line"), 1000)


def test_line_length_limit_cuts_what_checks_made(t):
    """A replaced line may be longer than lines may be; dots are stuffed behind the checks."""
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.line_length_limit": 20, "lmtp.body_checks":
                             "regexp:{{/^(.)$$/ REPLACE .%s}, {/^gone/ IGNORE}}" % ("$$1" * 20)})
    got = arrives(daemon, peer, b"Subject: x\n\na\n.\ngone\n")[1]
    same(got, b"Subject: x\r\n\r\n.." + b"a" * 19 + b"\r\n a\r\n.." + b"." * 19 + b"\r\n .\r\n.\r\n")


def test_header_size_limit(t):
    """What is above it is not looked at, and goes the way of the field."""
    peer = t.peer()
    daemon = t.daemon(peer, {"header_size_limit": 100, "lmtp.line_length_limit": 0, "lmtp.header_checks":
                             "regexp:{{/^X-Long: .*end/ IGNORE}, {/^X-Gone:/ IGNORE}, {/^X-Short:/ IGNORE}}"})
    long = b"X-Long: " + b"\n\t".join([b"x" * 50] * 10) + b" end\n"
    got = arrives(daemon, peer, b"X-Short: y\nSubject: x\n" + long + long.replace(b"Long", b"Gone")
                  + b"\nbody\n")[1]
    same(got, (b"Subject: x\n" + long + b"\nbody\n").replace(b"\n", b"\r\n") + b".\r\n")


def test_tables_change(t):
    """A text table at a reload; a database at the next question, when postmap has written it."""
    need(("/usr/sbin/postmap", "postfix"), ("/usr/lib/postfix/postfix-lmdb.so", "postfix-lmdb"))
    peer = t.peer()
    daemon = t.daemon(peer, start=False)
    daemon.write("main.cf", "compatibility_level = 3.6\n")

    def postmap(text):
        path = daemon.write("table", text)
        subprocess.run(["/usr/sbin/postmap", "-c", daemon.dir, "lmdb:" + path], check=True, timeout=100)
        return path
    text = daemon.write("text", "/^X-A/ IGNORE\n")
    daemon.settings["lmtp.header_checks"] = "lmdb:%s, regexp:%s" % (postmap("x-b:@1 IGNORE\n"), text)
    daemon.write_config()
    daemon.start()
    content = b"X-A: 1\nX-B: 1\nx-c: 1\n\nbody\n"
    same(arrives(daemon, peer, content)[1], b"X-B: 1\r\nx-c: 1\r\n\r\nbody\r\n.\r\n")
    subprocess.run(["/usr/sbin/postmap", "-c", daemon.dir, "-i", "lmdb:" + daemon.at("table")],
                   input=b"nothing here\n",
                   check=True, timeout=100)
    daemon.write("text", "/^X-B/ IGNORE\n")
    same(arrives(daemon, peer, content)[1], b"X-B: 1\r\nx-c: 1\r\n\r\nbody\r\n.\r\n")
    daemon.reconfigure()
    same(arrives(daemon, peer, content)[1], b"X-A: 1\r\nx-c: 1\r\n\r\nbody\r\n.\r\n")


def test_tables_that_cannot_be_opened(t):
    """Each is a complaint that names option, file and line, at the start and at a reload."""
    peer = t.peer()
    daemon = t.daemon(peer)
    bad = daemon.write("bad", "/^X-A/ IGNORE\n/(/ WARN\n")
    for option in ("header_checks", "mime_header_checks", "nested_header_checks", "body_checks"):
        for table, complaint in (("regexp:" + bad, "bad: line 2"), ("texthash:/nonexistent", "cannot open"),
                                 ("hash:/x", "hash")):
            daemon.settings["lmtp." + option] = table
            daemon.write_config()
            done = subprocess.run([t.options.program("causewayd"), "-t", "-c", daemon.conf],
                                  capture_output=True, text=True, timeout=100)
            same(done.returncode, 78)
            assert "lmtp.%s" % option in done.stderr and complaint in done.stderr, done.stderr
        del daemon.settings["lmtp." + option]
    daemon.settings["lmtp.body_checks"] = "regexp:" + bad
    daemon.write_config()
    daemon.reload()
    daemon.wait_log(r"lmtp\.body_checks.*line 2")
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
