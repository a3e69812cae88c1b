"""generic_maps in the daemon: where addresses are mapped, and where they stay; test_checks_postfix.py
compares the mapping with Postfix's."""

import subprocess

import mail
from actions import only
from cases import outcome
from harness import same
from reports import Report
from servers import need

RETRY = {"queue.minimal_backoff_time": "1s", "queue.maximal_backoff_time": "1s"}
MAPS = "inline:{a@client.test=known@world.test, u@example.org=box@store.test, @inside.test=@outside.test}"


def mapped_daemon(t, peer, maps=MAPS, **settings):
    return t.daemon(peer, {**RETRY, "lmtp.generic_maps": maps, **settings})


def test_M_2_and_C2_1_envelope_and_header(t):
    """All else of the field stays; the log has the addresses as they were (AD-9). The parameter generic_maps.
    """
    peer = t.peer()
    daemon = mapped_daemon(t, peer)
    content = (b"From: \"A\"  <a@client.test>\nTo: u@example.org,\n  x@inside.test (c)\nX-To: u@example.org\n"
               b"Content-Type: message/rfc822\n\nTo: u@example.org\n\nu@example.org\n")
    daemon.send(["u@example.org", "v@example.org"], content)
    got = peer.wait_messages(1)[0]
    same((got.sender, got.recipients), ("known@world.test", ["box@store.test", "v@example.org"]))
    same(mail.split_trace(got.content)[1],
         content.replace(b"\n", b"\r\n").replace(b"<a@client.test>", b"<known@world.test>")
         .replace(b"\r\nTo: u@example.org,", b"\r\nTo: box@store.test,", 1).replace(b"x@inside", b"x@outside",
                                                                                    1))
    daemon.wait_delivery("u@example.org", "sent")
    daemon.wait_delivery("v@example.org", "sent")
    assert "box@store.test" not in daemon.log().replace("<box@store.test> Saved", ""), daemon.log()


def test_C2_4_a_server_with_dsn_is_told_the_address_before(t):
    peer = t.peer(keywords=("PIPELINING", "DSN"))
    daemon = mapped_daemon(t, peer)
    daemon.send(["u@example.org", ("w@example.org", "ORCPT=rfc822;first@example.org")])
    same(peer.wait_messages(1)[0].rcpts, ["RCPT TO:<box@store.test> ORCPT=rfc822;u@example.org",
                                          "RCPT TO:<w@example.org> ORCPT=rfc822;first@example.org"])


def test_smtp_generic_maps(t):
    """The same by SMTP. The parameter smtp_generic_maps."""
    daemon, peers = t.smtp_destinations({"a": None},
                                        {"smtp_generic_maps": "inline:{a@client.test=known@world.test}"})
    daemon.send("u@a.test")
    got = peers["a"].wait_messages(1)[0]
    same(got.sender, "known@world.test")
    assert b"From: <known@world.test>\r\n" in got.content, got.content


def test_B_3_what_flags_add(t):
    """Return-Path, X-Original-To and Delivered-To are mapped, once; old fields of that name are not."""
    peer = t.peer()
    daemon = t.daemon(None, {
        "transport store.protocol": "lmtp", "transport store.flags": "DOR",
        "transport_maps": "inline:{example.org=store:%s}" % peer.nexthop,
        "transport store.generic_maps":
        "inline:{a@client.test=b@client.test, b@client.test=c@client.test, u@example.org=w@store.test}"})
    daemon.send("u@example.org",
                b"Delivered-To: u@example.org\nX-Original-To: u@example.org\nSubject: x\n\nbody\n")
    trace, rest = mail.split_trace(peer.wait_messages(1)[0].content)
    same(trace.split(b"Received:")[0],
         b"Return-Path: <b@client.test>\r\nX-Original-To: w@store.test\r\nDelivered-To: w@store.test\r\n")
    same(rest, b"Delivered-To: u@example.org\r\nX-Original-To: u@example.org\r\nSubject: x\r\n\r\nbody\r\n")


def test_R_7_a_loop_is_seen_by_the_mapped_address(t):
    peer = t.peer()
    daemon = t.daemon(None, {
        "transport store.protocol": "lmtp", "transport store.flags": "D", "mailbox_domains": ["client.test"],
        "mailbox_transport": "lmtp:" + peer.nexthop,
        "transport_maps": "inline:{example.org=store:%s}" % peer.nexthop,
        "transport store.generic_maps": MAPS})
    daemon.send("u@example.org", b"Delivered-To: BOX@store.test\n\nbody\n")
    same(outcome(daemon.wait_delivery("u@example.org")), ("bounced", "5.4.6"))


def test_AD_9_reports_keep_the_addresses(t):
    """The peer refuses the mapped recipient; the report goes to the sender as it was and names the recipient
    as it was."""
    peer = t.peer({"rcpt": only("^box@", "550 5.1.1 nobody")})
    daemon = mapped_daemon(t, peer, mailbox_domains=["example.org", "client.test"])
    daemon.settings["lmtp.generic_maps"] = "inline:{u@example.org=box@store.test}"
    daemon.reconfigure()
    daemon.send("u@example.org")
    same(outcome(daemon.wait_delivery("u@example.org")), ("bounced", "5.1.1"))
    got = peer.wait_messages(1)[0]
    same((got.sender, got.recipients), ("", ["a@client.test"]))
    same(sorted(Report(got.content.replace(b"\r\n", b"\n")).recipients), ["u@example.org"])


