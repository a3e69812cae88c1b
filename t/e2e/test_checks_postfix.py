"""Checks and generic_maps beside Postfix: the same tables, the same messages, the same bytes,
the same log lines.

Behaviour B-20 to B-24, AD-5 to AD-8. What differs on purpose is in doc/differences.md: how fields are folded
in which an address was replaced.
"""

import os
import random
import re
import subprocess

import mail
import processes
from harness import limit, same
from postfix import POSTFIX_MASTER, Postfix
from spool import DAEMON_UID, PRODUCER_UID

MESSAGES = 200

HEADER = r"""
# of the message
/^X-Ignore:/            IGNORE
/^X-Strip:/             STRIP taken out
/^X-Warn: (.*)/         WARN it says $1
/^X-Info:/              INFO
/^X-Replace:[ \t]*(.*)/ REPLACE X-Replaced: <$1>
/^X-Bad-Replace:/       REPLACE this is no field
/^X-Prepend:/           PREPEND X-Before: there it comes
/^X-Reject:/            REJECT not here
if /^Subject:/
/message 1/             REPLACE Subject: one of the teens
/^Subject: .*3/         WARN three
endif
/^X-Fold:.*folded/      INFO a fold
/^Content-/             WARN the header sees MIME
"""

MIME = r"""
/^Content-Disposition:/        IGNORE
/^Content-Type:.*name=/        STRIP
/^Content-Type: text\/html/    REPLACE Content-Type: text/plain; charset=utf-8
/^Content-Description: ?([a-z]*)/ PREPEND X-Described: $1
/^X-Part:/                     INFO
/^X-Warn:/                     WARN of a part
/^MIME-Version:/               INFO
"""

NESTED = r"""
/^Subject:(.*)/                REPLACE Subject: [nested]$1
/^X-Warn:/                     WARN in an attachment
/^X-Ignore:/                   IGNORE
/^To:/                         PREPEND X-Nested: yes
/^Content-/                    WARN not here
"""

BODY = r"""
/^ignore/                      IGNORE
/^strip/                       STRIP out of the body
/^warn/                        WARN
/^replace (.*)/                REPLACE .$1
/^prepend/                     PREPEND .before
/^\./                          INFO a dot
/^--/                          INFO a boundary
/^$/                           WARN empty
/^Content-/                    WARN a header
/long[0-9]/                    WARN a long one
/end[0-9]$/                    PREPEND here it ends
/[\200-\377]/                  INFO 8 bit
/blank $/                      REPLACE no blank
/^reject/                      REJECT
"""

# generic(5); the next site's table is a pattern table, which sees whole addresses
GENERIC = """
one@here.test            first@there.test
two@here.test            "two words"@there.test
list+box@here.test       box@there.test
list@here.test           @lists.test
"q q"@here.test          quoted@there.test
local                    mapped-local@there.test
@wide.test               wide@there.test
@moved.test              @new.test
many@here.test           many1@there.test, many2@there.test
bare@here.test           nodomain
long@here.test           a-name-that-is-much-longer-than-it-was@a-domain-that-is-longer-than-it-was.test
sender@here.test         known+sender@there.test
"""
GENERIC_PATTERNS = r"""
/^pattern-(.*)@here\.test$/    $1@patterns.test
/^other@HERE\.test$/           folded@there.test
"""

KINDS = {
    "header": {"header_checks": "regexp:HEADER"},
    "mime": {"mime_header_checks": "regexp:MIME"},
    "nested": {"nested_header_checks": "regexp:NESTED"},
    "body": {"body_checks": "regexp:BODY"},
    "generic": {"generic_maps": "texthash:GENERIC regexp:GENERIC_PATTERNS"},
    "all": {"header_checks": "pcre:HEADER", "mime_header_checks": "regexp:MIME",
            "nested_header_checks": "regexp:NESTED",
            "body_checks": "regexp:BODY", "generic_maps": "lmdb:GENERIC"},
}
TABLES = {"HEADER": HEADER, "MIME": MIME, "NESTED": NESTED, "BODY": BODY, "GENERIC": GENERIC,
          "GENERIC_PATTERNS": GENERIC_PATTERNS}


# --- messages ------------------------------------------------------------------------------------

NAMES = ["one", "two", "list+box", "list+other", "list", '"q q"', "many", "bare", "long", "pattern-x",
         "Other", "stranger", "x+y"]
DOMAINS = ["here.test", "here.test", "HERE.test", "local.test", "wide.test", "moved.test", "elsewhere.test"]


def address(rng):
    return "%s@%s" % (rng.choice(NAMES + ["local", "local+x"]), rng.choice(DOMAINS))


def mailbox(rng):
    one = address(rng)
    return rng.choice(["%s", "<%s>", "A Name <%s>", '"Name, One" <%s>', "%s (a comment)", "(c) N. <%s>",
                       "=?utf-8?q?J=C3=B6rg?= <%s>",
                       "g: %s;"]) % one


