# CAUSEWAY_OPTION(NAME, HELP, DEFAULT): --enable-NAME or --disable-NAME; sets enable_NAME to yes or no
AC_DEFUN([CAUSEWAY_OPTION],
[AC_ARG_ENABLE([$1],
	[AS_HELP_STRING(m4_if([$3], [yes], [--disable-$1], [--enable-$1]), m4_if([$3], [yes], [do not ])[$2])],
	[AS_CASE([$enableval], [yes | no], [],
		[AC_MSG_ERROR([--enable-$1 takes no value, not '$enableval'])])],
	[AS_VAR_SET([enable_]m4_translit([$1], [-], [_]), [$3])])])
