"""The C extension under the package: thin and private. The public names are in yoda/__init__.py.

Every blocking call releases the GIL. Submits never block: they copy what they are given, return an Op,
and resolve their target in a later drain() of the same queue, on the thread that drains:

    target.done() -> bool              asked first: a target that is done is left alone
    target.set_result(value)           the value named at each submit below
    target.set_exception(error)        an exception of the tree below
    target.part(result)                streams only: one part of the rows, before the set_result(None)

An asyncio.Future is such a target. Parameters are None, a sequence (for ?) or a mapping (for :name) of
None, bool, int, float, str, bytes-like, date, time, datetime (as ISO text), and what has __index__ or
__float__.
"""

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, final

version: str
"""yoda_version(): the library, the linked SQLite, the kernels in use."""

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
Side: TypeAlias = Literal["auto", "column", "row"]

class Target(Protocol):
    def done(self) -> bool: ...
    def set_result(self, value: Any, /) -> Any: ...
    def set_exception(self, error: BaseException, /) -> Any: ...

# ---- Errors: the tree of PEP 249; each has code, sqlite_code, sql_offset and hint ----

class Warning(Exception): ...

class Error(Exception):
    code: str
    """The name of the yoda_status: "CONSTRAINT", "BUSY", ..."""
    sqlite_code: int
    """SQLite's extended result code; 0 where SQLite was not involved."""
    sql_offset: int | None
    """Characters into the statement, where known."""
    hint: str | None
    """What to do about it, where there is something to say."""

class InterfaceError(Error): ...
class ClosedError(InterfaceError): ...  # CLOSED
class ForkedError(InterfaceError): ...  # FORKED
class DatabaseError(Error): ...  # CORRUPT
class DataError(DatabaseError): ...  # TOO_BIG
class OperationalError(
    DatabaseError
): ...  # NOMEM IOERR FULL READONLY SCHEMA, ERROR without an offset
class BusyError(OperationalError): ...  # BUSY
class InterruptedError(OperationalError): ...  # INTERRUPTED
class TimeoutError(OperationalError, builtins.TimeoutError): ...  # TIMEOUT
class IntegrityError(DatabaseError): ...  # CONSTRAINT
class InternalError(DatabaseError): ...  # INTERNAL
class ProgrammingError(DatabaseError): ...  # MISUSE NOT_FOUND CONFLICT, ERROR with an offset
class NotSupportedError(DatabaseError): ...  # NOT_COLUMNAR

class InFlightError(BusyError):
    """A submit was refused: max_in_flight operations are under way. Queue.on_writable is called later."""

# ---- Handles ----

