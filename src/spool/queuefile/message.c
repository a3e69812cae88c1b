/* Apart from those who make messages, since a spool of the tests makes its own. */
#include <stdlib.h>
#include <unistd.h>

#include "spool/spool.h"

void spool_message_free(struct spool_message *m)
{
	if (!m)
		return;
	envelope_free(m->envelope);
	free(m->message_id);
	free(m->origin);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}
