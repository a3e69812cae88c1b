#include "tool/ctl_print.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tool/ctl_units.h"

const char *ctl_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int64_t ctl_number(const json_t *object, const char *name)
{
	return (int64_t)json_number_value(json_object_get(object, name));
}

void ctl_put(FILE *out, const char *text, int width)
{
	char *clean = text_cleaned(text, strlen(text));

	fprintf(out, "%-*s", width, clean);
	free(clean);
}

/* --- status ----------------------------------------------------------------------------------- */

static void print_queue(FILE *out, const json_t *status)
{
	static const char *const states[] = { "active", "deferred", "held", "incoming" };
	const json_t *queue = json_object_get(status, "queue");
	int64_t total = ctl_number(queue, "total");
	char age[CTL_UNIT_SIZE];

	fprintf(out, "queue        %lld message%s", (long long)total, text_plural((uint64_t)total));
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		fprintf(out, "%s %lld %s", i ? "," : ":", (long long)ctl_number(queue, states[i]),
			states[i]);
	if (total)
		fprintf(out, "; the oldest is %s old", ctl_age(ctl_number(status, "oldest_seconds"), age));
	fputc('\n', out);
}

static void print_spool(FILE *out, const json_t *status)
{
	const json_t *spool = json_object_get(status, "spool");
	const json_t *sums = json_object_get(status, "deliveries");
	int64_t taken = ctl_number(spool, "files_taken");
	bool stopped = json_is_true(json_object_get(spool, "intake_stopped"));
	char size[CTL_UNIT_SIZE];

	fprintf(out, "deliveries   since the start: %lld sent, %lld deferred, %lld bounced\n",
		(long long)ctl_number(sums, "sent"), (long long)ctl_number(sums, "deferred"),
		(long long)ctl_number(sums, "bounced"));
	fprintf(out, "spool        %s; since the start: %lld file%s taken, %lld refused; free %s\n",
		stopped ? "INTAKE IS STOPPED until there is more free space" : "takes mail in",
		(long long)taken, text_plural((uint64_t)taken), (long long)ctl_number(spool, "files_refused"),
		ctl_size(ctl_number(spool, "free_bytes"), size));
}

/* The queue's knowledge of a courier, or NULL. */
static const json_t *find_courier(const json_t *status, int64_t pid)
{
	const json_t *couriers = json_object_get(status, "couriers"), *courier;
	size_t i;

	json_array_foreach(couriers, i, courier)
		if (ctl_number(courier, "pid") == pid)
			return courier;
	return NULL;
}

static void print_process(FILE *out, const json_t *status, const json_t *process)
{
	int64_t pid = ctl_number(process, "pid");
	const json_t *courier = find_courier(status, pid);
	const char *sandbox = ctl_text(process, "sandbox");

	ctl_put(out, ctl_text(process, "role"), 13);
	fprintf(out, "pid %-8lld sandbox ", (long long)pid);
	ctl_put(out, *sandbox ? sandbox : "not told yet", 0);
	if (courier)
		fprintf(out, ", %lld in flight%s", (long long)ctl_number(courier, "in_flight"),
			json_is_true(json_object_get(courier, "retiring")) ? ", ends soon" : "");
	fputc('\n', out);
}

void ctl_print_status(FILE *out, const json_t *status)
{
	const json_t *process;
	char age[CTL_UNIT_SIZE];
	size_t i;

	fprintf(out, "causeway     ");
	ctl_put(out, ctl_text(status, "version"), 0);
	fprintf(out, ", uptime %s\n", ctl_age(ctl_number(status, "uptime"), age));
	if (*ctl_text(status, "reason")) {
		fputs("TROUBLE      ", out);
		ctl_put(out, ctl_text(status, "reason"), 0);
		fputc('\n', out);
	}
	print_queue(out, status);
	print_spool(out, status);
	json_array_foreach(json_object_get(status, "processes"), i, process)
		print_process(out, status, process);
}

