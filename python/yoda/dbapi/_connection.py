"""Connections: transactions that begin with the first write, over one blocking queue.

    not in a transaction   queries go where the router says, columns or rows; the first INSERT,
                           UPDATE, DELETE or REPLACE begins a transaction, unless autocommit is on
    in a transaction       everything runs on the connection that writes: queries see the
                           transaction's own rows, on SQLite

As in sqlite3, CREATE, DROP, ALTER and the like begin no transaction: outside of one they commit by
themselves, inside they are part of it. BEGIN, COMMIT and ROLLBACK given as statements are begin(),
commit() and rollback(); every transaction is BEGIN IMMEDIATE, whatever it is called.

One lock per connection: its calls are serialised, so threads may share it. The cursors of a thread
are its own.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from yoda import _yoda
from yoda.dbapi import _engines
from yoda.dbapi._blocking import BlockingQueue, Submit
from yoda.dbapi._cursor import Cursor, Outcome, Rows
from yoda.dbapi._failure import failure
from yoda.dbapi._statement import Kind, Statement
from yoda.units import timeout_ms

if TYPE_CHECKING:
    from yoda._yoda import Parameters

_LAST_ROWID = "SELECT last_insert_rowid()"


class Connection:
    """A connection to one database file. Made by connect()."""

    Warning = _yoda.Warning
    Error = _yoda.Error
    InterfaceError = _yoda.InterfaceError
    DatabaseError = _yoda.DatabaseError
    DataError = _yoda.DataError
    OperationalError = _yoda.OperationalError
    IntegrityError = _yoda.IntegrityError
    InternalError = _yoda.InternalError
    ProgrammingError = _yoda.ProgrammingError
    NotSupportedError = _yoda.NotSupportedError

    def __init__(
        self, shared: _engines.Shared, autocommit: bool, statement_timeout: float | None
    ) -> None:
        self._closed = True  # until it is made
        self._shared = shared
        self._queue = BlockingQueue(shared.engine)
        self._lock = threading.RLock()  # a signal handler may come back in
        self._pid = os.getpid()
        self._txn: _yoda.Transaction | None = None
        self._autocommit = autocommit
        self.statement_timeout = statement_timeout
        """Seconds that one statement may take before TimeoutError; None: any time."""
        self._closed = False

    # ---- PEP 249 ----

    def cursor(self) -> Cursor:
        """A new cursor."""
        self._check_open()
        return Cursor(self)

    def commit(self) -> None:
        """Make the open transaction's writes permanent; nothing where none is open.

        A commit that fails rolls back: a foreign key that does not hold, a full disk.
        """
        with self._locked():
            self._check_open()
            self._end(commit=True)

    def rollback(self) -> None:
        """Undo the open transaction's writes; nothing where none is open."""
        with self._locked():
            self._check_open()
            self._end(commit=False)

    def close(self) -> None:
        """Roll back what is not committed and close. Again: nothing happens."""
        if os.getpid() != self._pid:
            self._closed = True
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._end(commit=False)
            except _yoda.ClosedError:
                pass  # with the engine, the transaction went
            finally:
                self._queue.close()
                _engines.release(self._shared)

    # ---- As sqlite3 has it ----

    @property
    def autocommit(self) -> bool:
        """True: each statement commits by itself, but for those between BEGIN and COMMIT.

        Setting it to True commits an open transaction.
        """
        return self._autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        with self._locked():
            self._check_open()
            if value:
                self._end(commit=True)
            self._autocommit = bool(value)

    @property
    def in_transaction(self) -> bool:
        """Is a transaction open?"""
        return self._txn is not None

    def begin(self) -> None:
        """Begin a transaction now: queries see it, and one moment of the database, from here on."""
        with self._locked():
            self._check_open()
            self._begin_explicitly()

    def execute(self, sql: str, parameters: Parameters = None, /) -> Cursor:
        """Execute on a new cursor, and give that."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, rows: Rows, /) -> Cursor:
        """executemany on a new cursor, and give that."""
        return self.cursor().executemany(sql, rows)

    def executescript(self, script: str, /) -> Cursor:
        """executescript on a new cursor, and give that."""
        return self.cursor().executescript(script)

    def interrupt(self) -> None:
        """End what another thread waits for on this connection, by InterruptedError. At once."""
        self._queue.interrupt()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        """Commit, or roll back after an exception. The connection stays open."""
        if kind is None:
            self.commit()
        elif not self._closed:
            self.rollback()
        return False

    def __del__(self) -> None:
        if getattr(self, "_closed", True):
            return
        try:
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=1, source=self)
        finally:
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "in a transaction" if self._txn else "open"
        return f"<yoda.dbapi.Connection to {self._shared.engine.path!r}, {state}>"

    # ---- The columns ----

    def register_table(
        self, name: str, columns: Sequence[tuple[str, str]] | None = None, key: Sequence[str] = ()
    ) -> None:
        """Keep a table as columns, too: analytical queries then run there. Kept in the file."""
        self._outside(
            lambda slot: self._queue.raw.register_table(slot, name, columns, key, self._limit_ms())
        )

    def unregister_table(self, name: str) -> None:
        """Keep it as rows alone."""
        self._outside(lambda slot: self._queue.raw.unregister_table(slot, name, self._limit_ms()))

    def sync(self) -> None:
        """Bring the columns up to the last commit now. Queries do by themselves what they need."""
        self._outside(lambda slot: self._queue.raw.sync(slot, self._limit_ms()))

    def _outside(self, submit: Submit) -> None:
        """Run what would wait for the end of this connection's own transaction."""
        with self._locked():
            self._check_open()
            if self._txn:
                raise failure("a transaction is open", hint="commit() or rollback() first")
            self._queue.run_one(submit)

    # ---- Transactions; all of these with the lock held ----

    def _locked(self) -> threading.RLock:
        """The lock, to be taken. A forked child must not wait for one that the parent held."""
        if os.getpid() != self._pid:
            raise failure(
                "the connection was opened by the parent process",
                _yoda.ForkedError,
                "FORKED",
                hint="connect() in the child",
            )
        return self._lock

    def _check_open(self) -> None:
        if self._closed:
            raise failure("the connection is closed", _yoda.ClosedError, "CLOSED")

    def _limit_ms(self) -> int:
        return timeout_ms(self.statement_timeout)

    def _begin(self) -> _yoda.Transaction:
        raw, limit = self._queue.raw, self._limit_ms()
        txn: _yoda.Transaction = self._queue.run_one(lambda slot: raw.begin(slot, limit))
        return txn

    def _begin_explicitly(self) -> None:
        if self._txn:
            raise failure(
                "cannot start a transaction within a transaction",
                _yoda.OperationalError,
                "CONFLICT",
            )
        self._txn = self._begin()

    def _end(self, commit: bool) -> None:
        """Commit or roll back; whatever comes of it, the transaction is over."""
        txn, self._txn = self._txn, None
        if txn is None:
            return
        submit = self._queue.raw.commit if commit else self._queue.raw.rollback
        self._queue.run_one(lambda slot: submit(slot, txn))

    def _end_explicitly(self, commit: bool) -> None:
        if not self._txn:
            verb = "commit" if commit else "rollback"
            raise failure(
                f"cannot {verb} - no transaction is active", _yoda.OperationalError, "CONFLICT"
            )
        self._end(commit)

    def _joined(self, statement: Statement) -> _yoda.Transaction | None:
        """The transaction that the statement is to run in: open, or begun by it."""
        begins = statement.kind in (Kind.WRITE, Kind.SAVEPOINT) and not self._autocommit
        if self._txn is None and begins:
            self._txn = self._begin()
        return self._txn

    # ---- Statements, for the cursors ----

    def _run(self, statement: Statement, sql: str, params: Parameters) -> Outcome:
        """Run one statement, where it belongs."""
        with self._locked():
            self._check_open()
            match statement.kind:
                case Kind.READ | Kind.EXPLAIN:
                    return self._read(statement, sql, params)
                case Kind.BEGIN:
                    self._begin_explicitly()
                case Kind.COMMIT | Kind.ROLLBACK:
                    self._end_explicitly(commit=statement.kind is Kind.COMMIT)
                case Kind.WRITE | Kind.OTHER | Kind.SAVEPOINT:
                    return self._write(statement, sql, params)
            return Outcome()

    def _read(self, statement: Statement, sql: str, params: Parameters) -> Outcome:
        raw, limit = self._queue.raw, self._limit_ms()
        txn = None if statement.kind is Kind.EXPLAIN else self._txn
        if txn is None:
            result = self._queue.run_one(lambda slot: raw.query(slot, sql, params, limit))
        else:
            result = self._queue.run_one(lambda slot: raw.txn_query(slot, txn, sql, params, limit))
        return Outcome(result=result, changes=result.rows)

    def _write(self, statement: Statement, sql: str, params: Parameters) -> Outcome:
        raw, limit = self._queue.raw, self._limit_ms()
        txn = self._joined(statement)
        if statement.inserts or statement.returning:
            return self._write_inside(statement, txn, sql, params)
        if txn is None and statement.kind is Kind.SAVEPOINT:
            raise failure("a savepoint needs a transaction", hint="BEGIN first: autocommit is on")
        if txn is None:
            changes = self._queue.run_one(lambda slot: raw.execute(slot, sql, params, limit))
        else:
            changes = self._queue.run_one(
                lambda slot: raw.txn_execute(slot, txn, sql, params, limit)
            )
        return Outcome(changes=changes if statement.kind is Kind.WRITE else -1)

    def _write_inside(
        self, statement: Statement, txn: _yoda.Transaction | None, sql: str, params: Parameters
    ) -> Outcome:
        """Run what tells more than a count, RETURNING's rows or a row id, and ask for the latter before
        anybody else writes: in one go, in a transaction. With autocommit that is one of its own, ended
        in the same go."""
        raw, limit = self._queue.raw, self._limit_ms()
        inside = txn or self._begin()
        run: Callable[..., Any] = raw.txn_query if statement.returning else raw.txn_execute
        submits: list[Submit] = [
            lambda slot: run(slot, inside, sql, params, limit),
            lambda slot: raw.txn_query(slot, inside, _LAST_ROWID, None, limit),
        ]
        if txn is None:
            submits.append(lambda slot: raw.commit(slot, inside))
        told, rowid, *_ = self._queue.run(*submits)
        result = told if statement.returning else None
        changes = told.rows if statement.returning else told
        inserted = statement.inserts and changes > 0
        return Outcome(result, changes, rowid.tuples(1)[0][0] if inserted else None)

    def _run_many(self, statement: Statement, sql: str, rows: Rows) -> Outcome:
        """Run one writing statement with many rows of parameters, all or nothing.

        The rows are taken first: what makes them may use the connection.
        """
        rows = rows if isinstance(rows, list | tuple) else list(rows)
        with self._locked():
            self._check_open()
            raw, limit = self._queue.raw, self._limit_ms()
            txn = self._joined(statement)
            if txn is None:
                changes = self._queue.run_one(lambda slot: raw.execute_many(slot, sql, rows, limit))
            else:
                changes = self._queue.run_one(
                    lambda slot: raw.txn_execute_many(slot, txn, sql, rows, limit)
                )
            return Outcome(changes=changes)

    def _run_script(self, script: str) -> None:
        """Commit, then run any number of statements."""
        with self._locked():
            self._check_open()
            self._end(commit=True)
            raw, limit = self._queue.raw, self._limit_ms()
            self._queue.run_one(lambda slot: raw.execute(slot, script, None, limit))
