"""Streaming results."""

import asyncio
import gc

import anyio
import pytest

import yoda
from conftest import ENDLESS

NUMBERS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
"""It never ends."""
MANY = NUMBERS + " LIMIT 100000"


def test_all_rows_in_order(run, engine):
    async def main():
        seen = []
        stream = engine.stream(MANY, window=2)
        assert stream.route is None
        async for batch in stream:
            assert isinstance(batch, yoda.RecordBatch) and stream.route == "row"
            seen.extend(batch.column("x"))
        assert stream.reason and stream.column_names == ["x"] and stream.staleness_ms == 0
        assert seen == list(range(1, 100001))
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    run(main)


def test_columns_stream_too(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        await engine.execute(f"INSERT INTO t {MANY}")
        await engine.register_table("t")
        total = 0
        async with engine.stream("SELECT id FROM t", side="column", window=1) as stream:
            async for batch in stream:
                total += sum(batch.column(0))
            assert stream.route == "column" and stream.watermark is not None
        assert total == 100000 * 100001 // 2

    run(main)


def test_no_rows_are_one_batch(run, engine):
    async def main():
        batches = [batch async for batch in engine.stream("SELECT 1 AS x WHERE 0")]
        assert [batch.to_pydict() for batch in batches] == [{"x": []}]

    run(main)


def test_a_reader_that_stops_stops_the_query(run, engine):
    """With a window of one the endless query cannot go far, and others go on beside it."""

    async def main():
        async with engine.stream(NUMBERS, window=1) as stream:
            first = await anext(stream)
            assert first.column("x")[0] == 1
            assert (await engine.query("SELECT 1 AS x")).rows == 1
            second = await anext(stream)
            assert second.column("x")[0] == first.num_rows + 1
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await stream.aclose()

    run(main)


def test_parameters_and_errors(run, engine):
    async def main():
        rows = [b.to_pydict() async for b in engine.stream("SELECT ? AS a, :b AS b", [1, 2])]
        assert rows == [{"a": [1], "b": [2]}]
        with pytest.raises(yoda.OperationalError, match="nowhere"):
            await anext(engine.stream("SELECT x FROM nowhere"))
        with pytest.raises(yoda.ProgrammingError, match="window"):
            engine.stream("SELECT 1", window=0)
        stream = engine.stream(NUMBERS, timeout=0.05)
        with pytest.raises(yoda.TimeoutError):
            async for _ in stream:
                pass
        with pytest.raises(yoda.TimeoutError):  # and not a silent end
            await anext(stream)

    run(main)


def test_an_unused_one_runs_nothing(run, engine):
    async def main():
        stream = engine.stream(ENDLESS)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    run(main)


def test_cancelling_the_reader_cancels_the_query(run, engine):
    async def main():
        stream = engine.stream(ENDLESS)
        with anyio.move_on_after(0.01) as scope:
            await anext(stream)
        assert scope.cancelled_caught
        with pytest.raises(yoda.InterruptedError):
            await anext(stream)

    run(main)


def test_a_forgotten_one_is_cancelled(path):
    engine = yoda.HtapEngine(oltp_path=path, max_in_flight=2, read_pool_size=1, result="yoda")

    async def main():
        async with engine:
            for _ in range(10):
                async for batch in engine.stream(NUMBERS, window=1):
                    assert batch.num_rows
                    break
                gc.collect()
            assert (await engine.query("SELECT 1 AS x", timeout=5)).rows == 1

    asyncio.run(main())


def test_two_readers_are_an_error(engine):
    async def main():
        stream = engine.stream(ENDLESS)
        task = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(yoda.ProgrammingError, match="two tasks"):
            await anext(stream)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())


def test_a_shutdown_ends_it(run, engine):
    async def main():
        stream = engine.stream(NUMBERS, window=1)
        await anext(stream)
        engine.shutdown()
        with pytest.raises((yoda.InterruptedError, yoda.ClosedError)):
            async for _ in stream:
                pass

    run(main)
