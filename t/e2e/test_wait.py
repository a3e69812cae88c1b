"""causeway-inject --wait: the outcome of one attempt is the caller's."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import processes
from actions import first, hang, silence
from harness import needs_root, same
from mail import message, transaction
from spool import PRODUCER_UID, STRANGER_UID, become

MESSAGE = b"From: <a@client.test>\nSubject: wait\n\nhello\n"


def wait(daemon, recipients, seconds=20, **options):
    """Hand a message over and wait; the exit code, and the lines as lists of fields."""
    done = daemon.inject(["--wait=%s" % seconds, "-f", "a@client.test", *recipients], MESSAGE, **options)
    lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert all(len(line) == 4 for line in lines), done.stdout
    return done, lines


def outcomes(lines):
    return {line[0]: (line[1], line[2]) for line in lines}


def start_waiting(daemon, recipients, seconds=30, stdout=subprocess.PIPE):
    """causeway-inject --wait as a process of its own, with its message given."""
    process = subprocess.Popen(
        [daemon.test.options.program("causeway-inject"), "--wait=%s" % seconds, "-f", "a@client.test",
         *recipients],
        stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE,
        env={**os.environ, "CAUSEWAY_SPOOL": daemon.spool.path}, preexec_fn=become(PRODUCER_UID))
    process.stdin.write(MESSAGE)
    process.stdin.close()
    return process


def nothing_left(daemon):
    """The queue is empty, and no report was made."""
    daemon.spool.wait_empty()
    assert "bounce[" not in daemon.log(), "a report was made"


def test_sent(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    done, lines = wait(daemon, ["u@example.org"])
    same((done.returncode, done.stderr), (0, b""))
    same(lines[0][:3], ["u@example.org", "sent", "2.0.0"])
    assert lines[0][3].startswith("250 "), lines
    same(len(peer.messages), 1)
    nothing_left(daemon)


def test_refused_is_told_and_not_reported(t):
    client = t.peer()
    peer = t.peer()
    daemon = t.daemon(None, {"transport_maps": "inline:{example.org=lmtp:%s, client.test=lmtp:%s}" % (
        peer.nexthop, client.nexthop)})
    done, lines = wait(daemon, ["rcpt550@example.org"])
    same(done.returncode, 69, done.stderr)
    same(lines[0][:3], ["rcpt550@example.org", "bounced", "5.1.1"])
    assert "User doesn't exist" in lines[0][3], lines
    nothing_left(daemon)
    same(client.messages, [])


def test_deferred_is_handed_back(t):
    daemon = t.daemon(t.peer())
    done, lines = wait(daemon, ["rcpt452@example.org"])
    same(done.returncode, 75, done.stderr)
    same(lines[0][:3], ["rcpt452@example.org", "deferred", "4.2.2"])
    nothing_left(daemon)
    daemon.wait_log(r"qmgr\[\d+\]: \w+: handed back to its caller$")


def test_mixed_results(t):
    """Each recipient has its own line; 75 goes before 69, 69 before 0."""
    peer = t.peer()
    daemon = t.daemon(peer)
    done, lines = wait(daemon, ["u@example.org", "dot550@example.org", "rcpt450@example.org", "v@example.org",
                                "dot451@example.org", "rcpt550@example.org"])
    same(done.returncode, 75, done.stderr)
    same(outcomes(lines), {
        "u@example.org": ("sent", "2.0.0"), "v@example.org": ("sent", "2.0.0"),
        "dot550@example.org": ("bounced", "5.1.1"), "rcpt550@example.org": ("bounced", "5.1.1"),
        "rcpt450@example.org": ("deferred", "4.2.0"), "dot451@example.org": ("deferred", "4.3.0")})
    same(len(lines), 6)
    nothing_left(daemon)
    done, lines = wait(daemon, ["u@example.org", "rcpt550@example.org"])
    same((done.returncode, len(lines)), (69, 2))
    nothing_left(daemon)


def test_many_recipients(t):
    daemon = t.daemon(t.peer())
    done, lines = wait(daemon, ["u%d@example.org" % i for i in range(3000)], seconds=50)
    same(done.returncode, 0, done.stderr)
    same(sorted(line[0] for line in lines), sorted("u%d@example.org" % i for i in range(3000)))
    nothing_left(daemon)


def test_no_route_is_an_answer(t):
    """What the queue itself says of a recipient is told like a backend's word."""
    daemon = t.daemon(t.peer())
    done, lines = wait(daemon, ["u@elsewhere.test"])
    same((done.returncode, lines[0][1]), (75, "deferred"))
    nothing_left(daemon)


