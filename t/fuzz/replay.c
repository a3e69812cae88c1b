/* Stands in for libFuzzer's main: gives a fuzz target each file of its corpus once. */
#include "fuzz.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *read_all(FILE *f, size_t *size)
{
	uint8_t *data = NULL;
	size_t room = 0, n;

	*size = 0;
	do {
		if (*size == room) {
			room = room ? room * 2 : 4096;
			data = realloc(data, room);
			if (!data)
				abort();
		}
		n = fread(data + *size, 1, room - *size, f);
		*size += n;
	} while (n > 0);
	return data;
}

/* The input goes to a block of exactly its size, so that a sanitizer sees one byte too far. */
static int replay(const char *path)
{
	size_t size;
	uint8_t *data, *exact;
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return 1;
	}
	data = read_all(f, &size);
	fclose(f);
	exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	memcpy(exact, data, size);
	free(data);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

static int replay_corpus(const char *name, unsigned *passed)
{
	const char *top = getenv("srcdir");
	char folder[PATH_MAX / 2], path[PATH_MAX];
	struct dirent *e;
	int failed = 0;
	DIR *d;

	snprintf(folder, sizeof folder, "%s/t/fuzz/corpus/%s", top ? top : ".", name);
	d = opendir(folder);
	if (!d) {
		perror(folder);
		return 1;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (replay(path))
			failed++;
		else
			++*passed;
	}
	closedir(d);
	return failed;
}

int main(int argc, char **argv)
{
	unsigned passed = 0;
	int i, failed = 0;

	for (i = 1; i < argc; i++) {
		if (replay(argv[i]))
			failed++;
		else
			passed++;
	}
	if (argc == 1)
		failed = replay_corpus(basename(argv[0]), &passed);
	printf("%u passed, %d failed\n", passed, failed);
	return failed || !passed;
}
