"""What causeway-admin(7) says of backup, moving a spool, and several instances on a host."""

import os
import shutil
import subprocess
import threading

import mail
import processes
from actions import first, only
from harness import Skip, limit, same
from spool import ROOT

WAITING = {"queue.minimal_backoff_time": "1h", "queue.maximal_backoff_time": "2h"}


def moved(t, spool, peer):
    """A second daemon of another directory, on a copy of the spool that is there already."""
    daemon = t.daemon(peer, WAITING, name="moved", make_spool=False, start=False)
    subprocess.run(["cp", "-a", spool, daemon.spool.path], check=True, timeout=100)
    if ROOT:
        os.chown(daemon.spool.path, daemon.spool.uid, daemon.spool.uid)
    return daemon.start()


def recipients(peer):
    return sorted(address for message in peer.messages for address in message.recipients)


def test_a_stopped_spool_is_moved(t):
    """What was delivered stays delivered, what waits goes on waiting with its history,
    what was refused is there.
    """
    peer, other = t.peer({"rcpt": only("wait", "450 4.2.0 later")}), t.peer()
    daemon = t.daemon(peer, WAITING)
    name = daemon.drop(b"no drop file\r\n")
    daemon.send(["done@example.org", "wait1@example.org"])
    daemon.send("wait2@example.org")
    daemon.wait_deliveries(2, status="deferred")
    daemon.wait_delivery("done@example.org", "sent")
    daemon.spool.wait_refused(name)
    same(daemon.stop(), 0)
    daemon.drop(mail.transaction("a@client.test", ["late@example.org"], mail.message()))
    new = moved(t, daemon.spool.path, other)
    new.wait_delivery("late@example.org", "sent")
    listed = new.queue()
    same(len(listed), 2)
    same([m["attempts"] for m in listed], [1, 1])
    assert "later" in new.ctl("show", listed[0]["id"]), "its history"
    new.ctl("retry", "ALL")
    new.wait_deliveries(3, status="sent")
    new.spool.wait_empty()
    same(recipients(other), ["late@example.org", "wait1@example.org", "wait2@example.org"])
    same(new.spool.names("drop/bad"), [name, name + ".reason"])


class Load(threading.Thread):
    """Drops messages, some hundreds a second, until it is told to stop."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.target, self.sent, self.over = daemon, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.002):
            address = "u%d@example.org" % len(self.sent)
            self.target.send(address, sync=False)
            self.sent.append(address)

    def stop(self):
        self.over.set()
        self.join()


def backup(spool, target):
    """The three commands of causeway-admin(7)."""
    os.makedirs(target)
    for command in (["rsync", "-aR", "drop", "corrupt"],
                    ["rsync", "-aR", "--delete", "--exclude", "journal", "queue"],
                    ["rsync", "-aR", "queue/journal"]):
        done = subprocess.run([*command, target], cwd=spool, capture_output=True, text=True, timeout=100)
        assert done.returncode in (0, 24), done


@limit(180)
def test_a_running_spool_is_saved(t):
    """All that was there when the copying began is delivered by one or the other."""
    if not shutil.which("rsync"):
        raise Skip("rsync is not installed")
    peer, other = t.peer({"final": first(300, None, "450 4.2.0 later")}), t.peer()
    daemon = t.daemon(peer, WAITING)
    load = Load(daemon)
    daemon.wait_deliveries(20, status="deferred", timeout=60)
    before = len(load.sent)
    backup(daemon.spool.path, t.path("backup"))
    load.stop()
    daemon.stop()
    new = moved(t, t.path("backup"), other)
    new.wait_log("ready")
    new.spool.wait_taken()
    new.retry_all()
    new.spool.wait_empty(60)
    delivered = {d["to"] for d in daemon.deliveries(status="sent")} | {d["to"]
                                                                       for d in new.deliveries(status="sent")}
    same(sorted(set(load.sent[:before]) - delivered), [], "lost")
    assert before > 300 and len(other.messages) > 10, (before, len(other.messages))
    same(new.spool.names("corrupt") + new.spool.names("drop/bad"), [])


def test_queue_files_are_drop_files(t):
    """The mail of one spool is put into another that is in use."""
    peer, other = t.peer({"final": "450 4.2.0 later"}), t.peer()
    daemon = t.daemon(peer, WAITING)
    contents = [daemon.send("u%d@example.org" % n, mail.message("text %d\n.dots\n" % n)) for n in range(3)]
    daemon.wait_deliveries(3, status="deferred")
    daemon.stop()
    new = t.daemon(other, name="other")
    for ident in daemon.spool.messages():
        shutil.copy2(daemon.spool.at("queue/" + ident), new.spool.at("drop/tmp/" + ident))
        if ROOT:
            os.chown(new.spool.at("drop/tmp/" + ident), new.spool.uid, new.spool.uid)
        os.rename(new.spool.at("drop/tmp/" + ident), new.spool.at("drop/new/" + ident))
    new.wait_deliveries(3, status="sent")
    same(sorted(m.content[-len(contents[0]):] for m in other.messages), sorted(contents))


def test_two_instances(t):
    """Side by side: spool, socket, log and address of each are its own;
    the end of one is nothing to the other.
    """
    peers = [t.peer(), t.peer()]
    daemons = [t.daemon(peer, {"log.name": "causeway-" + name}, name=name)
               for peer, name in zip(peers, ("one", "two"))]
    for number, daemon in enumerate(daemons):
        daemon.send("u%d@example.org" % number)
        daemon.wait_delivery("u%d@example.org" % number, "sent")
    same([recipients(peer) for peer in peers], [["u0@example.org"], ["u1@example.org"]])
    for daemon, name in zip(daemons, ("one", "two")):
        same(daemon.ctl("config", "spool_directory").strip(), "spool_directory = " + daemon.spool.path)
        daemon.wait_log(" causeway-%s/qmgr" % name)
        assert "causeway-%s" % ("two" if name == "one" else "one") not in daemon.log()
    same(daemons[0].stop(), 0)
    daemons[1].send("again@example.org")
    daemons[1].wait_delivery("again@example.org", "sent")


def test_what_two_instances_cannot_share(t):
    one = t.daemon(t.peer(), name="one")
    for settings, status in (({"spool_directory": one.spool.path}, 75),
                             ({"control.socket": one.settings["control.socket"]}, 73)):
        two = t.daemon(t.peer(), settings, name="two", start=False)
        two.start(wait=False)
        same(two.exit_status(), status, settings)
    processes.wait_for(lambda: "uptime" in one.ctl("status"), 5, "the first one's answer")
