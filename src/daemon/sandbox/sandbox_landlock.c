#include "daemon/sandbox/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights by number of bits, and their first ABI. */
enum {
	FS_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,        /* ABI 2 */
	FS_TRUNCATE = 1 << 14,     /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15,    /* ABI 5 */
	FS_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	FS_OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE,
	NET_BIND = 1 << 0,         /* ABI 4 */
	NET_CONNECT = 1 << 1,
	SCOPE_ALL = 3,             /* ABI 6: abstract UNIX sockets and signals of others */
	RULE_NET_PORT = 2,
};

/* struct landlock_ruleset_attr as of ABI 6; older kernels take its beginning. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* struct landlock_net_port_attr */
struct net_port {
	uint64_t allowed, port;
};

int landlock_abi(void)
{
	long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static struct ruleset handled(int abi, const struct landlock_rules *rules)
{
	struct ruleset r = { .fs = FS_ABI_1 };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = rules->connect ? NET_BIND : NET_BIND | NET_CONNECT;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

static size_t ruleset_size(int abi)
{
	return abi >= 6 ? sizeof(struct ruleset) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static bool allow_path(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	struct stat st;
	bool done;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return false;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_OF_FILES;
	done = syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return done;
}

static bool allow_port_0(int ruleset)
{
	struct net_port rule = { .allowed = NET_BIND, .port = 0 };

	return syscall(__NR_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0;
}

/* What may be written may have all rights: only then a check of a move ends at that directory and not at the
 * root, and a move is what each message costs. Programs are refused by seccomp. */
static bool add_rules(int ruleset, const struct ruleset *can, const struct landlock_rules *rules)
{
	for (size_t i = 0; i < rules->readable_count; i++)
		if (!allow_path(ruleset, rules->readable[i], FS_READ) && errno != ENOENT)
			return false;
	for (size_t i = 0; i < rules->writable_count; i++)
		if (!allow_path(ruleset, rules->writable[i], can->fs))
			return false;
	return !rules->connect || !can->net || allow_port_0(ruleset);
}

const char *landlock_enter(int abi, const struct landlock_rules *rules)
{
	struct ruleset can = handled(abi, rules);
	const char *why = NULL;
	int ruleset;

	if (abi < 1)
		return "this kernel has no Landlock";
	if (rules->renames && abi < 2)
		return "this kernel's Landlock forbids all moves between directories";
	ruleset = (int)syscall(__NR_landlock_create_ruleset, &can, ruleset_size(abi), 0);
	if (ruleset < 0)
		return strerror(errno);
	if (!add_rules(ruleset, &can, rules) || syscall(__NR_landlock_restrict_self, ruleset, 0) != 0)
		why = strerror(errno);
	close(ruleset);
	return why;
}
