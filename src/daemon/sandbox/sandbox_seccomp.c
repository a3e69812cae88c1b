#include "daemon/sandbox/sandbox_seccomp.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#define ARCHITECTURE 0
#endif

enum {
	PROGRAM_MAX = 1024,
	/* newer than the headers may be; these numbers are the same everywhere */
	NR_FCHMODAT2 = 452, NR_SETXATTRAT = 463, NR_REMOVEXATTRAT = 466, NR_OPEN_TREE_ATTR = 467,
	NR_FILE_SETATTR = 469,
};

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short length;
};

/* What neither role ever does. */
static const int never[] = {
	/* by name, which Landlock sees from ABI 3 on only; our own files are cut by descriptor */
	__NR_truncate,
	/* other programs, and the memory of others */
	__NR_execve, __NR_execveat, __NR_ptrace, __NR_kcmp, __NR_personality,
	__NR_process_vm_readv, __NR_process_vm_writev, __NR_process_madvise, __NR_process_mrelease,
	__NR_pidfd_open, __NR_pidfd_getfd, __NR_pidfd_send_signal,
#ifdef __NR_fork
	__NR_fork, __NR_vfork,
#endif
	/* ways around this filter, and parts of the kernel with a history */
	__NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register,
	__NR_bpf, __NR_perf_event_open, __NR_userfaultfd, __NR_add_key, __NR_request_key, __NR_keyctl,
	/* mounts and name spaces */
	__NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_open_tree, NR_OPEN_TREE_ATTR,
	__NR_move_mount, __NR_fsopen, __NR_fsconfig, __NR_fsmount, __NR_fspick, __NR_mount_setattr,
	__NR_setns, __NR_unshare, __NR_open_by_handle_at,
	/* the machine */
	__NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load, __NR_reboot,
	__NR_swapon, __NR_swapoff, __NR_acct, __NR_quotactl, __NR_sethostname, __NR_setdomainname,
	__NR_clock_settime, __NR_settimeofday, __NR_adjtimex, __NR_clock_adjtime,
	/* how others are scheduled */
	__NR_setpriority, __NR_ioprio_set, __NR_migrate_pages, __NR_move_pages,
	__NR_sched_setparam, __NR_sched_setattr,
};

/* What a courier never does besides. */
static const int never_in_courier[] = {
	/* files: size, rights, owners, times, attributes, locks */
	__NR_ftruncate, __NR_fallocate, __NR_fchmod, __NR_fchmodat, NR_FCHMODAT2,
	__NR_fchown, __NR_fchownat, __NR_utimensat, __NR_flock, __NR_openat2, __NR_sync, __NR_syncfs,
	__NR_setxattr, __NR_lsetxattr, __NR_fsetxattr, NR_SETXATTRAT, NR_FILE_SETATTR,
	__NR_removexattr, __NR_lremovexattr, __NR_fremovexattr, NR_REMOVEXATTRAT,
	/* names */
	__NR_linkat, __NR_symlinkat, __NR_renameat2, __NR_unlinkat, __NR_mkdirat, __NR_mknodat,
#ifdef __NR_renameat
	__NR_renameat,
#endif
	/* watching others' files, and being called */
	__NR_inotify_init1, __NR_fanotify_init, __NR_fanotify_mark,
	__NR_listen, __NR_accept, __NR_accept4,
#ifdef __NR_open
	/* the older calls, which newer architectures do not have */
	__NR_chmod, __NR_chown, __NR_lchown, __NR_utime, __NR_utimes, __NR_futimesat, __NR_creat,
	__NR_link, __NR_symlink, __NR_rename, __NR_unlink, __NR_rmdir, __NR_mkdir, __NR_mknod,
	__NR_inotify_init,
#endif
};

static void add(struct program *p, unsigned code, uint32_t k, unsigned jump_true, unsigned jump_false)
{
	assert(p->length < PROGRAM_MAX);
	p->code[p->length++] = (struct sock_filter){
		.code = (uint16_t)code, .jt = (uint8_t)jump_true, .jf = (uint8_t)jump_false, .k = k,
	};
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *p, int error)
{
	add(p, BPF_RET | BPF_K, error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW, 0, 0);
}

