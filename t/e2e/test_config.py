"""Parameters of the daemon as a whole, seen at work: names of transports' options, what values may know,
the log's.
"""

import os
import re
import signal
import socket
import subprocess

import processes
from harness import Skip, needs_root, same
from spool import become

# A /dev of its own, in which the log's socket is ours.
OWN_DEV = """
mount -t tmpfs dev "$1" && for node in null zero random urandom; do
	: >"$1/$node" && mount --bind "/dev/$node" "$1/$node" || exit
done
ln -s /proc/self/fd "$1/fd" && ln -s "$2" "$1/log" && mount --rbind "$1" /dev && shift 2 && exec "$@"
"""


def shown(daemon, name):
    """The value that causewayctl config shows."""
    line, = daemon.ctl("config", name).splitlines()
    return line.partition("=")[2].strip()


def test_options_of_a_transport_at_the_top_level(t):
    """parameters transport_destination_recipient_limit: written as causewayctl config shows it, it acts."""
    peer = t.peer()
    daemon = t.daemon(None, {"transport store.protocol": "lmtp", "transport store.nexthop": peer.nexthop,
                             "store_destination_recipient_limit": 2, "store_lhlo_name": "store.test",
                             "mailbox_domains": ["example.org"], "mailbox_transport": "store"})
    daemon.send(["u%d@example.org" % n for n in range(4)])
    daemon.wait_deliveries(4, status="sent")
    same(sorted(len(m.recipients) for m in peer.messages), [2, 2])
    same(peer.sessions[0].commands[0], "LHLO store.test")
    same(shown(daemon, "store_destination_recipient_limit"), "2")
    same(shown(daemon, "lmtp_destination_recipient_limit"), "50")


def test_service_name_and_process_name_are_the_transports(t):
    peer, other = t.peer(), t.peer()
    daemon = t.daemon(None, {"lmtp.lhlo_name": "$service_name.$process_name.test",
                             "transport store.protocol": "lmtp",
                             "transport_maps": "inline:{a.test=lmtp:%s, b.test=store:%s}" % (peer.nexthop,
                                                                                             other.nexthop)})
    daemon.send(["u@a.test", "u@b.test"])
    peer.wait_messages(1)
    other.wait_messages(1)
    same(peer.sessions[0].commands[0], "LHLO lmtp.lmtp.test")
    same(other.sessions[0].commands[0], "LHLO store.lmtp.test")
    same(shown(daemon, "service_name"), "causewayd")


def test_process_id_is_the_supervisors(t):
    peer = t.peer()
    daemon = t.daemon(peer, {"lmtp.lhlo_name": "p$process_id.test"})
    daemon.send("u@example.org")
    peer.wait_messages(1)
    same(peer.sessions[0].commands[0], "LHLO p%d.test" % daemon.process.pid)
    same(shown(daemon, "process_id"), str(daemon.process.pid))


def test_config_directory_is_where_the_file_is(t):
    peer = t.peer()
    daemon = t.daemon(None, {"transport_maps": "texthash:$config_directory/transport"}, start=False)
    with open(daemon.at("transport"), "w") as file:
        file.write("a.test lmtp:%s\n" % peer.nexthop)
    daemon.start()
    daemon.send("u@a.test")
    peer.wait_messages(1)
    same(shown(daemon, "config_directory"), daemon.dir)


# parameter, a value, and words of the advice
OBSOLETE = [
    ("fallback_relay", "[127.0.0.1]:9", "use smtp_fallback_relay"),
    ("lmtp_assume_final", "no", "use the transport flag X"),
    ("lmtp_cache_connection", "no", "use connection_cache_on_demand"),
    ("smtp_skip_4xx_greeting", "no", "nothing replaces it"),
    ("smtp_tls_cipherlist", "ALL", "use tls_ciphers and tls_mandatory_ciphers"),
    ("tls_low_cipherlist", "LOW", "use tls_medium_cipherlist"),
    ("tls_export_cipherlist", "EXPORT", "use tls_medium_cipherlist"),
    ("tls_dane_digest_agility", "off", "use tls_dane_digests"),
    ("tls_dane_trust_anchor_digest_enable", "no", "use tls_dane_digests"),
    *[(prefix + name, value, advice) for prefix in ("smtp_", "lmtp_") for name, value, advice in (
        ("per_record_deadline", "no", "use per_request_deadline"),
        ("use_tls", "no", "use tls_security_level = may"),
        ("enforce_tls", "no", "use tls_security_level = encrypt or verify"),
        ("tls_enforce_peername", "no", "use tls_security_level = encrypt or verify"),
        ("tls_per_site", "inline:{a.test=MAY}", "use tls_policy_maps"))],
]


