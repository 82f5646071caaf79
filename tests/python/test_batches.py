"""yoda.RecordBatch, pyarrow's batches, and who reads them."""

import asyncio
import gc

import pytest

import yoda

MIXED = """
SELECT 1 AS i, 1.5 AS r, 'one' AS t, x'00ff' AS b, NULL AS n, 1 AS m
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, 'two'
UNION ALL SELECT -3, 2.0, '', x'', NULL, NULL
"""


def ask(engine, sql, params=None):
    return asyncio.run(engine.query(sql, params))


@pytest.fixture
def batch(engine):
    return ask(engine, MIXED)[0]


@pytest.fixture
def columns(path):
    """1000 rows of a registered table, as pyarrow's batches, from the columns."""
    pytest.importorskip("pyarrow")

    async def main():
        async with await yoda.open(path, result="pyarrow") as engine:
            await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v REAL, w TEXT)")
            rows = [(i, i / 4, f"w{i % 7}") for i in range(1000)]
            await engine.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
            await engine.register_table("t")
            return await engine.query_olap("SELECT id, v, w FROM t ORDER BY id")

    return asyncio.run(main())


def test_shape_and_schema(batch):
    assert (batch.num_rows, batch.num_columns, len(batch)) == (3, 6, 3)
    assert batch.column_names == batch.schema.names == list("irtbnm")
    assert batch.schema.types == ["int64", "float64", "utf8", "binary", "null", "union"]
    assert batch.schema[0] == yoda.Field("i", "int64") and "r: float64" in repr(batch.schema)


def test_values(batch):
    expected = {
        "i": [1, None, -3],
        "r": [1.5, None, 2.0],
        "t": ["one", None, ""],
        "b": [b"\x00\xff", None, b""],
        "n": [None, None, None],
        "m": [1, "two", None],
    }
    assert batch.to_pydict() == expected
    assert batch.to_pylist() == [{k: v[i] for k, v in expected.items()} for i in range(3)]
    assert batch.to_tuples()[1] == (None, None, None, None, None, "two")


def test_columns(batch):
    column = batch.column("i")
    assert column == [1, None, -3] == column.to_pylist() and column == batch[0] == batch["i"]
    assert (column.name, column.type, column.null_count, len(column)) == ("i", "int64", 1, 3)
    assert column[-1] == -3 and column[:1] == [1] and -3 in column and "int64" in repr(column)
    assert batch.column(-1).to_pylist() == [1, "two", None]
    assert [c.name for c in batch.columns] == batch.column_names
    assert batch.column("r").data.format == "d" and list(batch.column("r").data)[::2] == [1.5, 2.0]
    assert batch.column("t").data is None
    with pytest.raises(KeyError, match="nothing"):
        batch.column("nothing")
    with pytest.raises(IndexError):
        batch.column(6)


def test_columns_of_one_name(engine):
    batch = ask(engine, "SELECT 1 AS x, 2 AS x")[0]
    assert batch.to_pydict() == {"x": [2]} and batch.to_tuples() == [(1, 2)]
    with pytest.raises(KeyError, match="2 columns"):
        batch.column("x")


def test_slices_and_equality(engine, batch):
    assert batch.slice(1).to_pydict()["m"] == ["two", None]
    assert batch.slice(1, 1).num_rows == 1 and batch.slice(7, 5).num_rows == 0
    assert batch.slice(2, 100).column("i") == [-3]
    assert batch == ask(engine, MIXED)[0] and batch != batch.slice(1)
    assert batch.slice(0, 3) == batch and batch != 7
    assert ask(engine, "SELECT 1 AS x")[0] != ask(engine, "SELECT 1.0 AS x")[0]
    with pytest.raises(IndexError):
        batch.slice(-1)
    with pytest.raises(TypeError):
        hash(batch)


def test_repr_is_a_table(engine):
    batch = ask(engine, "SELECT 1 AS id, 'one' AS name UNION ALL SELECT 20, NULL")[0]
    assert repr(batch) == (
        "┌────┬──────┐\n"
        "│ id │ name │\n"
        "├────┼──────┤\n"
        "│  1 │ one  │\n"
        "│ 20 │ NULL │\n"
        "└────┴──────┘\n"
        "2 rows"
    )
    long = ask(
        engine, "WITH c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x<50) SELECT x FROM c"
    )
    assert repr(long[0]).endswith("50 rows, 10 shown") or len(long) > 1
    assert "0 rows" in repr(ask(engine, "SELECT 1 AS x WHERE 0")[0])


