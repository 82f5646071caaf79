"""The table of all cases, its rows from a seed, and a loader that only uses Python's sqlite3.

Run as a program it is the loader: a process of its own, because an engine may bring a SQLite of its
own and two of them must not have one file open in one process.

    orders.py DATABASE insert FIRST COUNT      rows FIRST .. FIRST + COUNT - 1
    orders.py DATABASE update ROWS COUNT       new amounts for COUNT different rows of 1 .. ROWS
"""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DECLARATION = "id INTEGER PRIMARY KEY, shop INTEGER, amount REAL, name TEXT"
COLUMNS = (("id", "int64"), ("shop", "int64"), ("amount", "float64"), ("name", "utf8"))
SHOPS = 100
NAMES = 10_000
SEED = 20_240_229


def rows(first: int, count: int) -> Iterator[tuple[int, int, float, str]]:
    """Amounts are whole cents, names one of NAMES, shops one of SHOPS."""
    pick = random.Random(SEED + first)
    for row in range(first, first + count):
        yield (
            row,
            pick.randrange(SHOPS),
            pick.randrange(100_000) / 100,
            f"customer {pick.randrange(NAMES)}",
        )


def literal(row: tuple[int, int, float, str], table: str = "orders") -> str:
    return f"INSERT INTO {table} VALUES ({row[0]}, {row[1]}, {row[2]!r}, '{row[3]}')"


def load(database: Path, what: str, *numbers: int) -> None:
    """Run this file as a program beside the engine that has the database open."""
    command = [sys.executable, __file__, str(database), what, *map(str, numbers)]
    subprocess.run(command, check=True)


def _insert(db: sqlite3.Connection, first: int, count: int) -> None:
    db.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows(first, count))


def _update(db: sqlite3.Connection, existing: int, count: int) -> None:
    pick = random.Random(SEED + count)
    changes = [
        (pick.randrange(100_000) / 100, row)
        for row in pick.sample(range(1, existing + 1), count)
    ]
    db.executemany("UPDATE orders SET amount = ? WHERE id = ?", changes)


def main(database: str, what: str, *numbers: str) -> None:
    db = sqlite3.connect(database, timeout=60, isolation_level=None)
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("BEGIN IMMEDIATE")
    {"insert": _insert, "update": _update}[what](db, *map(int, numbers))
    db.execute("COMMIT")
    db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