@final
class Engine:
    """yoda_open without the GIL. Deallocated without shutdown(): ResourceWarning, and it is shut down."""

    def __init__(self, path: str, options: Iterable[tuple[str, str]] = ()) -> None: ...
    @property
    def path(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def shutdown(self) -> None:
        """yoda_shutdown. Idempotent; any thread. In a forked child: does nothing."""
    def interrupt(self) -> None: ...
    def status(self) -> dict[str, Any]:
        """The fields of yoda_engine_status."""
    def inspect(
        self, kind: Literal["tables", "segments", "options"], table: str | None = None
    ) -> Result: ...

@final
class Op:
    """One submitted operation. It keeps its target until it has completed."""

    def cancel(self) -> None:
        """Any thread; never blocks. The target is resolved all the same, by InterruptedError as a rule."""
    def credit(self, parts: int) -> None: ...
    def progress(self) -> tuple[Literal["waiting", "running", "done"], int, int]:
        """Phase, done, total (0: not known)."""

@final
class Transaction:
    """A yoda_txn. Deallocated without commit or rollback: it is rolled back."""

    @property
    def ended(self) -> bool: ...

@final
class Queue:
    """A yoda_queue with its operations' targets. One per event loop or connection."""

    def __init__(self, engine: Engine) -> None: ...
    on_writable: Callable[[], object] | None
    """Called in a drain when there is room again after an InFlightError."""
    @property
    def closed(self) -> bool: ...
    def fileno(self) -> int: ...
    def drain(self) -> int:
        """Resolve what has completed. How many completions that were. Never blocks."""
    def wait(self, timeout: float | None = None) -> int:
        """Block without the GIL until something completes, wake() or the timeout (seconds), then drain.
        Python's signal handlers run meanwhile; what they raise comes out of here."""
    def wake(self) -> None: ...
    def close(self) -> None:
        """yoda_queue_close: cancels what is in flight and waits for it. Targets that are left are resolved
        with InterruptedError. Idempotent."""
    # ---- Submits. timeout_ms 0: none. What is resolved with stands behind the arrow.
    def execute(
        self, target: Target, sql: str, params: Parameters = None, timeout_ms: int = 0
    ) -> Op: ...  # -> int
    def execute_batch(
        self, target: Target, statements: Sequence[str], timeout_ms: int = 0
    ) -> Op: ...  # -> int
    def execute_many(
        self,
        target: Target,
        sql: str,
        rows: Iterable[Sequence[Any] | Mapping[str, Any]],
        timeout_ms: int = 0,
    ) -> Op: ...  # -> int
    def query(
        self,
        target: Target,
        sql: str,
        params: Parameters = None,
        timeout_ms: int = 0,
        side: Side = "auto",
        max_staleness_ms: int = -1,
        window: int = 0,
    ) -> Op: ...  # -> Result; window > 0: parts, then None
    def sync(self, target: Target, timeout_ms: int = 0) -> Op: ...
    # -> (events_processed, rows_inserted, rows_updated, rows_deleted, pruned, last_seq)
    def register_table(
        self,
        target: Target,
        name: str,
        columns: Sequence[tuple[str, str]] | None = None,
        key: Sequence[str] = (),
        timeout_ms: int = 0,
    ) -> Op: ...  # -> None
    def unregister_table(self, target: Target, name: str, timeout_ms: int = 0) -> Op: ...  # -> None
    def checkpoint(self, target: Target, timeout_ms: int = 0) -> Op: ...  # -> None
    def verify(
        self, target: Target, table: str | None = None, repair: bool = False, timeout_ms: int = 0
    ) -> Op: ...
    # -> (tables, tables_equal, tables_repaired, rows, difference)
    def ingest(
        self,
        target: Target,
        table: str,
        stream_capsule: object,
        mode: Literal["append", "create", "create_append", "replace"] = "append",
        timeout_ms: int = 0,
    ) -> Op: ...
    # stream_capsule: a PyCapsule "arrow_array_stream", consumed -> int, rows
    def begin(self, target: Target, timeout_ms: int = 0) -> Op: ...  # -> Transaction
    def txn_execute(
        self,
        target: Target,
        txn: Transaction,
        sql: str,
        params: Parameters = None,
        timeout_ms: int = 0,
    ) -> Op: ...  # -> int
    def txn_execute_many(
        self,
        target: Target,
        txn: Transaction,
        sql: str,
        rows: Iterable[Sequence[Any] | Mapping[str, Any]],
        timeout_ms: int = 0,
    ) -> Op: ...  # -> int
    def txn_query(
        self,
        target: Target,
        txn: Transaction,
        sql: str,
        params: Parameters = None,
        timeout_ms: int = 0,
    ) -> Op: ...  # -> Result
    def commit(self, target: Target, txn: Transaction, timeout_ms: int = 0) -> Op: ...  # -> None
    def rollback(self, target: Target, txn: Transaction, timeout_ms: int = 0) -> Op: ...  # -> None
    def shutdown(self, target: Target) -> Op: ...  # -> None

@final
class Result:
    """A finished result, or one part of a stream. Batches share its buffers and keep them alive."""

    @property
    def route(self) -> Literal["column", "row"]: ...
    @property
    def reason(self) -> str: ...
    @property
    def staleness_ms(self) -> int: ...
    @property
    def watermark(self) -> int: ...
    @property
    def elapsed_ns(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def batches(self) -> list[ArrowBatch]:
        """All of it; at least one, with no rows when there are none."""
    def tuples(self, limit: int = -1) -> list[tuple[Any, ...]]:
        """The next rows, at most limit, as None, int, float, str and bytes; [] at the end."""
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

@final
class ArrowBatch:
    """One Arrow record batch, read-only."""

    @property
    def num_rows(self) -> int: ...
    @property
    def num_columns(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    @property
    def formats(self) -> list[str]:
        """Per column the format string of the Arrow C data interface: "l", "g", "u", "z", "n", "+ud:..."."""
    def column(self, index: int) -> list[Any]:
        """The values as None, int, float, str and bytes."""
    def data(self, index: int) -> memoryview | None:
        """The values of an "l" or "g" column without copying (8 bytes each, format "q" or "d"); None for others."""
    def null_count(self, index: int) -> int: ...
    def slice(self, offset: int, length: int) -> ArrowBatch:
        """Rows of this one, sharing its buffers. Past the end is cut off."""
    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...
    def __arrow_c_schema__(self) -> object: ...
