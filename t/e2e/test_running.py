"""Starting, reloading, stopping, and who the daemon is."""

import os
import pwd
import re
import signal
import socket
import subprocess
import threading

import mail
import processes
from actions import first, only, silence
from harness import needs_root, same
from spool import DAEMON_UID, SPOOL_MODES, become, mode_of

NOBODY = "nobody"


def causewayd(t, *arguments, uid=DAEMON_UID):
    """Run causewayd to its end."""
    return subprocess.run([t.options.program("causewayd"), *arguments], capture_output=True, text=True,
                          timeout=100,
                          preexec_fn=become(uid), cwd="/")


def refused(t, text, pattern, exit_code=78):
    """causewayd -t refuses a configuration of TEXT with one message that names file and line."""
    path = t.path("bad.conf")
    with open(path, "w") as file:
        file.write(text)
    done = causewayd(t, "-t", "-c", path)
    same(done.returncode, exit_code, text + done.stderr)
    assert re.search(pattern, done.stderr), (text, done.stderr)
    if exit_code == 78:
        assert re.search(re.escape(path) + r":\d+: ", done.stderr), (text, done.stderr)
    same(len(done.stderr.strip().splitlines()), 1, done.stderr)


# --- configuration -------------------------------------------------------------------------------


def test_check_creates_and_opens_nothing(t):
    daemon = t.daemon(t.peer(), start=False, make_spool=False)
    same(causewayd(t, "-t", "-c", daemon.conf).returncode, 0)
    assert not os.path.exists(daemon.spool.path)
    assert not os.path.exists(daemon.settings["control.socket"])


def test_smallest_useful_file(t):
    path = t.path("small.conf")
    with open(path, "w") as file:
        file.write(
            'mailbox_domains   = { "example.org" }\nmailbox_transport = "lmtp:unix:/run/dovecot/lmtp"\n')
    done = causewayd(t, "-t", "-c", path)
    same((done.returncode, done.stderr), (0, ""))


def test_refused_configurations(t):
    for text, pattern in (
            ("no_such_option = 5\n", "no_such_option"),
            ("\n\nqueue {\n  minimal_backoff_time = soon\n}\n", "minimal_backoff_time|soon"),
            ("queue {\n  no_such_option = 5\n}\n", "no_such_option"),
            ("workers = many\n", "workers"),
            ("workers = -1\n", "workers"),
            ("sandbox = maybe\n", "sandbox"),
            ("lmtp {\n helo_timeout = 5s\n}\n", "helo_timeout"),
            ("smtp {\n lhlo_timeout = 5s\n}\n", "lhlo_timeout"),
            ("lmtp {\n mail_timeout = 0s\n}\n", "mail_timeout"),
            ("transport x {\n protocol = pop3\n}\n", "pop3|protocol"),
            ("transport x {\n protocol = lmtp\n flags = Q\n}\n", "flags|Q"),
            ("transport_maps = 'nosuch:/file'\n", "nosuch"),
            ("myhostname = '$myorigin'\nmyorigin = '$myhostname'\n", "loop|myhostname|myorigin"),
            ("lmtp_mail_timeout = 5s\nlmtp {\n mail_timeout = 6s\n}\n", "mail_timeout"),
            ("mailbox_domains = { 'x'\n", "."),
            ("queue {\n", "."),
            ("include('/no/such/file')\n", "no/such/file"),
            ("log {\n to = nowhere\n}\n", "nowhere|to"),
            ("log {\n format = xml\n}\n", "xml|format"),
            ("\x00\x01\x02\n", "."),
            ("queue {\n message_size_limit = 99999999999999999999999\n}\n", "message_size_limit")):
        refused(t, text, pattern)


def test_both_forms_of_a_name_are_one_setting(t):
    daemon = t.daemon(t.peer(), {"lmtp_rcpt_timeout": "11s", "minimal_backoff_time": "33s",
                                 "syslog_name": "postfix"})
    same("11s" in daemon.ctl("config", "lmtp_rcpt_timeout"), True)
    daemon.send("u@example.org")
    daemon.wait_log(r" postfix/lmtp\[")


