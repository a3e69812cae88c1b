"""A directory that is the root of a server which cannot be installed beside the others:
its package, unpacked.
"""

import glob
import os
import re
import shutil
import subprocess

from harness import Skip


def need(t):
    """Skip a run with sanitizers: they read their options, and the program itself, from /proc."""
    if t.options.sanitize:
        raise Skip("sanitizers do not work in a root directory without /proc")


class Root:
    """The files of Debian packages, and what else a program needs to live among them."""

    def __init__(self, directory, packages):
        self.dir = directory
        for name in ("etc", "bin", "dev", "tmp", "run", "var", "usr/bin", "usr/sbin", "usr/lib", "lib",
                     "lib64"):
            os.makedirs(self.at(name), exist_ok=True)
        os.chmod(self.at("tmp"), 0o1777)
        for package in packages:
            subprocess.run(["dpkg", "-x", self._package(package), self.dir], check=True)
        for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
            os.mknod(self.at("dev/" + name), 0o20666, os.makedev(1, minor))
            os.chmod(self.at("dev/" + name), 0o666)

    def at(self, name):
        return os.path.join(self.dir, name.lstrip("/"))

    def _package(self, name):
        """The package's file: fetched by contrib/check, or now."""
        for directory in (os.environ.get("CAUSEWAY_PACKAGES"), self.dir):
            found = directory and glob.glob(os.path.join(directory, name + "_*.deb"))
            if found:
                return found[0]
        done = subprocess.run(["apt-get", "-q", "download", name], cwd=self.dir, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise Skip("Debian's package %s cannot be fetched: %s" % (name, done.stderr.strip()))
        return self._package(name)

    def add_program(self, path, source=None):
        """A program of this machine (or of the build) under PATH, with its libraries."""
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        if source or not os.path.exists(self.at(path)):
            shutil.copy(source or path, self.at(path))
        self.add_libraries(self.at(path))

    def add_libraries(self, program):
        path = ":".join(self.at(d) for d in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
        text = subprocess.run(["ldd", program], capture_output=True, text=True,
                              env={**os.environ, "LD_LIBRARY_PATH": path}).stdout
        missing = re.findall(r"(\S+) => not found", text)
        if missing:
            raise Skip("libraries missing for %s: %s" % (program, " ".join(missing)))
        for library in re.findall(r"(/\S+) \(0x", text):
            target = self.at(library)
            if library.startswith(self.dir) or os.path.exists(target):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(library, target)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "w") as file:
            file.write(text)
        os.chmod(self.at(path), mode)

    def enter(self):
        """What a child runs before exec."""
        os.chroot(self.dir)
        os.chdir("/")

    def run(self, command, **options):
        return subprocess.run(command, preexec_fn=self.enter, capture_output=True, timeout=100, **options)
