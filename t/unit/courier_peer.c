#include "courier_peer.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/endpoint.h"

static void say(FILE *f, const char *line)
{
	fprintf(f, "%s\r\n", line);
	fflush(f);
}

static bool command(FILE *in, char *line, size_t size)
{
	return fgets(line, (int)size, in);
}

static void keep_content(struct peer *p, FILE *in)
{
	char line[4096];
	size_t n, total = 0;

	while (fgets(line, sizeof line, in)) {
		n = strlen(line);
		if (strcmp(line, ".\r\n") == 0)
			break;
		if (total + n < sizeof p->last_content) {
			memcpy(p->last_content + total, line, n);
			total += n;
		}
	}
	p->last_content[total] = '\0';
	p->last_size = total;
}

static const char *rcpt_reply(const char *word, int number)
{
	if (strcmp(word, "rcpt450") == 0)
		return "450 4.2.1 not now";
	if (strcmp(word, "rcpt550") == 0 || (strcmp(word, "mixed") == 0 && number == 2))
		return "550 5.1.1 no such user";
	return "250 2.1.5 ok";
}

static const char *final_reply(const char *word, int number)
{
	if (strcmp(word, "dot451") == 0)
		return "451 4.3.0 try later";
	if (strcmp(word, "mixed") == 0 && number == 2)
		return "452 4.2.2 mailbox full";
	return "250 2.0.0 saved";
}

/* One message; false: the connection is over. */
static bool serve(struct peer *p, FILE *in, FILE *out, const char *word)
{
	char line[4096];
	int rcpts = 0, accepted = 0;

	for (;;) {
		if (!command(in, line, sizeof line) || strcmp(word, "die") == 0)
			return false;
		if (strncmp(line, "QUIT", 4) == 0) {
			say(out, "221 2.0.0 bye");
			return false;
		}
		if (strncmp(line, "RCPT", 4) == 0) {
			say(out, rcpt_reply(word, ++rcpts));
			accepted += rcpt_reply(word, rcpts)[0] == '2';
		} else if (strncmp(line, "DATA", 4) == 0 && accepted == 0) {
			say(out, "503 5.5.1 nobody");
			return true;
		} else if (strncmp(line, "DATA", 4) == 0) {
			say(out, "354 go");
			break;
		} else {
			say(out, line[0] == 'L' ? "250-peer\r\n250 PIPELINING" : "250 2.0.0 ok");
		}
	}
	keep_content(p, in);
	p->messages++;
	if (strcmp(word, "mute") == 0)
		return false;
	for (int i = 1; i <= accepted; i++) {
		say(out, final_reply(word, i));
		if (strcmp(word, "partial") == 0)
			return false;
	}
	return true;
}

static void converse(struct peer *p, int fd, const char *words)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char copy[200], *at = copy, *word;
	bool on = true;

	snprintf(copy, sizeof copy, "%s", words);
	if (strcmp(words, "refuse") == 0)
		say(out, "421 4.3.2 too many");
	else if (strcmp(words, "nogreeting") != 0 && strcmp(words, "wait") != 0)
		say(out, "220 peer LMTP");
	while (on && (word = strsep(&at, " "))) {
		if (strcmp(word, "bye") == 0) {
			sem_wait(&p->bye);
			say(out, "421 4.4.2 idle too long");
			on = false;
		} else if (strcmp(word, "wait") == 0) {
			sem_wait(&p->bye);
			on = false;
		} else if (strcmp(word, "nogreeting") == 0 || strcmp(word, "refuse") == 0) {
			on = false;
		} else {
			on = serve(p, in, out, word);
		}
	}
	while (on && serve(p, in, out, "ok"))
		;
	fclose(in);
	fclose(out);
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;

	for (int i = 0; p->script[i]; i++) {
		int fd = accept(p->listener, NULL, NULL);

		if (fd < 0)
			break;
		p->connections++;
		converse(p, fd, p->script[i]);
	}
	close(p->listener);
	return NULL;
}

void peer_start(struct peer *p, const char *const *script, bool inet)
{
	struct endpoint at;

	p->script = script;
	sem_init(&p->bye, 0, 0);
	snprintf(p->path, sizeof p->path, "/tmp/causeway-courier.%ld", (long)getpid());
	unlink(p->path);
	ck_assert(inet ? endpoint_inet(&at, "0.0.0.0", 0) : endpoint_unix(&at, p->path));
	p->listener = socket(at.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(p->listener, &at.at.any, at.size), 0);
	ck_assert_int_eq(listen(p->listener, 10), 0);
	if (inet)
		ck_assert_int_eq(getsockname(p->listener, &at.at.any, &at.size), 0);
	p->port = endpoint_port(&at);
	ck_assert_int_eq(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

void peer_stop(struct peer *p)
{
	if (!p->thread)
		return;
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	unlink(p->path);
}
