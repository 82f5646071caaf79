"""ingest(): rows from anything that exports Arrow data."""

import datetime

import pytest

import yoda


@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def table(pa):
    return pa.table({"id": [1, 2, 3], "name": ["a", None, "c"], "v": [0.5, None, 1.5]})


async def rows(engine, sql="SELECT * FROM t ORDER BY 1"):
    return (await engine.query(sql)).to_tuples()


EXPECTED = [(1, "a", 0.5), (2, None, None), (3, "c", 1.5)]


def test_a_table_a_batch_and_a_reader(run, engine, pa, table):
    async def main():
        assert await engine.ingest("t", table, mode="create") == 3
        assert await rows(engine) == EXPECTED
        batch = table.to_batches()[0]
        assert await engine.ingest("t", batch) == 3
        reader = pa.RecordBatchReader.from_batches(batch.schema, [batch, batch])
        assert await engine.ingest("t", reader) == 6
        assert await rows(engine, "SELECT count(*) FROM t") == [(12,)]

    run(main)


def test_modes(run, engine, table):
    async def main():
        with pytest.raises(yoda.ProgrammingError, match="t"):
            await engine.ingest("t", table)
        await engine.ingest("t", table, mode="create_append")
        await engine.ingest("t", table, mode="create_append")
        with pytest.raises(yoda.ProgrammingError) as caught:
            await engine.ingest("t", table, mode="create")
        assert caught.value.code == "CONFLICT"
        assert await engine.ingest("t", table, mode="replace") == 3
        assert await rows(engine) == EXPECTED
        with pytest.raises(yoda.ProgrammingError, match="upsert"):
            await engine.ingest("t", table, mode="upsert")

    run(main)


def test_it_is_all_or_nothing_and_feeds_the_columns(run, engine, pa):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER DEFAULT 7)")
        await engine.register_table("t")
        assert await engine.ingest("t", pa.table({"id": range(10000)})) == 10000
        with pytest.raises(yoda.IntegrityError):
            await engine.ingest("t", pa.table({"id": [10000, 0]}))
        with pytest.raises(yoda.Error, match="wrong"):
            await engine.ingest("t", pa.table({"wrong": [1]}))
        result = await engine.query("SELECT count(*) AS n, sum(v) AS s FROM t", side="column")
        assert result.to_tuples() == [(10000, 70000)]

    run(main)


def test_types(run, engine, pa):
    data = pa.table(
        {
            "d": pa.array([datetime.date(2024, 2, 29)]),
            "b": pa.array([True]),
            "x": pa.array([b"\x00"]),
            "f": pa.array([float("nan")]),
            "s": pa.array(["x"]).dictionary_encode(),
        }
    )

    async def main():
        await engine.ingest("t", data, mode="create")
        assert await rows(engine) == [("2024-02-29", 1, b"\x00", None, "x")]
        with pytest.raises(yoda.Error, match="bad"):
            await engine.ingest("u", pa.table({"bad": [[1]]}), mode="create")

    run(main)


def test_our_own_results(run, engine, table):
    """A result goes back in, mixed types and all."""

    async def main():
        result = await engine.query("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 'y', NULL")
        assert await engine.ingest("t", result, mode="create") == 2
        assert await rows(engine, "SELECT a, b FROM t ORDER BY rowid") == [(1, "x"), ("y", None)]
        assert await engine.ingest("t", result[0]) == 2

    run(main)


def test_pandas_and_polars(run, engine, table):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")

    async def main():
        await engine.ingest("t", polars.DataFrame({"id": [1], "name": ["a"]}), mode="create")
        await engine.ingest("t", pandas.DataFrame({"id": [2], "name": ["b"]}))
        assert await rows(engine) == [(1, "a"), (2, "b")]

    run(main)


def test_duckdb_relations(run, engine):
    duckdb = pytest.importorskip("duckdb")

    async def main():
        with duckdb.connect() as connection:
            relation = connection.sql("SELECT range AS id, 'n' || range AS name FROM range(5)")
            assert await engine.ingest("t", relation, mode="create") == 5
        assert (await rows(engine))[4] == (4, "n4")

    run(main)


def test_what_is_not_arrow_is_named(run, engine):
    async def main():
        with pytest.raises(yoda.ProgrammingError, match="dict") as caught:
            await engine.ingest("t", {"id": [1]})
        assert "executemany" in caught.value.hint

    run(main)
