/*
 * os.c -- files, directories and locks on Linux; clocks and the machine are in os_machine.c.
 *
 * Events: every change of a file or directory passes event_pass (or event_next) before it happens,
 * so that a test can number them, fail the n-th, or die at it. A write that dies first writes half
 * of its bytes: that is what a crash in the middle of a write leaves behind.
 */
#include "base/os.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IO_BYTES_MAX ((size_t)1 << 30) /* the kernel cuts longer transfers anyway */
#define DEATH_CODE 137

struct os_file {
    int fd;
    char *path;
};

enum fate { FATE_PASS, FATE_FAIL, FATE_DIE };

static _Atomic uint64_t events, fail_countdown, die_countdown;
static _Atomic bool fail_full;

void os_fail_after(uint64_t n, bool full)
{
    atomic_store(&fail_full, full);
    atomic_store(&fail_countdown, n);
}

void os_die_after(uint64_t n)
{
    atomic_store(&die_countdown, n);
}

uint64_t os_events(void)
{
    return atomic_load(&events);
}

/* True for exactly one caller: the one that takes the countdown from 1 to 0. */
static bool count_down(_Atomic uint64_t *countdown)
{
    uint64_t left = atomic_load_explicit(countdown, memory_order_relaxed);
    while (left != 0)
        if (atomic_compare_exchange_weak(countdown, &left, left - 1))
            return left == 1;
    return false;
}

static enum fate event_next(void)
{
    atomic_fetch_add_explicit(&events, 1, memory_order_relaxed);
    if (count_down(&die_countdown))
        return FATE_DIE;
    return count_down(&fail_countdown) ? FATE_FAIL : FATE_PASS;
}

static yoda_status status_of_errno(int code)
{
    switch (code) {
    case ENOENT:
        return YODA_NOT_FOUND;
    case EACCES:
    case EROFS:
    case EPERM:
        return YODA_READONLY;
    case ENOSPC:
    case EDQUOT:
        return YODA_FULL;
    case ENOMEM:
        return YODA_NOMEM;
    default:
        return YODA_IOERR;
    }
}

static yoda_status fail_errno(yoda_error *err, int code, const char *what, const char *path)
{
    return fail(err, status_of_errno(code), "cannot %s %s: %s", what, path, strerror(code));
}

static yoda_status fail_injected(yoda_error *err, const char *what, const char *path)
{
    return fail_errno(err, atomic_load(&fail_full) ? ENOSPC : EIO, what, path);
}

static yoda_status event_pass(const char *what, const char *path, yoda_error *err)
{
    switch (event_next()) {
    case FATE_DIE:
        _exit(DEATH_CODE);
    case FATE_FAIL:
        return fail_injected(err, what, path);
    case FATE_PASS:
        break;
    }
    return YODA_OK;
}

static int open_retrying(const char *path, int flags)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* O_NONBLOCK only keeps a named pipe from blocking here; on a regular file it does nothing. */
static yoda_status open_regular(const char *path, enum os_open_mode mode, int *fd, yoda_error *err)
{
    static const int flags[] = {
        [OS_READ] = O_RDONLY,
        [OS_CREATE_NEW] = O_RDWR | O_CREAT | O_EXCL,
        [OS_READ_WRITE_CREATE] = O_RDWR | O_CREAT,
    };
    ASSERT((size_t)mode < COUNT_OF(flags));
    if (mode != OS_READ)
        TRY(event_pass("create", path, err));
    *fd = open_retrying(path, flags[mode] | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0)
        return fail_errno(err, errno, mode == OS_READ ? "open" : "create", path);
    struct stat st;
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
        return YODA_OK;
    close(*fd);
    return fail(err, YODA_IOERR, "cannot open %s: not a regular file", path);
}

yoda_status os_file_open(const char *path, enum os_open_mode mode, struct os_file **out,
                         yoda_error *err)
{
    *out = NULL;
    struct os_file *file = mem_alloc(sizeof *file);
    char *copy = mem_strdup(path);
    yoda_status status = YODA_OK;
    if (!file || !copy) {
        status = fail_nomem(err, sizeof *file + strlen(path) + 1);
        goto done;
    }
    file->path = copy;
    status = open_regular(path, mode, &file->fd, err);
done:
    if (status != YODA_OK) {
        mem_free(copy);
        mem_free(file);
        return status;
    }
    *out = file;
    return YODA_OK;
}

void os_file_close(struct os_file *file)
{
    if (!file)
        return;
    ASSERT(file->fd >= 0);
    close(file->fd); /* never retried: Linux frees the descriptor also on EINTR */
    mem_free(file->path);
    mem_free(file);
}