def test_AD_5_the_null_sender_stays(t):
    peer = t.peer()
    daemon = mapped_daemon(t, peer,
                           "inline:{@client.test=x@world.test, postmaster=x@world.test} static:all@world.test")
    daemon.send("u@example.org", sender="")
    got = peer.wait_messages(1)[0]
    same((got.sender, got.recipients), ("", ["all@world.test"]))


def test_B_25_errors_and_bad_results(t):
    """Mail whose addresses cannot be mapped waits, with the key and the reason in its line; other mail goes.
    """
    peer = t.peer()
    daemon = mapped_daemon(t, peer,
                           "inline:{bad@example.org=:::, header@inside.test=<>} pcre:{{/^(a+)+b@x/ y@z}}",
                           mailbox_domains=["example.org", "x.test"])
    daemon.send("bad@example.org")
    daemon.send("%s@x.test" % ("a" * 60))
    daemon.send("u@example.org", b"To: header@inside.test\n\nbody\n")
    daemon.send("fine@example.org")
    line = daemon.wait_delivery("bad@example.org", "deferred")
    same(outcome(line), ("deferred", "4.3.0"))
    assert 'generic_maps: bad@example.org: the result ":::" is no address' in line["reason"], line
    line = daemon.wait_delivery("u@example.org", "deferred")
    same(outcome(line), ("deferred", "4.3.0"))
    daemon.wait_log(r'warning: generic_maps: header@inside.test: the result "<>" is no address$')
    line = daemon.wait_delivery("%s@x.test" % ("a" * 60), "deferred")
    assert outcome(line)[1] == "4.3.0" and "takes too long" in line["reason"], line
    daemon.wait_delivery("fine@example.org", "sent")
    daemon.settings["lmtp.generic_maps"] = ""
    daemon.reconfigure()
    daemon.wait_delivery("bad@example.org", "sent")
    daemon.wait_delivery("%s@x.test" % ("a" * 60), "sent")
    daemon.wait_delivery("u@example.org", "sent")


def test_several_addresses_in_a_result(t):
    peer = t.peer()
    daemon = mapped_daemon(t, peer, "inline:{{u@example.org = one@store.test, two@store.test}}")
    daemon.send("u@example.org")
    same(peer.wait_messages(1)[0].recipients, ["one@store.test"])
    daemon.wait_log(
        r"warning: generic_maps: u@example.org: the result .* has several addresses: the first one counts$")


def test_recipient_delimiter_and_propagate_unmatched_extensions(t):
    """The parameters recipient_delimiter, propagate_unmatched_extensions."""
    peer = t.peer()
    daemon = mapped_daemon(t, peer, "inline:{u@example.org=box@store.test}", recipient_delimiter="-+")
    for propagate, expected in (("canonical", "box@store.test"),
                                ("canonical, generic", "box+x-y@store.test")):
        daemon.settings["propagate_unmatched_extensions"] = propagate
        daemon.reconfigure()
        count = len(peer.messages)
        daemon.send("u+x-y@example.org")
        same(peer.wait_messages(count + 1)[-1].recipients, [expected])


def test_a_database_is_written_anew(t):
    """The next message sees what postmap wrote, without a reload, inside the sandbox."""
    need(("/usr/sbin/postmap", "postfix"), ("/usr/lib/postfix/postfix-lmdb.so", "postfix-lmdb"))
    peer = t.peer()
    daemon = t.daemon(peer, start=False)
    with open(daemon.at("main.cf"), "w") as file:
        file.write("compatibility_level = 3.6\n")

    def postmap(value):
        with open(daemon.at("table"), "w") as file:
            file.write("u@example.org %s\n" % value)
        subprocess.run(["/usr/sbin/postmap", "-c", daemon.dir, "lmdb:" + daemon.at("table")], check=True,
                       timeout=100)
    postmap("old@store.test")
    daemon.settings["lmtp.generic_maps"] = "lmdb:" + daemon.at("table")
    daemon.write_config()
    daemon.start()
    for number, value in enumerate(("old@store.test", "new@store.test", "newer@store.test")):
        postmap(value)
        daemon.send("u@example.org")
        same(peer.wait_messages(number + 1)[-1].recipients, [value])


def test_tables_that_cannot_be_opened(t):
    daemon = t.daemon(t.peer(), {"lmtp.generic_maps": "texthash:/nonexistent"}, start=False)
    done = subprocess.run([t.options.program("causewayd"), "-t", "-c", daemon.conf], capture_output=True,
                          text=True, timeout=100)
    same(done.returncode, 78)
    assert "lmtp.generic_maps" in done.stderr and "/nonexistent" in done.stderr, done.stderr
