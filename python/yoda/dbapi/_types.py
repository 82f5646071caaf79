"""Type objects and constructors of PEP 249.

A column of a result has an Arrow format, which says what its values are; a type object stands for
some formats. A column without any value, or with values of several types, has a type code that
equals every type object: nothing speaks against it.
"""

import datetime
from typing import Any, TypeAlias


class TypeObject:
    """A type object, and the type code of a column. Equal where a format belongs to both."""

    __slots__ = ("formats", "name")

    def __init__(self, name: str, formats: frozenset[str] | None) -> None:
        self.name = name
        self.formats = formats
        """Formats of the Arrow C data interface; None: any."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypeObject):
            return NotImplemented
        if self is other or self.formats is None or other.formats is None:
            return True
        return not self.formats.isdisjoint(other.formats)

    def __hash__(self) -> int:
        return hash(TypeObject)  # what is equal must have one hash, and ANY equals all

    def __repr__(self) -> str:
        return f"yoda.dbapi.{self.name}"


STRING = TypeObject("STRING", frozenset(("u", "U", "vu")))
"""TEXT."""
BINARY = TypeObject("BINARY", frozenset(("z", "Z", "vz")))
"""BLOB."""
NUMBER = TypeObject("NUMBER", frozenset("lg"))
"""INTEGER and REAL."""
DATETIME = TypeObject("DATETIME", frozenset())
"""No column has it: dates and times are stored as text, and come back as that."""
ROWID = TypeObject("ROWID", frozenset())
"""No column has it: a row id comes back as a number."""
ANY = TypeObject("ANY", None)
"""The type code of a column without values, or with values of several types. Equals all others."""

_CODES = {fmt: code for code in (STRING, BINARY, NUMBER) for fmt in code.formats or ()}


def type_code(fmt: str) -> TypeObject:
    """The type code of a column with this Arrow format."""
    return _CODES.get(fmt, ANY)


Date: TypeAlias = datetime.date
Time: TypeAlias = datetime.time
Timestamp: TypeAlias = datetime.datetime
Binary: TypeAlias = memoryview


def DateFromTicks(ticks: float) -> datetime.date:  # noqa: N802 - PEP 249 names it so
    """The local date so many seconds after the epoch."""
    return datetime.date.fromtimestamp(ticks)


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802
    """The local time of day so many seconds after the epoch."""
    return datetime.datetime.fromtimestamp(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime.datetime:  # noqa: N802
    """The local date and time so many seconds after the epoch."""
    return datetime.datetime.fromtimestamp(ticks)


def describe(names: list[str], formats: list[str]) -> tuple[tuple[Any, ...], ...]:
    """Cursor.description: name and type code; the other five are not known to SQLite."""
    columns = zip(names, formats, strict=True)
    return tuple((name, type_code(fmt), None, None, None, None, None) for name, fmt in columns)