yoda_status os_file_read(struct os_file *file, uint64_t offset, void *data, size_t size,
                         yoda_error *err)
{
    if (offset > INT64_MAX || size > (uint64_t)INT64_MAX - offset)
        return fail(err, YODA_CORRUPT, "%s: no %zu bytes at offset %" PRIu64, file->path, size,
                    offset);
    for (size_t done = 0; done < size;) {
        size_t want = size - done < IO_BYTES_MAX ? size - done : IO_BYTES_MAX;
        ssize_t got = pread(file->fd, (char *)data + done, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(err, errno, "read", file->path);
        if (got == 0)
            return fail(err, YODA_CORRUPT,
                        "%s: ends at byte %" PRIu64 ", %zu bytes expected at offset %" PRIu64,
                        file->path, offset + done, size, offset);
        done += (size_t)got;
    }
    return YODA_OK;
}

static int write_fully(int fd, uint64_t offset, const char *data, size_t size)
{
    while (size > 0) {
        size_t want = size < IO_BYTES_MAX ? size : IO_BYTES_MAX;
        ssize_t put = pwrite(fd, data, want, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : EIO;
        data += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return 0;
}

yoda_status os_file_write(struct os_file *file, uint64_t offset, const void *data, size_t size,
                          yoda_error *err)
{
    ASSERT(offset <= INT64_MAX && size <= (uint64_t)INT64_MAX - offset);
    enum fate fate = event_next();
    if (fate == FATE_DIE) {
        write_fully(file->fd, offset, data, size / 2);
        _exit(DEATH_CODE);
    }
    if (fate == FATE_FAIL)
        return fail_injected(err, "write", file->path);
    int code = write_fully(file->fd, offset, data, size);
    return code == 0 ? YODA_OK : fail_errno(err, code, "write", file->path);
}

yoda_status os_file_size(struct os_file *file, uint64_t *out, yoda_error *err)
{
    struct stat st;
    *out = 0;
    if (fstat(file->fd, &st) != 0)
        return fail_errno(err, errno, "stat", file->path);
    *out = (uint64_t)st.st_size;
    return YODA_OK;
}

/* EINTR says nothing about what reached the disk, so it is a failed sync like any other. */
yoda_status os_file_sync(struct os_file *file, yoda_error *err)
{
    TRY(event_pass("sync", file->path, err));
    return fdatasync(file->fd) == 0 ? YODA_OK : fail_errno(err, errno, "sync", file->path);
}

yoda_status os_file_try_lock(struct os_file *file, yoda_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file->fd, F_OFD_SETLK, &whole) == 0)
        return YODA_OK;
    if (errno == EAGAIN || errno == EACCES)
        return fail(err, YODA_BUSY, "%s is locked by another process or handle", file->path);
    return fail_errno(err, errno, "lock", file->path);
}

yoda_status os_rename(const char *from, const char *to, yoda_error *err)
{
    TRY(event_pass("rename", from, err));
    return rename(from, to) == 0 ? YODA_OK : fail_errno(err, errno, "rename", from);
}

yoda_status os_unlink(const char *path, yoda_error *err)
{
    TRY(event_pass("unlink", path, err));
    if (unlink(path) == 0 || errno == ENOENT)
        return YODA_OK;
    return fail_errno(err, errno, "unlink", path);
}

yoda_status os_mkdir(const char *path, yoda_error *err)
{
    TRY(event_pass("create directory", path, err));
    if (mkdir(path, 0700) == 0)
        return YODA_OK;
    int code = errno;
    struct stat st;
    if (code == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return YODA_OK;
    return fail_errno(err, code, "create directory", path);
}

yoda_status os_sync_directory(const char *path, yoda_error *err)
{
    TRY(event_pass("sync directory", path, err));
    int fd = open_retrying(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fail_errno(err, errno, "open directory", path);
    int code = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return code == 0 ? YODA_OK : fail_errno(err, code, "sync directory", path);
}

yoda_status os_list(const char *path, yoda_status (*fn)(void *ctx, const char *name), void *ctx,
                    yoda_error *err)
{
    DIR *directory = opendir(path);
    if (!directory)
        return fail_errno(err, errno, "open directory", path);
    yoda_status status = YODA_OK;
    while (status == YODA_OK) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (!entry) {
            if (errno != 0)
                status = fail_errno(err, errno, "list directory", path);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = fn(ctx, entry->d_name);
    }
    closedir(directory);
    return status;
}

/* The directory of a file yet to come, resolved, then the name; *out stays NULL on failure. */
static yoda_status real_path_to_come(const char *path, char **out, yoda_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (*name == '\0')
        return fail_errno(err, ENOENT, "resolve", path);
    size_t directory_size = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    char *directory = slash ? mem_strndup(path, directory_size) : mem_strdup(".");
    if (!directory)
        return fail_nomem(err, directory_size + 1);
    char *resolved = realpath(directory, NULL);
    int code = errno;
    mem_free(directory);
    if (!resolved)
        return fail_errno(err, code, "resolve", path);
    size_t prefix = strcmp(resolved, "/") == 0 ? 0 : strlen(resolved), length = strlen(name);
    *out = mem_alloc(prefix + 1 + length + 1);
    if (*out) {
        memcpy(*out, resolved, prefix);
        (*out)[prefix] = '/';
        memcpy(*out + prefix + 1, name, length + 1);
    }
    free(resolved);
    return *out ? YODA_OK : fail_nomem(err, prefix + length + 2);
}

yoda_status os_real_path(const char *path, char **out, yoda_error *err)
{
    *out = NULL;
    char *resolved = realpath(path, NULL);
    if (!resolved && errno == ENOENT)
        return real_path_to_come(path, out, err);
    if (!resolved)
        return fail_errno(err, errno, "resolve", path);
    *out = mem_strdup(resolved);
    size_t size = strlen(resolved) + 1;
    free(resolved);
    return *out ? YODA_OK : fail_nomem(err, size);
}
