"""What the operations answer with."""

from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any, Literal

from yoda._yoda import Result
from yoda.arrow import Converter
from yoda.batch import RecordBatch


class QueryResult(list[Any]):
    """The record batches of a query, at least one, and how they came about.

    It is a list: `result[0].to_pydict()`, `pyarrow.Table.from_batches(result)`. The methods are
    about all batches together. What reads Arrow streams but takes a list for values (polars,
    DuckDB) reads `result.arrow`.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Result, convert: Converter) -> None:
        super().__init__(map(convert, raw.batches()))
        self._raw = raw

    @property
    def route(self) -> Literal["column", "row"]:
        """Which side ran it."""
        return self._raw.route

    @property
    def reason(self) -> str:
        """Why that side."""
        return self._raw.reason

    @property
    def staleness_ms(self) -> int:
        """Age of the snapshot when the query began; 0: fresh."""
        return self._raw.staleness_ms

    @property
    def watermark(self) -> int:
        """The last captured change the snapshot includes; -1 on the row side."""
        return self._raw.watermark

    @property
    def elapsed_ms(self) -> float:
        """Planning, waiting for freshness and running."""
        return self._raw.elapsed_ns / 1e6

    @property
    def rows(self) -> int:
        """How many."""
        return self._raw.rows

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, as the query has them; two may be the same."""
        return self._raw.column_names

    @property
    def arrow(self) -> Result:
        """The whole result as an object with __arrow_c_stream__ that is no list."""
        return self._raw

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._raw.__arrow_c_stream__(requested_schema)

    def to_tuples(self) -> list[tuple[Any, ...]]:
        """The rows as tuples of None, int, float, str and bytes."""
        return list(chain.from_iterable(batch.to_tuples() for batch in self._batches()))

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return list(chain.from_iterable(batch.to_pylist() for batch in self._batches()))

    def to_pydict(self) -> dict[str, list[Any]]:
        """Name to values. Of columns with the same name the last one is there."""
        pieces = [batch.to_pydict() for batch in self._batches()]
        return {name: list(chain.from_iterable(p[name] for p in pieces)) for name in pieces[0]}

    def to_pyarrow(self) -> Any:
        """A pyarrow.Table; nothing is copied."""
        return import_module("pyarrow").RecordBatchReader.from_stream(self._raw).read_all()

    def to_polars(self) -> Any:
        """A polars.DataFrame."""
        return import_module("polars").DataFrame(self._raw)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; through pyarrow where that can be imported."""
        try:
            return self.to_pyarrow().to_pandas()
        except ImportError:
            return import_module("pandas").DataFrame(self.to_pydict())

    def _batches(self) -> list[RecordBatch]:
        return [RecordBatch(raw) for raw in self._raw.batches()]


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync did."""

    events_processed: int
    """Log entries read."""
    rows_inserted: int
    rows_updated: int
    rows_deleted: int
    pruned: int | None
    """Log entries removed by this sync. None when it removed none: with columns in files the log is
    pruned behind a checkpoint, not in the sync itself."""
    last_seq: int
    """The watermark after it: the last change the columns include."""

    def __repr__(self) -> str:
        return (
            f"SyncResult(events={self.events_processed}, inserted={self.rows_inserted}, "
            f"updated={self.rows_updated}, deleted={self.rows_deleted}, pruned={self.pruned})"
        )


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Do both sides hold the same? True in a condition when they do."""

    tables: int
    """Compared."""
    tables_equal: int
    tables_repaired: int
    rows: int
    """Compared on the SQLite side."""
    difference: str
    """The first one: table, column, key; "" when equal."""

    def __bool__(self) -> bool:
        return not self.difference
