#include "link/marks.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct marks {
	unsigned char *page;
	uint32_t slots;
};

struct marks *marks_map(uint32_t slots, int fd)
{
	struct marks *m;
	struct stat st;
	void *page;

	if (fstat(fd, &st) < 0 || st.st_size != (off_t)slots)
		return NULL;
	page = mmap(NULL, slots, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return NULL;
	m = mem_alloc(sizeof *m);
	*m = (struct marks){ page, slots };
	return m;
}

struct marks *marks_make(uint32_t slots, int *fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct marks *m = NULL;
	int error;

	*fd = memfd_create("dot-marks", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return NULL;
	if (ftruncate(*fd, slots) == 0 && fcntl(*fd, F_ADD_SEALS, seals) == 0)
		m = marks_map(slots, *fd);
	if (!m) {
		error = errno;
		close(*fd);
		*fd = -1;
		errno = error;
	}
	return m;
}

void marks_free(struct marks *m)
{
	if (!m)
		return;
	munmap(m->page, m->slots);
	free(m);
}

void marks_put(struct marks *m, uint32_t slot, bool on)
{
	assert(slot < m->slots);
	__atomic_store_n(&m->page[slot], on, __ATOMIC_RELEASE);
}

bool marks_get(const struct marks *m, uint32_t slot)
{
	assert(slot < m->slots);
	return __atomic_load_n(&m->page[slot], __ATOMIC_ACQUIRE) != 0;
}
