"""The supervisor: what a reload changes beside the mail, starts in the background,
and what confines the processes.
"""

import http.client
import os
import re
import signal
import socket
import subprocess

import processes
from harness import limit, same, slow
from ports import reserved_port
from spool import become


def reload(daemon, **settings):
    daemon.reconfigure({key.replace("__", "."): value for key, value in settings.items()})


def status_of(pid):
    with open("/proc/%d/status" % pid) as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def opened(pid):
    """What the open descriptors of a process are."""
    names = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            names.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except OSError:
            pass
    return names


def test_workers_follow_a_reload(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"workers": 1})
    daemon.wait_pids("courier", 1)
    for workers in (3, 1):
        reload(daemon, workers=workers)
        processes.wait_for(lambda: len(daemon.pids("courier")) == workers, 15, "%d couriers" % workers)
        daemon.send("u@example.org")
    peer.wait_messages(2)


def test_new_paths_replace_the_queue_process(t):
    """A table in another directory is out of the old sandbox's reach."""
    peer, other = t.peer(), t.peer()
    daemon = t.daemon(peer)
    table = daemon.at("tables/transport")
    os.mkdir(daemon.at("tables"))
    with open(table, "w") as file:
        file.write("example.org lmtp:%s\n" % other.nexthop)
    before = daemon.pids("queue")
    reload(daemon, transport_maps="texthash:" + table)
    processes.wait_for(lambda: daemon.pids("queue") and daemon.pids("queue") != before, 15,
                       "another queue process")
    daemon.send("u@example.org")
    other.wait_messages(1)
    same(peer.messages, [])


def test_the_queue_process_stays_otherwise(t):
    daemon = t.daemon(t.peer())
    before = daemon.pids("queue")
    reload(daemon, workers=1)
    same(daemon.pids("queue"), before)


def test_the_control_socket_moves(t):
    daemon = t.daemon(t.peer())
    old, new = daemon.settings["control.socket"], daemon.at("run/elsewhere")
    reload(daemon, control__socket=new)
    processes.wait_for(lambda: os.path.exists(new) and not os.path.exists(old), 10,
                       "the socket at its new place")
    same(daemon.http("GET", "/healthz")[0], 200)
    daemon.stop()
    same(os.path.exists(new), False, "the socket after the stop")


def test_a_live_control_socket_is_not_taken(t):
    """Another process answers there: the daemon does not start, and the other keeps its socket."""
    daemon = t.daemon(t.peer(), start=False)
    path = daemon.settings["control.socket"]
    other = socket.socket(socket.AF_UNIX)
    other.bind(path)
    os.chmod(path, 0o666)
    other.listen()
    daemon.start(wait=False)
    same(daemon.exit_status(), 73)
    assert path in daemon.stderr() + daemon.log()
    same(os.path.exists(path), True)
    other.close()
    daemon.start()   # what a dead process left behind is replaced


def test_a_file_is_never_taken_for_the_control_socket(t):
    daemon = t.daemon(t.peer(), start=False)
    with open(daemon.settings["control.socket"], "w") as file:
        file.write("precious")
    daemon.start(wait=False)
    same(daemon.exit_status(), 73)
    with open(daemon.settings["control.socket"]) as file:
        same(file.read(), "precious")


def test_the_log_is_opened_anew(t):
    peer = t.peer()
    daemon = t.daemon(peer)
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org")
    os.rename(daemon.log_file, daemon.log_file + ".1")
    reload(daemon)
    daemon.send("v@example.org")
    daemon.wait_delivery("v@example.org")
    with open(daemon.log_file + ".1") as file:
        assert "v@example.org" not in file.read()


def test_a_log_that_cannot_be_opened_refuses_the_reload(t):
    daemon = t.daemon(t.peer())
    daemon.settings["log.to"] = "file:/proc/log"
    daemon.write_config()
    daemon.reload()
    daemon.wait_log(r"reload: .*/proc/log cannot be opened.*stays as it was")
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org")


