#include "tool/ctl_listing.h"

#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "tool/ctl_objects.h"
#include "tool/ctl_print.h"

enum { SLICE = 16 * 1024 };

struct listing {
	const struct ctl_arguments *a;
	struct ctl_objects objects;
	uint64_t count, bytes;
};

static void print_message(struct listing *l, const json_t *message)
{
	bool first = l->count++ == 0, mailq = l->a->view == VIEW_MAILQ;

	l->bytes += (uint64_t)ctl_number(message, "size");
	if (first)
		(mailq ? ctl_print_mailq_heading : ctl_print_heading)(stdout);
	if (mailq)
		ctl_print_mailq(stdout, message);
	else
		ctl_print_line(stdout, message, time(NULL));
}

static bool take_object(struct listing *l, struct text object)
{
	const char *ignored;
	json_t *message = json_read(object.p, object.n, &ignored);

	if (!message)
		return false;
	print_message(l, message);
	json_decref(message);
	return true;
}

static bool take_slice(struct listing *l, struct text slice)
{
	struct text object;

	if (l->a->json)
		fwrite(slice.p, 1, slice.n, stdout);
	while (ctl_objects_next(&l->objects, &slice, &object))
		if (!l->a->json && !take_object(l, object))
			return false;
	return !l->objects.bad;
}

static void print_end(const struct listing *l)
{
	if (l->a->view == VIEW_MAILQ)
		ctl_print_mailq_end(stdout, l->count, l->bytes);
	else if (l->count == 0 && isatty(STDOUT_FILENO))
		puts("no messages");
}

int ctl_listing(struct ctl_http *http, const struct ctl_arguments *a, char **why)
{
	struct listing l = { .a = a };
	char bytes[SLICE];
	bool good = true;
	ssize_t n = 0;

	ctl_objects_init(&l.objects);
	while (good && (n = ctl_http_read(http, bytes, sizeof(bytes), why)) > 0)
		good = take_slice(&l, text_make(bytes, (size_t)n));
	if (good && n == 0 && !l.objects.closed)
		*why = mem_str("the listing is not complete: the daemon broke off");
	else if (!good)
		*why = mem_str("the listing cannot be read: it is not what a daemon sends");
	else if (n == 0 && !a->json)
		print_end(&l);
	ctl_objects_free(&l.objects);
	return *why ? EX_UNAVAILABLE : 0;
}
