#include "spool/journal/clocks.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "spool/disk/io.h"

static void read_boot_id(char boot_id[CLOCKS_BOOT_ID])
{
	int fd = open(CLOCKS_BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd >= 0) {
		io_read(fd, boot_id, CLOCKS_BOOT_ID - 1, &n);
		close(fd);
	}
	boot_id[n] = '\0';
	boot_id[strcspn(boot_id, "\n")] = '\0';
}

void clocks_line(const struct loop *loop, struct journal_line *line, char boot_id[CLOCKS_BOOT_ID])
{
	read_boot_id(boot_id);
	*line = (struct journal_line){ .kind = JOURNAL_TIME, .time = loop_wall(loop), .boot = loop_now(loop),
		.name = text_of(boot_id) };
}
