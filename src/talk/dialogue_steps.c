/* THE table of steps, in the order of RFC 5321: what may be said when, and how long the answer may take. */
#include "talk/dialogue_steps.h"

#include <stddef.h>

#define LIMIT(member) offsetof(struct manner, member)

const struct step_row dialogue_steps[STEP_COUNT] = {
	/*                 stage, alone, time limit, say, hear, or what the driver has to do */
	[STEP_GREETING] = { STAGE_GREETING, true, LIMIT(helo_timeout), NULL, dialogue_hear_greeting,
		DIALOGUE_REPLY },
	[STEP_HELO] = { STAGE_HELO, true, LIMIT(helo_timeout), dialogue_say_helo, dialogue_hear_helo, 0 },
	[STEP_READY] = { STAGE_HELO, true, LIMIT(helo_timeout), dialogue_say_ready, NULL, 0 },
	[STEP_STARTTLS] = { STAGE_STARTTLS, true, LIMIT(starttls_timeout), dialogue_say_starttls,
		dialogue_hear_starttls, 0 },
	[STEP_SECURE] = { STAGE_TLS, true, LIMIT(starttls_timeout), dialogue_say_secure, NULL, 0 },
	[STEP_HANDSHAKE] = { STAGE_TLS, true, LIMIT(starttls_timeout), NULL, NULL, DIALOGUE_TLS },
	[STEP_SETTLED] = { STAGE_TLS, true, LIMIT(starttls_timeout), dialogue_say_settled, NULL, 0 },
	[STEP_LISTEN] = { STAGE_MAIL, true, LIMIT(mail_timeout), NULL, NULL, DIALOGUE_LISTEN },
	[STEP_LOGIN] = { STAGE_AUTH, true, LIMIT(helo_timeout), dialogue_say_login, NULL, 0 },
	[STEP_CREDENTIALS] = { STAGE_AUTH, true, LIMIT(helo_timeout), NULL, NULL, DIALOGUE_LOGIN },
	[STEP_AUTH] = { STAGE_AUTH, true, LIMIT(helo_timeout), dialogue_say_auth, dialogue_hear_auth, 0 },
	[STEP_AUTH_MORE] = { STAGE_AUTH, true, LIMIT(helo_timeout), dialogue_say_auth_more, dialogue_hear_auth,
		0 },
	[STEP_RSET] = { STAGE_RSET, false, LIMIT(rset_timeout), dialogue_say_rset, dialogue_hear_rset, 0 },
	[STEP_XFORWARD_NAME] = { STAGE_XFORWARD_NAME, false, LIMIT(xforward_timeout), dialogue_say_xforward_name,
		dialogue_hear_xforward_name, 0 },
	[STEP_XFORWARD_HELO] = { STAGE_XFORWARD_HELO, false, LIMIT(xforward_timeout), dialogue_say_xforward_helo,
		dialogue_hear_xforward_helo, 0 },
	[STEP_MAIL] = { STAGE_MAIL, false, LIMIT(mail_timeout), dialogue_say_mail, dialogue_hear_mail, 0 },
	[STEP_RCPT] = { STAGE_RCPT, false, LIMIT(rcpt_timeout), dialogue_say_rcpt, dialogue_hear_rcpt, 0 },
	[STEP_DATA] = { STAGE_DATA, false, LIMIT(data_init_timeout), dialogue_say_data, dialogue_hear_data, 0 },
	[STEP_CONTENT] = { STAGE_DATA, true, LIMIT(data_init_timeout), dialogue_say_content, NULL, 0 },
	[STEP_ACCEPTED] = { STAGE_RCPT, true, LIMIT(rcpt_timeout), dialogue_say_accepted, NULL, 0 },
	[STEP_CHUNKS] = { STAGE_CONTENT, false, LIMIT(data_xfer_timeout), NULL, NULL, DIALOGUE_CONTENT },
	[STEP_CHUNK] = { STAGE_CONTENT, true, LIMIT(data_xfer_timeout), NULL, dialogue_hear_chunk,
		DIALOGUE_REPLY },
	[STEP_LAST_CHUNK] = { STAGE_CONTENT, true, LIMIT(data_xfer_timeout), dialogue_say_last_chunk, NULL, 0 },
	[STEP_SENDING] = { STAGE_CONTENT, true, LIMIT(data_xfer_timeout), NULL, NULL, DIALOGUE_CONTENT },
	[STEP_LONE_DOT] = { STAGE_CONTENT, true, LIMIT(data_xfer_timeout), NULL, NULL, DIALOGUE_DOT },
	[STEP_DOT] = { STAGE_DOT, true, LIMIT(data_done_timeout), NULL, dialogue_hear_dot, DIALOGUE_REPLY },
	[STEP_OVER] = { STAGE_DOT, true, LIMIT(data_done_timeout), dialogue_say_over, NULL, 0 },
	[STEP_IDLE] = { STAGE_IDLE, true, 0, NULL, NULL, DIALOGUE_IDLE },
	[STEP_QUIT] = { STAGE_QUIT, true, LIMIT(quit_timeout), dialogue_say_quit, dialogue_hear_quit, 0 },
	[STEP_UNASKED] = { STAGE_IDLE, true, 0, NULL, dialogue_hear_unasked, DIALOGUE_REPLY },
	[STEP_END] = { STAGE_QUIT, true, 0, NULL, NULL, DIALOGUE_END },
};
