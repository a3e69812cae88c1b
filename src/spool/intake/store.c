#include "spool/intake/store.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/disk/hook.h"
#include "spool/disk/io.h"
#include "spool/disk/names.h"
#include "spool/disk/part.h"
#include "spool/intake/pass.h"
#include "spool/queuefile/queuefile.h"

static int rename_in_queue(const struct tree *t, const char *from, const char *to, const char *step)
{
	int error = io_rename(t->queue, from, t->queue, to);

	if (!error)
		spool_step(step);
	return error;
}

/* The file is what it should become: only its name changes. Nothing is destroyed, so nothing need be synced
 * but the name: the content is as safe as its producer made it. */
static enum store_result adopt(struct store *s)
{
	char from[NAMES_SIZE], to[NAMES_SIZE];

	if (!s->early)
		s->error = rename_in_queue(s->tree, names_drop(s->id, 0, from), names_message(s->id, to),
			"adopt-renamed");
	s->adopted = !s->error;
	return s->error ? STORE_FAILED : STORE_OK;
}

int store_withdraw(struct store *s)
{
	char from[NAMES_SIZE], to[NAMES_SIZE];
	int error = rename_in_queue(s->tree, names_message(s->id, from), names_drop(s->id, 0, to),
		"claim-withdrawn");

	s->early = error;
	return error;
}

/* New ids, one for each message, in the claim's name. The parts keep the old id in theirs. */
static int claim_several(struct store *s)
{
	char from[NAMES_SIZE], to[NAMES_SIZE];
	uint64_t first = ids_take(s->ids, (unsigned)s->stored);
	int error;

	names_drop(s->id, 0, from);
	error = rename_in_queue(s->tree, from, names_drop(first, (unsigned)s->stored, to), "batch-renamed");
	if (error)
		return error;
	s->id = first;
	s->count = (unsigned)s->stored;
	return 0;
}

/* Before any message exists the claim's name tells for good how many there must be. */
static int announce_several(struct store *s)
{
	int error = s->count == 0 ? claim_several(s) : 0;

	if (!error)
		error = io_sync_directory(s->tree->queue);
	if (!error)
		spool_step("batch-directory-synced");
	return error;
}

/* Part k of the claim with this id becomes its message, if that is not there already. */
static int finish_part(const struct store *s, uint64_t parts_id, unsigned k)
{
	if (!s->have || !s->have[k])
		return part_finish(s->tree, parts_id, k, names_sibling(s->id, k), &part_of_message);
	part_remove(s->tree, parts_id, k);
	return 0;
}

static int finish_parts(struct store *s)
{
	uint64_t parts_id = s->id;
	int error = 0;

	if (s->stored > 1)
		error = announce_several(s);
	else
		/* or it might be found beside the file that it is a copy of */
		error = io_sync_directory(s->tree->queue);
	for (size_t k = 0; k < s->stored && !error; k++)
		error = finish_part(s, parts_id, (unsigned)k);
	for (size_t k = 0; k < s->stored && error; k++)
		part_remove(s->tree, parts_id, (unsigned)k);
	return error;
}

static void forget_messages(struct store *s)
{
	for (size_t i = 0; i < s->stored; i++)
		spool_message_free(s->messages[i]);
	s->stored = 0;
}

/* Gives the messages their ids; those that were there before are not told again. */
static void number_messages(struct store *s)
{
	size_t n = 0;

	for (size_t k = 0; k < s->stored; k++) {
		s->messages[k]->id = names_sibling(s->id, (unsigned)k);
		if (s->have && s->have[k])
			spool_message_free(s->messages[k]);
		else
			s->messages[n++] = s->messages[k];
	}
	s->stored = n;
}

static int open_message(const struct store *s, struct spool_message *m)
{
	m->fd = queuefile_fd(s->tree, m->id);
	return m->fd < 0 ? errno : 0;
}

static enum store_result finish_copy(struct store *s)
{
	if (s->count && s->stored != s->count) {
		pass_remove_parts(s);
		s->reason = mem_fmt("changed after it was found to hold %u messages", s->count);
		return STORE_REFUSED;
	}
	s->error = finish_parts(s);
	if (s->error)
		return STORE_FAILED;
	number_messages(s);
	/* of many only the names are kept: the receiver opens them when it needs them */
	if (s->stored == 1)
		s->error = open_message(s, s->messages[0]);
	return STORE_OK;
}

static enum store_result end(struct store *s, enum store_result result)
{
	if (result != STORE_OK)
		forget_messages(s);
	return result;
}

static int rewind_file(struct store *s, int fd)
{
	s->error = lseek(fd, 0, SEEK_SET) == 0 ? 0 : errno;
	return s->error;
}

/* Whatever else is in the way: the disk may take it, or has the better complaint. */
enum store_result store_unwritten(struct store *s, int fd, char *room)
{
	bool wire_form;

	if (s->count || rewind_file(s, fd) || pass_run(s, fd, PASS_UNWRITTEN, room, &wire_form) != STORE_OK)
		return end(s, STORE_UNFIT);
	number_messages(s);
	s->messages[0]->unwritten = true;
	s->unwritten = true;
	return STORE_OK;
}

enum store_result store_copy(struct store *s, int fd, char *room)
{
	bool wire_form;
	enum store_result result;

	if (rewind_file(s, fd))
		return STORE_FAILED;
	result = pass_run(s, fd, PASS_DISK, room, &wire_form);
	return end(s, result == STORE_OK ? finish_copy(s) : result);
}

enum store_result store_adopt(struct store *s, int fd, char *room)
{
	bool wire_form;
	enum store_result result = pass_run(s, fd, PASS_LOOK, room, &wire_form);

	if (result == STORE_OK && !wire_form)
		return end(s, STORE_UNFIT);
	if (result == STORE_OK)
		result = adopt(s);
	if (result != STORE_OK)
		return end(s, result);
	number_messages(s);
	s->messages[0]->fd = fd;
	return STORE_OK;
}

void store_clear(struct store *s)
{
	forget_messages(s);
	free(s->messages);
	free(s->reason);
	s->messages = NULL;
	s->room = 0;
	s->reason = NULL;
}
