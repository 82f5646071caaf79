/* damage.c -- ways in which files go bad. */
#include "damage.h"

#include "specimen.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 256

struct files {
    char names[FILES_MAX][80];
    size_t count;
};

struct target {
    char path[4400];
    unsigned char *bytes;
    size_t size;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The segment files of a folder, in an order that does not depend on the file system. */
static void list(const char *folder, struct files *out)
{
    DIR *dir = opendir(folder);
    out->count = 0;
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strncmp(e->d_name, "seg-", 4) == 0 && out->count < FILES_MAX)
            snprintf(out->names[out->count++], sizeof out->names[0], "%.79s", e->d_name);
    if (dir)
        closedir(dir);
    qsort(out->names, out->count, sizeof out->names[0], by_name);
}

static bool load(struct target *t)
{
    FILE *f = fopen(t->path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0)
        return false;
    t->size = (size_t)st.st_size;
    t->bytes = malloc(t->size + 8192);
    bool good = fread(t->bytes, 1, t->size, f) == t->size;
    fclose(f);
    return good;
}

static bool store(const struct target *t)
{
    FILE *f = fopen(t->path, "wb");
    bool good = f && fwrite(t->bytes, 1, t->size, f) == t->size;
    return f && fclose(f) == 0 && good;
}

/* ---- On the bytes ---- */

static void flip_bits(struct target *t, uint64_t *random, struct damage *d)
{
    unsigned count = test_random(random) % 3 ? 1 : 1 + (unsigned)(test_random(random) % 16);
    size_t first = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t at = test_random(random) % t->size;
        t->bytes[at] ^= (unsigned char)(1u << test_random(random) % 8);
        first = i ? first : at;
    }
    snprintf(d->text, 100, "%u bits flipped, one in byte %zu", count, first);
}

static void fill_run(struct target *t, uint64_t *random, struct damage *d)
{
    size_t at = test_random(random) % t->size, length = 1 + test_random(random) % 4096;
    int byte = test_random(random) % 2 ? 0 : 0xff;
    length = length < t->size - at ? length : t->size - at;
    memset(t->bytes + at, byte, length);
    snprintf(d->text, 100, "%zu bytes from %zu set to %02x", length, at, (unsigned)byte);
}

static void swap_blocks(struct target *t, uint64_t *random, struct damage *d)
{
    unsigned char held[512];
    size_t block = test_random(random) % 2 ? 64 : 512, blocks = t->size / block;
    if (blocks < 2)
        return;
    size_t a = test_random(random) % blocks * block, b = test_random(random) % blocks * block;
    memcpy(held, t->bytes + a, block);
    memmove(t->bytes + a, t->bytes + b, block);
    memcpy(t->bytes + b, held, block);
    snprintf(d->text, 100, "blocks of %zu bytes at %zu and %zu swapped", block, a, b);
}

static void resize(struct target *t, uint64_t *random, struct damage *d)
{
    size_t old = t->size;
    if (test_random(random) % 2) {
        t->size = test_random(random) % 4 ? test_random(random) % old : 0;
    } else {
        size_t extra = 1 + test_random(random) % 4096;
        for (size_t i = 0; i < extra; i++)
            t->bytes[t->size++] = (unsigned char)test_random(random);
    }
    snprintf(d->text, 100, "resized from %zu to %zu bytes", old, t->size);
}

static bool damage_bytes(struct target *t, uint64_t *random, struct damage *d)
{
    static void (*const ways[])(struct target *, uint64_t *, struct damage *) = {
        flip_bits, flip_bits, fill_run, swap_blocks, resize};
    if (!load(t) || t->size == 0)
        return false;
    unsigned char *before = malloc(t->size);
    size_t size = t->size;
    memcpy(before, t->bytes, size);
    ways[test_random(random) % 5](t, random, d);
    d->changed = size != t->size || memcmp(before, t->bytes, size) != 0;
    free(before);
    return store(t);
}

/* ---- On the file ---- */

static void replace(struct target *t, const char *folder, const struct files *others,
                    const char *own, uint64_t *random, struct damage *d)
{
    char source[4400];
    const char *name = others->count ? others->names[test_random(random) % others->count] : own;
    snprintf(source, sizeof source, "%s/%s", folder, name);
    d->changed = strcmp(name, own) != 0 && specimen_copy_file(source, t->path);
    snprintf(d->text, sizeof d->text, "replaced by %s", name);
}

static void remove_or_link(struct target *t, uint64_t *random, struct damage *d)
{
    char moved[4500];
    snprintf(moved, sizeof moved, "%s.moved", t->path);
    d->changed = true;
    if (test_random(random) % 2) {
        unlink(t->path);
        snprintf(d->text, sizeof d->text, "removed");
    } else if (rename(t->path, moved) == 0 && symlink(moved, t->path) == 0) {
        snprintf(d->text, sizeof d->text, "a symbolic link in its place");
    }
}

void damage_do(struct damage *d, const char *directory, const char *specimen, uint64_t *random)
{
    struct files files, old;
    struct target t = {0};
    char folder[4200], old_folder[4200];
    memset(d, 0, sizeof *d);
    snprintf(folder, sizeof folder, "%s/app.db-yoda", directory);
    snprintf(old_folder, sizeof old_folder, "%s/old", specimen);
    list(folder, &files);
    list(old_folder, &old);
    if (files.count == 0)
        return;
    const char *own = files.names[test_random(random) % files.count];
    snprintf(t.path, sizeof t.path, "%s/%s", folder, own);
    uint64_t kind = test_random(random) % 20;
    if (kind < 14)
        damage_bytes(&t, random, d);
    else if (kind < 16)
        replace(&t, folder, &files, own, random, d);
    else if (kind < 18)
        replace(&t, old_folder, &old, own, random, d);
    else
        remove_or_link(&t, random, d);
    size_t used = strlen(d->text);
    snprintf(d->text + used, sizeof d->text - used, ", %s", own);
    free(t.bytes);
}
