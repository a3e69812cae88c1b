/* What the letters of a transport's flags ask for (transport { flags }, causeway.conf(5)). */
#ifndef CAUSEWAY_TALK_TRANSPORT_FLAGS_H
#define CAUSEWAY_TALK_TRANSPORT_FLAGS_H

#include <stdbool.h>
#include <string.h>

#define TRANSPORT_FLAGS "DORX"

enum transport_flag {
	FLAG_DELIVERED_TO = 'D',   /* a field Delivered-To:; mail that has it for this recipient is a loop */
	FLAG_ORIGINAL_TO = 'O',    /* a field X-Original-To: */
	FLAG_RETURN_PATH = 'R',    /* a field Return-Path: */
	FLAG_FINAL = 'X'           /* of LMTP: mail stays where the transport leads to */
};

/* flags: letters, or NULL for none. */
static inline bool transport_flags_have(const char *flags, enum transport_flag flag)
{
	return flags && strchr(flags, flag);
}

/* Whether what is added names the recipient: several would see each other's. */
static inline bool transport_flags_name_recipient(const char *flags)
{
	return transport_flags_have(flags, FLAG_DELIVERED_TO) || transport_flags_have(flags, FLAG_ORIGINAL_TO);
}

#endif
