/*
 * bench.h -- one measured case beside its baseline, in one run, alternating.
 *
 * A case reports figures: a name, its unit, the baseline's samples and Yoda's, and the target their
 * ratio has to meet. The report prints medians with the spread and writes JSON. Nothing here judges
 * by absolute time: the machine's speed drifts, ratios taken in one run hold.
 */
#ifndef YODA_BENCH_H
#define YODA_BENCH_H

#include "yoda.h"

#include <sqlite3.h>
#include <stdio.h>

#define SAMPLES_MAX 64

struct samples {
    double values[SAMPLES_MAX];
    size_t count;
};
void samples_add(struct samples *s, double value);
double samples_median(const struct samples *s);
double samples_min(const struct samples *s);
double samples_max(const struct samples *s);

enum target { TARGET_NONE, TARGET_RATIO_AT_MOST, TARGET_RATIO_AT_LEAST, TARGET_VALUE_AT_MOST };

struct figure {
    const char *name, *unit;
    struct samples baseline, yoda; /* baseline may be empty */
    enum target kind;              /* of yoda / baseline, or of yoda itself */
    double target;
    double ratio; /* of the medians; 0 without a baseline */
    int met;      /* 1, 0; -1: no target */
};

/* Append a figure to the report (copied). */
void report_figure(const struct figure *figure);
void report_table(FILE *out);
/* Write {"machine": ..., "figures": [...]} */
void report_json(FILE *out);

struct settings {
    const char *directory; /* scratch */
    int rounds;
    long scan_rows; /* of the big table */
    double seconds; /* per timed phase */
};

/* The cases; each prints one line of progress per round on stderr. */
void case_capture(const struct settings *settings);
void case_sync(const struct settings *settings);
void case_freshness(const struct settings *settings);
void case_interference(const struct settings *settings);
void case_scan(const struct settings *settings);

/* ---- Tools: they end the program with a message on failure. */
void check(yoda_status status, const yoda_error *err, const char *what);
sqlite3 *plain_open(const char *path);
void plain_exec(sqlite3 *db, const char *sql);
sqlite3_stmt *plain_prepare(sqlite3 *db, const char *sql);
/* Step to the end reading every column, as a program that uses the rows would. Returns rows. */
long plain_drain(sqlite3_stmt *stmt);
yoda_engine *engine_open(const char *path, const char *const *pairs); /* name, value, ..., NULL */
void engine_exec(yoda_engine *db, const char *sql);
double wall_seconds(void);
double thread_cpu_seconds(void);
char *scratch_path(const struct settings *settings, const char *name); /* old files are removed */
uint64_t random_next(uint64_t *state);

#endif
