"""What the reference system answers wrongly or refuses, tried on both sides beside SQLite itself.

Each fault is a table, statements, and one query whose answer must be SQLite's. Python's sqlite3 is
asked in the driver's process, the engines in processes of their own.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engines


@dataclass(frozen=True)
class Fault:
    """One question.

    reopen: the database is closed and opened before the query; again: the table is registered anew
    """

    title: str
    declaration: str
    columns: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]
    query: str
    reopen: bool = False
    again: bool = False


_ID = ("id", "int64")
_REOPENED = (
    "id INTEGER PRIMARY KEY, n INTEGER",
    (_ID, ("n", "int64")),
    ("INSERT INTO t VALUES (1, 10)", "INSERT INTO t VALUES (2, 20)"),
    "SELECT COUNT(*) FROM t",
)

FAULTS = {
    "replace": Fault(
        "REPLACE that hits a secondary UNIQUE, then COUNT(*)",
        "id INTEGER PRIMARY KEY, email TEXT UNIQUE",
        (_ID, ("email", "utf8")),
        (
            "INSERT INTO t VALUES (1, 'a')",
            "INSERT INTO t VALUES (2, 'b')",
            "INSERT INTO t VALUES (3, 'c')",
            "REPLACE INTO t VALUES (4, 'b')",
        ),
        "SELECT COUNT(*) FROM t",
    ),
    "double": Fault(
        "0.30000000000000004 read back",
        "id INTEGER PRIMARY KEY, x REAL",
        (_ID, ("x", "float64")),
        ("INSERT INTO t VALUES (1, 0.30000000000000004)",),
        "SELECT x FROM t",
    ),
    "blob": Fault(
        "INSERT with a BLOB",
        "id INTEGER PRIMARY KEY, data BLOB",
        (_ID, ("data", "binary")),
        ("INSERT INTO t VALUES (1, x'00ff10')",),
        "SELECT data FROM t",
    ),
    "overflow": Fault(
        "SUM of 9223372036854775807 and 1",
        "id INTEGER PRIMARY KEY, n INTEGER",
        (_ID, ("n", "int64")),
        ("INSERT INTO t VALUES (1, 9223372036854775807)", "INSERT INTO t VALUES (2, 1)"),
        "SELECT SUM(n) FROM t",
    ),
    "remainder": Fault(
        "7 % 0",
        "id INTEGER PRIMARY KEY, a INTEGER, b INTEGER",
        (_ID, ("a", "int64"), ("b", "int64")),
        ("INSERT INTO t VALUES (1, 7, 0)",),
        "SELECT a % b FROM t",
    ),
    "concat": Fault(
        "group_concat",
        "id INTEGER PRIMARY KEY, name TEXT",
        (_ID, ("name", "utf8")),
        ("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')"),
        "SELECT group_concat(name) FROM t",
    ),
    "reopen": Fault("COUNT(*) after reopening", *_REOPENED, reopen=True),
    "again": Fault(
        "COUNT(*) after reopening and registering again", *_REOPENED, reopen=True, again=True
    ),
}


def expected(fault: Fault) -> str:
    """SQLite's own answer."""
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE t({fault.declaration})")
    for sql in fault.statements:
        db.execute(sql)
    try:
        return repr(db.execute(fault.query).fetchone()[0])
    except sqlite3.Error as error:
        return f"error: {error}"
    finally:
        db.close()


async def _answer(side: str, path: Path, fault: Fault) -> Any:
    engine = await engines.open_engine(side, path)
    async with engine:
        await engines.create_table(side, engine, "t", fault.columns, fault.declaration)
        for sql in fault.statements:
            await engine.execute(sql)
        await engine.sync_now()
        if not fault.reopen:
            return engines.first_value(await engine.query_olap(fault.query))
    del engine
    async with await engines.open_engine(side, path) as engine:
        if fault.again:
            await engines.register(side, engine, "t", fault.columns)
            await engine.sync_now()
        return engines.first_value(await engine.query_olap(fault.query))


async def faults(side: str, folder: Path, **_: Any) -> dict[str, Any]:
    """One answer or error for each fault, each in a database of its own."""
    answers = {}
    for key, fault in FAULTS.items():
        try:
            answers[key] = repr(await _answer(side, folder / f"{key}.db", fault))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the answer
            answers[key] = f"error: {error}"
    return {"figures": {}, "answers": answers}