def test_obsolete_parameters_are_named_once(t):
    """parameters fallback_relay, lmtp_assume_final, lmtp_cache_connection, smtp_skip_4xx_greeting,
    smtp_tls_cipherlist, tls_low_cipherlist, tls_export_cipherlist, tls_dane_digest_agility,
    tls_dane_trust_anchor_digest_enable, smtp_per_record_deadline, smtp_use_tls, smtp_enforce_tls,
    smtp_tls_enforce_peername and smtp_tls_per_site"""
    daemon = t.daemon(t.peer(), {name: value for name, value, _ in OBSOLETE})
    said = (daemon.log() + daemon.stderr()).splitlines()
    for name, value, advice in OBSOLETE:
        lines = [line for line in said if re.search(r"\b%s\b" % name, line)]
        same(len(lines), 1, name)
        assert "warning: %s:" % daemon.conf in lines[0], lines[0]
        assert "%s is obsolete: %s" % (name, advice) in lines[0], lines[0]
        same(shown(daemon, name), value)


def test_services_that_do_not_exist_here_are_accepted(t):
    """parameters connection_cache_service_name, tlsmgr_service_name, tlsproxy_service_name,
    cyrus_sasl_config_path and tls_daemon_random_bytes: shown, without a word in the log; connections are kept
    all the same."""
    names = {"connection_cache_service_name": "nosuch", "tlsmgr_service_name": "nosuch",
             "tlsproxy_service_name": "nosuch",
             "tls_daemon_random_bytes": "64", "cyrus_sasl_config_path": "/nowhere"}
    peer = t.peer()
    daemon = t.daemon(peer, {**names, "workers": 1, "lmtp.initial_destination_concurrency": 1})
    for number in range(2):
        daemon.send("u%d@example.org" % number)
        daemon.wait_delivery("u%d@example.org" % number, "sent")
    same([session.transactions for session in peer.sessions], [2])
    assert "warning" not in daemon.log() and "_service_name" not in daemon.log(), daemon.log()
    same({name: shown(daemon, name) for name in names}, names)


def test_route_to_a_transport_that_does_not_exist(t):
    """Said by -t and at the start, once; the mail waits and all other mail flows."""
    table = os.path.join(t.dir, "routes")
    with open(table, "w") as f:
        f.write("a.test nosuch:x\nb.test nosuch:y\nc.test lmtpp:x\n")
    daemon = t.daemon(t.peer(), {"transport_maps": "texthash:" + table})
    says = ("transport_maps: there is no transport 'nosuch' (mail that goes there is deferred, 4.3.5)",
            "transport_maps: there is no transport 'lmtpp'; did you mean lmtp? "
            "(mail that goes there is deferred, 4.3.5)")
    checked = subprocess.run([t.options.program("causewayd"), "-t", "-c", daemon.conf, "-o", "user=root"],
                             capture_output=True, text=True, timeout=60)
    same(checked.returncode, 0, checked.stderr)
    for said in (checked.stderr, daemon.log() + daemon.stderr()):
        same([said.count(line) for line in says], [1, 1], said)
    daemon.send("u@a.test")
    daemon.send("u@example.org")
    daemon.wait_delivery("u@example.org", "sent")
    same(daemon.wait_delivery("u@a.test", "deferred")["dsn"], "4.3.5")


def test_compatibility_level_changes_defaults(t):
    """What is written counts more."""
    for level, settings, expected in (("3.10", {}, ""), ("3.11", {}, "may"),
                                      ("3.10", {"smtp_tls_security_level": "may"}, "may")):
        daemon = t.daemon(t.peer(), {"compatibility_level": level, **settings}, name="d%d" % len(t.daemons))
        same(shown(daemon, "smtp_tls_security_level"), expected, level)


def test_ipc_timeout(t):
    """Who asks for a reload does not wait for ever for a supervisor that stands still."""
    daemon = t.daemon(t.peer(), {"ipc_timeout": "1s"})
    os.kill(daemon.process.pid, signal.SIGSTOP)
    status, _, body = daemon.http("POST", "/reload")
    os.kill(daemon.process.pid, signal.SIGCONT)
    same(status, 504)
    assert "ipc_timeout" in body, body
    processes.wait_for(lambda: daemon.http("POST", "/reload")[0] == 200, 20, "a reload in time")


