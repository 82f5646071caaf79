#!/bin/sh
# Runs the real shell: output modes, exit codes, errors, transactions, import, dot commands.
set -u
yoda=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0

# same NAME: compare files expected and actual
same() {
    if ! diff -u expected actual >difference; then
        echo "FAILED $1"
        cat difference
        failures=$((failures + 1))
    fi
}
# code NAME EXPECTED ACTUAL
code() {
    if [ "$2" != "$3" ]; then
        echo "FAILED $1: exit code $3, expected $2"
        failures=$((failures + 1))
    fi
}
# holds NAME FILE TEXT
holds() {
    if ! grep -qF -- "$3" "$2"; then
        echo "FAILED $1: no \"$3\" in:"
        cat "$2"
        failures=$((failures + 1))
    fi
}

# ---- Exit codes and the command line
"$yoda" 2>err; code "no file" 2 $?
"$yoda" -nonsense x.db 2>err; code "unknown flag" 2 $?
holds "unknown flag" err "unknown option"
"$yoda" -o no_such_option=1 x.db "SELECT 1" >out 2>err; code "unknown option" 2 $?
holds "unknown option" err no_such_option
"$yoda" -o x.db >out 2>err; code "option without value" 2 $?
"$yoda" -help >out; code "help" 0 $?
holds "help" out "usage: yoda"
"$yoda" -version >out; code "version" 0 $?
holds "version" out "yoda 0."
"$yoda" /nonexistent/x.db "SELECT 1" >out 2>err; code "cannot open" 1 $?
"$yoda" app.db "SELECT 1" >out; code "fine" 0 $?
"$yoda" -o threads=1 app.db "SELECT 1" >out; code "option" 0 $?