def address_list(rng):
    glue = rng.choice([", ", ",\n ", ",", ",\n\t"])
    return glue.join(mailbox(rng) for _ in range(rng.randint(1, 6)))


def extra_fields(rng):
    names = ["X-Ignore", "X-Strip", "X-Warn", "X-Info", "X-Replace", "X-Bad-Replace", "X-Prepend", "X-Reject",
             "X-Fold", "X-Part",
             "Content-Description", "Content-Language", "X-Other"]
    values = ["text", "some text\n folded", "", "a\n\tb\n c", "x" * 300, "tab\tinside", "\u00e4\u00f6"]
    return ["%s: %s" % (rng.choice(names), rng.choice(values)) for _ in range(rng.randint(0, 4))]


def header(rng, number):
    fields = ["From: %s" % mailbox(rng).replace("g: ", "").replace(";", ""), "To: %s" % address_list(rng),
              "Subject: message %d" % number]
    for name in ("Cc", "Reply-To", "Sender", "Errors-To", "X-To", "Resent-To", "Mail-Followup-To"):
        if rng.random() < 0.3:
            fields.append("%s: %s" % (name, address_list(rng)))
    fields += extra_fields(rng)
    rng.shuffle(fields)
    # what Postfix would add
    return fields + ["Date: Wed, 25 Nov 2026 12:00:00 +0000", "Message-ID: <%d@checks.test>" % number,
                     "Resent-Date: Wed, 25 Nov 2026 12:00:00 +0000",
                     "Resent-Message-ID: <r%d@checks.test>" % number,
                     "Resent-From: resent@here.test"]


def lines(rng):
    kinds = ["ignore this", "strip this", "warn here", "replace me", "prepend", ".dot", "..", "plain text",
             "", "\u00e4\u00f6\u00fc", "reject",
             "trailing blank ", "Content-Type: text/plain", "To: one@here.test", "-- ", "=20",
             "long%d" % rng.randint(0, 9) + "y" * 1500,
             "long1" + "z" * rng.randint(2000, 5000) + "end%d" % rng.randint(0, 9)]
    return [rng.choice(kinds) for _ in range(rng.randint(0, 12))]


def leaf(rng):
    head = ["Content-Type: %s" % rng.choice(["text/plain; charset=utf-8", "text/html",
                                             'text/plain;\n name="a file"',
                                              "application/octet-stream"])]
    if rng.random() < 0.5:
        head.append("Content-Disposition: attachment;\n filename=x")
    return head, lines(rng)


def nested(rng, depth, number):
    inner_head, inner = part(rng, depth + 1)
    fields = ["Subject: inner %d" % number, "To: %s" % mailbox(rng), "X-Warn: nested", "MIME-Version: 1.0",
              *extra_fields(rng)]
    return ["Content-Type: message/rfc822"], fields + inner_head + [""] + inner


def multipart(rng, depth):
    boundary = "b%d-%03d" % (depth, rng.randint(0, 999))
    body = lines(rng)[:2]
    for _ in range(rng.randint(1, 3)):
        head, inner = part(rng, depth + 1)
        body += ["--" + boundary] + head + extra_fields(rng)[:2] + [""] + inner
    if rng.random() < 0.9:      # else it does not end
        body += ["--" + boundary + "--"] + lines(rng)[:2]
    return ['Content-Type: multipart/mixed;\n boundary="%s"' % boundary], body


def part(rng, depth):
    kind = rng.random()
    if depth > 3 or kind < 0.45:
        return leaf(rng)
    return multipart(rng, depth) if kind < 0.8 else nested(rng, depth, rng.randint(0, 99))


def message(number):
    rng = random.Random(number)
    head, body = part(rng, 0) if rng.random() < 0.85 else ([], lines(rng))
    fields = header(rng, number) + (["MIME-Version: 1.0"] if head else []) + head
    return "\n".join(fields + [""] + body + [""]).encode()


# --- both sides ----------------------------------------------------------------------------------

class Checking(Postfix):
    """Postfix with a transport for each of KINDS, for the domain of that name."""

    def __init__(self, directory, tables, peers):
        routes = ", ".join("%s.kind.test=lmtp-%s:%s" % (kind, kind, peer.nexthop)
                           for kind, peer in peers.items())
        super().__init__(directory, "discard:", """
transport_maps = inline:{%s}
smtputf8_autodetect_classes = verify
recipient_delimiter = +
propagate_unmatched_extensions = generic
local_recipient_maps =
proxy_interfaces =
lmtp_destination_recipient_limit = 1
""" % routes)
        self.write("etc/main.cf",
                   open(self.at("etc/main.cf")).read().replace("mydestination =\n",
                                                               "mydestination = local.test\n"))
        services = "".join("lmtp-%s unix - - n - - lmtp\n%s" % (kind, "".join(
            "  -o { lmtp_%s = %s }\n" % (option, with_paths(value, tables))
            for option, value in options.items()))
            for kind, options in KINDS.items())
        self.write("etc/master.cf", POSTFIX_MASTER + services)

    def send(self, number, content):
        subprocess.run(["/usr/sbin/sendmail", "-C", self.at("etc"), "-i", "-f", "sender@here.test",
                        *("rcpt+%d@%s.kind.test" % (number, kind) for kind in KINDS)], input=content,
                       check=True, timeout=100)