def run_in_background(t, daemon):
    return subprocess.run([t.options.program("causewayd"), "-c", daemon.conf], preexec_fn=become(daemon.uid),
                          capture_output=True, text=True, timeout=100 * processes.PATIENCE,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})


def test_in_the_background(t):
    """The command returns when mail is taken in."""
    peer = t.peer()
    daemon = t.daemon(peer, start=False)
    result = run_in_background(t, daemon)
    same((result.returncode, result.stderr), (0, ""))
    supervisor = daemon.ctl("status", "--json")["processes"][0]["pid"]
    t.on_end(lambda: os.kill(supervisor, signal.SIGKILL) if processes.alive(supervisor) else None)
    daemon.send("u@example.org")
    peer.wait_messages(1)
    os.kill(supervisor, signal.SIGTERM)
    processes.wait_for(lambda: not processes.alive(supervisor), 15, "the daemon stopped")


def test_a_background_start_that_fails_says_so(t):
    holder = t.daemon(t.peer())
    daemon = t.daemon(start=False, name="second", make_spool=False)
    daemon.settings["spool_directory"] = holder.spool.path
    daemon.write_config()
    result = run_in_background(t, daemon)
    same((result.returncode, result.stderr),
         (75, "causewayd: the start failed, the log says why (log.to = file:%s)\n" % daemon.log_file))
    daemon.wait_log("in use by process %d" % holder.pids("queue")[0])


def test_confinement(t):
    """Each process but the supervisor has its filter, none gains privileges,
    and no courier holds a file of the spool."""
    daemon = t.daemon(t.peer(), {"workers": 2})
    children = daemon.wait_pids("courier", 2) + daemon.wait_pids("queue", 1)
    daemon.wait_log(r"courier \d+: sandbox: .*seccomp", 2)
    for pid in children:
        state = status_of(pid)
        same((state["Seccomp"], state["NoNewPrivs"]), ("2", "1"))
    for pid in daemon.pids("courier"):
        same([name for name in opened(pid) if daemon.spool.path in name], [])
    for pid in daemon.pids("queue"):
        same([name for name in opened(pid) if re.match(r"socket:", name) and inet(pid, name)], [])


def inet(pid, name):
    inode = name[len("socket:["):-1]
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw"):
        with open("/proc/%d/net/%s" % (pid, kind)) as file:
            if any(line.split()[9] == inode for line in list(file)[1:]):
                return True
    return False


def test_a_required_sandbox(t):
    """It is entered whole, or the start ends with 78."""
    daemon = t.daemon(t.peer(), {"sandbox": "require"}, start=False)
    daemon.start(wait=False)
    processes.wait_for(lambda: daemon.process.poll() is not None or re.search(r"ready: ", daemon.log()), 15,
                       "a decision")
    if daemon.process.poll() is None:
        daemon.send("u@example.org")
        daemon.wait_delivery("u@example.org")
        assert "no landlock" not in daemon.log() and "no seccomp" not in daemon.log()
    else:
        same(daemon.process.poll(), 78)
        assert "sandbox = require, but" in daemon.log()


def test_a_sandbox_that_is_off(t):
    daemon = t.daemon(t.peer(), {"sandbox": "off"})
    daemon.wait_log(r"queue process \d+: sandbox: off")
    same(status_of(daemon.pids("queue")[0])["Seccomp"], "0")
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org")


