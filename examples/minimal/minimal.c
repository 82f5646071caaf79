#include <stdio.h>
#include <yoda.h>

int main(void)
{
    yoda_engine *db = NULL;
    yoda_result *rows = NULL;
    yoda_error err;
    if (yoda_open("shop.db", NULL, 0, &db, &err) ||
        yoda_execute(db, "CREATE TABLE IF NOT EXISTS sale(who TEXT, eur REAL)", NULL, NULL, &err) ||
        yoda_register_table(db, "sale", NULL, &err) ||
        yoda_execute(db, "INSERT INTO sale VALUES ('Ann', 9.5), ('Bob', 33)", NULL, NULL, &err) ||
        yoda_query(db, "SELECT count(*), sum(eur) FROM sale", NULL, NULL, &rows, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    while (yoda_result_next(rows))
        printf("%d sales, %.2f in all\n", (int)yoda_result_int64(rows, 0),
               yoda_result_double(rows, 1));
    yoda_result_close(rows);
    yoda_close(db);
}
