"""The C extension alone, without the package's Python on top: what _yoda.pyi promises."""

import array
import asyncio
import builtins
import contextlib
import datetime
import gc
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yoda import _yoda

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
NUMBERS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT {}) SELECT x FROM c"


class Target:
    """What a queue resolves, for programs without a loop."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.finished = False
        self.parts: list[_yoda.Result] = []

    def done(self) -> bool:
        return self.finished

    def set_result(self, value: Any) -> None:
        self.value = value
        self.finished = True

    def set_exception(self, error: BaseException) -> None:
        self.error = error
        self.finished = True

    def part(self, result: _yoda.Result) -> None:
        self.parts.append(result)


class Session:
    """An engine and a queue whose calls wait for their target."""

    def __init__(self, path: str, **options: str) -> None:
        self.engine = _yoda.Engine(path, list(options.items()))
        self.queue = _yoda.Queue(self.engine)

    def submit(self, name: str, *args: Any, **keywords: Any) -> tuple[Target, _yoda.Op]:
        target = Target()
        return target, getattr(self.queue, name)(target, *args, **keywords)

    def wait(self, *targets: Target) -> None:
        while not all(target.finished for target in targets):
            self.queue.wait(60)

    def run(self, name: str, *args: Any, **keywords: Any) -> Any:
        target, _ = self.submit(name, *args, **keywords)
        self.wait(target)
        if target.error:
            raise target.error
        return target.value

    def rows(self, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.run("query", sql, params).tuples()
        return rows

    def close(self) -> None:
        self.queue.close()
        self.engine.shutdown()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Session]:
    session = Session(str(tmp_path / "test.db"))
    yield session
    session.close()


def fill(db: Session, rows: int = 1000) -> None:
    """A registered table with a column of each class, NULLs in three of them."""
    db.run("execute", "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, s TEXT, b BLOB)")
    db.run("execute_many", "INSERT INTO t VALUES (?, ?, ?, ?)", values(rows))
    db.run("register_table", "t")


def values(rows: int) -> list[tuple[Any, ...]]:
    return [
        (i, None if i % 7 == 0 else i / 2, None if i % 5 == 0 else f"é{i}", bytes([i % 256]))
        for i in range(1, rows + 1)
    ]


@contextlib.contextmanager
def unraisable() -> Iterator[list[Any]]:
    """What was reported instead of raised."""
    seen: list[Any] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda report: seen.append(report.exc_value)
    try:
        yield seen
    finally:
        sys.unraisablehook = before


# ---- Values and parameters ----------------------------------------------------------------------


class Index:
    def __index__(self) -> int:
        return 42


class Float:
    def __float__(self) -> float:
        return 2.5


SAME: list[Any] = [
    None, 0, -1, 2**63 - 1, -(2**63), 0.0, -1.5, 1e308, float("inf"), "", "héllo \U0001f600",
    "a\0b", b"", b"\0\xff\0",
]  # fmt: skip

CONVERTED: list[tuple[Any, Any]] = [
    (True, 1),
    (False, 0),
    (Index(), 42),
    (Float(), 2.5),
    (bytearray(b"ab"), b"ab"),
    (memoryview(b"xyz")[1:], b"yz"),
    (array.array("b", [1, 2]), b"\1\2"),
    (datetime.date(2024, 2, 29), "2024-02-29"),
    (datetime.datetime(2024, 2, 29, 1, 2, 3), "2024-02-29 01:02:03"),
    (datetime.datetime(2024, 2, 29, 1, 2, 3, 4), "2024-02-29 01:02:03.000004"),
    (datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC), "2024-02-29 00:00:00+00:00"),
    (datetime.time(1, 2, 3), "01:02:03"),
]


@pytest.mark.parametrize("value", SAME, ids=repr)
def test_a_value_comes_back(db: Session, value: Any) -> None:
    ((got,),) = db.rows("SELECT ?", (value,))
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize(("value", "stored"), CONVERTED, ids=lambda v: type(v).__name__)
def test_a_value_is_converted(db: Session, value: Any, stored: Any) -> None:
    ((got,),) = db.rows("SELECT ?", (value,))
    assert got == stored and type(got) is type(stored)


def test_scalars_of_numpy(db: Session) -> None:
    numpy = pytest.importorskip("numpy")
    given = (
        numpy.int64(-5),
        numpy.uint8(7),
        numpy.float32(0.5),
        numpy.float64(1.5),
        numpy.bool_(True),
    )
    assert db.rows("SELECT ?, ?, ?, ?, ?", given) == [(-5, 7, 0.5, 1.5, 1)]
    assert type(db.rows("SELECT ?", (numpy.bool_(True),))[0][0]) is int


def test_parameters_of_all_shapes(db: Session) -> None:
    assert db.rows("SELECT ?, ?", [1, 2]) == [(1, 2)]
    assert db.rows("SELECT ?, ?", range(2)) == [(0, 1)]
    assert db.rows("SELECT :a, $b, @c", {"b": 2, "a": 1, "c": "x"}) == [(1, 2, "x")]
    assert db.rows("SELECT :a", {":a": 1}) == [(1,)]
    assert db.rows("SELECT 1", []) == [(1,)]
    assert db.rows("SELECT 1", None) == [(1,)]


BAD: list[tuple[Any, type[Exception], str]] = [
    ((1, 2**63), _yoda.DataError, "parameter 2: the integer does not fit into 64 bits"),
    ((-(2**63) - 1,), _yoda.DataError, "parameter 1: the integer does not fit"),
    (("\ud800",), _yoda.DataError, "parameter 1: the text has surrogates"),
    ((1, {1}), _yoda.ProgrammingError, "parameter 2: cannot store a value of type 'set'"),
    ({"a": []}, _yoda.ProgrammingError, "parameter \"a\": cannot store a value of type 'list'"),
    ({1: 2}, _yoda.ProgrammingError, "names of parameters must be str"),
    ("ab", _yoda.ProgrammingError, "parameters are a sequence or a mapping, not 'str'"),
    (5, _yoda.ProgrammingError, "parameters are a sequence or a mapping, not 'int'"),
]


@pytest.mark.parametrize(("params", "kind", "message"), BAD, ids=lambda v: str(v)[:30])
def test_bad_parameters_are_named(
    db: Session, params: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        db.queue.query(Target(), "SELECT ?", params)
    with pytest.raises(kind, match="row 2, parameter" if message.startswith("parameter ") else "."):
        db.queue.execute_many(Target(), "SELECT ?", [(1,), params])


def test_an_exception_of_a_value_comes_out(db: Session) -> None:
    class Bad:
        def __index__(self) -> int:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.queue.query(Target(), "SELECT ?", (Bad(),))


def test_values_may_change_the_parameters(db: Session) -> None:
    params: list[Any] = []

    class Sly:
        def __index__(self) -> int:
            params.clear()
            gc.collect()
            return 1

    params += [Sly(), "a text " * 3, b"bytes" * 3]
    assert db.rows("SELECT ?, ?, ?", params) == [(1, "a text " * 3, b"bytes" * 3)]


def test_a_value_may_close_the_queue(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))

    class Closing:
        def __index__(self) -> int:
            db.queue.close()
            return 1

    with pytest.raises(_yoda.ClosedError):
        db.queue.query(Target(), "SELECT ?", (Closing(),))
    db.close()


def test_many_and_long_parameters(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a, b)")
    rows = [(i, "x" * (i % 500)) for i in range(5000)]
    assert db.run("execute_many", "INSERT INTO t VALUES (?, ?)", iter(rows)) == 5000
    assert (
        db.run("execute_many", "INSERT INTO t VALUES (:a, :b)", [{"a": 1, "b": "y" * 200_000}]) == 1
    )
    assert db.rows("SELECT count(*), sum(length(b)) FROM t") == [
        (5001, sum(len(b) for _, b in rows) + 200_000)
    ]
    assert db.run("execute_many", "INSERT INTO t VALUES (?, ?)", []) == 0


def test_text_that_is_not_utf8(db: Session) -> None:
    with pytest.raises(_yoda.DataError, match="UTF-8"):
        db.rows("SELECT CAST(x'ff41' AS TEXT)")


# ---- Arguments ----------------------------------------------------------------------------------


def test_arguments_by_name(db: Session) -> None:
    target = Target()
    db.queue.query(target=target, sql="SELECT ?", params=(1,), side="row", timeout_ms=1000)
    db.wait(target)
    assert target.value.tuples() == [(1,)]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda q: q.query(), TypeError),
        (lambda q: q.query(Target()), TypeError),
        (lambda q: q.query(Target(), "SELECT 1", None, 0, "auto", -1, 0, 1), TypeError),
        (lambda q: q.query(Target(), "SELECT 1", nosuch=1), TypeError),
        (lambda q: q.query(Target(), "SELECT 1", sql="x"), TypeError),
        (lambda q: q.query(Target(), b"SELECT 1"), TypeError),
        (lambda q: q.query(Target(), "SELECT 1", timeout_ms="1"), TypeError),
        (lambda q: q.query(Target(), "SELECT 1", timeout_ms=-1), ValueError),
        (lambda q: q.query(Target(), "SELECT 1", side="left"), ValueError),
        (lambda q: q.query(Target(), "SELECT 1", window=-1), ValueError),
        (lambda q: q.query(Target(), "SELECT 1\0"), _yoda.ProgrammingError),
        (lambda q: q.query(Target(), "SELECT '\udc00'"), _yoda.DataError),
        (lambda q: q.execute_batch(Target(), "SELECT 1"), TypeError),
        (lambda q: q.execute_batch(Target(), ["SELECT 1", 2]), TypeError),
        (lambda q: q.register_table(Target(), "t", [("a",)]), TypeError),
        (lambda q: q.register_table(Target(), "t", None, "a"), TypeError),
        (lambda q: q.commit(Target(), object()), TypeError),
        (lambda q: q.ingest(Target(), "t", object()), TypeError),
        (lambda q: q.wait("x"), TypeError),
        (lambda q: q.wait(float("nan")), ValueError),
    ],
)
def test_wrong_arguments(db: Session, call: Callable[[Any], Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call(db.queue)


# ---- Errors -------------------------------------------------------------------------------------


def test_the_tree_of_errors() -> None:
    tree = {
        "InterfaceError": "Error", "ClosedError": "InterfaceError", "ForkedError": "InterfaceError",
        "DatabaseError": "Error", "DataError": "DatabaseError", "OperationalError": "DatabaseError",
        "BusyError": "OperationalError", "InFlightError": "BusyError",
        "InterruptedError": "OperationalError", "TimeoutError": "OperationalError",
        "IntegrityError": "DatabaseError", "InternalError": "DatabaseError",
        "ProgrammingError": "DatabaseError", "NotSupportedError": "DatabaseError",
    }  # fmt: skip
    for name, base in tree.items():
        assert getattr(_yoda, name).__bases__[0] is getattr(_yoda, base)
        assert getattr(_yoda, name).__module__ == "yoda"
    assert issubclass(_yoda.TimeoutError, builtins.TimeoutError)
    assert not issubclass(_yoda.Warning, _yoda.Error)
    by_hand = _yoda.ClosedError("x")
    assert (by_hand.code, by_hand.sqlite_code, by_hand.sql_offset, by_hand.hint) == (
        "CLOSED", 0, None, None,
    )  # fmt: skip


def test_the_offset_counts_characters(db: Session) -> None:
    sql = "SELECT 'ü€\U0001f600', nosuch FROM sqlite_schema"
    with pytest.raises(_yoda.ProgrammingError) as caught:
        db.run("query", sql)
    assert caught.value.sql_offset == sql.index("nosuch")
    assert caught.value.code == "ERROR"


def test_the_offset_in_a_batch(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a)")
    with pytest.raises(_yoda.ProgrammingError, match="statement 2") as caught:
        db.run(
            "execute_batch", ["INSERT INTO t VALUES ('ü')", "INSERT INTO t VALUES ('ü', nosuch)"]
        )
    offset = caught.value.sql_offset
    assert offset is None or 0 <= offset <= 33
    assert db.rows("SELECT count(*) FROM t") == [(0,)]


def test_attributes_of_errors(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a UNIQUE)")
    with pytest.raises(_yoda.IntegrityError, match="UNIQUE") as caught:
        db.run("execute_many", "INSERT INTO t VALUES (?)", [(1,), (1,)])
    assert caught.value.code == "CONSTRAINT" and caught.value.sqlite_code == 2067
    with pytest.raises(_yoda.NotSupportedError) as refused:
        db.run("query", "SELECT * FROM t", side="column")
    assert refused.value.hint
    with pytest.raises(_yoda.ProgrammingError) as unknown:
        db.run("register_table", "nosuch")
    assert unknown.value.code == "NOT_FOUND"
    copy = pickle.loads(pickle.dumps(_error_for_pickle(caught.value)))
    assert copy.code == "CONSTRAINT" and copy.sqlite_code == 2067 and str(copy) == str(caught.value)


def _error_for_pickle(error: BaseException) -> BaseException:
    import yoda

    if not hasattr(yoda, type(error).__name__):
        pytest.skip("the package does not export its errors")
    return error


def test_a_timeout(db: Session) -> None:
    with pytest.raises(builtins.TimeoutError) as caught:
        db.run("query", ENDLESS, timeout_ms=20)
    assert isinstance(caught.value, _yoda.TimeoutError) and caught.value.code == "TIMEOUT"


# ---- Results and batches ------------------------------------------------------------------------


def test_tuples_in_pieces(db: Session) -> None:
    result = db.run("query", NUMBERS.format(10))
    assert result.tuples(0) == []
    assert result.tuples(4) == [(1,), (2,), (3,), (4,)]
    assert result.tuples(limit=2) == [(5,), (6,)]
    assert len(result.tuples()) == 4
    assert result.tuples() == [] and result.tuples(5) == []


def test_what_a_result_tells(db: Session) -> None:
    fill(db)
    result = db.run("query", "SELECT count(*) AS n FROM t", side="column")
    assert (result.route, result.rows, result.column_names) == ("column", 1, ["n"])
    assert result.reason and result.staleness_ms == 0 and result.watermark >= 0
    assert result.elapsed_ns > 0
    assert db.run("query", "SELECT 1", side="row").route == "row"


@pytest.mark.parametrize("side", ["row", "column"])
def test_batches_and_tuples_agree(db: Session, side: str) -> None:
    fill(db, 5000)
    result = db.run("query", "SELECT id, r, s, b FROM t ORDER BY id", side=side)
    assert result.tuples() == values(5000)
    batches = result.batches()
    assert [c for i in range(4) for b in batches for c in b.column(i)] == [
        row[i] for i in range(4) for row in values(5000)
    ]
    assert sum(b.num_rows for b in batches) == 5000
    assert batches[0].num_columns == 4 and batches[0].column_names == ["id", "r", "s", "b"]
    assert batches[0].formats == ["l", "g", "u", "z"]
    assert sum(b.null_count(1) for b in batches) == 5000 // 7
    assert [b.num_rows for b in result.batches()] == [b.num_rows for b in batches]


@pytest.mark.parametrize("side", ["row", "column"])
def test_no_rows(db: Session, side: str) -> None:
    fill(db, 3)
    result = db.run("query", "SELECT id, r, s, b FROM t WHERE id < 0", side=side)
    (batch,) = result.batches()
    assert batch.num_rows == 0 and batch.column_names == ["id", "r", "s", "b"]
    assert [batch.column(i) for i in range(4)] == [[]] * 4
    assert result.tuples() == []
    for i in range(4):
        data = batch.data(i)
        assert data is None or data.tolist() == []


def test_a_union_gives_each_value_its_own_type(db: Session) -> None:
    mixed = [1, 2.5, "x", b"y", None, 3]
    result = db.run("query", "VALUES (?), (?), (?), (?), (?), (?)", mixed)
    (batch,) = result.batches()
    assert batch.formats[0].startswith("+ud:")
    assert batch.column(0) == mixed and batch.null_count(0) == 1
    assert [type(v) for v in batch.column(0)] == [type(v) for v in mixed]
    part = batch.slice(3, 2)
    assert part.column(0) == [b"y", None] and part.null_count(0) == 1
    assert batch.data(0) is None


def test_slices(db: Session) -> None:
    fill(db, 100)
    (batch,) = db.run("query", "SELECT id, r, s, b FROM t ORDER BY id").batches()
    part = batch.slice(10, 20).slice(5, 1000)
    assert part.num_rows == 15
    assert [part.column(i) for i in range(4)] == [
        [row[i] for row in values(100)[15:30]] for i in range(4)
    ]
    assert part.data(0).tolist() == list(range(16, 31))
    assert part.null_count(1) == sum(row[1] is None for row in values(100)[15:30])
    assert batch.slice(100, 1).num_rows == 0 and batch.slice(1000, 1).num_rows == 0
    with pytest.raises(ValueError):
        batch.slice(-1, 1)
    with pytest.raises(IndexError):
        batch.column(4)
    with pytest.raises(IndexError):
        batch.data(-1)


def test_a_memoryview_outlives_everything(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    fill(db, 1000)
    view = (
        db.run("query", "SELECT id, r FROM t WHERE r IS NOT NULL ORDER BY id").batches()[0].data(1)
    )
    db.close()
    del db
    gc.collect()
    assert view.readonly and view.format == "d" and view.itemsize == 8 and view.contiguous
    assert view.tolist() == [row[1] for row in values(1000) if row[1] is not None]
    with pytest.raises(TypeError):
        view[0] = 1.0


def test_pyarrow_reads_capsules(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    db = Session(str(tmp_path / "test.db"))
    fill(db, 5000)
    result = db.run("query", "SELECT id, r, s, b FROM t ORDER BY id")
    batches = [pyarrow.record_batch(b) for b in result.batches()]
    cut = pyarrow.record_batch(result.batches()[0].slice(7, 40))
    table = pyarrow.table(result)
    again = pyarrow.table(result)
    column = batches[0].column(2)
    del result
    db.close()
    del db
    gc.collect()
    expected = {n: [row[i] for row in values(5000)] for i, n in enumerate("id r s b".split())}
    assert pyarrow.Table.from_batches(batches).to_pydict() == expected
    assert table.to_pydict() == expected and again.equals(table)
    assert cut.to_pydict() == {n: v[7:47] for n, v in expected.items()}
    assert cut.column(1).null_count == sum(v is None for v in expected["r"][7:47])
    for batch in [*batches, cut, *table.to_batches()]:
        batch.validate(full=True)
    del batches, table, again, cut
    gc.collect()
    assert column.to_pylist() == expected["s"][: len(column)]


def test_pyarrow_reads_a_union(db: Session) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    (batch,) = db.run("query", "VALUES (1, 1), ('x', 2), (NULL, 3), (2.5, 4)").batches()
    read = pyarrow.record_batch(batch)
    read.validate(full=True)
    assert read.column(0).to_pylist() == [1, "x", None, 2.5]
    part = pyarrow.record_batch(batch.slice(1, 2))
    part.validate(full=True)
    assert part.column(0).to_pylist() == ["x", None]


def test_other_libraries_read_capsules(db: Session) -> None:
    fill(db, 300)
    result = db.run("query", "SELECT id, r, s FROM t ORDER BY id")
    expected = {n: [row[i] for row in values(300)] for i, n in enumerate("id r s".split())}
    read = []
    if importlib.util.find_spec("polars"):
        import polars

        assert polars.DataFrame(result).to_dict(as_series=False) == expected
        read.append("polars")
    if importlib.util.find_spec("pandas") and importlib.util.find_spec("pyarrow"):
        import pandas

        if hasattr(pandas.DataFrame, "from_arrow"):
            assert pandas.DataFrame.from_arrow(result)["id"].tolist() == expected["id"]
            read.append("pandas")
    if importlib.util.find_spec("duckdb"):
        import duckdb

        source = result
        answer = duckdb.sql("SELECT count(*), sum(id), count(r) FROM source").fetchall()
        assert answer == [(300, 45150, sum(v is not None for v in expected["r"]))] and source
        read.append("duckdb")
    if not read:
        pytest.skip("neither polars nor pandas nor duckdb is installed")


def test_capsules_that_nobody_consumes(db: Session) -> None:
    result = db.run("query", "SELECT 1 AS a, 'x' AS b")
    (batch,) = result.batches()
    for _ in range(100):
        schema, array_ = batch.__arrow_c_array__()
        assert "arrow_schema" in repr(schema) and "arrow_array" in repr(array_)
        assert "arrow_schema" in repr(batch.__arrow_c_schema__())
        assert "arrow_array_stream" in repr(result.__arrow_c_stream__(requested_schema=None))


# ---- Operations ---------------------------------------------------------------------------------


def test_tables_and_reports(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    assert db.run("register_table", "t", [("a", "int64"), ("b", "utf8")], ["a"]) is None
    assert (
        db.run("execute_batch", ["INSERT INTO t VALUES (1, 'x')", "INSERT INTO t VALUES (2, 'y')"])
        == 2
    )
    synced = db.run("sync")
    assert len(synced) == 6 and all(type(n) is int for n in synced)
    assert db.run("verify") == (1, 1, 0, 2, "")
    assert db.run("verify", "t", repair=True)[:2] == (1, 1)
    assert db.run("checkpoint") is None
    assert [row[0] for row in db.engine.inspect("tables").tuples()] == ["t"]
    assert db.engine.inspect("segments", table="t").rows >= 0
    assert db.engine.status()["rows"] == 2
    with pytest.raises(_yoda.ProgrammingError):
        db.run("register_table", "t", [("a", "int64"), ("nosuch", "utf8")], ["a"])
    assert db.run("unregister_table", "t") is None
    assert db.engine.inspect("tables").tuples() == []


def test_cancel(db: Session) -> None:
    target, op = db.submit("query", ENDLESS)
    assert op.progress()[0] in ("waiting", "running")
    op.cancel()
    db.wait(target)
    assert isinstance(target.error, _yoda.InterruptedError)
    op.cancel()
    assert op.progress()[0] == "done"


def test_a_stream_in_parts(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a)")
    db.run("execute", f"INSERT INTO t {NUMBERS.format(200_000)}")
    target, op = db.submit("query", "SELECT a FROM t", window=2)
    seen = 0
    while not target.finished:
        db.queue.wait(60)
        op.credit(len(target.parts) - seen)
        seen = len(target.parts)
    assert target.error is None and target.value is None
    assert len(target.parts) > 2 and target.parts[0].column_names == ["a"]
    assert [row for part in target.parts for row in part.tuples()] == [
        (i,) for i in range(1, 200_001)
    ]


def test_a_stream_whose_reader_left_is_cancelled(db: Session) -> None:
    target, op = db.submit("query", ENDLESS.replace("count(*)", "x"), window=1)
    while not target.parts:
        db.queue.wait(60)
    target.finished = True
    op.credit(1)
    while op.progress()[0] != "done":
        db.queue.wait(0.05)
    assert target.error is None


def test_credit_is_for_streams(db: Session) -> None:
    target, op = db.submit("query", "SELECT 1")
    with pytest.raises(_yoda.ProgrammingError):
        op.credit(1)
    with pytest.raises(ValueError):
        op.credit(-1)
    db.wait(target)


def test_a_transaction(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a)")
    txn = db.run("begin")
    assert not txn.ended
    assert db.run("txn_execute", txn, "INSERT INTO t VALUES (?)", (1,)) == 1
    assert db.run("txn_execute_many", txn, "INSERT INTO t VALUES (?)", [(2,), (3,)]) == 2
    assert db.run("txn_query", txn, "SELECT count(*) FROM t").tuples() == [(3,)]
    assert db.rows("SELECT count(*) FROM t") == [(0,)]
    assert db.run("commit", txn) is None and txn.ended
    assert db.rows("SELECT count(*) FROM t") == [(3,)]
    with pytest.raises(_yoda.ProgrammingError, match="ended") as caught:
        db.run("txn_execute", txn, "DELETE FROM t")
    assert caught.value.code == "CONFLICT"


def test_a_rollback_and_a_forgotten_transaction(db: Session) -> None:
    db.run("execute", "CREATE TABLE t(a)")
    txn = db.run("begin")
    db.run("txn_execute", txn, "INSERT INTO t VALUES (1)")
    db.run("rollback", txn)
    txn = db.run("begin")
    db.run("txn_execute", txn, "INSERT INTO t VALUES (1)")
    del txn
    assert db.run("execute", "INSERT INTO t VALUES (2)") == 1
    assert db.rows("SELECT a FROM t") == [(2,)]


def test_a_transaction_outlives_its_queue(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    db.run("execute", "CREATE TABLE t(a)")
    txn = db.run("begin")
    db.queue.close()
    db.engine.shutdown()
    del db
    gc.collect()
    assert not txn.ended


def test_ingest(db: Session) -> None:
    result = db.run("query", NUMBERS.format(1000))
    capsule = result.__arrow_c_stream__()
    assert db.run("ingest", "t", capsule, "create") == 1000
    assert db.rows("SELECT count(*), sum(x) FROM t") == [(1000, 500_500)]
    with pytest.raises(ValueError, match="consumed"):
        db.run("ingest", "t", capsule)
    assert db.run("ingest", "t", result.__arrow_c_stream__(), mode="replace") == 1000
    with pytest.raises(_yoda.ProgrammingError) as caught:
        db.run("ingest", "t", result.__arrow_c_stream__(), "create")
    assert caught.value.code == "CONFLICT"


# ---- Drain --------------------------------------------------------------------------------------


def complete(db: Session, targets: list[Any]) -> None:
    """Submit a query for each target and wait until all have completed, undrained."""
    ops = [db.queue.query(target, "SELECT 1") for target in targets]
    while any(op.progress()[0] != "done" for op in ops):
        time.sleep(0.001)


def test_one_raising_target_does_not_lose_the_others(db: Session) -> None:
    class Raising(Target):
        def set_result(self, value: Any) -> None:
            raise ZeroDivisionError

    class NotDone(Target):
        def done(self) -> bool:
            raise LookupError

    targets = [Target(), Raising(), Target(), NotDone(), Target()] * 60
    complete(db, targets)
    with unraisable() as seen:
        assert db.queue.drain() == 300
    assert [type(e) for e in seen].count(ZeroDivisionError) == 60
    assert [type(e) for e in seen].count(LookupError) == 60
    assert all(t.finished for t in targets if type(t) is Target)
    assert db.queue.drain() == 0


def test_an_interrupt_comes_out_of_the_drain(db: Session) -> None:
    class Interrupted(Target):
        def set_result(self, value: Any) -> None:
            raise KeyboardInterrupt

    targets = [Target(), Interrupted(), Target()]
    complete(db, targets)
    with pytest.raises(KeyboardInterrupt):
        db.queue.drain()
    assert targets[0].finished and targets[2].finished


def test_a_target_without_the_methods(db: Session) -> None:
    target = Target()
    complete(db, [object(), target])
    with unraisable() as seen:
        db.queue.drain()
    assert isinstance(seen[0], AttributeError) and target.finished


def test_a_target_that_is_done_is_left_alone(db: Session) -> None:
    target = Target()
    target.finished = True
    complete(db, [target])
    assert db.queue.drain() == 1
    assert target.value is None and target.error is None


def test_a_target_may_close_the_queue(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))

    class Closing(Target):
        def set_result(self, value: Any) -> None:
            super().set_result(value)
            db.queue.close()

    targets: list[Target] = [Closing(), *(Target() for _ in range(200))]
    complete(db, targets)
    db.queue.drain()
    assert db.queue.closed and all(t.finished for t in targets)
    db.close()


def test_op_lets_its_target_go(db: Session) -> None:
    target = Target()
    alive = weakref.ref(target)
    op = db.queue.query(target, "SELECT 1")
    db.wait(target)
    del target
    assert alive() is None and op.progress()[0] == "done"


def test_many_futures_of_asyncio(db: Session) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        loop.add_reader(db.queue.fileno(), db.queue.drain)
        futures = [loop.create_future() for _ in range(3000)]
        for i, future in enumerate(futures):
            db.queue.query(future, "SELECT ?", (i,))
        results = await asyncio.gather(*futures)
        loop.remove_reader(db.queue.fileno())
        return [r.tuples()[0][0] for r in results]

    assert asyncio.run(main()) == list(range(3000))


def test_threads_share_a_queue(db: Session) -> None:
    targets: list[list[Target]] = [[] for _ in range(4)]

    def work(mine: list[Target]) -> None:
        for i in range(300):
            target, _ = db.submit("query", "SELECT ?", (i,))
            mine.append(target)
            db.queue.drain()
        while not all(t.finished for t in mine):
            db.queue.wait(0.05)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine in targets:
        assert [t.value.tuples() for t in mine] == [[(i,)] for i in range(300)]


# ---- Wait ---------------------------------------------------------------------------------------


def test_wait_ends_by_timeout_and_wake(db: Session) -> None:
    assert db.queue.wait(0) == 0
    assert db.queue.wait(0.01) == 0
    db.queue.wake()
    assert db.queue.wait() == 0
    thread = threading.Thread(target=db.queue.wait)
    thread.start()
    while thread.is_alive():
        db.queue.wake()
        thread.join(0.01)


def test_a_signal_handler_runs_in_a_wait(db: Session) -> None:
    def handler(number: int, frame: Any) -> None:
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(ZeroDivisionError):
            db.queue.wait()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert db.rows("SELECT 1") == [(1,)]


def test_a_signal_handler_may_close_the_queue(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    before = signal.signal(signal.SIGALRM, lambda *_: db.queue.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(_yoda.ClosedError):
            db.queue.wait()
    finally:
        signal.signal(signal.SIGALRM, before)
    db.close()


def test_other_threads_run_during_a_wait(db: Session) -> None:
    target, op = db.submit("query", ENDLESS)
    threading.Thread(target=op.cancel).start()
    db.wait(target)
    assert isinstance(target.error, _yoda.InterruptedError)


# ---- Too many -----------------------------------------------------------------------------------


def test_in_flight_limit(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"), max_in_flight="16")
    room: list[bool] = []
    db.queue.on_writable = lambda: room.append(True)
    targets = []
    with pytest.raises(_yoda.InFlightError) as caught:
        for _ in range(17):
            targets.append(db.submit("query", "SELECT 1")[0])
    assert caught.value.code == "BUSY" and caught.value.hint
    db.wait(*targets)
    while not room:
        db.queue.wait(60)
    assert db.rows("SELECT 1") == [(1,)]
    db.queue.on_writable = None
    assert db.queue.on_writable is None
    with pytest.raises(TypeError):
        db.queue.on_writable = 1  # type: ignore[assignment]
    db.close()


# ---- The end ------------------------------------------------------------------------------------


def test_close_resolves_what_is_left(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    db.run("execute", "CREATE TABLE t(a)")
    endless, _ = db.submit("query", ENDLESS)
    write, _ = db.submit("execute", "INSERT INTO t VALUES (1)")
    db.queue.close()
    assert isinstance(endless.error, _yoda.InterruptedError)
    assert write.finished
    db.queue.close()
    assert db.queue.closed
    for call in (db.queue.drain, db.queue.wait, db.queue.fileno, db.queue.wake):
        with pytest.raises(_yoda.ClosedError):
            call()
    with pytest.raises(_yoda.ClosedError):
        db.submit("query", "SELECT 1")
    again = _yoda.Queue(db.engine)
    db.queue = again
    assert db.rows("SELECT count(*) FROM t") == [(1 if write.error is None else 0,)]
    db.close()


def test_close_while_others_wait(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    ended: list[str] = []

    def work() -> None:
        try:
            while True:
                db.queue.wait()
        except _yoda.ClosedError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    db.queue.close()
    for thread in threads:
        thread.join()
    assert ended == ["CLOSED"] * 4
    db.close()


def test_shutdown(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    assert db.engine.path == str(tmp_path / "test.db") and not db.engine.closed
    assert db.run("shutdown") is None
    assert db.engine.closed
    with pytest.raises(_yoda.ClosedError) as caught:
        db.run("query", "SELECT 1")
    assert caught.value.code == "CLOSED" and caught.value.hint
    with pytest.raises(_yoda.ClosedError):
        db.engine.inspect("tables")
    with pytest.raises(_yoda.ClosedError):
        _yoda.Queue(db.engine)
    assert db.engine.status()["closed"] is True
    db.engine.shutdown()
    db.close()


def test_opening_fails_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(_yoda.Error):
        _yoda.Engine(str(tmp_path / "no" / "such" / "folder.db"))
    with pytest.raises(_yoda.ProgrammingError, match="nosuch"):
        _yoda.Engine(str(tmp_path / "a.db"), [("nosuch", "1")])
    for options in ([("a",)], [1], [("a", 1)]):
        with pytest.raises(TypeError):
            _yoda.Engine(str(tmp_path / "a.db"), options)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _yoda.Queue(object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _yoda.Engine(5)  # type: ignore[arg-type]


def test_a_forgotten_engine_warns(tmp_path: Path) -> None:
    engine = _yoda.Engine(str(tmp_path / "test.db"))
    with pytest.warns(ResourceWarning, match="test.db"):
        del engine
        gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with _opened(str(tmp_path / "test.db")) as engine:
            engine.interrupt()


@contextlib.contextmanager
def _opened(path: str) -> Iterator[_yoda.Engine]:
    engine = _yoda.Engine(path)
    yield engine
    engine.shutdown()


def test_types_cannot_be_made_or_derived() -> None:
    for name in ("Op", "Transaction", "Result", "ArrowBatch"):
        with pytest.raises(TypeError):
            getattr(_yoda, name)()
    for name in ("Engine", "Queue", "Op", "Transaction", "Result", "ArrowBatch"):
        with pytest.raises(TypeError):
            type("Derived", (getattr(_yoda, name),), {})
        with pytest.raises(TypeError):
            getattr(_yoda, name).attribute = 1


def test_a_forgotten_queue_resolves_its_targets(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    engine, target = db.engine, Target()
    db.queue.query(target, ENDLESS)
    del db
    assert isinstance(target.error, _yoda.InterruptedError)
    engine.shutdown()


def test_a_cycle_through_a_queue_is_collected(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    target = Target()
    target.value = [db.queue, target]
    target.value.append(db.queue.query(target, ENDLESS))
    alive = weakref.ref(target)
    engine = db.engine
    del db, target
    gc.collect()
    assert alive() is None
    engine.shutdown()


# ---- Processes and interpreters -----------------------------------------------------------------


def test_a_forked_child_is_refused(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    db.run("execute", "CREATE TABLE t(a)")
    txn = db.run("begin")
    _, op = db.submit("query", ENDLESS)
    result = db.run("txn_query", txn, "SELECT 7")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        os._exit(_child(db, txn, op, result))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    op.cancel()
    db.run("txn_execute", txn, "INSERT INTO t VALUES (1)")
    db.run("commit", txn)
    assert db.rows("SELECT count(*) FROM t") == [(1,)]
    db.close()


def _child(db: Session, txn: _yoda.Transaction, op: _yoda.Op, result: _yoda.Result) -> int:
    calls: list[Callable[[], Any]] = [
        lambda: db.submit("query", "SELECT 1"), lambda: db.submit("txn_query", txn, "SELECT 1"),
        lambda: db.submit("commit", txn), db.queue.drain, db.queue.wait, db.queue.fileno, db.queue.wake,
        op.cancel, op.progress, db.engine.status, lambda: db.engine.inspect("tables"),
        lambda: _yoda.Queue(db.engine),
    ]  # fmt: skip
    for number, call in enumerate(calls, 1):
        try:
            call()
            return number
        except _yoda.ForkedError as error:
            if error.code != "FORKED" or not error.hint:
                return 100
    if result.tuples() != [(7,)]:
        return 101
    db.queue.close()
    db.engine.shutdown()
    db.engine.interrupt()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del db.queue, db.engine, txn, op, calls
        gc.collect()
    return 0


SUBINTERPRETER = """
import sys, types
package = types.ModuleType("yoda")
package.__path__ = [PATH]
sys.modules["yoda"] = package
from yoda import _yoda
class Target:
    finished = False
    def done(self): return self.finished
    def set_result(self, value): self.value = value; self.finished = True
    set_exception = set_result
