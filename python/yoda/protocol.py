"""What goes into a submit and what comes out of it, as types. The extension knows these shapes, not
these names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any] | None
"""For ? a sequence, for :name a mapping, of None, bool, int, float, str, bytes, dates and times."""

Side: TypeAlias = Literal["auto", "column", "row"]
"""Who answers a query: the router's choice, the columns, SQLite."""


class Target(Protocol):
    """What a submit resolves when it has completed. An asyncio.Future is one."""

    def done(self) -> bool:
        """Asked first: a target that is done is left alone."""
        ...

    def set_result(self, value: Any, /) -> Any:
        """It went well."""

    def set_exception(self, error: BaseException, /) -> Any:
        """It did not."""


class Cancellable(Protocol):
    """What can be asked to end early: an Op, an opening, a place in the line."""

    def cancel(self) -> None:
        """Ask; do not wait."""
