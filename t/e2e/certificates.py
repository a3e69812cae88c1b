"""Certificates of every kind, made with openssl for the time of a test."""

import functools
import hashlib
import os
import subprocess
import time

from servers import need

EMBEDDED_NUL = b"good.test\x00.evil.test"


def openssl(*arguments, given=None):
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, timeout=100)
    assert done.returncode == 0, "openssl %r: %s" % (arguments, done.stderr.decode())
    return done.stdout


class Authority:
    """A root, perhaps with intermediates below it, that signs what is asked for. All files are in DIRECTORY.
    """

    def __init__(self, directory):
        need(("/usr/bin/openssl", "openssl"))
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
        self.ca = self._root()

    def at(self, name):
        return os.path.join(self.dir, name)

    def _key(self, name):
        path = self.at(name + ".key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
        os.chmod(path, 0o644)
        return path

    def _root(self):
        key = self._key("root")
        openssl("req", "-new", "-x509", "-key", key, "-subj", "/CN=Test Root", "-days", "30", "-out",
                self.at("root.crt"),
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign")
        return self.at("root.crt")

    def _sign(self, name, subject, extensions, issuer, start="", end=""):
        """Makes NAME.key and NAME.crt, signed by ISSUER."""
        key = self._key(name)
        request = openssl("req", "-new", "-key", key, "-subj", subject, "-utf8", "-multivalue-rdn")
        config = self.at(name + ".cnf")
        with open(config, "w") as file:
            file.write("[e]\n" + extensions)
        database = self.at(name + ".db")
        open(database, "w").close()
        with open(self.at(name + ".ca"), "w") as file:
            file.write(
                "[ca]\ndefault_ca=c\n[c]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\n"
                       "policy=p\nunique_subject=no\nstring_mask=utf8only\n[p]\ncommonName=optional\n"
                       % (database, self.dir))
        with open(self.at(name + ".csr"), "wb") as file:
            file.write(request)
        day = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600))
        later = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 30 * 86400))
        openssl("ca", "-batch", "-config", self.at(name + ".ca"), "-in", self.at(name + ".csr"), "-notext",
                "-out", self.at(name + ".crt"), "-cert", self.at(issuer + ".crt"), "-keyfile",
                self.at(issuer + ".key"),
                "-extfile", config, "-extensions", "e", "-startdate", start or day, "-enddate", end or later)
        return self.at(name + ".crt")

    def intermediate(self, name, issuer="root"):
        return self._sign(name, "/CN=Test " + name, "basicConstraints=critical,CA:TRUE\n"
                          "keyUsage=critical,keyCertSign\n", issuer)

    def leaf(self, name, names=(), common_name="", issuer="root", chain=(), expired=False, raw_name=None):
        """A server's certificate; returns (chain file, key file)."""
        extensions = "basicConstraints=CA:FALSE\n"
        if raw_name is not None:
            extensions += "subjectAltName=DER:" + _alternative_name(raw_name).hex(":") + "\n"
        elif names:
            extensions += "subjectAltName=" + ",".join(
                ("IP:" if n.replace(".", "").isdigit() else "DNS:") + n for n in names) + "\n"
        dates = {"start": "20200101000000Z", "end": "20210101000000Z"} if expired else {}
        self._sign(name, "/CN=" + (common_name or "nobody"), extensions, issuer, **dates)
        return self.bundle(name, chain), self.at(name + ".key")

    def self_signed(self, name, names):
        key = self._key(name)
        openssl("req", "-new", "-x509", "-key", key, "-subj", "/CN=" + names[0], "-days", "30",
                "-out", self.at(name + ".crt"), "-addext",
                "subjectAltName=" + ",".join("DNS:" + n for n in names))
        return self.bundle(name, ()), key

    def bundle(self, name, chain):
        """One file with the certificate and those of CHAIN behind it."""
        with open(self.at(name + ".pem"), "w") as out:
            for part in (name, *chain):
                with open(self.at(part + ".crt")) as file:
                    out.write(file.read())
        return self.at(name + ".pem")

    # --- digests, as tables and TLSA records want them ---------------------------------------------

    @functools.cache
    def certificate(self, name):
        return openssl("x509", "-in", self.at(name + ".crt"), "-outform", "DER")

    @functools.cache
    def public_key(self, name):
        key = openssl("x509", "-in", self.at(name + ".crt"), "-noout", "-pubkey")
        return openssl("pkey", "-pubin", "-outform", "DER", given=key)

    def fingerprint(self, name, of_key=False, digest="sha256"):
        data = self.public_key(name) if of_key else self.certificate(name)
        return hashlib.new(digest, data).hexdigest().upper()

    def tlsa(self, name, usage, selector, matching):
        """The data of a TLSA record in hexadecimal."""
        data = self.public_key(name) if selector else self.certificate(name)
        return "%d %d %d %s" % (usage, selector, matching, {
            0: data.hex(), 1: hashlib.sha256(data).hexdigest(),
            2: hashlib.sha512(data).hexdigest()}[matching])


def _alternative_name(name):
    """The extension's value with one DNS name, whatever bytes it has."""
    entry = bytes([0x82, len(name)]) + name
    return bytes([0x30, len(entry)]) + entry
