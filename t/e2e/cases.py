"""Tables of misbehaviour: one daemon, one scripted peer a case, one delivery line each."""

import processes

SHORT = {"lmtp.lhlo_timeout": "2s", "lmtp.mail_timeout": "2s", "lmtp.rcpt_timeout": "2s",
         "lmtp.data_init_timeout": "2s", "lmtp.data_xfer_timeout": "2s", "lmtp.data_done_timeout": "2s",
         "lmtp.rset_timeout": "2s", "lmtp.quit_timeout": "2s"}


def results(t, scripts, settings=None, timeout=20, **peer_options):
    """Send a message for u@NAME.test to each scripted peer; the daemon, the peers, and name -> delivery line."""
    daemon, peers = t.destinations(scripts, {**SHORT, **(settings or {})}, **peer_options)
    for name in scripts:
        daemon.send("u@%s.test" % name)
    return daemon, peers, {name: daemon.wait_delivery("u@%s.test" % name, timeout=timeout) for name in scripts}


def outcome(line):
    """What a delivery line says of its recipient, in short."""
    return line["status"], line["dsn"]


def by_recipient(daemon, count):
    """The outcome of each of COUNT recipients by local part, those of reports apart."""
    def found():
        return {d["to"].split("@")[0]: outcome(d) for d in daemon.deliveries() if d["to"] != "a@client.test"}
    return processes.wait_for(lambda: len(found()) >= count and found(), 20, "%d outcomes" % count)
