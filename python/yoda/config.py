"""HtapConfig: the options of an engine, as keywords.

The names and meanings are those of the engine's own table (docs/options.md). None leaves an option
at the engine's default. Ranges are checked by the engine when it opens; the error names the option.
"""

import math
import os
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, Literal

from yoda.errors import misuse

Batches = Literal["auto", "pyarrow", "yoda"]


@dataclass(frozen=True)
class HtapConfig:
    """How to open an engine. Every keyword is optional; an unknown one is a TypeError that names
    it."""

    oltp_path: str | os.PathLike[str] = "yoda.db"
    """The SQLite file, or ":memory:"."""
    _: KW_ONLY
    olap_in_memory: bool | None = None
    """Keep the columns in memory only and copy them at each open. Default: False, they are kept in
    files."""
    olap_path: str | os.PathLike[str] | None = None
    """Directory of the columnar files. Default: the database's name with -yoda added."""
    read_pool_size: int | None = 4
    """SQLite connections kept open for reading: so many queries that need SQLite run at a time."""
    sync_interval: float | None = None
    """Seconds between background syncs (`sync_interval_ms`). 0: only queries and sync_now() sync.
    None: the engine's own, 50 ms. Queries see every earlier commit whatever it is, unless
    max_staleness_ms allows more."""
    sync_interval_ms: int | None = None
    """The same in milliseconds; give one of the two."""
    sync_batch_size: int | None = None
    """Log entries read at a time by a sync. Default: 100,000."""
    prune_after_sync: bool | None = True
    """Remove log entries that the columnar side no longer needs. False: never."""
    max_staleness_ms: int | None = 0
    """How old an analytical snapshot may be; 0: every earlier commit is seen."""
    busy_timeout_ms: int | None = None
    """How long a call waits for another one's lock before BusyError. Default: 5,000."""
    synchronous: Literal["normal", "full"] | None = None
    """SQLite's PRAGMA synchronous of the write connection; full survives power loss. Default:
    normal."""
    threads: int | None = None
    """Threads of one analytical query. Default: 0, one per CPU."""
    memory_limit_mb: int | None = None
    """Memory for columns, queries and results. Default: 0, half of the machine's."""
    checkpoint_interval_ms: int | None = None
    """Longest time between checkpoints while there are changes. Default: 30,000."""
    checkpoint_events: int | None = None
    """Changes after which a checkpoint is written. Default: 1,000,000."""
    columnar: bool | None = None
    """False: keep no columns, answer everything from SQLite. Default: True."""
    max_in_flight: int | None = None
    """Operations under way at once; further ones wait for room. Default: 10,000."""
    inline_us: int | None = None
    """Microseconds in one turn of the event loop for small writes, syncs and queries to be run on
    its own thread, while nothing else of it is under way; what takes longer goes to another one.
    0: never. Default: 300."""
    statement_cache: int | None = None
    """Prepared statements kept per connection. Default: 64."""
    compact_deleted_percent: int | None = None
    """Rewrite a segment when this share of its rows is deleted. Default: 25."""
    router: Literal["cost", "columns_first"] | None = None
    """Who answers what both sides can answer: the one estimated cheaper, or columns. Default:
    cost."""
    spill_directory: str | os.PathLike[str] | None = None
    """Directory for what queries cannot keep in memory. Default: "auto", beside the columnar files;
    "": they fail."""
    debug_pruning: bool | None = None
    """For tests; changes no answer."""
    debug_codes: bool | None = None
    """For tests; changes no answer."""
    debug_vector_rows: int | None = None
    """For tests; changes no answer."""
    debug_spill_after_kb: int | None = None
    """For tests; changes no answer."""
    result: Batches = "auto"
    """What a query answers with: "pyarrow" batches, "yoda" ones (yoda.RecordBatch), or "auto":
    pyarrow's where it can be imported. Not an option of the engine."""

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_value(field.name, getattr(self, field.name))
        if self.result not in ("auto", "pyarrow", "yoda"):
            raise misuse(f'option result: {self.result!r} is not in "auto", "pyarrow", "yoda"')
        if self.sync_interval is not None and self.sync_interval_ms is not None:
            raise misuse("options sync_interval and sync_interval_ms: give one of the two")

    def path(self) -> str:
        """The file to open."""
        return os.fspath(self.oltp_path)

    def options(self) -> list[tuple[str, str]]:
        """What the engine is told: names and values as text, without those left at their
        default."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        del chosen["oltp_path"], chosen["result"]
        seconds = chosen.pop("sync_interval")
        if seconds is not None:
            chosen["sync_interval_ms"] = math.ceil(seconds * 1000)
        return [(name, _text(value)) for name, value in chosen.items() if value is not None]


_NUMBERS = {
    "read_pool_size",
    "sync_interval_ms",
    "sync_batch_size",
    "max_staleness_ms",
    "busy_timeout_ms",
    "threads",
    "memory_limit_mb",
    "checkpoint_interval_ms",
    "checkpoint_events",
    "max_in_flight",
    "inline_us",
    "statement_cache",
    "compact_deleted_percent",
    "debug_vector_rows",
    "debug_spill_after_kb",
}
_SWITCHES = {"olap_in_memory", "prune_after_sync", "columnar", "debug_pruning", "debug_codes"}


def _check_value(name: str, value: Any) -> None:
    if name == "sync_interval":
        valid, wanted = _is_seconds(value), "a number of seconds, 0 or more"
    elif name in _NUMBERS:
        valid, wanted = isinstance(value, int) and not isinstance(value, bool), "an integer"
    elif name in _SWITCHES:
        valid, wanted = isinstance(value, bool), "True or False"
    else:
        valid, wanted = _is_text(value), "a string"
    optional = name not in ("oltp_path", "result")
    if not valid and not (value is None and optional):
        raise misuse(f"option {name}: {value!r} is not {wanted}")


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_text(value: Any) -> bool:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return isinstance(text, str) and "\0" not in text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
