/*
 * Reads a drop file of any form: BSMTP (format/drop/bsmtp.h) or pickup mail (format/drop/pickup.h), which the
 * first line tells apart. Fed and answered as a BSMTP file is.
 */
#ifndef CAUSEWAY_FORMAT_DROP_FILE_H
#define CAUSEWAY_FORMAT_DROP_FILE_H

#include "format/drop/bsmtp.h"

enum drop_file_form { DROP_FILE_AUTO, DROP_FILE_BSMTP, DROP_FILE_PICKUP };

struct drop_file;

/* form: what the file must be. limits: recipients of a message, bytes of one content (0: none). */
struct drop_file *drop_file_new(enum drop_file_form form, size_t rcpt_limit, uint64_t size_limit);
void drop_file_free(struct drop_file *);

/* Next event; takes what it used off *slice. After BSMTP_ERROR it stays at BSMTP_ERROR. */
enum bsmtp_event drop_file_next(struct drop_file *, struct text *slice, struct text *piece);

/* The file is over: the events that are still to come, one a call, until BSMTP_MORE or BSMTP_ERROR. */
enum bsmtp_event drop_file_finish(struct drop_file *, struct text *piece);

/* As of bsmtp_error, bsmtp_take_envelope, bsmtp_facts, bsmtp_is_wire_form. */
const char *drop_file_error(const struct drop_file *);
struct envelope *drop_file_take_envelope(struct drop_file *);
const struct bsmtp_facts *drop_file_facts(const struct drop_file *);
bool drop_file_is_wire_form(const struct drop_file *);

#endif