def test_error_in_both_forms_names_both_lines(t):
    path = t.path("bad.conf")
    with open(path, "w") as file:
        file.write("lmtp_mail_timeout = 5s\n\n\nlmtp {\n\tmail_timeout = 6s\n}\n")
    done = causewayd(t, "-t", "-c", path)
    same(done.returncode, 78)
    assert re.search(r"\b1\b", done.stderr) and re.search(r"\b5\b", done.stderr), done.stderr


def test_missing_file(t):
    done = causewayd(t, "-t", "-c", t.path("nowhere.conf"))
    same(done.returncode, 78)
    assert "nowhere.conf" in done.stderr, done.stderr


def test_override_on_the_command_line(t):
    peer = t.peer()
    daemon = t.daemon(peer, arguments=["-o", "myhostname=over.test", "-o", "lmtp_lhlo_name=lhlo.over.test"])
    daemon.send("u@example.org")
    same(peer.wait_messages(1)[0].session.commands[0], "LHLO lhlo.over.test")
    assert b"by over.test" in peer.messages[0].content
    done = causewayd(t, "-t", "-c", daemon.conf, "-o", "nonsense=1")
    same(done.returncode, 78)
    assert "nonsense" in done.stderr


def test_usage_errors(t):
    for arguments in (["--no-such-option"], ["-c"], ["extra-argument"]):
        same(causewayd(t, *arguments).returncode, 64, arguments)


# --- processes -----------------------------------------------------------------------------------


def test_processes(t):
    """One queue process and as many couriers as asked for, in the supervisor's process group."""
    daemon = t.daemon(t.peer(), {"workers": 3})
    couriers, queue = daemon.wait_pids("courier", 3), daemon.wait_pids("queue", 1)
    same((len(couriers), len(queue)), (3, 1))
    groups = {os.getpgid(pid) for pid in (*couriers, *queue, daemon.process.pid)}
    same(len(groups), 1, "process groups")


def test_couriers_are_patient_while_requests_wait(t):
    """SCHED_BATCH then, for throughput, but where an administrator has decided otherwise."""
    for prefix, usual, patient in (((), os.SCHED_OTHER, os.SCHED_BATCH),
                                   (("chrt", "--idle", "0"), os.SCHED_IDLE, os.SCHED_IDLE)):
        gate = threading.Event()
        peer = t.peer({"rcpt": lambda *_: "250 2.1.5 Ok" if len(peer.messages) < 3 or gate.wait(60)
                       else "451 the gate stayed shut"})
        daemon = t.daemon(peer, {"workers": 1, "lmtp.destination_concurrency_limit": 1}, start=False)
        for _ in range(6):
            daemon.send("u@example.org")
        daemon.start(prefix=prefix)
        courier = daemon.wait_pids("courier", 1)[0]
        daemon.wait_deliveries(3, status="sent")
        processes.wait_for(lambda: os.sched_getscheduler(courier) == patient, 10, "patience")
        gate.set()
        daemon.wait_deliveries(6, status="sent")
        processes.wait_for(lambda: os.sched_getscheduler(courier) == usual, 10, "haste")
        others = [daemon.process.pid, *daemon.pids("queue")]
        same({os.sched_getscheduler(pid) for pid in others}, {usual}, prefix)
        daemon.stop()


def test_second_daemon_on_the_same_spool(t):
    """It waits a little for the lock, names the holder, and exits 75 without restarts."""
    peer = t.peer()
    daemon = t.daemon(peer)
    second = t.daemon(peer, start=False, name="second", make_spool=False)
    second.settings["spool_directory"] = daemon.spool.path
    second.write_config()
    second.start(wait=False)
    same(second.exit_status(), 75)
    same(second.stderr(), "causewayd: ended early, the log says why (log.to = file:%s)\n" % second.log_file)
    text = second.stderr() + second.log()
    assert str(daemon.pids("queue")[0]) in re.findall(r"\b\d+\b", text), text
    daemon.send("u@example.org")
    peer.wait_messages(1)


