/*
 * main.c -- yoda_bench [-d FOLDER] [-n ROUNDS] [-r SCAN-ROWS] [-s SECONDS] [-j FILE.json] [CASE...]
 *
 * Cases: capture sync freshness interference scan (all by default). The table goes to stdout.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(const struct settings *settings);
} cases[] = {
    {"capture", case_capture},           {"sync", case_sync}, {"freshness", case_freshness},
    {"interference", case_interference}, {"scan", case_scan},
};

static int wanted(const char *name, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return 1;
    return count == 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {
        .directory = "/tmp", .rounds = 5, .scan_rows = 6000000, .seconds = 5};
    const char *json = NULL;
    for (int option; (option = getopt(argc, argv, "d:n:r:s:j:")) != -1;) {
        switch (option) {
        case 'd':
            settings.directory = optarg;
            break;
        case 'n':
            settings.rounds = atoi(optarg);
            break;
        case 'r':
            settings.scan_rows = atol(optarg);
            break;
        case 's':
            settings.seconds = atof(optarg);
            break;
        case 'j':
            json = optarg;
            break;
        default:
            return 2;
        }
    }
    if (settings.rounds < 1 || settings.rounds > SAMPLES_MAX || settings.scan_rows < 1) {
        fprintf(stderr, "yoda_bench: rounds are 1 to %d, rows at least 1\n", SAMPLES_MAX);
        return 2;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (wanted(cases[i].name, argv + optind, argc - optind))
            cases[i].run(&settings);
    report_table(stdout);
    FILE *out = json ? fopen(json, "w") : NULL;
    if (json && !out) {
        perror(json);
        return 1;
    }
    if (out) {
        report_json(out);
        fclose(out);
    }
    return 0;
}
