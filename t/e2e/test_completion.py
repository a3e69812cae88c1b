"""Completion of causewayctl in three shells, each asked as its user asks it."""

import os
import re
import shutil
import subprocess

from harness import Skip, same
from spool import become
from test_top import WAITING, Terminal

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "contrib", "completion")
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
COMMANDS = {"status", "queue", "show", "retry", "hold", "release", "delete", "destinations", "suspend", "resume",
            "explain", "verify", "top", "mailq", "reload", "config"}


def waiting(t):
    """A daemon with one message that waits; the message's id and destination."""
    peer = t.peer({"rcpt": "450 4.2.0 later"})
    daemon = t.daemon(peer, WAITING)
    daemon.send("u@example.org")
    ident = daemon.wait_delivery("u@example.org", "deferred")["id"]
    return daemon, ident, "lmtp:" + peer.nexthop


def shell(t, name):
    """The shell's path; the test is skipped without it."""
    path = shutil.which(name)
    if not path:
        raise Skip("Debian package missing: " + name)
    return path


def completion(t):
    """The shells' files where the daemon's user may read them; a clone in /root is closed to him."""
    path = t.path("completion")
    if not os.path.exists(path):
        shutil.copytree(SOURCE, path)
        os.chmod(path, 0o755)
        for name in os.listdir(path):
            os.chmod(os.path.join(path, name), 0o644)
    return path


def run(t, daemon, command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, cwd=t.dir,
                          env={**os.environ, "HOME": t.dir, "PATH": t.options.builddir + ":/usr/bin:/bin"},
                          preexec_fn=become(daemon.uid))
    assert not done.stderr, done.stderr
    return set(done.stdout.splitlines())


def cases(daemon, ident, destination):
    """Words of a command line, the last one not finished, and what it may become."""
    place = ["-c", daemon.conf]
    yield ["s"], {"status", "show", "suspend"}
    yield [*place, ""], COMMANDS
    yield [*place, "show", ident[:4]], {ident}
    yield [*place, "retry", ""], {ident, "ALL"}
    yield [*place, "queue", "--state", "de"], {"deferred"}
    yield [*place, "queue", "--re"], {"--reason"}
    yield [*place, "delete", "--dr"], {"--dry-run"}
    yield [*place, "top", "--in"], {"--interval"}
    yield [*place, "status", "--st"], set()
    yield [*place, "config", "lmtp_lhlo_n"], {"lmtp_lhlo_name"}
    yield [*place, "suspend", destination[:12]], {destination}
    yield [*place, "suspend", ""], {destination}
    yield ["-c", "/no/such/file", "show", ""], set()


def test_bash(t):
    """As readline calls it, a destination's colons being words of their own."""
    bash = shell(t, "bash")
    daemon, ident, destination = waiting(t)
    for words, expected in cases(daemon, ident, destination):
        split = [part for word in words for part in re.findall(r":|[^:]+", word) or [""]]
        script = "source %s\nCOMP_WORDS=(causewayctl %s)\nCOMP_CWORD=%d\nCOMP_LINE='%s'\nCOMP_POINT=${#COMP_LINE}\n" % (
            os.path.join(completion(t), "causewayctl"), " ".join("'%s'" % word for word in split), len(split),
            " ".join(["causewayctl", *words]))
        script += "_causewayctl causewayctl\n[[ ${#COMPREPLY[@]} = 0 ]] || printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        # readline replaces what stands behind the last colon only
        wanted = {word[words[-1].rfind(":") + 1:] for word in expected}
        if os.path.exists(BASH_COMPLETION):
            same(run(t, daemon, [bash, "--norc"], "source %s\n%s" % (BASH_COMPLETION, script)), wanted, words)
        if ":" not in words[-1]:
            same(run(t, daemon, [bash, "--norc"], script), wanted, (words, "without the package bash-completion"))


def test_fish(t):
    fish = shell(t, "fish")
    daemon, ident, destination = waiting(t)
    for words, expected in cases(daemon, ident, destination):
        text = "source %s/causewayctl.fish\ncomplete -C 'causewayctl %s'\n" % (completion(t), " ".join(words))
        found = {line.split("\t")[0] for line in run(t, daemon, [fish, "--no-config"], text)}
        same(found, expected, words)


def test_zsh(t):
    """On a terminal, since nothing else makes it complete: what TAB adds to the line."""
    zsh = shell(t, "zsh")
    daemon, ident, destination = waiting(t)
    rc = "PS1='> '\nPATH=%s:$PATH\nfpath=(%s $fpath)\nautoload -U compinit\ncompinit -D -u\nunsetopt automenu\n" % (
        t.options.builddir, completion(t))
    with open(t.path(".zshrc"), "w") as file:
        file.write(rc + "setopt nobeep\nbindkey -e\nprint ready\n")
    os.chmod(t.dir, 0o777)
    terminal = Terminal(t, daemon, [], columns=400, command=[zsh, "-d", "-i"],
                        environment={"ZDOTDIR": t.dir, "HOME": t.dir, "TERM": "dumb"})
    terminal.wait(r"ready(?s:.)*> \x1b\[\?2004h")
    for words, expected in cases(daemon, ident, destination):
        if len(expected) == 1:
            terminal.keys("causewayctl {}\t".format(" ".join(words)).encode())
            whole = " ".join(["causewayctl", *words[:-1], *expected])
            terminal.wait(re.escape(whole).replace(":", r"\\?:"))
            terminal.keys(b"\x15")
    terminal.keys(b"exit\r")
    same(terminal.process.wait(10 * t.options.patience), 0)
