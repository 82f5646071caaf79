"""TableSchema: what register_table is told about a table."""

from collections.abc import Iterable
from difflib import get_close_matches

from yoda.errors import misuse

TYPES = ("int64", "int32", "float64", "utf8", "bool", "binary", "date32", "timestamp", "any")
"""The column types. SQLite's own typing holds: they are checked, and no value is changed by
them."""


class TableSchema:
    """A table's name, its columns as (name, type) pairs, and the columns of its key.

        TableSchema("orders", [("id", "int64"), ("amount", "float64")], ["id"])

    What can be seen to be wrong here is an error at once; the rest (is there such a column? is the
    key declared PRIMARY KEY or UNIQUE?) is checked against the table by register_table.
    """

    __slots__ = ("columns", "key", "name")

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    def __init__(
        self, name: str, columns: Iterable[tuple[str, str]], key: Iterable[str] = ()
    ) -> None:
        self.name = _checked_name("the table's name", name)
        self.columns = tuple(_checked_column(self.name, column) for column in columns)
        if isinstance(key, str):
            raise misuse(
                f"table {name}: the key is a list of column names, not a string", f'["{key}"]'
            )
        self.key = tuple(_checked_name(f"table {name}: a key column", column) for column in key)
        if not self.columns:
            raise misuse(
                f"table {name}: no columns", "register_table(name) alone takes all of them"
            )
        _check_distinct(self.name, [column for column, _ in self.columns], "column")
        _check_distinct(self.name, list(self.key), "key column")
        self._check_key()

    def _check_key(self) -> None:
        names = {column.lower() for column, _ in self.columns}
        for column in self.key:
            if column.lower() not in names:
                raise misuse(
                    f"table {self.name}: key column {column} is not among the columns",
                    _did_you_mean(column, [name for name, _ in self.columns]),
                )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TableSchema):
            return NotImplemented
        mine, others = (self.name, self.columns, self.key), (other.name, other.columns, other.key)
        return mine == others

    def __hash__(self) -> int:
        return hash((self.name, self.columns, self.key))

    def __repr__(self) -> str:
        return f"TableSchema({self.name!r}, {list(self.columns)!r}, {list(self.key)!r})"


def _did_you_mean(word: str, known: Iterable[str]) -> str | None:
    close = get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else None


def _checked_name(what: str, name: object) -> str:
    if not isinstance(name, str):
        raise misuse(f"{what}: {name!r} is not a string")
    if not name or "\0" in name:
        raise misuse(f"{what}: {name!r} is not a name")
    return name


def _checked_column(table: str, column: object) -> tuple[str, str]:
    if isinstance(column, str) or not isinstance(column, tuple | list) or len(column) != 2:
        raise misuse(f"table {table}: {column!r} is not a (name, type) pair")
    name = _checked_name(f"table {table}: a column's name", column[0])
    kind = column[1]
    if kind not in TYPES:
        hint = _did_you_mean(kind, TYPES) if isinstance(kind, str) else None
        raise misuse(
            f"table {table}, column {name}: {kind!r} is not one of {', '.join(TYPES)}", hint
        )
    return name, kind


def _check_distinct(table: str, names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise misuse(f"table {table}: {what} {name} is there twice")
        seen.add(name.lower())
