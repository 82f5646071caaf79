/* flights_data.c -- reads the CSV files. */
#include "flights_data.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIELDS_MAX 32

void flights_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("\nflights_demo: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void flights_check(yoda_status status, const yoda_error *err, const char *what)
{
    if (status != YODA_OK)
        flights_die("%s: %s (%s)", what, err->message, yoda_status_name(status));
}

int64_t flights_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

char *flights_read_file(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        flights_die("cannot open %s", path);
    long size = ftell(file);
    rewind(file);
    char *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        flights_die("cannot read %s", path);
    fclose(file);
    bytes[size] = 0;
    return bytes;
}

/* Cut one field off *at in place and return the character that ended it. */
static char cut_field(char **at, char **field)
{
    char *from = *at, *to = *at, end;
    *field = *at;
    bool quoted = *from == '"';
    for (from += quoted; *from; from++) {
        if (quoted && *from == '"' && from[1] != '"')
            quoted = false;
        else if (!quoted && (*from == ',' || *from == '\n'))
            break;
        else if (*from != '\r')
            *to++ = *from == '"' ? *from++ : *from;
    }
    end = *from;
    *at = end ? from + 1 : from;
    *to = 0;
    return end;
}

size_t flights_cut_record(char **at, char **fields, size_t max)
{
    size_t count = 0;
    char end = ',';
    while (**at && end == ',') {
        if (count == max)
            flights_die("a record has more than %zu fields", max);
        end = cut_field(at, &fields[count++]);
    }
    return count;
}

static bool missing(const char *text)
{
    return !*text || strcmp(text, "NA") == 0;
}

/* Minutes since 1 January of a year without a leap day. */
static int32_t minute_of_year(const struct flight *flight)
{
    static const int32_t days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int32_t month = flight->number[FLIGHT_MONTH];
    if (month < 1 || month > 12)
        flights_die("flights.csv: month %d", (int)month);
    int32_t days = days_before[month - 1] + flight->number[FLIGHT_DAY] - 1;
    return days * 1440 + flight->number[FLIGHT_HOUR] * 60 + flight->number[FLIGHT_MINUTE];
}

static void read_flight(struct flight *flight, char **fields)
{
    static const int number_at[FLIGHT_NUMBERS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 15, 16, 17};
    static const int text_at[FLIGHT_TEXTS] = {9, 11, 12, 13, 18};
    for (int i = 0; i < FLIGHT_NUMBERS; i++) {
        const char *text = fields[number_at[i]];
        flight->number[i] = missing(text) ? FLIGHT_MISSING : (int32_t)strtol(text, NULL, 10);
    }
    for (int i = 0; i < FLIGHT_TEXTS; i++)
        flight->text[i] = missing(fields[text_at[i]]) ? NULL : fields[text_at[i]];
    flight->scheduled = minute_of_year(flight);
}

static int by_schedule(const void *left, const void *right)
{
    const struct flight *a = left, *b = right;
    if (a->scheduled != b->scheduled)
        return a->scheduled < b->scheduled ? -1 : 1;
    return (a->text[FLIGHT_ORIGIN] > b->text[FLIGHT_ORIGIN]) -
           (a->text[FLIGHT_ORIGIN] < b->text[FLIGHT_ORIGIN]); /* their order in the file */
}

struct flights flights_load(const char *directory, size_t limit)
{
    struct flights flights = {.bytes = flights_read_file(directory, "flights.csv")};
    char *fields[FIELDS_MAX], *at = flights.bytes;
    size_t capacity = 0;
    if (flights_cut_record(&at, fields, FIELDS_MAX) != 19)
        flights_die("flights.csv does not have 19 columns");
    while (limit == 0 || flights.count < limit) {
        size_t count = flights_cut_record(&at, fields, FIELDS_MAX);
        if (count == 0)
            break;
        if (count != 19)
            flights_die("flights.csv: record %zu has %zu fields", flights.count + 2, count);
        if (flights.count == capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            flights.all = realloc(flights.all, capacity * sizeof *flights.all);
            if (!flights.all)
                flights_die("out of memory");
        }
        read_flight(&flights.all[flights.count++], fields);
    }
    if (flights.count == 0)
        flights_die("flights.csv is empty");
    qsort(flights.all, flights.count, sizeof *flights.all, by_schedule);
    return flights;
}

void flights_free(struct flights *flights)
{
    free(flights->all);
    free(flights->bytes);
}

/* Insert the records behind the header; the columns' affinities turn texts into numbers. */
static void insert_records(yoda_engine *db, const char *table, char *at, size_t columns)
{
    yoda_error err;
    yoda_txn *txn = NULL;
    yoda_value values[FIELDS_MAX];
    char *fields[FIELDS_MAX], sql[256];
    int size = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?", table);
    for (size_t c = 1; c < columns; c++)
        size += snprintf(sql + size, sizeof sql - (size_t)size, ",?");
    snprintf(sql + size, sizeof sql - (size_t)size, ")");
    const yoda_params params = {.count = columns, .values = values};
    flights_check(yoda_begin(db, &txn, &err), &err, table);
    while (flights_cut_record(&at, fields, FIELDS_MAX) == columns) {
        for (size_t c = 0; c < columns; c++)
            values[c] = missing(fields[c])
                            ? (yoda_value){.type = YODA_NULL}
                            : (yoda_value){.type = YODA_TEXT,
                                           .data = fields[c],
                                           .size = strlen(fields[c])};
        flights_check(yoda_txn_execute(txn, sql, &params, NULL, &err), &err, table);
    }
    flights_check(yoda_commit(txn, &err), &err, table);
}

void flights_load_table(yoda_engine *db, const char *directory, const char *table,
                        const char *create_sql)
{
    char name[64], *fields[FIELDS_MAX];
    yoda_error err;
    snprintf(name, sizeof name, "%s.csv", table);
    char *bytes = flights_read_file(directory, name), *at = bytes;
    size_t columns = flights_cut_record(&at, fields, FIELDS_MAX);
    flights_check(yoda_execute(db, create_sql, NULL, NULL, &err), &err, table);
    insert_records(db, table, at, columns);
    flights_check(yoda_register_table(db, table, NULL, &err), &err, table);
    free(bytes);
}
