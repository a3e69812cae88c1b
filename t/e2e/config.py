"""A configuration file from a flat dict of settings.

Keys are "parameter" or "section.parameter", where a section may have a title: "transport slow.nexthop".
Values are text, numbers, booleans or lists of text.
"""

import re


def value(setting):
    """A value as libconfuse reads it; text is in single quotes, where nothing is special but ' and \\."""
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    if isinstance(setting, (list, tuple)):
        return "{ %s }" % ", ".join(map(value, setting))
    if re.fullmatch(r"-?[0-9]+[a-z]*", str(setting)):
        return str(setting)
    return "'%s'" % str(setting).replace("\\", "\\\\").replace("'", "\\'")


def render(settings):
    """The text of the file."""
    sections = {}
    for key, setting in settings.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, []).append("%s = %s" % (name, value(setting)))
    out = sections.pop("", [])
    for section, lines in sections.items():
        name, _, title = section.partition(" ")
        out += ["%s%s {" % (name, " '%s'" % title if title else ""), *("\t" + line for line in lines), "}"]
    return "\n".join(out) + "\n"
