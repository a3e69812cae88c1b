"""Causeway's log lines, taken apart."""

import re

LINE = re.compile(
    r"^(?:(?P<time>\S+) (?P<host>\S+) )?(?P<name>[^\s/\[]+)/(?P<process>[a-z]+)\[(?P<pid>\d+)\]: (?P<text>.*)$")

DELIVERY = re.compile(
    r"^(?P<id>[0-9A-Za-z-]+): to=<(?P<to>.*?)>, (?:orig_to=<(?P<orig_to>.*?)>, )?relay=(?P<relay>\S+), "
    r"(?:conn_use=(?P<conn_use>\d+), )?delay=(?P<delay>[\d.]+), delays=(?P<delays>[\d./]+), "
    r"(?:tls=(?P<tls>\S+), )?dsn=(?P<dsn>\d\.\d{1,3}\.\d{1,3}), "
    r"status=(?P<status>\w+) \((?P<reason>.*)\)$")


def parse(line):
    """A line as a dict of time, host, name, process, pid, text; None if it is not one of ours."""
    match = LINE.match(line)
    return match.groupdict() if match else None


def delivery(line):
    """A delivery line as a dict: the fields of parse() and those of the result; None for any other line."""
    fields = parse(line)
    match = fields and DELIVERY.match(fields["text"])
    return {**fields, **match.groupdict()} if match else None


def deliveries(text):
    """All delivery lines of a log."""
    return [found for found in map(delivery, text.splitlines()) if found]