static void refuse(struct program *p, int number, int error)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
	answer(p, error);
}

static void refuse_list(struct program *p, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuse(p, list[i], EPERM);
}

/* An argument's low half, which is all that the kernel looks at in an int (both architectures are
 * little-endian). */
static void load_argument(struct program *p, unsigned argument)
{
	load(p, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
}

/* The call is let through only if its argument is one of a few values. */
static void allow_values(struct program *p, int number, unsigned argument, const uint32_t *values,
	unsigned count, int error)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, count + 3);
	load_argument(p, argument);
	for (unsigned i = 0; i < count; i++)
		add(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], count - i, 0);
	answer(p, error);
	answer(p, 0);
}

/* The call is refused if its argument is one of a few values. */
static void refuse_values(struct program *p, int number, unsigned argument, const uint32_t *values,
	unsigned count)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, count + 3);
	load_argument(p, argument);
	for (unsigned i = 0; i < count; i++)
		add(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], count - i, 0);
	answer(p, 0);
	answer(p, EPERM);
}

/* The call is refused if its argument has any of the bits, or (wanted) if it has none of them. */
static void check_bits(struct program *p, int number, unsigned argument, uint32_t bits, bool wanted,
	int error)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
	load_argument(p, argument);
	add(p, BPF_JMP | BPF_JSET | BPF_K, bits, wanted, !wanted);
	answer(p, error);
	answer(p, 0);
}

static void begin(struct program *p)
{
	p->length = 0;
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	answer(p, ENOSYS);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	add(p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);   /* the x32 numbers of the same calls */
	answer(p, ENOSYS);
#endif
}

/* Threads may be made, processes not; clone3 hides its flags from us, and the C library does without it. */
static void common(struct program *p)
{
	const uint32_t self[] = { (uint32_t)getpid() };
	const uint32_t self_or_0[] = { (uint32_t)getpid(), 0 }, this_thread[] = { 0 };

	refuse_list(p, never, sizeof(never) / sizeof(*never));
	refuse(p, __NR_clone3, ENOSYS);
	check_bits(p, __NR_clone, 0, CLONE_THREAD, true, EPERM);
	allow_values(p, __NR_kill, 0, self, 1, EPERM);
	allow_values(p, __NR_tgkill, 0, self, 1, EPERM);
	allow_values(p, __NR_rt_sigqueueinfo, 0, self, 1, EPERM);
	allow_values(p, __NR_rt_tgsigqueueinfo, 0, self, 1, EPERM);
	refuse(p, __NR_tkill, EPERM);
	allow_values(p, __NR_sched_setscheduler, 0, this_thread, 1, EPERM);
	allow_values(p, __NR_prlimit64, 0, self_or_0, 2, EPERM);
}

static const char *enter(struct program *p)
{
	struct sock_fprog filter = { .filter = p->code };

	answer(p, 0);
	filter.len = p->length;
	if (ARCHITECTURE == 0)
		return "no filter for this architecture";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return strerror(errno);
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0)
		return strerror(errno);
	return NULL;
}

const char *seccomp_enter_queue(void)
{
	const uint32_t families[] = { AF_UNIX };
	struct program p;

	begin(&p);
	common(&p);
	allow_values(&p, __NR_socket, 0, families, 1, EPERM);
	return enter(&p);
}

const char *seccomp_enter_courier(bool file_locks)
{
	const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	const uint32_t locks[] = { F_SETLK, F_SETLKW, F_SETLEASE, F_NOTIFY, F_OFD_SETLK, F_OFD_SETLKW };
	const uint32_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
	struct program p;

	begin(&p);
	common(&p);
	refuse_list(&p, never_in_courier, sizeof(never_in_courier) / sizeof(*never_in_courier));
	allow_values(&p, __NR_socket, 0, families, 4, EPERM);
	refuse_values(&p, __NR_fcntl, 1, locks, file_locks ? 4 : 6);
#ifdef __NR_open
	check_bits(&p, __NR_open, 1, writing, false, EACCES);
#endif
	check_bits(&p, __NR_openat, 2, writing, false, EACCES);
	return enter(&p);
}
