#include "daemon/process/courier_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "courier/courier.h"
#include "daemon/process/process.h"
#include "daemon/process/reins.h"
#include "daemon/sandbox/sandbox.h"
#include "net/loop.h"

/* The supervisor sends nothing to a courier. */
static void heard(void *arg, const struct reins_message *message)
{
	(void)arg;
	if (message->fd >= 0)
		close(message->fd);
}

static void ended(void *arg)
{
	loop_stop(arg);
}

static void tell_sandbox(struct reins *reins, unsigned slot, const char *state)
{
	struct reins_message message = { .kind = REINS_SANDBOX, .slot = slot, .pid = getpid(), .fd = -1 };

	snprintf(message.text, sizeof(message.text), "%s", state);
	reins_send(reins, &message);
}

/* All that needs files is open when the sandbox closes. */
static int run(struct loop *loop, const struct settings *settings, unsigned slot)
{
	struct reins *reins = reins_new(loop, PROCESS_REINS, heard, ended, loop);
	char *why = NULL, *state = NULL;
	struct courier *courier = courier_new(loop, settings, PROCESS_LINK, &why);
	int code = EX_OK;
	bool quiet;

	if (!courier) {
		log_line(LOG_LEVEL_ERROR, "courier", NULL, "cannot start: %s", why);
		code = EX_TEMPFAIL;
	} else if (!sandbox_enter(SANDBOX_COURIER, settings, &state)) {
		log_line(LOG_LEVEL_ERROR, "courier", NULL, "sandbox = require, but: %s", state);
		code = EX_CONFIG;
	} else {
		tell_sandbox(reins, slot, state);
		courier_start(courier);
		loop_run(loop);
	}
	quiet = courier_free(courier);
	reins_free(reins);
	free(why);
	free(state);
	if (quiet)
		return code;
	log_flush();
	_exit(code);
}

int courier_process(struct settings *settings, unsigned slot)
{
	struct loop *loop = loop_new();
	int code;

	process_keep_memory();
	code = run(loop, settings, slot);

	loop_free(loop);
	log_flush();
	settings_free(settings);
	return code;
}
