#include "tool/ctl_objects.h"

enum { OBJECT_MAX = 64 * 1024 * 1024, DEPTH_MAX = 100 };

void ctl_objects_init(struct ctl_objects *o)
{
	*o = (struct ctl_objects){ 0 };
	buf_init(&o->object, OBJECT_MAX);
}

void ctl_objects_free(struct ctl_objects *o)
{
	buf_free(&o->object);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Between objects: brackets, commas and blanks. */
static void step_between(struct ctl_objects *o, char c)
{
	if (c == '[' && o->depth == 0 && !o->closed)
		o->depth = 1;
	else if (c == ']' && o->depth == 1)
		o->depth = 0;
	else if (c == '{' && o->depth == 1)
		o->depth = 2;
	else if (!is_blank(c) && (c != ',' || o->depth == 0))
		o->bad = true;
	o->closed = o->closed || c == ']';
}

/* Inside an object. */
static void step_inside(struct ctl_objects *o, char c)
{
	if (o->escaped)
		o->escaped = false;
	else if (o->in_string && c == '\\')
		o->escaped = true;
	else if (c == '"')
		o->in_string = !o->in_string;
	else if (!o->in_string && (c == '{' || c == '['))
		o->depth++;
	else if (!o->in_string && (c == '}' || c == ']'))
		o->depth--;
	o->bad = o->bad || o->depth > DEPTH_MAX;
}

/* Bytes that can be taken without a look at each: inside a string up to a quote or backslash. */
static size_t plain_length(const struct ctl_objects *o, struct text t)
{
	size_t n = 0;

	while (o->in_string && !o->escaped && n < t.n && t.p[n] != '"' && t.p[n] != '\\')
		n++;
	return n;
}

bool ctl_objects_next(struct ctl_objects *o, struct text *from, struct text *object)
{
	if (o->depth < 2)
		buf_clear(&o->object);
	while (from->n && !o->bad) {
		size_t n = plain_length(o, *from);

		if (n == 0) {
			n = 1;
			if (o->depth < 2)
				step_between(o, *from->p);
			else
				step_inside(o, *from->p);
		}
		if (o->depth >= 2 || (o->depth == 1 && o->object.len))
			o->bad = !buf_add(&o->object, from->p, n) || o->bad;
		*from = text_make(from->p + n, from->n - n);
		if (o->depth == 1 && o->object.len && !o->bad) {
			*object = text_make(o->object.data, o->object.len);
			return true;
		}
	}
	return false;
}
