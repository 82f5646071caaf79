/*
 * os.h -- the one seam for files, clocks and randomness of the columnar side.
 *
 * Tests can make the n-th file event fail (os_fail_after) or the process die at it (os_die_after).
 * Files are opened O_CLOEXEC | O_NOFOLLOW, created 0600, directories 0700. Short reads and writes
 * and EINTR are handled here. After a failed sync the file must be given up: see os_file_sync.
 */
#ifndef YODA_BASE_OS_H
#define YODA_BASE_OS_H

#include "base/status.h"

struct os_file; /* opaque; one open file */

enum os_open_mode { OS_READ, OS_CREATE_NEW /* O_EXCL */, OS_READ_WRITE_CREATE };

/* Errors everywhere: YODA_NOT_FOUND (ENOENT), YODA_READONLY (EACCES, EROFS, EPERM), YODA_FULL
 * (ENOSPC, EDQUOT), YODA_IOERR otherwise; messages name the path and the errno text. */
YODA_MUST_CHECK yoda_status os_file_open(const char *path, enum os_open_mode mode,
                                         struct os_file **out, yoda_error *err);
void os_file_close(struct os_file *file); /* NULL is fine */
/* Read exactly size bytes at offset; a short file is YODA_CORRUPT naming path and offset. */
YODA_MUST_CHECK yoda_status os_file_read(struct os_file *file, uint64_t offset, void *data,
                                         size_t size, yoda_error *err);
YODA_MUST_CHECK yoda_status os_file_write(struct os_file *file, uint64_t offset, const void *data,
                                          size_t size, yoda_error *err);
YODA_MUST_CHECK yoda_status os_file_size(struct os_file *file, uint64_t *out, yoda_error *err);
/* fdatasync. Once it failed the kernel may have dropped the pages: never retry on the same file. */
YODA_MUST_CHECK yoda_status os_file_sync(struct os_file *file, yoda_error *err);

YODA_MUST_CHECK yoda_status os_rename(const char *from, const char *to, yoda_error *err);
YODA_MUST_CHECK yoda_status os_unlink(const char *path, yoda_error *err); /* absent: OK */
YODA_MUST_CHECK yoda_status os_mkdir(const char *path, yoda_error *err);  /* exists: OK */
YODA_MUST_CHECK yoda_status os_sync_directory(const char *path, yoda_error *err);
/* Call fn for each entry name except . and .. ; stops at the first status that is not OK. */
YODA_MUST_CHECK yoda_status os_list(const char *path,
                                    yoda_status (*fn)(void *ctx, const char *name), void *ctx,
                                    yoda_error *err);
/* realpath of an existing file, or of its directory plus the name for a file yet to come. */
YODA_MUST_CHECK yoda_status os_real_path(const char *path, char **out /* mem_free */,
                                         yoda_error *err);

/*
 * Try to take an exclusive advisory lock bound to the open file (OFD lock: two opens in one process
 * exclude each other too). The lock goes when the file is closed or the process dies.
 * Returns YODA_BUSY when somebody else holds it.
 */
YODA_MUST_CHECK yoda_status os_file_try_lock(struct os_file *file, yoda_error *err);

int64_t os_monotonic_ns(void);
int64_t os_thread_cpu_ns(void);
int64_t os_wall_ms(void); /* Unix time */
void os_sleep_ms(int64_t ms);
void os_random(void *out, size_t size); /* getrandom */
uint32_t os_cpu_count(void);            /* usable by this process, at least 1 */
uint64_t os_memory_bytes(void);         /* of the machine or its cgroup, the smaller */

/* Tests: the n-th write/sync/rename/unlink/create event from now fails with YODA_IOERR (or
 * YODA_FULL when full is set), or kills the process by _exit(137). 0 switches off. */
void os_fail_after(uint64_t n, bool full);
void os_die_after(uint64_t n);
uint64_t os_events(void);

#endif
