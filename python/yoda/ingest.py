"""Anything that exports Arrow data, as the stream that ingest() reads."""

from importlib import import_module
from typing import Any, Literal

from yoda.errors import misuse

IngestMode = Literal["append", "create", "create_append", "replace"]
MODES = ("append", "create", "create_append", "replace")


def check_mode(mode: str) -> None:
    """Is it one?"""
    if mode not in MODES:
        raise misuse(f"ingest: mode {mode!r} is not one of {', '.join(MODES)}")


def stream_capsule(data: Any) -> object:
    """A capsule "arrow_array_stream" of data.

    What has __arrow_c_stream__ makes it itself: pyarrow's tables, batches and readers, polars and
    pandas data frames, DuckDB's relations, our own QueryResult. A single array or batch
    (__arrow_c_array__) goes through pyarrow.
    """
    if hasattr(data, "__arrow_c_stream__"):
        return data.__arrow_c_stream__()
    if hasattr(data, "__arrow_c_array__"):
        return _stream_of_one(data)
    raise misuse(
        f"ingest: {type(data).__qualname__} has neither __arrow_c_stream__ nor __arrow_c_array__",
        "executemany() takes rows of Python values",
    )


def _stream_of_one(data: Any) -> object:
    try:
        pyarrow = import_module("pyarrow")
    except ImportError:
        raise misuse(
            f"ingest: {type(data).__qualname__} has no __arrow_c_stream__",
            "with pyarrow installed, what has __arrow_c_array__ is enough",
        ) from None
    batch = pyarrow.record_batch(data)
    return pyarrow.RecordBatchReader.from_batches(batch.schema, [batch]).__arrow_c_stream__()