def test_a_start_waits_for_a_dying_predecessor(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for _ in range(3):
        daemon.process.kill()
        daemon.process.wait()
        daemon.start()
    daemon.send("u@example.org")
    peer.wait_messages(1)


def test_killed_children_are_replaced(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for role in ("courier", "queue", "courier"):
        old = daemon.wait_pids(role, 2 if role == "courier" else 1)
        daemon.kill(old[0])
        processes.wait_for(lambda: len(daemon.pids(role)) == len(old) and old[0] not in daemon.pids(role), 15,
                           "a new " + role)
        daemon.send("after-%s@example.org" % role)
        daemon.wait_delivery("after-%s@example.org" % role, "sent")


def test_killed_supervisor_takes_everything_with_it(t):
    daemon = t.daemon(t.peer())
    daemon.kill()


def test_killed_courier_gives_back_what_it_had(t):
    """Before the final dot: tried again at once, without being logged as a possible second copy."""
    peer = t.peer({"rcpt": first(1, silence)})
    daemon = t.daemon(peer, {"workers": 1})
    daemon.send("u@example.org")
    peer.wait_command("^RCPT")
    daemon.kill(daemon.pids("courier")[0])
    daemon.wait_delivery("u@example.org", "sent")
    same(len(peer.messages), 1)


def test_killed_courier_after_the_dot_may_mean_a_second_copy(t):
    """It is retried, and the log says what it may be."""
    peer = t.peer({"final": first(1, silence)})
    daemon = t.daemon(peer, {"workers": 1, "queue.minimal_backoff_time": "500ms"})
    daemon.send("u@example.org")
    peer.wait_messages(1)
    daemon.kill(daemon.pids("courier")[0])
    daemon.wait_log(r"(?i)more than once|second copy|twice")
    daemon.wait_delivery("u@example.org", "sent")
    same(len(peer.messages), 2)


def test_stop_is_clean_and_quick(t):
    """SIGTERM: status 0, no process left, sockets gone, nothing lost of what is under way."""
    peer = t.peer({"final": only("stuck", silence)})
    daemon = t.daemon(peer)
    daemon.send("stuck@example.org")
    peer.wait_messages(1)
    same(daemon.stop(), 0)
    same(len(daemon.spool.messages()), 1)
    assert not os.path.exists(daemon.settings["control.socket"])
    peer.script.clear()
    daemon.start()
    daemon.wait_delivery("stuck@example.org", "sent")


def test_stop_of_an_idle_daemon(t):
    daemon = t.daemon(t.peer())
    same(daemon.stop(5), 0)


def test_sd_notify(t):
    daemon = t.daemon(t.peer(), start=False)
    daemon.start(wait=False)
    daemon.wait_notify("READY=1")
    daemon.reload()
    came = daemon.wait_notify("READY=1")
    assert "RELOADING=1" in came, came
    assert any(line.startswith("MONOTONIC_USEC=") for line in came), came
    daemon.process.send_signal(signal.SIGTERM)
    daemon.wait_notify("STOPPING=1")
    same(daemon.exit_status(), 0)


# --- reload --------------------------------------------------------------------------------------


def test_reload_takes_the_new_file(t):
    """Couriers are replaced; what is under way is finished with the old ones."""
    old, new = t.peer({"final": lambda s, a: s.wait_closed_for(2) or "250 2.0.0 Saved"}), t.peer()
    daemon = t.daemon(old)
    daemon.send("u@example.org")
    old.wait_messages(1)
    couriers = daemon.pids("courier")
    daemon.settings.update({"mailbox_transport": "lmtp:" + new.nexthop, "lmtp.lhlo_name": "reloaded.test"})
    daemon.reconfigure()
    daemon.send("v@example.org")
    same(new.wait_messages(1)[0].session.commands[0], "LHLO reloaded.test")
    same(daemon.wait_delivery("u@example.org")["status"], "sent")
    same(len(old.messages), 1)
    processes.wait_for(lambda: not set(couriers) & set(daemon.pids("courier")), 15, "the old couriers gone")


def test_reload_of_a_bad_file_keeps_the_old_configuration(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.write_config("no_such_option = 5\n")
    daemon.reload()
    daemon.wait_log(re.escape(daemon.conf) + r":\d+: .*no_such_option")
    daemon.send("u@example.org")
    peer.wait_messages(1)
    assert daemon.process.poll() is None
    daemon.write_config()
    daemon.reload()
    daemon.send("v@example.org")
    peer.wait_messages(2)


def test_reload_of_a_missing_file(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    os.rename(daemon.conf, daemon.conf + ".away")
    daemon.reload()
    daemon.wait_log(r"(?i)conf.*(No such file|cannot)")
    daemon.send("u@example.org")
    peer.wait_messages(1)


def test_many_reloads_in_a_row(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    for number in range(20):
        daemon.reload()
        daemon.send("u%d@example.org" % number)
    daemon.wait_deliveries(20, status="sent")
    daemon.spool.wait_empty()
    same(len(peer.messages), 20)
    daemon.send("last@example.org")
    daemon.wait_delivery("last@example.org", "sent")


# --- started by root -----------------------------------------------------------------------------


def as_root(t, peer, user=NOBODY):
    """A daemon that is started by root and becomes USER; its spool and control directories do not exist yet.
    """
    daemon = t.daemon(peer, {"user": user, "log.to": "stderr"}, uid=None, start=False, make_spool=False)
    os.unlink(daemon.log_file)
    os.rmdir(daemon.at("run"))
    daemon.log_file = daemon.at("stderr")
    entry = pwd.getpwnam(NOBODY)
    daemon.spool.uid = entry.pw_uid
    return daemon, entry


@needs_root
def test_user_is_taken_and_directories_are_made(t):
    peer = t.peer()
    daemon, entry = as_root(t, peer)
    daemon.start()
    for name, mode in SPOOL_MODES.items():
        path = daemon.spool.at(name)
        same(os.stat(path).st_uid, entry.pw_uid, path)
        if name not in ("", "drop"):
            same(oct(mode_of(path)), oct(mode), path)
    same(os.stat(daemon.at("run")).st_uid, entry.pw_uid)
    same(os.stat(daemon.settings["control.socket"]).st_gid, entry.pw_gid)
    for pid in (daemon.process.pid, *daemon.pids("queue"), *daemon.pids("courier")):
        with open("/proc/%d/status" % pid) as file:
            ids = re.findall(r"(?m)^[UG]id:\t(.*)$", file.read())
        same([set(map(int, line.split())) for line in ids], [{entry.pw_uid}, {entry.pw_gid}],
             "ids of %d" % pid)
    daemon.drop(mail.transaction("a@b", "u@example.org", mail.message()))
    peer.wait_messages(1)


@needs_root
def test_files_in_directories_that_a_first_start_makes(t):
    """As after an installation, or a reboot that has emptied /run."""
    peer = t.peer()
    daemon, _ = as_root(t, peer)
    daemon.settings["events.file"] = os.path.dirname(daemon.settings["control.socket"]) + "/events"
    daemon.write_config()
    same(os.path.exists(os.path.dirname(daemon.settings["control.socket"])), False)
    daemon.start()
    daemon.drop(mail.transaction("a@b", "u@example.org", mail.message()))
    peer.wait_messages(1)
    processes.wait_for(lambda: os.path.getsize(daemon.settings["events.file"]) > 0, 10, "an event")


@needs_root
def test_user_that_does_not_exist(t):
    daemon, _ = as_root(t, t.peer(), user="no-such-user")
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert "no-such-user" in daemon.stderr(), daemon.stderr()
    same(causewayd(t, "-t", "-c", daemon.conf, uid=None).returncode, 78)
    assert not os.path.exists(daemon.spool.path)


@needs_root
def test_other_modes_are_put_right_with_one_warning(t):
    """An upgrade from a version with other modes."""
    daemon, entry = as_root(t, t.peer())
    daemon.spool.make()
    for name in SPOOL_MODES:
        os.chown(daemon.spool.at(name), entry.pw_uid, entry.pw_gid)
    os.chmod(daemon.spool.at("drop/new"), 0o755)
    os.chmod(daemon.spool.at("queue"), 0o755)
    daemon.start()
    same(oct(mode_of(daemon.spool.at("drop/new"))), oct(0o3733))
    same(oct(mode_of(daemon.spool.at("queue"))), oct(0o700))
    for name in ("drop/new", "queue"):
        path = re.escape(daemon.spool.at(name))
        same(len(re.findall(r"(?m)^.*%s\b.*mode.*$|^.*mode.*%s\b.*$" % (path, path), daemon.log())), 1,
             daemon.log())


@needs_root
def test_wrong_owner_is_a_configuration_error(t):
    daemon, entry = as_root(t, t.peer())
    daemon.spool.make()
    os.chown(daemon.spool.at("queue"), 0, 0)
    daemon.start(wait=False)
    same(daemon.exit_status(), 78)
    assert daemon.spool.at("queue") in daemon.stderr(), daemon.stderr()


@needs_root
def test_supplementary_groups_open_the_stores_socket(t):
    """A socket that only a supplementary group of the daemon may open."""
    peer = t.peer()
    os.chown(peer.address, 0, 61999)
    os.chmod(peer.address, 0o660)
    daemon = t.daemon(peer, groups=[61999])
    daemon.send("u@example.org")
    same(daemon.wait_delivery("u@example.org")["status"], "sent")


def test_no_process_gains_privileges(t):
    daemon = t.daemon(t.peer())
    for pid in (daemon.process.pid, *daemon.pids("queue"), *daemon.pids("courier")):
        with open("/proc/%d/status" % pid) as file:
            same(re.search(r"NoNewPrivs:\s+(\d)", file.read()).group(1), "1", "no_new_privs of %d" % pid)


def test_user_is_not_looked_at_unless_started_by_root(t):
    daemon = t.daemon(t.peer(), {"user": "no-such-user"})
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")


def start_that_fails(t, settings, uid=DAEMON_UID, prepare=None, name="d"):
    """Exit status and standard error of a daemon that cannot start."""
    daemon = t.daemon(None, {"log.to": "stderr", **settings}, start=False, uid=uid, name=name)
    if prepare:
        prepare(daemon)
    daemon.start(wait=False)
    return daemon.exit_status(), daemon.stderr()


@needs_root
def test_what_is_in_the_way_of_a_start_is_told_with_its_remedy(t):
    """An address in use, a spool that is somebody else's, one that cannot be made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        status, said = start_that_fails(t, {"control.http": address}, name="http")
        same(status, 73, said)
        assert "control.http: nobody can be answered at %s: Address already in use" % address in said, said
    status, said = start_that_fails(t, {}, prepare=lambda d: os.chown(d.spool.at("drop/new"), 0, 0),
                                    name="owner")
    same(status, 78, said)
    told = "drop/new: belongs to uid 0, but must belong to uid %d: chown it, or see to the user" % DAEMON_UID
    assert told in said, said
    os.mkdir(t.path("closed"), 0o755)
    status, said = start_that_fails(t, {"spool_directory": t.path("closed/spool")}, name="made")
    same((status, said),
         (78, "causewayd: %s: cannot be made by uid %d: Permission denied: start as root, or make it "
                              "for this user\n" % (t.path("closed/spool"), DAEMON_UID)))
