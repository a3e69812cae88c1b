#!/bin/sh
# Makes configure and the Makefile.in from a git checkout; needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
exec autoreconf --install "$@"