def test_dead_destination_is_told_at_once(t):
    daemon = t.daemon(t.path("nobody"), {"mailbox_transport": "lmtp:unix:" + t.path("nobody")})
    for _ in range(3):
        started = time.monotonic()
        done, lines = wait(daemon, ["u@example.org"], seconds=50)
        same((done.returncode, lines[0][1]), (75, "deferred"), done.stderr)
        assert time.monotonic() - started < 25, "it waited for the time to be over"
    nothing_left(daemon)


def test_time_over_while_nobody_is_asked(t):
    """No courier serves the destination: the time is over, and the message is the caller's again."""
    peer = t.peer({"greeting": hang})
    daemon = t.daemon(peer, {"lmtp.destination_concurrency_limit": 1})
    other = start_waiting(daemon, ["u@example.org"])
    processes.wait_for(lambda: peer.sessions, 20, "the first message under way")
    done, lines = wait(daemon, ["v@example.org"], seconds="300ms")
    same((done.returncode, lines[0][:3]), (75, ["v@example.org", "deferred", "4.4.7"]), done.stderr)
    other.kill()
    other.wait()


def test_time_over_while_the_backend_is_silent(t):
    """Who has no final answer is handed back; what comes later is only logged."""
    peer = t.peer({"final": silence})
    daemon = t.daemon(peer, {"lmtp.data_done_timeout": "5s"})
    done, lines = wait(daemon, ["u@example.org"], seconds=3)
    same((done.returncode, lines[0][:3]), (75, ["u@example.org", "deferred", "4.4.7"]), done.stderr)
    daemon.wait_delivery("u@example.org", "deferred")
    nothing_left(daemon)


def test_delivered_after_it_was_handed_back(t):
    """The log tells of the second copy to come, and no attempt of our own follows."""
    go = t.path("go")

    def when_told(*_):
        processes.wait_for(lambda: os.path.exists(go), 30, "the test to go on")
        return "250 2.0.0 Saved"
    peer = t.peer({"final": when_told})
    daemon = t.daemon(peer)
    done, lines = wait(daemon, ["u@example.org"], seconds=3)
    same((done.returncode, lines[0][1]), (75, "deferred"), done.stderr)
    open(go, "w").close()
    daemon.wait_delivery("u@example.org", "sent")
    daemon.wait_log(r"to=<u@example.org>: delivered after it was handed back")
    nothing_left(daemon)
    same(len(peer.messages), 1)


def test_without_a_daemon_nothing_is_handed_over(t):
    daemon = t.daemon(t.peer(), start=False)
    done, lines = wait(daemon, ["u@example.org"])
    same((done.returncode, lines), (75, []))
    assert b"Nothing was handed over" in done.stderr, done.stderr
    same((daemon.spool.names("drop/new"), daemon.spool.names("drop/tmp")), ([], []))


def test_caller_killed_is_as_if_it_had_not_waited(t):
    """The injector dies while the backend thinks: the message is delivered, and its refusal reported."""
    go = t.path("go")

    def when_told(_, address):
        processes.wait_for(lambda: os.path.exists(go), 30, "the test to go on")
        return "550 5.1.1 no" if address.startswith("no") else "250 2.0.0 Saved"
    client, peer = t.peer(), t.peer({"final": when_told})
    daemon = t.daemon(None, {"transport_maps": "inline:{example.org=lmtp:%s, client.test=lmtp:%s}" % (
        peer.nexthop, client.nexthop)})
    process = start_waiting(daemon, ["u@example.org", "no@example.org"])
    processes.wait_for(lambda: peer.messages or peer.sessions and peer.sessions[0].message, 20,
                       "the content sent")
    process.kill()
    process.wait()
    open(go, "w").close()
    daemon.wait_delivery("u@example.org", "sent")
    client.wait_messages(1)
    daemon.spool.wait_empty()


def test_caller_of_the_injector_killed(t):
    """The shell that called it dies: the injector notices that nobody reads, and the message is queued."""
    go = t.path("go")

    def when_told(*_):
        processes.wait_for(lambda: os.path.exists(go), 30, "the test to go on")
        return "450 4.2.0 later"
    peer = t.peer({"rcpt": first(1, when_told)})
    daemon = t.daemon(peer, {"queue.minimal_backoff_time": "1s"})
    shell = subprocess.Popen(
        ["/bin/sh", "-c", "%s --wait=50 -f a@client.test u@example.org; exit $?" %
         t.options.program("causeway-inject")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "CAUSEWAY_SPOOL": daemon.spool.path}, preexec_fn=become(PRODUCER_UID))
    shell.stdin.write(MESSAGE)
    shell.stdin.close()
    processes.wait_for(lambda: peer.sessions, 20, "the message under way")
    shell.send_signal(signal.SIGKILL)
    shell.wait()
    shell.stdout.close()
    open(go, "w").close()
    daemon.wait_delivery("u@example.org", "sent")
    daemon.spool.wait_empty()
    assert "handed back" not in daemon.log()