def test_info_log_address_format(t):
    """external: as mail has it (behaviour AD-1); internal: without the quotes of a local part."""
    for number, (setting, expected) in enumerate({"external": '"a b"', "internal": "a b"}.items()):
        daemon = t.daemon(t.peer(), {"info_log_address_format": setting}, name="d%d" % number)
        daemon.send(['"a b"@example.org'], sender='"a b"@client.test')
        daemon.wait_log(r" causeway/pickup\[\d+\]: \w+: uid=\d+ from=<%s@client\.test>" % expected)
        daemon.wait_log(r" causeway/qmgr\[\d+\]: \w+: from=<%s@client\.test>, size=" % expected)
        daemon.wait_log(r" causeway/lmtp\[\d+\]: \w+: to=<%s@example\.org>, relay=" % expected)


def test_delay_logging_resolution_limit(t):
    """0: whole seconds; delays below half of one are 0."""
    daemon = t.daemon(t.peer(), {"delay_logging_resolution_limit": 0})
    daemon.send("u@example.org")
    daemon.wait_log(r" delay=\d+, delays=\d+/\d+/\d+/\d+, dsn=2\.0\.0, status=sent")


@needs_root
def test_syslog_facility_and_syslog_name(t):
    """What arrives at the system's log: priority of facility and level, name and process (RFC 3164)."""
    daemon = t.daemon(t.peer(), {"log.to": "syslog", "syslog_facility": "local3", "syslog_name": "store"},
                      start=False)
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True,
                      preexec_fn=become(daemon.spool.uid)).returncode:
        raise Skip("no user namespaces here, as in a chroot")
    os.mkdir(daemon.at("dev"))
    os.chown(daemon.at("dev"), daemon.spool.uid, daemon.spool.uid)
    path = daemon.at("syslog")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(path)
        os.chmod(path, 0o666)
        log.settimeout(0.1)
        daemon.start(prefix=["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", OWN_DEV, "sh",
                             daemon.at("dev"), path, "unshare", "--user", "--map-user=%d" % daemon.spool.uid,
                             "--map-group=%d" % daemon.spool.uid])
        daemon.send("u@example.org")
        came = []

        def arrived():
            try:
                came.append(log.recv(65536).decode())
            except TimeoutError:
                pass
            return [line for line in came if "status=sent" in line]
        line = processes.wait_for(arrived, 20, "a delivery in the system's log")[0]
    # local3 is 19, info is 6
    assert re.match(r"<158>\w{3} [ \d]\d \d\d:\d\d:\d\d store/lmtp\[\d+\]: \w+: to=<u@example\.org>",
                    line), line


def checked(t, text, arguments=()):
    """What causewayd -t says as root of a configuration for the user nobody."""
    conf = t.path("as-root")
    with open(conf, "w") as file:
        file.write("user = nobody\nmyhostname = host.test\n" + text)
    return subprocess.run([t.options.program("causewayd"), "-t", "-c", conf, *arguments], capture_output=True,
                          text=True,
                          timeout=30 * processes.PATIENCE)


@needs_root
def test_what_only_root_can_read_is_refused(t):
    """Tables and keys are opened by the daemon's user: who starts it as root is told so,
    before no courier can start.
    """
    path = t.path("table")
    rows = (("smtp {\nsasl_auth_enable = yes\nsasl_password_maps = 'texthash:%s'\n}\n" % path,
             "as-root:5: smtp.sasl_password_maps"),
            ("transport_maps = 'texthash:%s'\n" % path, "as-root:3: transport_maps"),
            ("resolver { trust_anchor_file = '%s' }\n" % path, "as-root:3: resolver.trust_anchor_file"))
    for text, place in rows:
        with open(path, "w") as file:
            file.write("example.org a:b\n")
        os.chmod(path, 0o600)
        done = checked(t, text)
        same(done.returncode, 78, text)
        assert place in done.stderr and path in done.stderr, done.stderr
        assert "Permission denied (for the user 'nobody')" in done.stderr, done.stderr
        os.chmod(path, 0o644)
        same(checked(t, text).returncode, 0, text)


def test_wrong_arguments_are_named(t):
    for arguments, says in ((["-x"], "causewayd: -x: unknown option; "),
                            (["--nonsense"], "causewayd: --nonsense: unknown option; "),
                            (["-tx"], "causewayd: -tx: unknown option; "),
                            (["-c"], "causewayd: -c: needs a value; "),
                            (["-t", "file"], "causewayd: file: only options are taken; ")):
        done = subprocess.run([t.options.program("causewayd"), *arguments], capture_output=True, text=True,
                              timeout=30 * processes.PATIENCE)
        same((done.returncode, done.stderr), (64, says + "causewayd --help lists what there is\n"), arguments)
