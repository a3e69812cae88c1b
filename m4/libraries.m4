# Every missing library is collected, so that one run of configure and one of apt-get are enough.

# CAUSEWAY_NEED_BEGIN: looks for pkg-config
AC_DEFUN([CAUSEWAY_NEED_BEGIN],
[m4_ifndef([PKG_PROG_PKG_CONFIG], [m4_fatal([pkg.m4 not found: apt-get install pkg-config, then run autogen.sh again])])
PKG_PROG_PKG_CONFIG([0.29])
causeway_missing=
causeway_packages=
AS_IF([test -z "$PKG_CONFIG"], [
	causeway_missing=" pkg-config;"
	causeway_packages=" pkg-config"])])

# CAUSEWAY_NEED(VARIABLE, PKG-CONFIG-MODULE, DEBIAN-PACKAGE): sets VARIABLE_CFLAGS and VARIABLE_LIBS
AC_DEFUN([CAUSEWAY_NEED], [PKG_CHECK_MODULES([$1], [$2], [], [CAUSEWAY_MISSING([$2], [$3])])])

# CAUSEWAY_NEED_LIB(VARIABLE, LIBRARY, DEBIAN-PACKAGE, HEADER, FUNCTION): the same without pkg-config
AC_DEFUN([CAUSEWAY_NEED_LIB],
[AC_SUBST([$1_LIBS], [-l$2])
AC_CHECK_HEADER([$4],
	[AC_CHECK_LIB([$2], [$5], [:], [CAUSEWAY_MISSING([lib$2 with $5], [$3])])],
	[CAUSEWAY_MISSING([$4], [$3])],
	[#include <sys/types.h>])])

# CAUSEWAY_MISSING(WHAT, DEBIAN-PACKAGE)
AC_DEFUN([CAUSEWAY_MISSING],
[causeway_missing="$causeway_missing $1 (Debian package $2);"
AS_CASE(["$causeway_packages "], [*" $2 "*], [], [causeway_packages="$causeway_packages $2"])])

# CAUSEWAY_NEED_END: one error for all that is missing
AC_DEFUN([CAUSEWAY_NEED_END],
[AS_IF([test -n "$causeway_missing"], [AC_MSG_ERROR([these are missing:${causeway_missing%;}.
On Debian install them with:

    apt-get install -y --no-install-recommends$causeway_packages
])])])
