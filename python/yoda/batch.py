"""RecordBatch: the engine's own Arrow record batch, for programs without pyarrow and beside it.

It has the methods of a pyarrow.RecordBatch that programs use most, under the same names, and the
Arrow PyCapsule interface, so that pyarrow, polars, DuckDB, pandas and others read it without
copying. The buffers are those of the result: they live as long as anything points at them, also
after the engine.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple, overload

from yoda._yoda import ArrowBatch
from yoda.errors import misuse

_TYPES = {
    "l": "int64",
    "g": "float64",
    "u": "utf8",
    "U": "large_utf8",
    "z": "binary",
    "Z": "large_binary",
    "n": "null",
}
_SHOWN_ROWS = 10
_SHOWN_WIDTH = 40


class Field(NamedTuple):
    """A column's name and type: int64, float64, utf8, binary, null, or union where values of
    several mix."""

    name: str
    type: str


class Schema(tuple[Field, ...]):
    """The fields of a batch, in order."""

    __slots__ = ()

    @property
    def names(self) -> list[str]:
        """The column names."""
        return [field.name for field in self]

    @property
    def types(self) -> list[str]:
        """The column types."""
        return [field.type for field in self]

    def __repr__(self) -> str:
        return "\n".join(f"{field.name}: {field.type}" for field in self)


class Column(Sequence[Any]):
    """One column of a batch: a sequence of None, int, float, str and bytes."""

    __slots__ = ("_batch", "_index", "_values")

    def __init__(self, batch: ArrowBatch, index: int) -> None:
        self._batch = batch
        self._index = index
        self._values: list[Any] | None = None

    def _decoded(self) -> list[Any]:
        if self._values is None:
            self._values = self._batch.column(self._index)
        return self._values

    @property
    def name(self) -> str:
        """The column's name."""
        return self._batch.column_names[self._index]

    @property
    def type(self) -> str:
        """As in Field."""
        return _type_name(self._batch.formats[self._index])

    @property
    def null_count(self) -> int:
        """How many values are NULL."""
        return self._batch.null_count(self._index)

    @property
    def data(self) -> memoryview | None:
        """The values of an int64 or float64 column, not copied; None for other types. NULLs have
        any value."""
        return self._batch.data(self._index)

    def to_pylist(self) -> list[Any]:
        """The values."""
        return list(self._decoded())

    def __len__(self) -> int:
        return self._batch.num_rows

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._decoded()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._decoded())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Column):
            return self._decoded() == other._decoded()
        return self._decoded() == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<yoda.Column {self.name!r} {self.type} of {len(self)}>"


class RecordBatch:
    """Some rows of a result, column by column, read-only."""

    __slots__ = ("_raw",)

    def __init__(self, raw: ArrowBatch) -> None:
        if not isinstance(raw, ArrowBatch):
            raise misuse("a RecordBatch comes from a query and is not made by hand")
        self._raw = raw

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return self._raw.num_rows

    @property
    def num_columns(self) -> int:
        """How many columns."""
        return self._raw.num_columns

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, as the query has them; two may be the same."""
        return self._raw.column_names

    @property
    def schema(self) -> Schema:
        """Names and types."""
        types = (_type_name(format) for format in self._raw.formats)
        return Schema(map(Field, self._raw.column_names, types))

    @property
    def columns(self) -> list[Column]:
        """All columns."""
        return [Column(self._raw, index) for index in range(self.num_columns)]

    def column(self, which: int | str) -> Column:
        """One column, by its index or by its name."""
        if isinstance(which, str):
            return Column(self._raw, self._index_of(which))
        if not -self.num_columns <= which < self.num_columns:
            raise IndexError(f"column {which} of {self.num_columns}")
        return Column(self._raw, which % self.num_columns)

    __getitem__ = column

    def _index_of(self, name: str) -> int:
        names = self._raw.column_names
        found = names.count(name)
        if found == 0:
            raise KeyError(f"no column {name!r}; there are {', '.join(map(repr, names))}")
        if found > 1:
            raise KeyError(f"{found} columns are named {name!r}: use an index")
        return names.index(name)

    def to_pydict(self) -> dict[str, list[Any]]:
        """Name to values. Of columns with the same name the last one is there."""
        raw = self._raw
        return {name: raw.column(index) for index, name in enumerate(raw.column_names)}

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        names = self._raw.column_names
        return [dict(zip(names, row, strict=True)) for row in self.to_tuples()]

    def to_tuples(self) -> list[tuple[Any, ...]]:
        """The rows as tuples."""
        raw = self._raw
        return list(zip(*(raw.column(index) for index in range(raw.num_columns)), strict=True))

    def to_pyarrow(self) -> Any:
        """The same as a pyarrow.RecordBatch; nothing is copied."""
        return import_module("pyarrow").record_batch(self._raw)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; through pyarrow where that can be imported."""
        try:
            return self.to_pyarrow().to_pandas()
        except ImportError:
            return import_module("pandas").DataFrame(self.to_pydict(), columns=self.column_names)

    def to_polars(self) -> Any:
        """A polars.DataFrame."""
        return import_module("polars").DataFrame(self)

    def slice(self, offset: int = 0, length: int | None = None) -> "RecordBatch":
        """Rows from offset on, at most length of them; they share this batch's buffers."""
        if offset < 0 or (length is not None and length < 0):
            raise IndexError("slice: offset and length are 0 or more")
        return RecordBatch(self._raw.slice(offset, self.num_rows if length is None else length))

    def equals(self, other: "RecordBatch") -> bool:
        """The same names, types and values?"""
        mine, others = self._raw, other._raw
        if (mine.num_rows, mine.column_names, mine.formats) != (
            others.num_rows,
            others.column_names,
            others.formats,
        ):
            return False
        return all(mine.column(index) == others.column(index) for index in range(mine.num_columns))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return self._raw.__arrow_c_array__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._raw.__arrow_c_schema__()

    def __len__(self) -> int:
        return self._raw.num_rows

    def __eq__(self, other: object) -> bool:
        return self.equals(other) if isinstance(other, RecordBatch) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        head = self.slice(0, _SHOWN_ROWS).to_tuples()
        lines = _box(self.column_names, head)
        rows = f"{self.num_rows} row" + "s" * (self.num_rows != 1)
        lines.append(rows if self.num_rows <= _SHOWN_ROWS else f"{rows}, {_SHOWN_ROWS} shown")
        return "\n".join(lines)


def _type_name(format: str) -> str:
    return "union" if format.startswith("+u") else _TYPES.get(format, format)


def _cell(value: Any) -> str:
    text = "NULL" if value is None else value if isinstance(value, str) else repr(value)
    text = text.replace("\n", "\\n").replace("\t", "\\t")
    return text if len(text) <= _SHOWN_WIDTH else text[: _SHOWN_WIDTH - 1] + "…"


def _box(names: list[str], rows: list[tuple[Any, ...]]) -> list[str]:
    cells = [[_cell(value) for value in row] for row in [tuple(names), *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(names))
    ]

    def line(left: str, middle: str, right: str) -> str:
        return left + middle.join("─" * (width + 2) for width in widths) + right

    def row_line(row: list[str]) -> str:
        aligned = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        return "│ " + " │ ".join(aligned) + " │"

    body = [row_line(row) for row in cells]
    return [line("┌", "┬", "┐"), body[0], line("├", "┼", "┤"), *body[1:], line("└", "┴", "┘")]
