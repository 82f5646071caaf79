"""Cursors: one statement's outcome, and the rows of it that were not fetched yet.

A result is complete when execute() returns; fetching takes rows out of it, a thousand at a time,
and never waits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from yoda import _yoda
from yoda.dbapi._failure import failure
from yoda.dbapi._statement import Kind, Statement, classify
from yoda.dbapi._types import describe

if TYPE_CHECKING:
    from yoda._yoda import Parameters
    from yoda.dbapi._connection import Connection

Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = Iterable[Sequence[Any] | Mapping[str, Any]]
"""Rows of parameters."""
_ROWS_AHEAD = 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement gave."""

    result: _yoda.Result | None = None
    changes: int = -1
    rowid: int | None = None


def _single(sql: str) -> Statement:
    statement = classify(sql)
    if statement.several:
        raise failure(
            "only one statement at a time can be executed", hint="executescript() runs several"
        )
    return statement


class Cursor:
    """Executes statements and fetches rows. Made by Connection.cursor()."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._closed = False
        self._outcome = Outcome()
        self._unread: _yoda.Result | None = None
        self._ahead: Iterator[Row] = iter(())
        self._fetched = False
        self._description: tuple[Row, ...] | None = None
        self._lastrowid: int | None = None
        self.arraysize = 1
        """How many rows fetchmany() takes."""

    # ---- What happened ----

    @property
    def connection(self) -> Connection:
        """Whose cursor it is."""
        return self._connection

    @property
    def description(self) -> tuple[Row, ...] | None:
        """Per column name, type code and five None; None where there are no rows to fetch."""
        result = self._outcome.result
        if self._description is None and result is not None:
            self._description = describe(result.column_names, result.batches()[0].formats)
        return self._description

    @property
    def rowcount(self) -> int:
        """Rows of the query, or rows inserted, updated and deleted; -1 where that says nothing."""
        return self._outcome.changes

    @property
    def lastrowid(self) -> int | None:
        """The row id of the last row that execute() inserted here; None when none was yet."""
        return self._lastrowid

    @property
    def route(self) -> Literal["column", "row"] | None:
        """Which side answered the query; None where there was none."""
        return self._outcome.result.route if self._outcome.result else None

    @property
    def reason(self) -> str | None:
        """Why that side."""
        return self._outcome.result.reason if self._outcome.result else None

    # ---- Executing ----

    def execute(self, sql: str, parameters: Parameters = None, /) -> Self:
        """Run one statement: a sequence of parameters for "?", a mapping for ":name".

        INSERT, UPDATE, DELETE and REPLACE begin a transaction, unless one is open or autocommit
        is on.
        """
        self._reset()
        statement = _single(sql)
        if statement.kind is Kind.EMPTY:
            return self
        self._outcome = self._connection._run(statement, sql, parameters)
        self._unread = self._outcome.result
        if self._outcome.rowid is not None:
            self._lastrowid = self._outcome.rowid
        return self

    def executemany(self, sql: str, rows: Rows, /) -> Self:
        """Run one INSERT, UPDATE, DELETE or REPLACE with each of the rows: all of them, or none."""
        self._reset()
        statement = _single(sql)
        if statement.kind is not Kind.WRITE or statement.returning:
            raise failure(
                "executemany() is for INSERT, UPDATE, DELETE and REPLACE without RETURNING"
            )
        self._outcome = self._connection._run_many(statement, sql, rows)
        return self

    def executescript(self, script: str, /) -> Self:
        """Commit, then run any number of statements, each of which commits by itself.

        BEGIN and COMMIT in the script are its own; one that it leaves open is rolled back.
        """
        self._reset()
        self._connection._run_script(script)
        return self

    def setinputsizes(self, sizes: Sequence[Any], /) -> None:
        """Nothing: SQLite needs no sizes."""

    def setoutputsize(self, size: int, column: int | None = None, /) -> None:
        """Nothing: values come in their full size."""

    def close(self) -> None:
        """Drop the rows. The cursor cannot be used any more."""
        self._drop()
        self._closed = True

    # ---- Fetching ----

    def fetchone(self) -> Row | None:
        """The next row, None at the end."""
        self._check_rows()
        row = next(self._ahead, None)
        if row is None:
            self._ahead = iter(self._take(_ROWS_AHEAD))
            row = next(self._ahead, None)
        return row

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next rows: size, or arraysize, or what is left."""
        self._check_rows()
        wanted = max(self.arraysize if size is None else size, 0)
        rows = list(itertools.islice(self._ahead, wanted))
        return rows + self._take(wanted - len(rows)) if len(rows) < wanted else rows

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        self._check_rows()
        return [*self._ahead, *self._take(-1)]

    def fetch_arrow(self) -> _yoda.Result:
        """The rows as Arrow, without copying: its batches(), or the whole for what takes a stream,
        as in pyarrow.table(cursor.fetch_arrow()).

        All rows or none: not after some were fetched. Then there is nothing left to fetch.
        """
        self._check_rows()
        if self._fetched or self._unread is None:
            raise failure("rows were fetched already", hint="fetch_arrow() right after execute()")
        result, self._unread = self._unread, None
        return result

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __repr__(self) -> str:
        return f"<yoda.dbapi.Cursor of {self._connection!r}>"

    # ---- State ----

    def _check_open(self) -> None:
        if self._closed:
            raise failure("the cursor is closed", _yoda.ClosedError, "CLOSED")
        self._connection._check_open()

    def _drop(self) -> None:
        self._outcome = Outcome()
        self._unread = None
        self._ahead = iter(())
        self._fetched = False
        self._description = None

    def _reset(self) -> None:
        self._check_open()
        self._drop()

    def _check_rows(self) -> None:
        self._check_open()
        if self._outcome.result is None:
            raise failure("there are no rows: the last statement was no query")

    def _take(self, limit: int) -> list[Row]:
        """Rows of the result; -1: all."""
        self._fetched = True
        return self._unread.tuples(limit) if self._unread is not None else []
