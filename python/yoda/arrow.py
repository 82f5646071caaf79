"""Which batches a query answers with: pyarrow's where that can be imported, else our own.

pyarrow takes a fifth of a second and more to import. converter() is called while an engine opens,
which is off the event loop for `await yoda.open()`, so that no query has to.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from yoda._yoda import ArrowBatch
from yoda.batch import RecordBatch
from yoda.config import Batches

Converter: TypeAlias = Callable[[ArrowBatch], Any]


def _pyarrow_batch() -> Converter:
    """What takes a batch through the Arrow C data interface, without copying."""
    record_batch: Converter = import_module("pyarrow").record_batch
    return record_batch


def converter(wanted: Batches) -> Converter:
    """From the extension's batch to what the user gets.

    With "auto" a pyarrow that is there but cannot be imported here (a subinterpreter, another
    numpy) is as good as none; with "pyarrow" it is an ImportError.
    """
    if wanted == "yoda":
        return RecordBatch
    try:
        return _pyarrow_batch()
    except Exception:
        if wanted == "pyarrow":
            raise
        return RecordBatch