engine = _yoda.Engine(FILE)
queue = _yoda.Queue(engine)
def run(method, *args):
    target = Target()
    method(target, *args)
    while not target.finished:
        queue.wait()
    return target.value
run(queue.execute, "CREATE TABLE t(a)")
for i in range(50):
    assert run(queue.execute, "INSERT INTO t VALUES (?)", (i,)) == 1
assert run(queue.query, "SELECT count(*), sum(a) FROM t").tuples() == [(50, 1225)]
assert isinstance(run(queue.query, "SELECT nosuch"), _yoda.ProgrammingError)
queue.close()
engine.shutdown()
"""

INTERPRETERS = """
import sys, threading
try:
    import _interpreters as interpreters
    made = [interpreters.create("isolated") for _ in CODES]
except ImportError:
    import _xxsubinterpreters as interpreters
    made = [interpreters.create(isolated=True) for _ in CODES]
failed = []
def work(interpreter, code):
    try:
        problem = interpreters.run_string(interpreter, code)
        if problem:
            failed.append(problem)
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=work, args=pair) for pair in zip(made, CODES)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for interpreter in made:
    interpreters.destroy(interpreter)
print(failed)
sys.exit(bool(failed))
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="an interpreter has its own GIL since 3.12")
def test_subinterpreters_at_once(tmp_path: Path) -> None:
    """The extension alone: 3.12 cannot load datetime or asyncio in an interpreter with its own GIL."""
    codes = [
        f"PATH = {str(Path(_yoda.__file__).parent)!r}\nFILE = {str(tmp_path / f'{i}.db')!r}\n{SUBINTERPRETER}"
        for i in range(4)
    ]
    program = f"CODES = {codes!r}\n{INTERPRETERS}"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _search_path() -> list[str]:
    return [str(Path(_yoda.__file__).parents[1])]


