"""Processes below one of ours: find them, end them, and ask what they used."""

import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36
TICK = os.sysconf("SC_CLK_TCK")
# limits of time are written for a quiet machine: others are slower, and stand still for seconds
PATIENCE = 5


def adopt_orphans():
    """Make this process the parent of descendants whose own parent dies, so that none is lost from sight."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stat(pid):
    """The fields of /proc/PID/stat from the third on, or None if the process is gone."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return None


def alive(pid):
    fields = stat(pid)
    return fields is not None and fields[0] != "Z"


def table():
    """pid -> (parent pid, stat fields) of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        fields = stat(int(name)) if name.isdigit() else None
        if fields:
            found[int(name)] = (int(fields[1]), fields)
    return found


def descendants(pid):
    """The pids of all living descendants of PID, parents first."""
    processes, found, level = table(), [], [pid]
    while level:
        level = [p for p, (parent, fields) in processes.items() if parent in level and fields[0] != "Z"]
        found += level
    return found


def kill_below(pid):
    """Kill every descendant of PID, also those that appear meanwhile."""
    while True:
        found = descendants(pid)
        if not found:
            return
        for child in found:
            kill(child)
        time.sleep(0.01)


def kill(pid, number=signal.SIGKILL):
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().split(b"\0")[:-1]
    except OSError:
        return []


def cpu_seconds(pids):
    """User and system time of these processes and of the children they have waited for."""
    ticks = 0
    for pid in pids:
        fields = stat(pid)
        ticks += sum(map(int, fields[11:15])) if fields else 0
    return ticks / TICK


def descriptors(pid):
    """How many descriptors a process has open."""
    return len(os.listdir("/proc/%d/fd" % pid))


def private_memory(pid):
    """The memory of its own that a process has, in kB: neither program text nor what it shares."""
    with open("/proc/%d/smaps_rollup" % pid) as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(("Private_Dirty:", "Swap:")))


def wait_for(condition, timeout, what):
    """Poll CONDITION until it is true and return its value; for things that send no event.

    A file or process that vanishes while CONDITION looks at it is not what is waited for. WHAT is a text, or
    a function that says in the end how far it came.
    """
    end = time.monotonic() + timeout * PATIENCE
    while True:
        try:
            value = condition()
        except (FileNotFoundError, ProcessLookupError):
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("%s: not within %g s" % (what() if callable(what) else what,
                                                          timeout * PATIENCE))
        time.sleep(0.005)