def test_daemon_killed_while_one_waits(t):
    """The message stays Causeway's: exit code 0, a word on standard error, and a delivery after the start."""
    peer = t.peer({"greeting": first(1, silence)})
    daemon = t.daemon(peer)
    process = start_waiting(daemon, ["u@example.org"])
    processes.wait_for(lambda: peer.sessions, 20, "the message under way")
    daemon.kill()
    same((process.stdout.read(), process.wait(100)), (b"", 0))
    assert b"the message is queued" in process.stderr.read()
    daemon.start()
    daemon.wait_delivery("u@example.org", "sent")
    daemon.spool.wait_empty()


def test_refused_file_is_told(t):
    daemon = t.daemon(t.peer(), {"queue.message_size_limit": 20})
    done, lines = wait(daemon, ["u@example.org", "v@example.org"])
    same((done.returncode, outcomes(lines)["v@example.org"][0]), (69, "bounced"))
    assert "larger than" in lines[0][3], lines
    same(len(daemon.spool.names("drop/bad")), 2)


def test_results_only_after_their_commit(t):
    """What is told is in the journal: a kill right after the line costs no second delivery."""
    peer = t.peer()
    daemon = t.daemon(peer)
    process = start_waiting(daemon, ["u@example.org"])
    line = process.stdout.readline()
    with open(daemon.spool.at("queue/journal")) as journal:
        assert " status=s " in journal.read(), "told, but not in the journal"
    daemon.kill()
    assert line.startswith(b"u@example.org\tsent\t"), line
    process.wait(100)
    daemon.start()
    daemon.spool.wait_empty()
    same(len(peer.messages), 1)


@needs_root
def test_stranger_may_not_ask(t):
    """Whoever knows the name of a file but does not own it hears nothing of it."""
    peer = t.peer()
    daemon = t.daemon(peer)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.settimeout(60)
        os.seteuid(STRANGER_UID)
        try:
            stranger.connect(daemon.spool.at("drop/socket"))
        finally:
            os.seteuid(0)
        stranger.send(b"wait known\n")
        same(stranger.recv(1000), b"ready\n")
        daemon.drop(transaction("a@client.test", "u@example.org", message()), name="known")
        daemon.wait_delivery("u@example.org", "sent")
        stranger.settimeout(0.3)
        try:
            raise AssertionError("a stranger was told %r" % stranger.recv(1000))
        except TimeoutError:
            pass


def test_nonsense_on_the_socket(t):
    """It ends that connection, and nothing else."""
    daemon = t.daemon(t.peer())
    for words in (b"", b"\n", b"take\n", b"enough\n", b"wait\n", b"wait a/b\n", b"wait x\0y\n",
                  b"result 0 sent 2.0.0 x\n",
                  b"wait x", b"x" * 5000, b"wait " + b"n" * 300 + b"\n", b"wait a\nwait b\n"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.settimeout(60)
            sock.connect(daemon.spool.at("drop/socket"))
            if words:
                sock.send(words)
                answer = sock.recv(1000)
                assert answer == b"" or answer.startswith(b"no "), (words, answer)
    done, _ = wait(daemon, ["u@example.org"])
    same(done.returncode, 0, done.stderr)


def test_one_user_does_not_take_all_places(t):
    """Beyond his share a user is told to come again, while others are served."""
    daemon = t.daemon(t.peer({"greeting": hang}))
    socks = []
    try:
        for i in range(1000):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            socks.append(sock)
            sock.settimeout(60)
            sock.connect(daemon.spool.at("drop/socket"))
            with contextlib.suppress(BrokenPipeError):      # turned away already
                sock.send(b"wait n%d\n" % i)
            try:
                answer = sock.recv(1000)
            except ConnectionResetError:                   # what was sent was not read
                answer = sock.recv(1000)
            if answer != b"ready\n":
                break
        assert answer.startswith(b"no "), answer
        done, _ = wait(daemon, ["u@elsewhere.test"], uid=STRANGER_UID)
        same(done.returncode, 75)
        assert b"handed over" not in done.stderr, done.stderr
    finally:
        for sock in socks:
            sock.close()


def test_mode_of_the_socket(t):
    daemon = t.daemon(t.peer())
    path = daemon.spool.at("drop/socket")
    same(os.stat(path).st_mode & 0o777, 0o666)
    daemon.stop()
    assert not os.path.exists(path)