# ---- Modes
cat >make.sql <<'SQL'
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price REAL, raw BLOB);
INSERT INTO t VALUES (1, 'plain', 1.5, x'00ff'), (2, '日本', 1e100, NULL), (3, NULL, 0.1, x''),
  (4, 'say "hi", twice
please', -2.0, NULL), (5, '', 3, NULL);
SQL
"$yoda" app.db <make.sql >out 2>err; code "script" 0 $?
cat >expected <<'TEXT'
┌────┬────────────────────────┬──────────┬─────────┐
│ id │ name                   │ price    │ raw     │
├────┼────────────────────────┼──────────┼─────────┤
│  1 │ plain                  │      1.5 │ x'00ff' │
│  2 │ 日本                   │ 1.0e+100 │ NULL    │
│  3 │ NULL                   │      0.1 │ x''     │
│  4 │ say "hi", twice␊please │     -2.0 │ NULL    │
│  5 │                        │      3.0 │ NULL    │
└────┴────────────────────────┴──────────┴─────────┘
TEXT
LC_ALL=C.UTF-8 "$yoda" app.db "SELECT * FROM t ORDER BY id" >actual; same box
LC_ALL=C "$yoda" app.db "SELECT * FROM t ORDER BY id" >actual; same "box in the C locale"
cat >expected <<'TEXT'
id,name,price,raw
1,plain,1.5,x'00ff'
2,日本,1.0e+100,
3,,0.1,x''
4,"say ""hi"", twice
please",-2.0,
5,"",3.0,
TEXT
"$yoda" -csv app.db "SELECT * FROM t ORDER BY id" >actual; same csv
cat >expected <<'TEXT'
[{"id":1,"name":"plain","price":1.5,"raw":"00ff"},
{"id":2,"name":"日本","price":1.0e+100,"raw":null},
{"id":3,"name":null,"price":0.1,"raw":""},
{"id":4,"name":"say \"hi\", twice\nplease","price":-2.0,"raw":null},
{"id":5,"name":"","price":3.0,"raw":null}]
TEXT
"$yoda" app.db -json "SELECT * FROM t ORDER BY id" >actual; same json
echo '[]' >expected
"$yoda" -json app.db "SELECT * FROM t WHERE id < 0" >actual; same "json without rows"
cat >expected <<'TEXT'
  id = 1
name = plain

  id = 3
name = NULL
TEXT
"$yoda" -line app.db "SELECT id, name FROM t WHERE id IN (1, 3) ORDER BY id" >actual; same line
printf '[{"x":0.30000000000000004}]\n' >expected
"$yoda" -json app.db "SELECT 0.1 + 0.2 AS x" >actual; same "REAL reads back"

# ---- Statements: quotes, comments, triggers, several on a line, no last semicolon
cat >split.sql <<'SQL'
-- nothing; here
CREATE TABLE s(a, b); CREATE TABLE [odd;name]("x;y", `z;`);
CREATE TRIGGER s_a AFTER INSERT ON s BEGIN
  UPDATE s SET b = 'a;b' WHERE a = new.a; /* ; */ SELECT 1; -- ;
END;
INSERT INTO s(a) VALUES ('it''s; "one"'); ;
WITH q(n) AS (SELECT 7) INSERT INTO s(a) SELECT n FROM q;
WITH q(n) AS (VALUES (1), (2)) SELECT sum(n) AS n FROM q;
EXPLAIN QUERY PLAN SELECT 1;
PRAGMA table_info(s);
SELECT a, b FROM s ORDER BY rowid
SQL
"$yoda" -csv app.db <split.sql >actual 2>err; code "split" 0 $?
holds "split: WITH ... SELECT" actual 3
holds "split: trigger" actual "\"it's; \"\"one\"\"\",a;b"
printf 'n\n1\n' >expected
"$yoda" -csv app.db "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'odd;name'" >actual
same "quoted semicolons"

# ---- Transactions
cat >txn.sql <<'SQL'
CREATE TABLE x(a INTEGER PRIMARY KEY);
BEGIN; INSERT INTO x VALUES (1); SELECT count(*) AS inside FROM x; ROLLBACK;
SELECT count(*) AS after FROM x;
BEGIN IMMEDIATE TRANSACTION; INSERT INTO x VALUES (2);
SAVEPOINT one; INSERT INTO x VALUES (3); ROLLBACK TO one; RELEASE one;
END;
SELECT a FROM x;
SQL
printf 'inside\n1\nafter\n0\na\n2\n' >expected
"$yoda" -csv app.db <txn.sql >actual; code "transactions" 0 $?
same transactions
"$yoda" app.db "COMMIT" 2>err; code "commit without begin" 1 $?
"$yoda" app.db "BEGIN; INSERT INTO x VALUES (9)" 2>err
holds "open transaction" err "rolled back"
printf 'a\n2\n' >expected
"$yoda" -csv app.db "SELECT a FROM x" >actual; same "open transaction rolled back"

# ---- Errors: message, place, going on or not
printf 'SELECT 1;\n\nSELECT id,\n  nope FROM t;\nSELECT 2;\n' >bad.sql
"$yoda" -csv app.db <bad.sql >actual 2>err; code "script with an error" 1 $?
printf '1\n1\n2\n2\n' >expected; same "a script goes on"
cat >expected <<'TEXT'
stdin:4: no such column: nope
    nope FROM t;
    ^
TEXT
cp err actual; same "caret"
"$yoda" -csv -bail app.db <bad.sql >actual 2>err; code "bail" 1 $?
printf '1\n1\n' >expected; same "bail stops"
"$yoda" -csv app.db "SELECT 1; SELECT nope; SELECT 2" >actual 2>err; code "argument" 1 $?
same "arguments stop at an error"
"$yoda" app.db "INSERT INTO t(id) VALUES (1)" 2>err; code "constraint" 1 $?
holds "constraint" err UNIQUE
"$yoda" app.db ".nonsense" 2>err; code "unknown command" 1 $?
"$yoda" app.db ".mode" 2>err; code "command usage" 1 $?
holds "command usage" err "usage: .mode"

# ---- The last line
"$yoda" -route -csv app.db "SELECT count(*) FROM t" >out 2>err
holds "route" err "1 row in"
"$yoda" -csv app.db "SELECT count(*) FROM t" >out 2>err
[ -s err ] && { echo "FAILED a last line nobody asked for"; failures=$((failures + 1)); }

# ---- Import
printf '\357\273\277id,name,price,zip,odd\r\n1,"a ""quoted"", name",1.5,007,\r\n' >in.csv
printf '2,"two\nlines",2,010,"x"\r\n3,"",1e3,1,\r\n-4,,,2,\r\n' >>in.csv
"$yoda" app.db ".import in.csv imported" >actual 2>err; code "import" 0 $?
echo 'imported: 4 rows imported' >expected; same "import says what it did"
cat >expected <<'TEXT'
CREATE TABLE "imported"("id" INTEGER, "name" TEXT, "price" REAL, "zip" TEXT, "odd" TEXT);
TEXT
"$yoda" app.db ".schema imported" >actual; same "import infers types"
cat >expected <<'TEXT'
id,name,price,zip,odd
-4,,,2,
1,"a ""quoted"", name",1.5,007,
2,"two
lines",2.0,010,x
3,"",1000.0,1,
TEXT
"$yoda" -csv app.db "SELECT * FROM imported ORDER BY id" >actual; same "imported values"
cp actual again.csv
"$yoda" app.db ".import again.csv again" >out; code "import of our own csv" 0 $?
"$yoda" -csv app.db "SELECT * FROM again ORDER BY id" >actual; same "csv reads back"
printf 'a\n5\n6\n2\n' >dup.csv
"$yoda" app.db ".import dup.csv x" 2>err; code "import hits a constraint" 1 $?
holds "import names the line" err "dup.csv:4:"
printf 'a\n2\n' >expected
"$yoda" -csv app.db "SELECT a FROM x" >actual; same "import is all or nothing"
printf 'a,b\n1,2\n3\n' >short.csv
"$yoda" app.db ".import short.csv short" 2>err; code "short record" 1 $?
holds "short record" err "short.csv:3: 1 fields, but the header has 2"
"$yoda" app.db ".schema short" >out 2>err; code "a failed import leaves no table" 1 $?
printf 'a\n"never closed\n' >open.csv
"$yoda" app.db ".import open.csv o" 2>err; code "open quote" 1 $?
"$yoda" app.db ".import missing.csv m" 2>err; code "missing file" 1 $?
printf 'a,b\n1,NA\nNA,2.5\n' >na.csv
"$yoda" app.db ".import na.csv na NA" >out; code "null text" 0 $?
printf 'a,b\n,2.5\n1,\n' >expected
"$yoda" -csv app.db "SELECT * FROM na ORDER BY a" >actual; same "null text"

# ---- Columns: register, route, verify
cat >columns.sql <<'SQL'
CREATE TABLE sales(id INTEGER PRIMARY KEY, amount REAL, what TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
  INSERT INTO sales SELECT i, i * 0.5, 'w' || i % 7 FROM n;
.register sales
.tables
UPDATE sales SET amount = 0 WHERE id = 10;
.sync
.route column
SELECT count(*) AS n, sum(amount) AS s FROM sales;
.route row
SELECT count(*) AS n, sum(amount) AS s FROM sales;
.route auto
.fresh any
.fresh 0
.fresh default
.verify
.verify sales
.checkpoint
.status
.segments sales
.options
.explain SELECT sum(amount) FROM sales
EXPLAIN YODA ANALYZE SELECT what, sum(amount) FROM sales WHERE id > 1000 AND what <> '<' GROUP BY what;
.route column
.flame flame.svg SELECT what, sum(amount) FROM sales WHERE id > 1000 AND what <> '<' GROUP BY what
SELECT count(*) FROM sales;
.flame last.svg
.unregister sales
SQL
"$yoda" -csv app.db <columns.sql >out 2>err; code "columns" 0 $?
[ -s err ] && { echo "FAILED columns:"; cat err; failures=$((failures + 1)); }
holds "register" out "sales: 5000 rows in columns"
holds "tables" out "columns: ready, 5000 rows"
holds "verify" out "1 of 1 tables equal, 5000 rows compared"
[ "$(grep -c '^5000,6251245.0$' out)" = 2 ] ||
    { echo "FAILED the sides disagree"; cat out; failures=$((failures + 1)); }
holds "options" out max_staleness_ms
holds "analyze" out "SCAN sales ("
holds "analyze reads" out "1/1 segments"
holds "flame" flame.svg "</svg>"
holds "flame escapes" flame.svg "what &lt;&gt; '&lt;'"
holds "flame of the last query" last.svg "SELECT count(*) FROM sales"
"$yoda" app.db ".flame none.svg" 2>err; code "flame without a query" 1 $?
"$yoda" app.db ".register nothing_here" 2>err; code "register without a table" 1 $?

# ---- .read and .open
echo "SELECT 5 AS five;" >five.sql
printf 'five\n5\nv\n6\n' >expected
printf '.read five.sql\n.open other.db\nCREATE TABLE o(v);\nINSERT INTO o VALUES (6);\nSELECT v FROM o;\n.quit\nSELECT 1;\n' |
    "$yoda" -csv app.db >actual; code "read and open" 0 $?
same "read, open, quit"
echo ".read loop.sql" >loop.sql
"$yoda" app.db ".read loop.sql" 2>err; code "endless .read" 1 $?

# ---- Ctrl-C ends a script's statement
if command -v timeout >/dev/null 2>&1; then
    timeout --foreground --preserve-status -s INT 1 "$yoda" app.db \
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n" \
        >out 2>err
    code "interrupted" 1 $?
fi

[ "$failures" = 0 ] && echo "shell_test: all passed"
[ "$failures" = 0 ]
