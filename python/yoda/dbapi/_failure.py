"""Errors that are found before the engine is asked, in the form of its own."""

from yoda import _yoda


def failure(
    message: str,
    kind: type[_yoda.Error] = _yoda.ProgrammingError,
    code: str = "MISUSE",
    hint: str | None = None,
) -> _yoda.Error:
    """An exception with the attributes of all."""
    error = kind(message)
    error.code = code
    error.sqlite_code = 0
    error.sql_offset = None
    error.hint = hint
    return error
