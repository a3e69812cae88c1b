/* libsasl2 itself: its plug-ins, memory, log and locks, once for the process. */
#include "talk/auth.h"

#include <pthread.h>
#include <sasl/sasl.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/secret.h"
#include "talk/auth_private.h"

static void *secret_calloc(size_t count, size_t size)
{
	return calloc(count, size);
}

int auth_log_nothing(void *arg, int level, const char *message)
{
	(void)arg;
	(void)level;
	(void)message;
	return SASL_OK;
}

/* Without locks of ours its own do nothing, and what some mechanisms remember (DIGEST-MD5) is shared by all
 * logins, which may begin in threads. */
static void *lock_new(void)
{
	pthread_mutex_t *lock = mem_alloc(sizeof *lock);

	pthread_mutex_init(lock, NULL);
	return lock;
}

static int lock_take(void *lock)
{
	return pthread_mutex_lock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static int lock_leave(void *lock)
{
	return pthread_mutex_unlock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static void lock_free(void *lock)
{
	pthread_mutex_destroy(lock);
	free(lock);
}

bool auth_library_open(char **why)
{
	static const sasl_callback_t callbacks[] = {
		{ SASL_CB_LOG, (int (*)(void))(void (*)(void))auth_log_nothing, NULL },
		{ SASL_CB_LIST_END, NULL, NULL },
	};
	int result;

	sasl_set_alloc(malloc, secret_calloc, secret_realloc, secret_free);
	sasl_set_mutex(lock_new, lock_take, lock_leave, lock_free);
	result = sasl_client_init(callbacks);
	if (result != SASL_OK)
		*why = mem_fmt("libsasl2 cannot be used: %s", sasl_errstring(result, NULL, NULL));
	return result == SASL_OK;
}
