/* report.c -- samples, figures, the table and the JSON. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct figure figures[64];
static size_t figure_count;

void samples_add(struct samples *s, double value)
{
    if (s->count < SAMPLES_MAX)
        s->values[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double samples_median(const struct samples *s)
{
    double sorted[SAMPLES_MAX];
    if (s->count == 0)
        return 0;
    memcpy(sorted, s->values, s->count * sizeof *sorted);
    qsort(sorted, s->count, sizeof *sorted, compare);
    return s->count % 2 ? sorted[s->count / 2]
                        : (sorted[s->count / 2 - 1] + sorted[s->count / 2]) / 2;
}

double samples_min(const struct samples *s)
{
    double m = s->count ? s->values[0] : 0;
    for (size_t i = 1; i < s->count; i++)
        m = s->values[i] < m ? s->values[i] : m;
    return m;
}

double samples_max(const struct samples *s)
{
    double m = s->count ? s->values[0] : 0;
    for (size_t i = 1; i < s->count; i++)
        m = s->values[i] > m ? s->values[i] : m;
    return m;
}

void report_figure(const struct figure *figure)
{
    struct figure f = *figure;
    double yoda = samples_median(&f.yoda), base = samples_median(&f.baseline);
    f.ratio = base > 0 ? yoda / base : 0;
    f.met = f.kind == TARGET_NONE              ? -1
            : f.kind == TARGET_RATIO_AT_MOST   ? f.ratio <= f.target
            : f.kind == TARGET_RATIO_AT_LEAST  ? f.ratio >= f.target
                                               : yoda <= f.target;
    if (figure_count < sizeof figures / sizeof *figures)
        figures[figure_count++] = f;
}

static void target_text(const struct figure *f, char *out, size_t size)
{
    static const char *const forms[] = {"", "ratio <= %g", "ratio >= %g", "<= %g"};
    snprintf(out, size, forms[f->kind], f->target);
}

void report_table(FILE *out)
{
    fprintf(out, "%-44s %-8s %22s %28s %8s  %-14s %s\n", "figure", "unit", "plain SQLite", "Yoda",
            "ratio", "target", "met");
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure *f = &figures[i];
        char base[64] = "-", yoda[64], ratio[32] = "-", target[32];
        if (f->baseline.count)
            snprintf(base, sizeof base, "%.4g [%.4g..%.4g]", samples_median(&f->baseline),
                     samples_min(&f->baseline), samples_max(&f->baseline));
        snprintf(yoda, sizeof yoda, "%.4g [%.4g..%.4g]", samples_median(&f->yoda),
                 samples_min(&f->yoda), samples_max(&f->yoda));
        if (f->ratio > 0)
            snprintf(ratio, sizeof ratio, "%.3g", f->ratio);
        target_text(f, target, sizeof target);
        fprintf(out, "%-44s %-8s %22s %28s %8s  %-14s %s\n", f->name, f->unit, base, yoda, ratio,
                target, f->met < 0 ? "" : f->met ? "yes" : "NO");
    }
}

static void json_samples(FILE *out, const char *name, const struct samples *s)
{
    fprintf(out, "\"%s\": {\"median\": %.9g, \"min\": %.9g, \"max\": %.9g, \"n\": %zu}", name,
            samples_median(s), samples_min(s), samples_max(s), s->count);
}

void report_json(FILE *out)
{
    struct utsname u;
    uname(&u);
    fprintf(out, "{\n  \"version\": \"%s\",\n  \"machine\": \"%s %s, %ld cores\",\n"
                 "  \"figures\": [",
            yoda_version(), u.sysname, u.machine, sysconf(_SC_NPROCESSORS_ONLN));
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure *f = &figures[i];
        char target[32];
        target_text(f, target, sizeof target);
        fprintf(out, "%s\n    {\"name\": \"%s\", \"unit\": \"%s\", ", i ? "," : "", f->name,
                f->unit);
        json_samples(out, "sqlite", &f->baseline);
        fputs(", ", out);
        json_samples(out, "yoda", &f->yoda);
        fprintf(out, ", \"ratio\": %.6g, \"target\": \"%s\", \"met\": %s}", f->ratio, target,
                f->met < 0 ? "null" : f->met ? "true" : "false");
    }
    fputs("\n  ]\n}\n", out);
}