def test_the_interpreter_ends_with_everything_alive(tmp_path: Path) -> None:
    program = f"""
import sys
sys.path[:0] = {_search_path()!r}
from yoda import _yoda
class Target:
    done = lambda self: False
    set_result = set_exception = lambda self, value: None
engine = _yoda.Engine({str(tmp_path / "test.db")!r})
queue = _yoda.Queue(engine)
target = Target()
target.self = target, queue
op = queue.query(target, {ENDLESS!r})
result = engine.inspect("options")
batches = result.batches()
view = memoryview(b"")
"""
    command = [sys.executable, "-X", "dev", "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "Fatal" not in ran.stderr


# ---- Leaks --------------------------------------------------------------------------------------


def _resident() -> int:
    """Bytes in memory; 0 under a sanitizer, which keeps what is freed."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _exercise(db: Session) -> None:
    """Every kind of value, error and result that the extension makes."""
    for _ in range(20):
        result = db.run("query", "SELECT id, r, s, b FROM t WHERE id <= :n", {"n": 50})
        result.tuples(10)
        for batch in result.batches():
            batch.slice(1, 5).column(2)
            batch.data(0)
            batch.__arrow_c_array__()
        result.__arrow_c_stream__()
        db.run("execute_many", "UPDATE t SET r = ? WHERE id = ?", [(1.5, 1), (datetime.time(1), 2)])
        for params in ((2**70,), (object(),), {"a": "\ud800"}):
            with contextlib.suppress(_yoda.Error):
                db.queue.query(Target(), "SELECT ?", params)
        for sql in ("SELECT nosuch", "selec"):
            with contextlib.suppress(_yoda.Error):
                db.run("query", sql)
        txn = db.run("begin")
        db.run("txn_execute", txn, "INSERT INTO t(s) VALUES ('x')")
        db.run("rollback", txn)
        target, op = db.submit("query", ENDLESS)
        op.cancel()
        db.wait(target)
        db.run("sync")
        db.engine.status()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_leaks(tmp_path: Path) -> None:
    db = Session(str(tmp_path / "test.db"))
    fill(db, 2000)
    for _ in range(5):
        _exercise(db)
    gc.collect()
    objects, resident = len(gc.get_objects()), _resident()
    for _ in range(15):
        _exercise(db)
    gc.collect()
    assert len(gc.get_objects()) - objects < 100
    assert _resident() - resident < 16 << 20
    db.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_opening_and_closing_leaks_nothing(tmp_path: Path) -> None:
    def cycle() -> None:
        db = Session(str(tmp_path / "test.db"))
        db.rows("SELECT 1")
        db.close()

    for _ in range(20):
        cycle()
    gc.collect()
    objects, resident = len(gc.get_objects()), _resident()
    files = len(os.listdir("/proc/self/fd"))
    for _ in range(60):
        cycle()
    gc.collect()
    assert len(gc.get_objects()) - objects < 100
    assert len(os.listdir("/proc/self/fd")) == files
    assert _resident() - resident < 16 << 20
