/*
 * The functions of the steps, by the file that holds them; dialogue_steps.c has the table.
 *
 * How a step is added: a word in enum step (dialogue_private.h), a row in the table, and a pair of functions
 * here, in a file of their own where they make up a subject. The step before returns the new one from its
 * `say`, the new one's `say` returns what came after that before. A step that has nothing to say returns
 * its successor without writing; one whose reply decides is followed by a step that looks at what `hear`
 * recorded, as STEP_READY does for STEP_HELO. A row without `say` waits for the driver (want); the driver's
 * call sets the next step, as dialogue_content_sent does.
 */
#ifndef CAUSEWAY_TALK_DIALOGUE_STEPS_H
#define CAUSEWAY_TALK_DIALOGUE_STEPS_H

#include "base/text.h"
#include "talk/dialogue_private.h"

/* dialogue_handshake.c: greeting and capabilities */
void dialogue_hear_greeting(struct dialogue *, const struct reply *);
enum step dialogue_say_helo(struct dialogue *, struct buf *out);
void dialogue_hear_helo(struct dialogue *, const struct reply *);
enum step dialogue_say_ready(struct dialogue *, struct buf *out);

/* dialogue_starttls.c */
enum step dialogue_say_starttls(struct dialogue *, struct buf *out);
void dialogue_hear_starttls(struct dialogue *, const struct reply *);
enum step dialogue_say_secure(struct dialogue *, struct buf *out);
enum step dialogue_say_settled(struct dialogue *, struct buf *out);

/* dialogue_xforward.c: where the message came from */
enum step dialogue_say_xforward_name(struct dialogue *, struct buf *out);
void dialogue_hear_xforward_name(struct dialogue *, const struct reply *);
enum step dialogue_say_xforward_helo(struct dialogue *, struct buf *out);
void dialogue_hear_xforward_helo(struct dialogue *, const struct reply *);
/* dialogue_auth.c */
enum step dialogue_say_login(struct dialogue *, struct buf *out);
enum step dialogue_say_auth(struct dialogue *, struct buf *out);
enum step dialogue_say_auth_more(struct dialogue *, struct buf *out);
void dialogue_hear_auth(struct dialogue *, const struct reply *);
/* While a login is under way: keeps a challenge, and makes of r what may be seen of it, in a string that is
 * returned to be freed when r is done with. */
char *dialogue_auth_conceal(struct dialogue *, struct reply *r);
/* What may be seen of a command that was said at this step. */
struct text dialogue_auth_shown(enum step, struct text line);

/* dialogue_transaction.c: from RSET to the replies to the dot */
enum step dialogue_say_rset(struct dialogue *, struct buf *out);
void dialogue_hear_rset(struct dialogue *, const struct reply *);
enum step dialogue_say_mail(struct dialogue *, struct buf *out);
void dialogue_hear_mail(struct dialogue *, const struct reply *);
enum step dialogue_say_rcpt(struct dialogue *, struct buf *out);
void dialogue_hear_rcpt(struct dialogue *, const struct reply *);
enum step dialogue_say_data(struct dialogue *, struct buf *out);
void dialogue_hear_data(struct dialogue *, const struct reply *);
enum step dialogue_say_accepted(struct dialogue *, struct buf *out);
enum step dialogue_say_last_chunk(struct dialogue *, struct buf *out);
void dialogue_hear_chunk(struct dialogue *, const struct reply *);
enum step dialogue_say_content(struct dialogue *, struct buf *out);
void dialogue_hear_dot(struct dialogue *, const struct reply *);

/* and the end of the transaction, and of the session */
enum step dialogue_say_over(struct dialogue *, struct buf *out);
enum step dialogue_say_quit(struct dialogue *, struct buf *out);
void dialogue_hear_quit(struct dialogue *, const struct reply *);
void dialogue_hear_unasked(struct dialogue *, const struct reply *);

#endif
