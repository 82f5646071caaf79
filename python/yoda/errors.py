"""The exceptions: PEP 249's tree under `Error`, each with `code`, `sqlite_code`, `sql_offset` and
`hint`.

The classes themselves live in the extension, which raises most of them. What the Python layer finds
wrong by itself is made here, so that it looks the same.
"""

from typing import TypeVar

from yoda._yoda import (
    BusyError,
    ClosedError,
    DatabaseError,
    DataError,
    Error,
    ForkedError,
    InFlightError,
    IntegrityError,
    InterfaceError,
    InternalError,
    InterruptedError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    TimeoutError,
    Warning,
)

__all__ = [
    "BusyError",
    "ClosedError",
    "DataError",
    "DatabaseError",
    "Error",
    "ForkedError",
    "InFlightError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "InterruptedError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "TimeoutError",
    "Warning",
]

E = TypeVar("E", bound=Error)


def _made(kind: type[E], message: str, code: str, hint: str | None) -> E:
    error = kind(message)
    error.code, error.hint = code, hint
    return error


def misuse(message: str, hint: str | None = None) -> ProgrammingError:
    """The call is wrong."""
    return _made(ProgrammingError, message, "MISUSE", hint)


def closed() -> ClosedError:
    """The engine has been shut down."""
    return _made(ClosedError, "the engine has been shut down", "CLOSED", "open a new HtapEngine")


def forked() -> ForkedError:
    """The engine is the parent process's."""
    hint = "open the file again in this process"
    return _made(ForkedError, "the engine was opened by the parent process", "FORKED", hint)


def timed_out(timeout_ms: int) -> TimeoutError:
    """The time ran out before the engine had room for the operation."""
    return _made(TimeoutError, f"the timeout of {timeout_ms} ms ran out", "TIMEOUT", None)
