"""The same random statements through sqlite3 and yoda.dbapi: equal rows, of equal types.

Each round has a database of its own on both sides, and one connection each. Every statement is run
on both; rows, counts, row ids, kinds of errors and whether a transaction is open must be equal. The
seed is printed; YODA_TEST_SEED repeats one. REALs are multiples of 1/4, so that sums are exact in
any order; every query has a total order.

What is known to differ is left out: executemany() with a row that fails undoes all its rows here,
and the earlier ones stay in sqlite3; so is a statement that is empty, for which sqlite3 of Python
3.13 raises the last error anew.
"""

import contextlib
import os
import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import yoda.dbapi

ROUNDS = max(1, 12 * int(os.environ.get("YODA_TEST_SCALE", "100")) // 100)
STATEMENTS = 150
SEED = int(os.environ.get("YODA_TEST_SEED", str(random.SystemRandom().randrange(2**32))))

SCHEMA = """
CREATE TABLE a(id INTEGER PRIMARY KEY, n INTEGER, r REAL, s TEXT, b BLOB);
CREATE TABLE c(id INTEGER PRIMARY KEY, a INTEGER, u TEXT UNIQUE, v NUMERIC NOT NULL DEFAULT 0);
"""
COLUMNS = {"a": ("n", "r", "s", "b"), "c": ("a", "u", "v")}
FINAL = "SELECT count(*), sum(r), min(s) FROM a"
TEXTS = ["", "a", "A", "ab", "b", "Yoda", "yODA", "é", "10", "1.5", " x ", "it's; one -- two"]


class Generator:
    """Random statements over the two tables."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, column: str) -> Any:
        pick = self.random
        if column != "v" and pick.random() < 0.15:
            return None
        if column in ("n", "a", "id"):
            return pick.choice([pick.randrange(20), pick.randrange(-(2**40), 2**40)])
        if column == "r":
            return pick.randrange(-4000, 4000) / 4
        if column == "v":
            return pick.choice([pick.randrange(50), pick.randrange(200) / 4])
        if column == "b":
            return pick.randbytes(pick.randrange(4))
        return pick.choice(TEXTS) + str(pick.randrange(30) if column == "u" else "")

    def row(self, table: str) -> tuple[Any, ...]:
        return (self.random.randrange(1, 80), *(self.value(column) for column in COLUMNS[table]))

    def insert(self) -> tuple[str, Any]:
        table = self.random.choice(["a", "c"])
        names = ("id", *COLUMNS[table])
        verb = self.random.choice(["INSERT", "INSERT", "INSERT OR IGNORE", "REPLACE"])
        row = self.row(table)
        if self.random.random() < 0.3:
            names, row = names[1:], row[1:]
        head = f"{verb} INTO {table}({', '.join(names)}) VALUES "
        if self.random.random() < 0.3:
            return head + f"({', '.join(':' + name for name in names)})", dict(
                zip(names, row, strict=True)
            )
        return head + f"({', '.join('?' * len(names))})", row

    def many(self) -> tuple[str, list[tuple[Any, ...]]]:
        table = self.random.choice(["a", "c"])
        marks = ", ".join("?" * (1 + len(COLUMNS[table])))
        rows = [self.row(table) for _ in range(self.random.randrange(40))]
        return f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows

    def condition(self, table: str) -> tuple[str, list[Any]]:
        column = self.random.choice(("id", *COLUMNS[table]))
        form = self.random.randrange(5)
        if form == 0:
            return f"{column} IS {self.random.choice(['', 'NOT '])}NULL", []
        if form == 1:
            return f"{column} IN (?, ?, ?)", [self.value(column) for _ in range(3)]
        if form == 2:
            return f"{column} BETWEEN ? AND ?", [self.value(column), self.value(column)]
        return f"{column} {self.random.choice(['=', '<', '>=', '<>', 'IS'])} ?", [
            self.value(column)
        ]

    def change(self) -> tuple[str, Any]:
        table = self.random.choice(["a", "c"])
        where, values = self.condition(table)
        if self.random.random() < 0.3:
            return f"DELETE FROM {table} WHERE {where} AND id % 3 = 1", values
        column = self.random.choice(COLUMNS[table])
        return f"UPDATE {table} SET {column} = ? WHERE {where}", [self.value(column), *values]

    def query(self) -> tuple[str, Any]:
        where, values = self.condition("a")
        other, more = self.condition("c")
        return self.random.choice(
            [
                (f"SELECT * FROM a WHERE {where} ORDER BY id", values),
                (f"SELECT id, v, typeof(v), u FROM c WHERE {other} ORDER BY id LIMIT 9", more),
                (
                    "SELECT count(*), count(n), sum(r), avg(r), min(s), max(b) FROM a "
                    f"WHERE {where}",
                    values,
                ),
                ("SELECT s, count(*), total(r), max(id) FROM a GROUP BY s ORDER BY s", None),
                (
                    f"SELECT a.id, c.id, s || u, r + v FROM a JOIN c ON c.a = a.n WHERE c.{other} "
                    "ORDER BY a.id, c.id",
                    more,
                ),
                (
                    "SELECT id, n, row_number() OVER (ORDER BY n, id), sum(r) OVER (ORDER BY id) "
                    "FROM a ORDER BY id",
                    None,
                ),
                ("SELECT n FROM a UNION SELECT a FROM c ORDER BY 1", None),
                ("SELECT ?1, ?2, ?1 AS again", (self.value("s"), self.value("r"))),
                ("WITH w AS (SELECT n, r FROM a) SELECT count(DISTINCT n), min(r) FROM w", None),
                ("SELECT id FROM a WHERE n IN (SELECT a FROM c) ORDER BY id DESC", None),
            ]
        )

    def control(self) -> tuple[str, Any]:
        words = ["COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT p", "RELEASE p", "ROLLBACK TO p"]
        return self.random.choice([*words, "COMMIT", "COMMIT"]), None


def run(cursor: Any, sql: str, params: Any, many: bool) -> Any:
    """What the statement shows, or the kind of its error."""
    try:
        if many:
            cursor.executemany(sql, params)
        elif params is None:
            cursor.execute(sql)
        else:
            cursor.execute(sql, params)
    except (sqlite3.IntegrityError, yoda.dbapi.IntegrityError):
        return "IntegrityError"
    except (sqlite3.Error, yoda.dbapi.Error):
        return "Error"
    if cursor.description is None:
        return cursor.rowcount
    names = [column[0] for column in cursor.description]
    return names, [[(type(value), value) for value in row] for row in cursor.fetchall()]


def next_statement(generator: Generator) -> tuple[str, Any, bool]:
    kind = generator.random.choices(
        ["query", "insert", "many", "change", "control"], [9, 4, 1, 3, 3]
    )
    sql, params = getattr(generator, kind[0])()
    return sql, params, kind == ["many"]


def released_outermost(
    sql: str, expected: sqlite3.Connection, actual: yoda.dbapi.Connection
) -> bool:
    """sqlite3 ends a transaction that a savepoint began with it; yoda.dbapi leaves it open."""
    return sql == "RELEASE p" and actual.in_transaction and not expected.in_transaction


def compare(
    generator: Generator, sides: tuple[sqlite3.Connection, yoda.dbapi.Connection]
) -> str | None:
    """One statement on both. The side that answered."""
    sql, params, many = next_statement(generator)
    expected, actual = sides[0].cursor(), sides[1].cursor()
    wanted, got = run(expected, sql, params, many), run(actual, sql, params, many)
    assert got == wanted, (sql, params)
    if sql.startswith(("INSERT", "REPLACE")) and not many and wanted == 1:
        assert actual.lastrowid == expected.lastrowid, (sql, params)
    if released_outermost(sql, *sides):
        sides[1].commit()
    assert sides[1].in_transaction == sides[0].in_transaction, sql
    return actual.route


@pytest.mark.parametrize("router", ["cost", "columns_first"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_equal_to_sqlite3(tmp_path: Path, number: int, router: str) -> None:
    seed = SEED + number
    print(f"seed {seed}: YODA_TEST_SEED={SEED}")
    generator = Generator(seed)
    routes: Counter[str | None] = Counter()
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "expected.db")) as expected,
        contextlib.closing(yoda.dbapi.connect(tmp_path / "actual.db", router=router)) as actual,
    ):
        for side in (expected, actual):
            side.executescript(SCHEMA)
        for table in COLUMNS:
            actual.register_table(table)
        for _ in range(STATEMENTS):
            routes[compare(generator, (expected, actual))] += 1
        expected.commit()
        actual.commit()
        final = actual.execute(FINAL)
        assert final.fetchall() == expected.execute(FINAL).fetchall()
        assert router == "cost" or final.route == "column", final.reason
    assert routes["row"] > 0
