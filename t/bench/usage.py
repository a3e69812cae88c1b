"""--help of the benchmarks."""

import argparse


def parser(text):
    """An argument parser that says of the program what its own TEXT does: its usage line first,
    then the rest.
    """
    before, _, after = text.partition("usage: ")
    usage, _, rest = after.partition("\n")
    return argparse.ArgumentParser(usage=usage, description=(before.strip() + "\n\n" + rest.strip()).strip(),
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
