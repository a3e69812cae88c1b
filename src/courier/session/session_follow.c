/* A job whose commands go out behind the content of the one before (pipeline_transactions). */
#include "courier/session/session_private.h"

#include <assert.h>
#include <stddef.h>

bool session_let_follow(struct session *s)
{
	bool free = !s->next_events && !s->passed_events;

	if (free && s->events->may_follow && dialogue_may_follow(s->dialogue) && session_lasts(s))
		s->events->may_follow(s->arg);
	return free && s->next_events;
}

void session_offer(struct session *s)
{
	if (session_let_follow(s))
		session_pump(s);
}

void session_follow(struct session *s, const struct session_job *job, const struct session_events *events,
	void *arg)
{
	assert(!s->next_events);
	s->next_job = *job;
	s->next_events = events;
	s->next_arg = arg;
	dialogue_begin(s->dialogue, &s->next_job.transaction);
}

/* The session ends with the job before. */
static void give_back(struct session *s)
{
	const struct session_events *events = s->next_events;

	s->next_events = NULL;
	events->returned(s->next_arg);
}

bool session_pass_on(struct session *s)
{
	if (!s->next_events)
		return false;
	if (!dialogue_passed(s->dialogue)) {
		if (!dialogue_follows(s->dialogue))
			give_back(s);
		return false;
	}
	s->passed_events = s->events;
	s->passed_arg = s->arg;
	s->events = s->next_events;
	s->arg = s->next_arg;
	s->job = s->next_job;
	s->next_events = NULL;
	s->uses++;
	s->mail_at = loop_micros();
	loop_later(s->common->loop, &s->pass);
	return true;
}

void session_tell_passed(void *session)
{
	struct session *s = session;
	const struct session_events *events = s->passed_events;

	s->passed_events = NULL;
	events->passed(s->passed_arg);
	/* its content may be out already, which was too early for the next one to follow */
	session_offer(s);
}
