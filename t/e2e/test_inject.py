"""causeway-inject, also under the name sendmail."""

import email.utils
import os
import re
import subprocess

import mail
from harness import needs_root, same
from spool import STRANGER_UID, mode_of

MESSAGE = b"From: <a@client.test>\nSubject: injected\n\nhello\n"


def injected(t, arguments, data=MESSAGE, status=0, **options):
    """Run it without a daemon, and return the drop file's text, or None if nothing was dropped."""
    daemon = t.daemon(t.peer(), start=False)
    done = daemon.inject(arguments, data, **options)
    same(done.returncode, status, "exit status (%s)" % done.stderr.decode())
    names = daemon.spool.names("drop/new")
    same(daemon.spool.names("drop/tmp"), [])
    if status:
        assert done.stderr, "nothing on standard error"
        same(names, [])
        return None
    same(len(names), 1)
    with open(daemon.spool.at("drop/new/" + names[0]), "rb") as file:
        return file.read()


def envelope(data):
    return data.replace(b"\r\n", b"\n").split(b"\nDATA\n", 1)[0].decode().splitlines()


def test_a_message_goes_through(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    done = daemon.inject(["-f", "a@client.test", "u@example.org", "v@example.org"], MESSAGE)
    same(done.returncode, 0, done.stderr)
    message = peer.wait_messages(1)[0]
    same(message.sender, "a@client.test")
    same(sorted(message.recipients), ["u@example.org", "v@example.org"])
    assert message.content.endswith(b"\r\n\r\nhello\r\n"), message.content
    daemon.spool.wait_empty()


def test_no_daemon_needed(t):
    data = injected(t, ["-f", "a@client.test", "u@example.org"])
    lines = envelope(data)
    same([line for line in lines if line.startswith("MAIL")], ["MAIL FROM:<a@client.test>"])
    same([line for line in lines if line.startswith("RCPT")], ["RCPT TO:<u@example.org>"])


def test_drop_file_is_private_and_randomly_named(t):
    daemon = t.daemon(t.peer(), start=False)
    for _ in range(3):
        same(daemon.inject(["u@example.org"], MESSAGE).returncode, 0)
    names = daemon.spool.names("drop/new")
    same(len(set(names)), 3)
    for name in names:
        same(mode_of(daemon.spool.at("drop/new/" + name)), 0o640)


def test_double_dash_ends_the_options(t):
    data = injected(t, ["-f", "a@client.test", "--", "-odd@example.org"])
    assert "RCPT TO:<-odd@example.org>" in envelope(data)


def test_null_sender(t):
    for sender in ("", "<>"):
        assert "MAIL FROM:<>" in envelope(injected_again(t, ["-f", sender, "u@example.org"]))


def injected_again(t, arguments, data=MESSAGE, **options):
    """Like injected(), for several runs within one test."""
    for daemon in t.daemons:
        for name in daemon.spool.names("drop/new"):
            os.unlink(daemon.spool.at("drop/new/" + name))
    return injected(t, arguments, data, **options)


def test_recipients_from_the_header(t):
    data = injected(t, ["-t", "-f", "a@client.test"], b"To: One <one@example.org>,\n two@example.org\n"
                    b"Cc: \"Three, Mr\" <three@example.org>\nBcc: four@example.org\nSubject: x\n\n"
                    b"To: not@example.org\n")
    same(sorted(line for line in envelope(data) if line.startswith("RCPT")),
         ["RCPT TO:<%s@example.org>" % n for n in ("four", "one", "three", "two")])
    assert b"four@example.org" not in data.split(b"DATA", 1)[1], "Bcc was not removed"
    assert b"To: not@example.org" in data


def test_groups_and_comments_in_the_header(t):
    data = injected(t, ["-t"],
                    b"To: friends: one@example.org, (comment) two@example.org;\nCc: undisclosed:;\n\nx\n")
    same(sorted(line for line in envelope(data) if line.startswith("RCPT")),
         ["RCPT TO:<one@example.org>", "RCPT TO:<two@example.org>"])


def test_dot_alone_ends_the_input_unless_told_not_to(t):
    text = b"Subject: x\n\nfirst\n.\nsecond\n"
    assert b"second" not in injected_again(t, ["u@example.org"], text)
    for flag in ("-i", "-oi"):
        data = injected_again(t, [flag, "u@example.org"], text)
        assert b"second" in data and re.search(rb"first\r?\n\.\.\r?\nsecond", data), data


def test_full_name(t):
    data = injected(t, ["-F", "Jane \"J\" Doe", "-f", "jane@client.test", "u@example.org"],
                    b"Subject: x\n\ny\n")
    message = email.message_from_bytes(data.replace(b"\r\n", b"\n").split(b"\nDATA\n", 1)[1])
    name, address = email.utils.parseaddr(message["From"])
    same((name, address), ("Jane \"J\" Doe", "jane@client.test"))


def test_dsn_flags(t):
    data = injected(t, ["-N", "success,failure", "-R", "hdrs", "-V", "id1", "-B", "8BITMIME",
                        "u@example.org"])
    lines = "\n".join(envelope(data)).upper()
    for word in ("NOTIFY=SUCCESS,FAILURE", "RET=HDRS", "ENVID=ID1", "BODY=8BITMIME"):
        assert word in lines, lines


def test_notify_never(t):
    assert "NOTIFY=NEVER" in "\n".join(envelope(injected(t, ["-N", "never", "u@example.org"]))).upper()


def test_content_arrives_as_given(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    body = b"..two\n.one\nbare\rcr\nnul\0\n8bit \xe9\nlast line without an end"
    same(daemon.inject(["-i", "-f", "a@client.test", "u@example.org"], MESSAGE + body).returncode, 0)
    content = peer.wait_messages(1)[0].content
    assert content.endswith(b"hello\r\n" + mail.wire_form(body, b"\n")), content


def test_refused_uses(t):
    for arguments in ([], ["-t"], ["-f", "u@example.org"], ["--no-such-option", "u@example.org"],
                      ["-N", "sometimes", "u@example.org"], ["-R", "none", "u@example.org"],
                      ["-B", "9BIT", "u@example.org"]):
        injected_again(t, arguments, b"Subject: nobody\n\nx\n", status=64)


def test_bad_addresses_are_told_at_once(t):
    for address in ("u@", "u v@example.org", "u\r\nRCPT TO:<x@y>@example.org", "u\x01@example.org",
                    "<u@example.org"):
        daemon = t.daemon(t.peer(), start=False)
        done = daemon.inject([address], MESSAGE)
        assert done.returncode in (64, 65), (address, done.returncode)
        same(daemon.spool.names("drop/new"), [])


def test_spool_missing_is_a_temporary_failure(t):
    daemon = t.daemon(t.peer(), start=False)
    done = daemon.inject(["u@example.org"], MESSAGE, environment={"CAUSEWAY_SPOOL": t.path("nowhere")})
    same((done.returncode, done.stderr.decode()), (75,
         "causeway-inject: %s/drop/tmp: no file can be made there: No such file or directory (has causewayd been started "
         "here, and is spool_directory right?); nothing was handed over\n" % t.path("nowhere")))


@needs_root
def test_spool_that_refuses_is_a_temporary_failure(t):
    daemon = t.daemon(t.peer(), start=False)
    os.chmod(daemon.spool.at("drop/tmp"), 0o700)
    done = daemon.inject(["u@example.org"], MESSAGE, uid=STRANGER_UID)
    same((done.returncode, done.stderr.decode()), (75,
         "causeway-inject: %s: no file can be made there: Permission denied (this user may not reach the spool); "
         "nothing was handed over\n" % daemon.spool.at("drop/tmp")))


def test_spool_from_the_configuration(t):
    daemon = t.daemon(t.peer(), start=False)
    os.chmod(daemon.conf, 0o644)
    done = daemon.inject(["-c", daemon.conf, "u@example.org"], MESSAGE, environment={"CAUSEWAY_SPOOL": ""})
    same(done.returncode, 0, done.stderr)
    same(len(daemon.spool.names("drop/new")), 1)


def test_as_sendmail(t):
    """The usual flags of programs that call sendmail are taken, with their arguments."""
    flags = ["-oem", "-odb", "-om", "-bm", "-oi", "-O", "DeliveryMode=b", "-h", "10", "-L", "tag", "-p",
             "ESMTP",
             "-f", "a@client.test", "u@example.org"]
    data = injected(t, flags, program="sendmail")
    same(envelope(data)[-1], "RCPT TO:<u@example.org>")


def test_as_sendmail_from_the_header(t):
    data = injected(t, ["-t", "-i"], b"To: u@example.org\n\nx\n", program="sendmail")
    same(envelope(data)[-1], "RCPT TO:<u@example.org>")


def test_smtp_on_standard_input_is_not_offered(t):
    injected(t, ["-bs"], b"EHLO x\r\n", status=64, program="sendmail")


def test_default_sender_is_the_caller(t):
    data = injected(t, ["u@example.org"], environment={"LOGNAME": "tester", "USER": "tester"})
    sender = [line for line in envelope(data) if line.startswith("MAIL")][0]
    assert re.match(r"MAIL FROM:<[^<>@]+(@[^<>@]+)?>", sender), sender


@needs_root
def test_uid_of_the_caller_is_logged(t):
    daemon = t.daemon(t.peer())
    same(daemon.inject(["-f", "a@client.test", "u@example.org"], MESSAGE, uid=STRANGER_UID).returncode, 0)
    daemon.wait_log(r"/pickup\[\d+\]: \w+: uid=%d from=" % STRANGER_UID)


def test_version_and_help(t):
    for program in ("causeway-inject", "causewayctl", "causewayd"):
        for flag in ("--version", "--help"):
            done = subprocess.run([t.options.program(program), flag], capture_output=True, text=True,
                                  timeout=100)
            same(done.returncode, 0, program + flag)
            assert done.stdout and not done.stderr, (program, flag, done)