/* --- destinations ----------------------------------------------------------------------------- */

/* A line, if there is something to say. */
static void print_said(FILE *out, const json_t *d, const char *label, const char *name)
{
	const char *text = ctl_text(d, name);

	if (!*text)
		return;
	fprintf(out, "    %s", label);
	ctl_put(out, text, 0);
	fputc('\n', out);
}

void ctl_print_destination(FILE *out, const json_t *d)
{
	const json_t *probe = json_object_get(d, "next_probe_seconds");
	int64_t connections = ctl_number(d, "connections"), waiting = ctl_number(d, "waiting");
	char age[CTL_UNIT_SIZE];

	ctl_put(out, ctl_text(d, "transport"), 0);
	fputc(':', out);
	ctl_put(out, ctl_text(d, "nexthop"), 0);
	fputs("\n    ", out);
	ctl_put(out, ctl_text(d, "state"), 0);
	if (json_is_number(probe))
		fprintf(out, ", tried again within %s", ctl_age((int64_t)json_number_value(probe), age));
	fprintf(out, "; %lld connection%s (%lld busy, %lld idle), may use %lld now, %lld at most\n",
		(long long)connections, text_plural((uint64_t)connections), (long long)ctl_number(d, "busy"),
		(long long)ctl_number(d, "idle"), (long long)ctl_number(d, "window"),
		(long long)ctl_number(d, "limit"));
	fprintf(out, "    %lld %s in memory, %lld on the disk; %lld sent in the last minute\n",
		(long long)waiting, waiting == 1 ? "waits" : "wait", (long long)ctl_number(d, "parked"),
		(long long)ctl_number(d, "sent_last_minute"));
	fprintf(out, "    since the start: %lld sent, %lld deferred, %lld bounced\n",
		(long long)ctl_number(d, "sent"), (long long)ctl_number(d, "deferred"),
		(long long)ctl_number(d, "bounced"));
	if (json_number_value(json_object_get(d, "rate_delay_seconds")) > 0)
		fprintf(out, "    one message each %g s\n",
			json_number_value(json_object_get(d, "rate_delay_seconds")));
	print_said(out, d, "TLS: ", "tls");
	print_said(out, d, "last error: ", "last_error");
	print_said(out, d, "", "note");
}

void ctl_print_destinations(FILE *out, const json_t *list)
{
	const json_t *destination;
	size_t i;

	json_array_foreach(list, i, destination)
		ctl_print_destination(out, destination);
}

/* --- the rest --------------------------------------------------------------------------------- */

void ctl_print_config(FILE *out, const json_t *values)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)values, name, value) {
		ctl_put(out, name, 0);
		fputs(" = ", out);
		ctl_put(out, json_is_string(value) ? json_string_value(value) : "", 0);
		fputc('\n', out);
	}
}

/* Why an order does not fit all messages that it names. */
static const char *misfit(const char *verb)
{
	static const struct { const char *verb, *why; } known[] = {
		{ "retry", "what is held has to be released first" }, { "hold", "the others are held already" },
		{ "release", "the others are not held" }, { "delete", "the others go already" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(verb, known[i].verb, strlen(known[i].verb)) == 0)
			return known[i].why;
	return "it does not fit the others";
}

void ctl_print_count(FILE *out, const json_t *answer, const char *target, bool dry_run)
{
	int64_t count = ctl_number(answer, "messages"), found = ctl_number(answer, "found");
	bool all = found <= count;
	const char *verb = target + 1;

	fprintf(out, "%.*s: %lld", (int)strcspn(verb, "?"), verb, (long long)count);
	if (!all)
		fprintf(out, " of %lld", (long long)found);
	fprintf(out, " message%s%s", text_plural((uint64_t)(all ? count : found)),
		dry_run ? " would be concerned; nothing was done" : "");
	fprintf(out, all ? "\n" : " (%s)\n", misfit(verb));
}
