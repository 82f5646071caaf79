"""A ledger of sales, without an event loop: yoda.dbapi.

    python sales.py sales.db < new.csv

Adds the lines of standard input, "2024-02-29,Oslo,12.50", in one transaction: a line that is wrong
takes all others back. Then it prints what every shop has sold so far, and which side of the engine
added that up.
"""

import contextlib
import csv
import sys
from collections.abc import Iterable, Iterator

import yoda.dbapi

TABLE = """
CREATE TABLE IF NOT EXISTS sales(
    id INTEGER PRIMARY KEY,
    day TEXT NOT NULL CHECK (day IS date(day, '+0 days')),
    shop TEXT NOT NULL,
    cents INTEGER NOT NULL CHECK (cents > 0)
)
"""
REPORT = """
SELECT shop, count(*), sum(cents) / 100.0, max(day)
FROM sales GROUP BY shop ORDER BY sum(cents) DESC
"""


def rows(lines: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """What is to be stored of each line. ValueError names the line that is wrong."""
    for number, fields in enumerate(csv.reader(lines), 1):
        try:
            day, shop, amount = fields
            yield day, shop, round(float(amount) * 100)
        except ValueError:
            raise ValueError(f"line {number}: not DAY,SHOP,AMOUNT: {','.join(fields)}") from None


def add(connection: yoda.dbapi.Connection, lines: Iterable[str]) -> int:
    """Store all lines, or none. How many that were."""
    with connection:
        insert = "INSERT INTO sales(day, shop, cents) VALUES (?, ?, ?)"
        return connection.executemany(insert, rows(lines)).rowcount


def report(connection: yoda.dbapi.Connection) -> None:
    """Print a line per shop."""
    cursor = connection.execute(REPORT)
    for shop, count, total, last in cursor:
        print(f"{shop:<12} {count:>6} sales {total:>12.2f}   last on {last}")
    print(f"(by {cursor.route}: {cursor.reason})")


def main(path: str) -> int:
    """Add what comes in, report, and say whether it worked."""
    with contextlib.closing(yoda.dbapi.connect(path)) as connection:
        connection.execute(TABLE)
        connection.register_table("sales")
        try:
            print(f"{add(connection, sys.stdin)} added")
        except (ValueError, yoda.dbapi.IntegrityError) as error:
            print(f"nothing added: {error}", file=sys.stderr)
            return 1
        report(connection)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: sales.py FILE")
    sys.exit(main(sys.argv[1]))
