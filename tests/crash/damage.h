/*
 * damage.h -- one random change to the columnar files of a closed database.
 */
#ifndef YODA_CRASH_DAMAGE_H
#define YODA_CRASH_DAMAGE_H

#include "test.h"

#include <stdbool.h>

struct damage {
    char text[300]; /* what was done to which file */
    bool changed;   /* the file is not what it was */
};

/* directory: a copy of the specimen; specimen: where older generations are found. */
void damage_do(struct damage *d, const char *directory, const char *specimen, uint64_t *random);

#endif
