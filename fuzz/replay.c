/*
 * replay.c -- runs each file of the given folders and files through one fuzz target.
 *
 * Needs no libFuzzer: this is how the corpora run in every test run, and how a crash that a fuzzer
 * found is seen again. A file that crashes is named by the last line printed.
 *
 *   replay_<target> FILE-OR-FOLDER...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files;

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(2);
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size + 1); /* exact size but for empty files: reads past the end show */
    if (fread(data, 1, size, f) != size)
        exit(2);
    fclose(f);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    files++;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void run_path(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, not_hidden, alphasort);
    if (count < 0)
        run_file(path);
    for (int i = 0; i < count; i++) {
        char child[4200];
        snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name);
        run_path(child);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%u inputs\n", files);
    return files == 0;
}