def test_no_rows_are_one_batch(engine):
    result = ask(engine, "SELECT 1 AS x WHERE 0")
    assert len(result) == 1 and result[0].to_pydict() == {"x": []} and result.rows == 0


def test_batches_outlive_their_engine(path):
    engine = yoda.HtapEngine(oltp_path=path, result="yoda")
    batch = ask(engine, MIXED)[0]
    column = batch.column("r").data
    engine.shutdown()
    del engine
    gc.collect()
    assert column[0] == 1.5 and batch.to_pydict()["t"] == ["one", None, ""]
    del batch
    gc.collect()
    assert column[2] == 2.0


def test_they_are_not_made_by_hand():
    with pytest.raises(yoda.ProgrammingError):
        yoda.RecordBatch({"a": [1]})


# ---- pyarrow


def test_pyarrow_batches_are_the_default_where_it_is(path):
    pa = pytest.importorskip("pyarrow")
    engine = yoda.HtapEngine(oltp_path=path)
    result = ask(engine, MIXED)
    engine.shutdown()
    assert type(result[0]) is pa.RecordBatch
    result[0].validate(full=True)
    table = pa.Table.from_batches(result)
    assert table.to_pydict()["m"] == [1, "two", None]
    assert result.to_pydict() == table.to_pydict()


def test_pyarrow_shares_our_buffers(engine):
    pa = pytest.importorskip("pyarrow")
    ours = ask(engine, "SELECT 1.5 AS r, 7 AS i UNION ALL SELECT 2.5, 8")[0]
    theirs = pa.record_batch(ours)
    import ctypes

    for name in ("r", "i"):
        view = ours.column(name).data
        address = ctypes.addressof(ctypes.c_char.from_buffer(view)) if not view.readonly else None
        again = pa.record_batch(ours).column(name).buffers()[1].address
        assert theirs.column(name).buffers()[1].address == again
        if address is not None:
            assert address == again
        elif pytest.importorskip("numpy"):
            import numpy

            assert numpy.asarray(view).__array_interface__["data"][0] == again
    assert ours.to_pyarrow().equals(theirs)


def test_pyarrow_batches_outlive_everything(columns):
    gc.collect()
    kept = [batch.column(0) for batch in columns]
    total = sum(batch.num_rows for batch in columns)
    columns.clear()
    del columns
    gc.collect()
    assert total == 1000 and [v for column in kept for v in column.to_pylist()] == list(range(1000))


def test_asking_for_pyarrow_that_is_not_there(path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError):
        yoda.HtapEngine(oltp_path=path, result="pyarrow")
    engine = yoda.HtapEngine(oltp_path=path)
    assert isinstance(ask(engine, "SELECT 1 AS x")[0], yoda.RecordBatch)
    engine.shutdown()


# ---- Others


def test_pyarrow_reads_the_whole_result(engine):
    pa = pytest.importorskip("pyarrow")
    result = ask(engine, MIXED)
    reader = pa.RecordBatchReader.from_stream(result)
    assert pa.table(result.arrow).num_rows == result.to_pyarrow().num_rows == result.rows == 3
    assert reader.read_all().to_pydict()["t"] == ["one", None, ""]
    assert pa.schema(result[0]).names == list("irtbnm")


def test_polars_reads_them(engine):
    polars = pytest.importorskip("polars")
    result = ask(engine, "SELECT 1 AS i, 'a' AS t UNION ALL SELECT NULL, 'b'")
    expected = {"i": [1, None], "t": ["a", "b"]}
    frames = (polars.DataFrame(result[0]), polars.DataFrame(result.arrow))
    for frame in (*frames, result[0].to_polars(), result.to_polars()):
        assert frame.to_dict(as_series=False) == expected


def test_pandas_reads_them(engine, monkeypatch):
    pytest.importorskip("pandas")
    import sys

    result = ask(engine, "SELECT 1 AS i, 'a' AS t UNION ALL SELECT 2, 'b'")
    for _ in ("with pyarrow", "without"):
        for each in (result, result[0]):
            assert each.to_pandas().to_dict("list") == {"i": [1, 2], "t": ["a", "b"]}
        monkeypatch.setitem(sys.modules, "pyarrow", None)


def test_duckdb_reads_them(engine):
    duckdb = pytest.importorskip("duckdb")
    result = ask(engine, "SELECT 1 AS i, 'a' AS t UNION ALL SELECT 2, 'b'")
    with duckdb.connect() as connection:
        for ours in (result.arrow, result[0], result.to_pyarrow()):
            connection.register("ours", ours)
            assert connection.sql("SELECT sum(i), max(t) FROM ours").fetchall() == [(3, "b")]
