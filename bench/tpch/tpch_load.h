/*
 * tpch_load.h -- the eight TPC-H tables in a SQLite file: schema, .tbl files, registration.
 */
#ifndef YODA_TPCH_LOAD_H
#define YODA_TPCH_LOAD_H

#include "yoda.h"

#define TPCH_TABLES 8
#define TPCH_QUERIES 22

/* In the order in which foreign keys allow them to be filled. */
extern const char *const tpch_tables[TPCH_TABLES];

/*
 * Make the file `database` from FOLDER/<table>.tbl ("|" between fields, perhaps behind the last,
 * too): TPC-H's own declarations and primary keys, and, for SQLite's sake, an index on every
 * foreign key. Says what is wrong on stderr and returns false.
 */
bool tpch_load(const char *database, const char *folder);
/* Register the eight tables; those that are registered stay as they are. */
yoda_status tpch_register(yoda_engine *db, yoda_error *err);
/* A whole text file with a NUL behind it, or NULL; free() it. */
char *tpch_read_text(const char *path);

#endif
