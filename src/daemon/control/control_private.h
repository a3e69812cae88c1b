/* What the files of the control share: its state, and who answers which path (control.c has the table). */
#ifndef CAUSEWAY_DAEMON_CONTROL_PRIVATE_H
#define CAUSEWAY_DAEMON_CONTROL_PRIVATE_H

#include "base/list.h"
#include "daemon/control/control.h"
#include "daemon/control/control_question.h"

struct control {
	struct loop *loop;
	struct queue *queue;
	const struct settings *settings;
	struct http_server *operator, *metrics;
	struct control_processes *processes;
	struct list reloads;
	int64_t started;
	void (*reload)(void *arg);
	void *arg;
};

/* Each answers a question, at once or later. */
/* control_state.c */
void control_answer_page(struct question *);
void control_answer_status(struct question *);
void control_answer_destinations(struct question *);
void control_answer_config(struct question *);
void control_answer_metrics(struct question *);
void control_answer_health(struct question *);
/* control_mail.c */
void control_answer_list(struct question *);
void control_answer_show(struct question *);
/* control_act.c */
void control_answer_retry(struct question *);
void control_answer_hold(struct question *);
void control_answer_release(struct question *);
void control_answer_delete(struct question *);
void control_answer_suspend(struct question *);
void control_answer_resume(struct question *);
/* control_explain.c */
void control_answer_explain(struct question *);
/* control_verify.c */
void control_answer_verify(struct question *);

#endif
