/*
 * What the files of a setup are, so that what was trusted by them can be told from what others of the same
 * name would say: name, place, size and times of each. A file that was touched but not changed costs a
 * handshake, no more.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "net/tls_private.h"

static void add_file(EVP_MD_CTX *md, const char *path)
{
	struct stat st;
	uint64_t facts[6] = { 0 };

	if (stat(path, &st) == 0) {
		const uint64_t found[] = { st.st_dev, st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
			(uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec };

		memcpy(facts, found, sizeof facts);
	}
	EVP_DigestUpdate(md, path, strlen(path) + 1);
	EVP_DigestUpdate(md, facts, sizeof facts);
}

static void add_list(EVP_MD_CTX *md, const char *files)
{
	struct text rest = text_of(files), element;

	while (text_list_next(&rest, &element)) {
		char *file = mem_strn(element.p, element.n);

		add_file(md, file);
		free(file);
	}
}

/* Its entries lead elsewhere: what stands behind each counts. */
static void add_directory(EVP_MD_CTX *md, const char *path)
{
	struct dirent **entries = NULL;
	int count = *path ? scandir(path, &entries, NULL, alphasort) : 0;

	for (int i = 0; i < count; i++) {
		char *file = mem_fmt("%s/%s", path, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.')
			add_file(md, file);
		free(file);
		free(entries[i]);
	}
	free(entries);
}

/* OpenSSL's own places may be others by the environment. */
static const char *in_force(const char *variable, const char *place)
{
	const char *other = secure_getenv(variable);

	return other ? other : place;
}

void tls_files_digest(const struct tls_setup *s, unsigned char out[TLS_DIGEST_SIZE])
{
	const char *const lists[] = { s->chain_files, s->cert_file, s->eccert_file, s->dcert_file, s->ca_file };
	EVP_MD_CTX *md = mem_check(EVP_MD_CTX_new());

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		add_list(md, lists[i]);
		EVP_DigestUpdate(md, "", 1);
	}
	add_directory(md, s->ca_path);
	if (s->append_default_ca) {
		add_file(md, in_force(X509_get_default_cert_file_env(), X509_get_default_cert_file()));
		add_directory(md, in_force(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()));
	}
	EVP_DigestFinal_ex(md, out, NULL);
	EVP_MD_CTX_free(md);
}
