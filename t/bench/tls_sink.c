/*
 * A server for t/bench/tls: takes mail by SMTP or LMTP with STARTTLS and throws it away, at as little cost as
 * it can, a thread for each connection.
 *
 * usage: tls_sink PORT CHAIN KEY
 *
 * On SIGTERM it prints how many messages, connections and resumed TLS sessions there were, and ends.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 64 * 1024, OUTPUT = 64 * 1024, BACKLOG = 1024, STACK = 256 * 1024 };

static SSL_CTX *context;
static atomic_ulong messages, connections, resumed;

struct peer {
	int fd;
	SSL *tls;                    /* NULL: in clear */
	bool content, starts, over;
	unsigned recipients;         /* of this transaction, which LMTP has a reply for each */
	bool lmtp;
	size_t have, said;
	char input[INPUT], output[OUTPUT];
};

static void say(struct peer *p, const char *reply)
{
	size_t n = strlen(reply);

	if (p->said + n > OUTPUT) {
		p->over = true;
		return;
	}
	memcpy(p->output + p->said, reply, n);
	p->said += n;
}

static void flush(struct peer *p)
{
	size_t n = p->said;

	p->said = 0;
	if (n > 0 && (p->tls ? SSL_write(p->tls, p->output, (int)n)
		: send(p->fd, p->output, n, MSG_NOSIGNAL)) <= 0)
		p->over = true;
}

static void end_content(struct peer *p)
{
	for (unsigned i = 0; i < (p->lmtp ? p->recipients : 1); i++)
		say(p, "250 2.0.0 Ok\r\n");
	p->content = false;
	p->recipients = 0;
	messages++;
}

static void greet(struct peer *p, bool lmtp)
{
	p->lmtp = lmtp;
	say(p, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n");
	say(p, p->tls ? "250 ENHANCEDSTATUSCODES\r\n" : "250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n");
}

static void obey(struct peer *p, const char *command)
{
	if (strncasecmp(command, "EHLO", 4) == 0 || strncasecmp(command, "LHLO", 4) == 0) {
		greet(p, *command == 'L' || *command == 'l');
	} else if (strncasecmp(command, "STARTTLS", 8) == 0) {
		say(p, "220 2.0.0 Go\r\n");
		p->starts = true;
	} else if (strncasecmp(command, "DATA", 4) == 0) {
		say(p, "354 Go\r\n");
		p->content = true;
	} else if (strncasecmp(command, "QUIT", 4) == 0) {
		say(p, "221 2.0.0 Bye\r\n");
		p->over = true;
	} else {
		p->recipients += strncasecmp(command, "RCPT", 4) == 0;
		say(p, "250 2.0.0 Ok\r\n");
	}
}

/* All whole lines; what is left of the last one goes to the front. */
static void take_lines(struct peer *p)
{
	char *at = p->input, *end = p->input + p->have, *lf;

	while (!p->starts && (lf = memchr(at, '\n', (size_t)(end - at)))) {
		if (!p->content)
			obey(p, at);
		else if (lf - at == 2 && at[0] == '.')
			end_content(p);
		at = lf + 1;
	}
	p->have = (size_t)(end - at);
	p->over = p->over || p->have == INPUT;
	memmove(p->input, at, p->have);
}

static bool begin_tls(struct peer *p)
{
	p->starts = false;
	p->have = 0;
	p->tls = SSL_new(context);
	SSL_set_fd(p->tls, p->fd);
	if (SSL_accept(p->tls) != 1)
		return false;
	resumed += (unsigned)SSL_session_reused(p->tls);
	return true;
}

/* The kernel would keep an acknowledgement back for 40 ms, for which a client without TCP_NODELAY waits: that
 * is not what is to be measured. The option lasts until something is sent. */
static void answer_at_once(const struct peer *p)
{
	int on = 1;

	setsockopt(p->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void converse(struct peer *p)
{
	say(p, "220 sink.test ESMTP\r\n");
	do {
		long n;

		flush(p);
		if (p->starts && !begin_tls(p))
			return;
		n = p->tls ? SSL_read(p->tls, p->input + p->have, (int)(INPUT - p->have))
			: recv(p->fd, p->input + p->have, INPUT - p->have, 0);
		if (n <= 0)
			return;
		answer_at_once(p);
		p->have += (size_t)n;
		take_lines(p);
	} while (!p->over);
	flush(p);
}

static void *serve(void *arg)
{
	struct peer *p = arg;

	converse(p);
	if (p->tls)
		SSL_shutdown(p->tls);
	SSL_free(p->tls);
	close(p->fd);
	free(p);
	return NULL;
}

static void begin_thread(int fd)
{
	struct peer *p = malloc(sizeof *p);
	pthread_attr_t attributes;
	pthread_t thread;
	int on = 1;

	if (!p)
		abort();
	/* all but the buffers, of which only what was filled is read */
	memset(p, 0, offsetof(struct peer, input));
	p->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK);
	if (pthread_create(&thread, &attributes, serve, p) != 0)
		abort();
	pthread_attr_destroy(&attributes);
	connections++;
}

static int open_port(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, BACKLOG) != 0) {
		perror("tls_sink");
		exit(1);
	}
	return fd;
}

static void open_context(const char *chain, const char *key)
{
	context = SSL_CTX_new(TLS_server_method());
	if (!context || SSL_CTX_use_certificate_chain_file(context, chain) != 1
			|| SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
}

static void *accept_all(void *arg)
{
	int *port = arg, fd;

	while ((fd = accept(*port, NULL, NULL)) >= 0)
		begin_thread(fd);
	perror("tls_sink");
	exit(1);
}

int main(int argc, char **argv)
{
	sigset_t end;
	pthread_t thread;
	int port, which;

	if (argc != 4) {
		fprintf(stderr, "usage: tls_sink PORT CHAIN KEY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	open_context(argv[2], argv[3]);
	port = open_port(argv[1]);
	if (pthread_create(&thread, NULL, accept_all, &port) != 0)
		abort();
	sigwait(&end, &which);
	printf("%lu messages, %lu connections, %lu resumed\n", messages, connections, resumed);
	return 0;
}