def with_paths(value, tables):
    return re.sub(r"\b[A-Z_]{3,}\b", lambda name: os.path.join(tables, name.group()), value)


def write_tables(directory):
    os.makedirs(directory)
    os.chmod(directory, 0o755)
    for name, text in TABLES.items():
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)
    with open(os.path.join(directory, "main.cf"), "w") as file:
        file.write("compatibility_level = 3.6\n")
    subprocess.run(["/usr/sbin/postmap", "-c", directory, "lmdb:%s/GENERIC" % directory], check=True,
                   timeout=100)


def our_daemon(t, tables, peers):
    settings = {"recipient_delimiter": "+", "propagate_unmatched_extensions": "generic",
                "myorigin": "client.test",
                "mailbox_domains": ["local.test"], "mailbox_transport": "lmtp:" + peers["header"].nexthop,
                "transport_maps": "inline:{%s}" % ", ".join("%s.kind.test=%s:%s" % (kind, kind, peer.nexthop)
                                                            for kind, peer in peers.items())}
    for kind, options in KINDS.items():
        settings["transport %s.protocol" % kind] = "lmtp"
        settings.update({"transport %s.%s" % (kind, option): with_paths(value, tables)
                         for option, value in options.items()})
    return t.daemon(None, settings)


# --- comparing -----------------------------------------------------------------------------------

ADDRESSES = re.compile(
    rb"(?im)^((?:From|To|Cc|Sender|Reply-To|Errors-To|Resent-To|Resent-From|Mail-Followup-To):)((?:.*\r\n)(?:[ \t].*\r\n)*)")


def seen(message, maps):
    """Envelope and content as bytes, without trace; where addresses are mapped,
    without blanks in such fields of the header."""
    header, _, body = mail.split_trace(message.stuffed)[1].partition(b"\r\n\r\n")
    header += b"\r\n"
    if maps:
        header = ADDRESSES.sub(lambda field: field[1] + re.sub(rb"[ \t\r\n]", b"", field[2]) + b"\r\n",
                               header)
    return b"%s %s\n%s\r\n%s" % (message.sender.encode(), b" ".join(r.encode() for r in message.recipients),
                                 header, body)


def by_number(peer, maps):
    return {int(re.search(rb"(?m)^Message-ID: <([0-9]+)@", m.stuffed)[1]): seen(m, maps)
            for m in peer.messages}


def checked_lines(log):
    """What checks said of fields and lines, without ids and trace fields."""
    found = re.findall(r": ((?:warning|info|replace|prepend|strip): (?:header|body) .*)$", log, re.M)
    return sorted(line for line in found if " Received:" not in line)


@limit(300)
def test_B_20_to_24_the_same_as_postfix(t):
    """200 messages through each kind of table and through all of them: same envelopes, same bytes,
    same lines in the log.

    The parameters header_checks, mime_header_checks, nested_header_checks, body_checks, generic_maps,
    propagate_unmatched_extensions, recipient_delimiter.
    """
    theirs, ours = ({kind: t.peer() for kind in KINDS} for _ in range(2))
    tables = t.path("tables")
    postfix = Checking(t.path("postfix"), tables, theirs)     # skips the test without Postfix
    write_tables(tables)
    t.on_end(postfix.stop)
    postfix.start()
    daemon = our_daemon(t, tables, ours)
    for number in range(MESSAGES):
        content = message(number)
        postfix.send(number, content)
        daemon.send(["rcpt+%d@%s.kind.test" % (number, kind) for kind in KINDS], content,
                    sender="sender@here.test",
                    uid=DAEMON_UID if number % 2 else PRODUCER_UID)
    for kind in KINDS:
        expected = by_number_when_all(theirs[kind], kind)
        got = by_number_when_all(ours[kind], kind)
        same(sorted(got), sorted(expected), kind)
        for number in expected:
            same(got[number], expected[number], "%s, message %d" % (kind, number))
    # what is logged of a message comes ahead of that
    processes.wait_for(lambda: postfix.log().count(": removed") >= MESSAGES, 30, "Postfix done")
    daemon.spool.wait_empty()
    expected, got = checked_lines(postfix.log()), checked_lines(daemon.log())
    assert len(expected) > 1000, len(expected)
    same(got, expected, "lines in the log")


def by_number_when_all(peer, kind):
    peer.wait_messages(MESSAGES, 120)
    return by_number(peer, kind in ("generic", "all"))
