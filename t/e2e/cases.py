"""Tables of misbehaviour: one daemon, one scripted peer a case, one delivery line each."""

import processes


def short(*stages, protocol="lmtp"):
    """Settings by which the time limits of these stages run out; all others are so long that they never do.
    """
    return {"%s.%s_timeout" % (protocol, stage): "4s" for stage in stages}


def results(t, scripts, settings=None, timeout=20, **peer_options):
    """Send a message for u@NAME.test to each scripted peer; the daemon, the peers, and name -> delivery line.
    """
    daemon, peers = t.destinations(scripts, settings, **peer_options)
    for name in scripts:
        daemon.send("u@%s.test" % name)
    return daemon, peers, {name: daemon.wait_delivery("u@%s.test" % name, timeout=timeout)
                           for name in scripts}


def outcome(line):
    """What a delivery line says of its recipient, in short."""
    return line["status"], line["dsn"]


def delays(line):
    """The four parts of delays=, in seconds, which add up to delay=."""
    shown = line["delays"].split("/")
    parts = [float(part) for part in shown]
    assert abs(sum(parts) - float(line["delay"])) <= sum(map(_resolution, [*shown, line["delay"]])), line
    return parts


def _resolution(number):
    """Of a number in the log: that of its last digit; 0 stands for what is too small to be shown."""
    return 0.01 if number == "0" else 10.0 ** -len(number.partition(".")[2])


def by_recipient(daemon, count):
    """The outcome of each of COUNT recipients by local part, those of reports apart."""
    def found():
        return {d["to"].split("@")[0]: outcome(d) for d in daemon.deliveries() if d["to"] != "a@client.test"}
    return processes.wait_for(lambda: len(found()) >= count and found(), 20, "%d outcomes" % count)
