# CAUSEWAY_CFLAG(FLAG): adds FLAG to CAUSEWAY_CFLAGS if the compiler takes it
AC_DEFUN([CAUSEWAY_CFLAG], [CAUSEWAY_FLAG([CAUSEWAY_CFLAGS], [CFLAGS], [$1])])

# CAUSEWAY_LDFLAG(FLAG): adds FLAG to CAUSEWAY_LDFLAGS if a program links with it
AC_DEFUN([CAUSEWAY_LDFLAG], [CAUSEWAY_FLAG([CAUSEWAY_LDFLAGS], [LDFLAGS], [$1])])

# CAUSEWAY_FLAG(TO, TRIED-IN, FLAG)
AC_DEFUN([CAUSEWAY_FLAG],
[AC_SUBST([$1])
AS_VAR_PUSHDEF([cached], [causeway_cv_flag_$3])dnl
AC_CACHE_CHECK([whether $CC takes $3], [cached], [
	causeway_saved=$$2
	$2="$$2 $$1 -Werror $3"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
	$2=$causeway_saved])
AS_VAR_IF([cached], [yes], [$1="$$1 $3"], [$4])
AS_VAR_POPDEF([cached])])

AC_DEFUN([CAUSEWAY_WARNINGS],
[m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
	-Wvla -Wformat-security], [CAUSEWAY_CFLAG(flag)])
AS_IF([test "$enable_werror" = yes], [CAUSEWAY_CFLAG([-Werror])])])

AC_DEFUN([CAUSEWAY_SANITIZE],
[AS_IF([test "$enable_sanitize" = yes], [
	CAUSEWAY_FLAG([CAUSEWAY_CFLAGS], [CFLAGS], [-fsanitize=address,undefined],
		[AC_MSG_ERROR([$CC cannot build with sanitizers])])
	CAUSEWAY_CFLAG([-fno-sanitize-recover=all])
	CAUSEWAY_CFLAG([-fno-omit-frame-pointer])])
AS_IF([test "$enable_fuzzers" = yes], [
	CAUSEWAY_FLAG([CAUSEWAY_CFLAGS], [CFLAGS], [-fsanitize=fuzzer-no-link],
		[AC_MSG_ERROR([--enable-fuzzers needs libFuzzer: configure with CC=clang (Debian package clang)])])])])

# Sanitizers bring their own checks of the same places, and _FORTIFY_SOURCE hides bugs from them.
AC_DEFUN([CAUSEWAY_HARDEN],
[m4_foreach_w([flag], [-fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE],
	[CAUSEWAY_CFLAG(flag)])
m4_foreach_w([flag], [-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed], [CAUSEWAY_LDFLAG(m4_quote(flag))])
AC_MSG_CHECKING([whether to use _FORTIFY_SOURCE])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#if !defined(__OPTIMIZE__) || defined(_FORTIFY_SOURCE)
#error not now
#endif]])], [causeway_fortify=yes], [causeway_fortify=no])
AS_IF([test "$enable_sanitize" = yes], [causeway_fortify=no])
AS_IF([test "$causeway_fortify" = yes], [CAUSEWAY_CFLAGS="$CAUSEWAY_CFLAGS -D_FORTIFY_SOURCE=2"])
AC_MSG_RESULT([$causeway_fortify])])