def test_the_page_for_people(t):
    """control { http } shows it to anybody, and nothing of what only operators may see."""
    port = reserved_port()
    daemon = t.daemon(t.peer(), {"control.http": "127.0.0.1:%d" % port})

    def get(path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    status, page = get("/")
    same(status, 200)
    assert page.startswith(
        "causeway.test: Causeway ") and "mail flows" in page and "deferred   0" in page, page
    same([get(path)[0] for path in ("/queue", "/config", "/reload")], [404] * 3)
    same(daemon.http("GET", "/")[0], 200)


def test_reloads_while_the_queue_process_is_replaced(t):
    """Each is taken; the last one is in force in the end."""
    peer = t.peer({"final": lambda s, a: (s.wait_closed_for(1), "250 2.0.0 Saved")[1]})
    daemon = t.daemon(peer)
    os.mkdir(daemon.at("tables"))
    with open(daemon.at("tables/transport"), "w") as file:
        file.write("other.test lmtp:%s\n" % peer.nexthop)
    daemon.send("u@example.org")
    peer.wait_messages(1)
    for name in ("first", "second", "third"):
        reload(daemon, transport_maps="texthash:" + daemon.at("tables/transport"),
               lmtp__lhlo_name=name + ".test")
    processes.wait_for(lambda: os.path.exists(daemon.settings["control.socket"]) and daemon.pids("queue"), 15,
                       "a queue process")
    daemon.wait_log(r"queue process \d+: sandbox", 2)
    daemon.send("v@example.org")
    peer.wait_messages(2)
    same(peer.messages[-1].session.commands[0], "LHLO third.test")


def test_a_service_manager_that_does_not_read(t):
    """Its socket is full: nothing waits for it."""
    peer = t.peer()
    daemon = t.daemon(peer, {"workers": 1})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as other:
        other.connect(daemon.at("notify"))
        try:
            while True:
                other.send(b"X=1")
        except BlockingIOError:
            pass
    daemon.reload()
    daemon.wait_log("reload: the new configuration is in force")
    courier = processes.wait_for(lambda: daemon.pids("courier"), 10, "a courier")[-1]
    daemon.kill(courier)
    daemon.wait_pids("courier", 1)
    daemon.send("u@example.org")
    peer.wait_messages(1)
    same(daemon.stop(), 0)


def test_a_queue_process_that_cannot_end_is_replaced(t):
    """A reload that needs another one does not wait for it for ever."""
    peer = t.peer()
    daemon = t.daemon(peer)
    os.mkdir(daemon.at("tables"))
    with open(daemon.at("tables/transport"), "w") as file:
        file.write("other.test lmtp:%s\n" % peer.nexthop)
    stuck = daemon.pids("queue")[0]
    os.kill(stuck, signal.SIGSTOP)
    reload(daemon, transport_maps="texthash:" + daemon.at("tables/transport"))
    daemon.wait_log("queue process %d does not end in time and is killed" % stuck)
    daemon.send("u@other.test")
    peer.wait_messages(1)
    assert stuck not in daemon.pids("queue")


@slow
@limit(120)
def test_a_courier_that_stands_still_is_killed(t):
    """It has work and says nothing for daemon_timeout (looked at each minute):
    its mail goes out through another.

    parameter daemon_timeout, behaviour H2-12
    """
    peer = t.peer({"final": lambda s, a: (s.wait_closed_for(0 if s.number else 90), "250 2.0.0 Saved")[1]})
    daemon = t.daemon(peer, {"workers": 1, "daemon_timeout": "3s"})
    stuck = daemon.wait_pids("courier", 1)[0]
    daemon.send("u@example.org")
    peer.wait_command("^DATA")
    os.kill(stuck, signal.SIGSTOP)
    daemon.wait_log("courier %d is killed: the queue process asked for it" % stuck, timeout=90)
    daemon.wait_delivery("u@example.org", "sent")
    assert daemon.wait_pids("courier", 1) != [stuck]


def test_processes_have_their_names(t):
    daemon = t.daemon(t.peer(), {"workers": 1})
    names = {"queue": "causeway-queue", "courier": "causeway-courie"}
    for role, name in names.items():
        pid = daemon.wait_pids(role, 1)[0]
        processes.wait_for(lambda: status_of(pid)["Name"] == name, 10, "the name %s" % name)
    same(status_of(daemon.process.pid)["Name"], "causewayd")
