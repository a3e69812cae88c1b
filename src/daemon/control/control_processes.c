#include "daemon/control/control_processes.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

struct courier_shown {
	struct list node;
	unsigned slot;
	pid_t pid;
	char *sandbox;
};

struct control_processes {
	struct list couriers;
	char *own;
	size_t failures;
};

struct control_processes *control_processes_new(void)
{
	struct control_processes *p = mem_alloc(sizeof(*p));

	list_init(&p->couriers);
	return p;
}

static void drop(struct courier_shown *c)
{
	list_remove(&c->node);
	free(c->sandbox);
	free(c);
}

void control_processes_free(struct control_processes *p)
{
	LIST_EACH(node, &p->couriers)
		drop(LIST_OF(node, struct courier_shown, node));
	free(p->own);
	free(p);
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = mem_str(with);
}

void control_processes_own(struct control_processes *p, const char *sandbox)
{
	replace(&p->own, sandbox);
}

static struct courier_shown *find(struct control_processes *p, pid_t pid)
{
	LIST_EACH(node, &p->couriers) {
		struct courier_shown *c = LIST_OF(node, struct courier_shown, node);

		if (c->pid == pid)
			return c;
	}
	return NULL;
}

void control_processes_courier(struct control_processes *p, unsigned slot, pid_t pid, const char *sandbox)
{
	struct courier_shown *c = find(p, pid);

	if (!c) {
		c = mem_alloc(sizeof(*c));
		c->slot = slot;
		c->pid = pid;
		list_append(&p->couriers, &c->node);
	}
	if (sandbox)
		replace(&c->sandbox, sandbox);
}

void control_processes_gone(struct control_processes *p, pid_t pid, int status)
{
	struct courier_shown *c = find(p, pid);

	p->failures += status != 0;
	if (c)
		drop(c);
}

size_t control_processes_failures(const struct control_processes *p)
{
	return p->failures;
}

static json_t *process_json(const char *role, unsigned slot, pid_t pid, const char *sandbox)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "role", json_string(role));
	json_object_set_new(o, "slot", json_integer(slot));
	json_object_set_new(o, "pid", json_integer(pid));
	json_object_set_new(o, "sandbox", sandbox ? json_clean(sandbox) : json_null());
	return o;
}

json_t *control_processes_json(const struct control_processes *p)
{
	json_t *all = mem_check(json_array());

	json_array_append_new(all, process_json("supervisor", 0, getppid(), "none"));
	json_array_append_new(all, process_json("queue", 0, getpid(), p->own));
	LIST_EACH(node, &p->couriers) {
		const struct courier_shown *c = LIST_OF(node, struct courier_shown, node);

		json_array_append_new(all, process_json("courier", c->slot, c->pid, c->sandbox));
	}
	return all;
}
