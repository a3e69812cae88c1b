"""Completion in three shells, each asked as its user asks it. Manual,
--help and shells know the same options.
"""

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
COMMANDS = {"status", "queue", "show", "retry", "hold", "release", "delete", "destinations", "suspend",
            "resume",
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
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=100, cwd=t.dir,
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
            same(run(t, daemon, [bash, "--norc"], script), wanted,
                 (words, "without the package bash-completion"))


def test_fish(t):
    fish = shell(t, "fish")
    daemon, ident, destination = waiting(t)
    for words, expected in cases(daemon, ident, destination):
        text = "source %s/causewayctl.fish\ncomplete -C 'causewayctl %s'\n" % (completion(t), " ".join(words))
        found = {line.split("\t")[0] for line in run(t, daemon, [fish, "--no-config"], text)}
        same(found, expected, words)


PAGES = {"causewayd": "causewayd.8", "causewayctl": "causewayctl.1", "causeway-inject": "causeway-inject.1"}


def options_in_help(t, program):
    done = subprocess.run([t.options.program(program), "--help"], capture_output=True, text=True, timeout=100)
    return set(re.findall(r"(?<![\w-])(--?[A-Za-z][A-Za-z-]*)", re.sub(r"\[-\w+\]", "", done.stdout))) - {"-"}


def options_in_manual(page):
    """What has an item of its own, or stands in the synopsis of a command."""
    with open(os.path.join(HERE, "..", "..", "doc", "man", page)) as file:
        lines = [line for line in file.read().splitlines() if line.startswith(".It ")]
    return {"-" + name for line in lines for name in re.findall(r"\bFl (-?[A-Za-z][A-Za-z-]*)", line)}


def options_in_bash(t, program):
    """What completes a dash, behind each command where there are commands."""
    name = "_" + program.replace("-", "_")
    found = set()
    for words in ([[c, "-"] for c in sorted(COMMANDS)] if program == "causewayctl" else [["-"]]):
        script = ("source %s\nCOMP_WORDS=(%s %s)\nCOMP_CWORD=%d\n%s %s\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n"
                  % (os.path.join(SOURCE, program), program, " ".join(words), len(words), name, program))
        done = subprocess.run([shell(t, "bash"), "--norc"], input=script, capture_output=True, text=True,
                              timeout=100)
        assert not done.stderr, done.stderr
        found |= set(done.stdout.split())
    return found


def options_in_file(program, pattern, prefix=""):
    with open(os.path.join(SOURCE, prefix + program + ("" if prefix else ".fish"))) as file:
        text = "".join(line for line in file if prefix or line.startswith("complete "))
    found = re.findall(pattern, text)
    return {option for options in found for option in ([options] if isinstance(options, str) else options)
            if option}


def test_options_are_alike(t):
    """Each option of each program is in its manual, its --help, and the files for three shells."""
    for program, page in PAGES.items():
        manual = options_in_manual(page)
        same(options_in_help(t, program), manual, program + " --help")
        same(options_in_bash(t, program), manual, program + " bash")
        fish = options_in_file(program, r" -s (\w)(?= )| -l ([\w-]+)| -o (\w+)")
        same({("-" if len(word) == 1 or word == "oi" else "--") + word for word in fish}, manual,
             program + " fish")
        zsh = options_in_file(program, r"['*)](--?[A-Za-z][A-Za-z-]*?)(?:=-)?\[()", "_")
        same(zsh, manual, program + " zsh")


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
    same(terminal.exit_status(), 0)


def test_the_other_programs(t):
    """Values of options, where they are few, of causewayd and causeway-inject."""
    daemon = t.daemon(t.peer(), start=False)
    for program, option, word, expected in (("causeway-inject", "-B", "8", {"8BITMIME"}),
                                            ("causeway-inject", "-R", "", {"full", "hdrs"}),
                                            ("causeway-inject", "-N", "n", {"never"}),
                                            ("causewayd", "-f", "--h", {"--help"})):
        script = (
            "source %s\nCOMP_WORDS=(%s %s '%s')\nCOMP_CWORD=2\n_%s %s\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n"
                  % (os.path.join(completion(t), program), program, option, word, program.replace("-", "_"),
                     program))
        same(run(t, daemon, [shell(t, "bash"), "--norc"], script), expected, (program, option, "bash"))
        text = "source %s/%s.fish\ncomplete -C '%s %s %s'\n" % (completion(t), program, program, option, word)
        found = {line.split("\t")[0] for line in run(t, daemon, [shell(t, "fish"), "--no-config"], text)}
        same(found, expected, (program, option, "fish"))
        parsed = subprocess.run([shell(t, "zsh"), "-n", os.path.join(SOURCE, "_" + program)], timeout=100)
        same(parsed.returncode, 0, program)
