"""The unit of contrib/systemd under a real systemd,
which is booted in a container of its own (systemd-nspawn).

The container sees this machine's /usr and nothing else of it; all it writes is in memory.
"""

import os
import re
import shutil
import subprocess
import sys

import processes
from harness import Skip, limit, needs_root, same

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRIB = os.path.join(HERE, "..", "..", "contrib", "systemd")
PROGRAMS = ("causewayd", "causewayctl", "causeway-inject")

CONFIGURATION = """
mailbox_domains = { "example.org" }
mailbox_transport = "lmtp:unix:/run/lmtp/socket"
spool_directory = "/var/spool/causeway"
workers = 2
control { socket = "/run/causeway/control" }
"""

TRIAL_SERVICE = """[Unit]
After=causeway.service
[Service]
Type=oneshot
ExecStart=/bin/bash /usr/local/trial
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
ExecStopPost=/bin/systemctl --no-block poweroff
"""

TRIAL_TARGET = """[Unit]
Wants=causeway.service trial.service systemd-journald.service
Requires=basic.target
After=basic.target
"""

# Prints NAME=VALUE for what it finds, and then the journal.
TRIAL = r"""
export PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin SYSTEMD_PAGER= LC_ALL=C
found() { printf '%s=%s\n' "$1" "$2"; }
until_true() { for ((i = 0; i < 1000; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; false; }
logged() { journalctl -u causeway -o cat | grep -q -- "$1"; }
of_unit() { systemctl show -p "$1" --value causeway; }
answers() { causewayctl --socket /run/causeway/control status; }
end() { journalctl -u causeway -o short --no-pager; found end reached; exit; }

found active "$(systemctl is-active causeway)"
confined() { [ "$(answers | grep -c 'sandbox landlock [0-9]*, seccomp')" = 3 ]; }
until_true confined; found confined $?
found owners "$(stat -c %U:%G:%a /var/spool/causeway/drop/new /var/spool/causeway/queue /run/causeway | xargs)"
install -d /run/lmtp
setsid smtp-sink -u nobody -L unix:/run/lmtp/socket 100 >/dev/null 2>&1 &
until_true test -S /run/lmtp/socket
chmod 777 /run/lmtp/socket
printf 'Subject: x\n\nhello\n' | CAUSEWAY_SPOOL=/var/spool/causeway causeway-inject -f a@example.com b@example.org
found inject $?
until_true logged status=sent; found sent $?
systemctl reload causeway; found reload $?
until_true logged 'new configuration is in force'; found reloaded $?
main=$(of_unit MainPID)
queue() { pgrep -x causeway-queue; }
other_queue() { queue && [ "$(queue)" != "$before" ] && answers; }
before=$(queue)
kill -9 "$before"
until_true other_queue; found queue_again $?
found main_stays $([ "$main" = "$(of_unit MainPID)" ] && echo yes)
kill -9 "$main"
restarted() { [ "$(of_unit NRestarts)" = 1 ] && systemctl is-active causeway && answers; }
until_true restarted; found restarted $?
systemctl stop causeway; found stop $?
found result "$(of_unit Result) $(of_unit ExecMainStatus)"
found left "$(pgrep -u causeway | wc -l)"
mount -t tmpfs tmpfs "${configuration%/*}"
echo 'nonsense = 1' >"$configuration"
systemctl start causeway 2>/dev/null; found bad_start $?
sleep 3   # RestartSec is 2
found bad_state "$(of_unit ActiveState) $(of_unit ExecMainStatus) $(of_unit NRestarts)"
until_true logged "causeway.conf:1: unknown option 'nonsense'"; found bad_told $?
found exposure "$(systemd-analyze security causeway --no-pager 2>/dev/null | sed -n 's/.*level for causeway.service: \([0-9.]*\).*/\1/p')"
end
"""

EXPECTED = {
    "active": "active", "confined": "0",
    "owners": "causeway:causeway:3733 causeway:causeway:700 causeway:causeway:755",
    "inject": "0", "sent": "0", "reload": "0", "reloaded": "0", "queue_again": "0", "main_stays": "yes",
    "restarted": "0", "stop": "0", "result": "success 0", "left": "0",
    "bad_start": "1", "bad_state": "failed 78 0", "bad_told": "0"}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def configured(name):
    """A file of contrib/systemd as make writes it."""
    with open(os.path.join(CONTRIB, name)) as file:
        text = file.read()
    for word, directory in (("sbindir", "/usr/local/sbin"), ("localstatedir", "/var"),
                            ("runstatedir", "/run")):
        text = text.replace("@%s@" % word, directory)
    return text


def default_configuration(t):
    """Where the program looks for its file."""
    done = subprocess.run([t.options.program("causewayd"), "--help"], capture_output=True, text=True,
                          timeout=100)
    return re.search(r"configuration file \((.*)\)", done.stdout).group(1)


def make_tree(t, configuration):
    """What the container has at /usr/local, and the directory of the configuration."""
    local = t.path("local")
    for name in PROGRAMS:
        directory = os.path.join(local, "sbin" if name == "causewayd" else "bin")
        os.makedirs(directory, exist_ok=True)
        shutil.copy(t.options.program(name), directory)
    write(local + "/lib/sysusers.d/causeway.conf", configured("causeway.sysusers.in"))
    write(local + "/lib/tmpfiles.d/causeway.conf", configured("causeway.tmpfiles.in"))
    units = local + "/lib/systemd/system/"
    write(units + "causeway.service", configured("causeway.service.in"))
    write(units + "trial.service", TRIAL_SERVICE)
    write(units + "trial.target", TRIAL_TARGET)
    write(local + "/trial", "configuration=%s\n%s" % (configuration, TRIAL))
    write(t.path("conf.d/causeway.conf"), CONFIGURATION)


def boot(t, configuration):
    """Everything that the container's console shows."""
    directory = os.path.dirname(configuration)
    make_tree(t, configuration)
    if directory.startswith("/usr/local/"):
        shutil.copytree(t.path("conf.d"), t.path("local") + directory.removeprefix("/usr/local"))
        bind = []
    else:
        bind = ["--bind-ro=%s:%s" % (t.path("conf.d"), directory)]
    command = ["systemd-nspawn", "--directory=/", "--volatile=yes", "--boot", "--machine=cw-%d" % os.getpid(),
               "--register=no", "--keep-unit", "--private-network",
               "--bind-ro=%s:/usr/local" % t.path("local"), *bind,
               # its own list of calls is older than Landlock
               "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
               "systemd.mask=systemd-networkd-wait-online.service", "systemd.unit=trial.target",
               "systemd.firstboot=no",
               "systemd.show_status=no"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True,
                          errors="replace", timeout=150 * processes.PATIENCE)
    return done.stdout


@needs_root
@limit(180)
def test_the_unit_under_systemd(t):
    """Starts, confines itself, delivers, reloads, survives kills, stops;
    a wrong configuration is not tried again.
    """
    if not shutil.which("systemd-nspawn"):
        raise Skip("Debian package missing: systemd-container")
    if t.options.sanitize:
        raise Skip("sanitizers need memory that the unit does not give")
    console = boot(t, default_configuration(t))
    found = dict(re.findall(r"(?m)^(\w+)=([^\r\n]*)\r?$", console))
    if "Detected virtualization" not in console:
        raise Skip("no container can be booted here: " + console.strip()[-200:])
    print("exposure by systemd-analyze: %s" % found.get("exposure"), file=sys.stderr)
    same({name: found.get(name) for name in EXPECTED}, EXPECTED, console[-6000:])
    assert float(found["exposure"]) < 3.5, found["exposure"]
