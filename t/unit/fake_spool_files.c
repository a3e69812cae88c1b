#include "fake_spool_files.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"

struct fake_spool_next fake_spool_next;
unsigned fake_spool_loads;

static struct idmap *files;

struct fake_file *fake_file(uint64_t id)
{
	return files ? idmap_get(files, id) : NULL;
}

struct fake_file *fake_file_next(size_t *cursor)
{
	return files ? idmap_next(files, cursor) : NULL;
}

struct fake_file *fake_file_new(uint64_t id, const char *bytes, size_t n, uint64_t content_at)
{
	struct fake_file *f = mem_alloc(sizeof *f);

	if (!files)
		files = idmap_new();
	f->id = id;
	f->bytes = mem_strn(bytes, n);
	f->n = n;
	f->content_at = content_at;
	idmap_put(files, id, f);
	return f;
}

void fake_spool_lose(uint64_t id)
{
	struct fake_file *f = idmap_take(files, id);

	free(f->bytes);
	free(f->drop_name);
	free(f);
}

/* --- reading --- */

static struct envelope *parse(const struct fake_file *f)
{
	struct envelope *e = envelope_new();
	struct text from = text_make(f->bytes, (size_t)f->content_at), line;
	const char *why = NULL;

	while (text_until(&from, '\n', &line)) {
		line.n--;
		if (text_starts_nocase(line, "MAIL"))
			assert(envelope_mail(e, text_make(line.p + 4, line.n - 4), &why));
		else if (text_starts_nocase(line, "RCPT"))
			assert(envelope_rcpt(e, text_make(line.p + 4, line.n - 4), FAKE_FILE_RCPTS_MAX, &why));
	}
	return e;
}

int fake_file_open(const struct fake_file *f)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	assert(write(fd, f->bytes, f->n) == (ssize_t)f->n);
	return fd;
}

struct spool_message *fake_file_message(struct fake_file *f)
{
	struct spool_message *m = mem_alloc(sizeof *m);

	m->id = f->id;
	m->envelope = parse(f);
	f->count = m->envelope->count;
	m->content_at = f->content_at;
	m->content_size = f->n - f->content_at;
	m->arrived = f->arrived;
	m->uid = 1000;
	m->hops = f->hops;
	m->message_id = mem_str("<fake@test>");
	m->drop_name = f->drop_name;
	m->unwritten = f->unwritten;
	m->fd = fake_file_open(f);
	fake_spool_loads++;
	return m;
}

/* --- for tests --- */

uint64_t fake_spool_drop(struct spool *s, const char *sender, const char *const *rcpts, size_t count,
                         const char *content)
{
	const struct fake_spool_next *n = &fake_spool_next;
	struct buf b;
	struct fake_file *f;
	size_t content_at;

	buf_init(&b, 64 * 1024 * 1024);
	buf_fmt(&b, "MAIL FROM:<%s>%s%s\r\n", sender, n->mail_params ? " " : "", n->mail_params
	        ? n->mail_params : "");
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "RCPT TO:<%s>%s%s\r\n", rcpts[i], n->rcpt_params ? " " : "", n->rcpt_params
		        ? n->rcpt_params : "");
	buf_str(&b, "DATA\r\n");
	content_at = b.len;
	buf_fmt(&b, "%s.\r\n", content);
	f = fake_file_new(spool_new_id(s), b.data, b.len, content_at);
	f->hops = n->hops;
	f->drop_name = mem_str(n->drop_name);
	f->count = count;
	f->unwritten = n->unwritten && fake_spool_keeps;
	buf_free(&b);
	fake_spool_arrive(s, f, n->age);
	return f->id;
}

size_t fake_spool_count(void)
{
	return files ? idmap_count(files) : 0;
}

const char *fake_spool_file(uint64_t id)
{
	const struct fake_file *f = fake_file(id);

	return f ? f->bytes : NULL;
}
