"""Where the reference system answers wrongly or refuses, Yoda answers as SQLite does.

Each case is asked on columns (query_olap), by the router (query) and of Python's own sqlite3.
"""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yoda


class Case(NamedTuple):
    declaration: str
    columns: list[tuple[str, str]]
    statements: list[str]
    query: str


CASES = {
    "replace_hits_a_secondary_unique": Case(
        "id INTEGER PRIMARY KEY, email TEXT UNIQUE",
        [("id", "int64"), ("email", "utf8")],
        [
            "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
            "REPLACE INTO t VALUES (4, 'b')",
        ],
        "SELECT COUNT(*), SUM(id), MAX(email) FROM t",
    ),
    "replace_hits_two_rows_at_once": Case(
        "id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT UNIQUE",
        [("id", "int64"), ("a", "utf8"), ("b", "utf8")],
        [
            "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')",
            "REPLACE INTO t VALUES (4, 'a', 'y')",
        ],
        "SELECT COUNT(*), SUM(id) FROM t",
    ),
    "doubles_keep_every_bit": Case(
        "id INTEGER PRIMARY KEY, x REAL",
        [("id", "int64"), ("x", "float64")],
        [
            "INSERT INTO t VALUES (1, 0.30000000000000004), (2, 0.1), (3, 5e-324),"
            " (4, 1.7976931348623157e308), (5, 9007199254740993.0)"
        ],
        "SELECT id, x FROM t ORDER BY id",
    ),
    "blobs_are_kept": Case(
        "id INTEGER PRIMARY KEY, data BLOB",
        [("id", "int64"), ("data", "binary")],
        ["INSERT INTO t VALUES (1, x'00ff10'), (2, x''), (3, NULL)"],
        "SELECT id, data FROM t ORDER BY id",
    ),
    "remainder_by_zero_is_null": Case(
        "id INTEGER PRIMARY KEY, a INTEGER, b INTEGER",
        [("id", "int64"), ("a", "int64"), ("b", "int64")],
        ["INSERT INTO t VALUES (1, 7, 0), (2, 7, 3), (3, -9223372036854775808, -1)"],
        "SELECT id, a % b, b / (a - a) FROM t ORDER BY id",
    ),
    "group_concat": Case(
        "id INTEGER PRIMARY KEY, name TEXT",
        [("id", "int64"), ("name", "utf8")],
        ["INSERT INTO t VALUES (1, 'a'), (2, 'a'), (3, NULL), (4, 'a')"],
        "SELECT group_concat(name) FROM t",
    ),
}


async def prepared(path: Path, case: Case) -> yoda.HtapEngine:
    engine = await yoda.open(oltp_path=str(path))
    await engine.execute(f"CREATE TABLE t({case.declaration})")
    await engine.register_table(yoda.TableSchema("t", case.columns, ["id"]))
    for sql in case.statements:
        await engine.execute(sql)
    await engine.sync_now()
    return engine


def rows(batches: list[Any]) -> list[tuple[Any, ...]]:
    return [
        row for batch in batches for row in zip(*batch.to_pydict().values(), strict=True)
    ]


def sqlite_answer(path: Path, query: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def exact(answer: list[tuple[Any, ...]]) -> list[str]:
    """repr tells 1 from 1.0 and every double from its neighbours."""
    return [repr(row) for row in answer]


@pytest.mark.parametrize("name", CASES)
def test_answers_as_sqlite(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / "a.db"

    async def ask() -> list[list[tuple[Any, ...]]]:
        async with await prepared(path, case) as engine:
            return [rows(await ask(case.query)) for ask in (engine.query_olap, engine.query)]

    on_columns, routed = asyncio.run(ask())
    expected = sqlite_answer(path, case.query)
    assert exact(on_columns) == exact(expected)
    assert exact(routed) == exact(expected)


def test_sum_that_overflows_is_an_error(tmp_path: Path) -> None:
    case = Case(
        "id INTEGER PRIMARY KEY, n INTEGER",
        [("id", "int64"), ("n", "int64")],
        ["INSERT INTO t VALUES (1, 9223372036854775807), (2, 1)"],
        "SELECT SUM(n) FROM t",
    )

    async def ask() -> None:
        async with await prepared(tmp_path / "a.db", case) as engine:
            for query in (engine.query_olap, engine.query):
                with pytest.raises(yoda.Error, match="integer overflow"):
                    await query(case.query)
            # Neither the engine nor the table is worse off for it.
            assert rows(await engine.query_olap("SELECT SUM(n) FROM t WHERE id = 2")) == [(1,)]

    asyncio.run(ask())


REOPENED = Case(
    "id INTEGER PRIMARY KEY, n INTEGER",
    [("id", "int64"), ("n", "int64")],
    ["INSERT INTO t VALUES (1, 10), (2, 20)", "UPDATE t SET n = 21 WHERE id = 2"],
    "SELECT COUNT(*), SUM(n) FROM t",
)


@pytest.mark.parametrize("in_memory", [False, True], ids=["files", "columns in memory"])
@pytest.mark.parametrize("again", [False, True], ids=["as it was", "registered again"])
def test_reopening_keeps_registration_and_rows(
    tmp_path: Path, in_memory: bool, again: bool
) -> None:
    path = tmp_path / "a.db"

    async def fill_and_ask() -> list[tuple[Any, ...]]:
        async with await prepared(path, REOPENED):
            pass
        async with await yoda.open(oltp_path=str(path), olap_in_memory=in_memory) as engine:
            if again:
                await engine.register_table(yoda.TableSchema("t", REOPENED.columns, ["id"]))
            await engine.execute("INSERT INTO t VALUES (3, 30)")
            return rows(await engine.query_olap(REOPENED.query))

    assert asyncio.run(fill_and_ask()) == [(3, 61)]


def test_rows_written_while_closed_are_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def fill() -> None:
        async with await prepared(path, REOPENED):
            pass

    async def ask() -> list[tuple[Any, ...]]:
        async with await yoda.open(oltp_path=str(path)) as engine:
            return rows(await engine.query_olap(REOPENED.query))

    asyncio.run(fill())
    db = sqlite3.connect(path)
    db.execute("INSERT INTO t VALUES (3, 30)")
    db.commit()
    db.close()
    assert asyncio.run(ask()) == [(3, 61)]
