"""Each method of an engine, on each loop."""

import asyncio
import gc
import math
import warnings
import weakref

import anyio
import pytest

import yoda
from conftest import ENDLESS


def test_open_execute_query_close(run, path):
    async def main():
        async with await yoda.open(oltp_path=path, result="yoda") as engine:
            assert await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)") == 0
            assert await engine.execute("INSERT INTO t VALUES (?, ?)", [1, "one"]) == 1
            assert await engine.execute("INSERT INTO t VALUES (:id, :v)", {"id": 2, "v": None}) == 1
            assert (
                await engine.executemany(
                    "INSERT INTO t VALUES (?, ?)", ((i, "x") for i in (3, 4, 5))
                )
                == 3
            )
            batches = await engine.query("SELECT id, v FROM t WHERE id <= ? ORDER BY id", [2])
            assert isinstance(batches, list) and len(batches) == 1
            assert batches[0].to_pydict() == {"id": [1, 2], "v": ["one", None]}
        assert engine.closed
        return engine

    engine = run(main)
    engine.shutdown()  # again


def test_the_constructor_opens(run, path):
    engine = yoda.HtapEngine(yoda.HtapConfig(oltp_path=path, result="yoda"))

    async def main():
        async with engine:
            return (await engine.query("SELECT 1 AS x"))[0].to_pydict()

    assert run(main) == {"x": [1]}
    assert engine.closed and "closed" in repr(engine)


def test_create(run, path):
    async def main():
        engine = await yoda.HtapEngine.create(yoda.HtapConfig(path))
        assert engine.path == path and engine.config.oltp_path == path and not engine.closed
        engine.shutdown()
        with pytest.raises(yoda.ClosedError):
            await engine.query("SELECT 1")
        with pytest.raises(yoda.ClosedError):
            async with engine:
                pass

    run(main)


def test_create_says_what_is_wrong(run, tmp_path):
    async def main():
        with pytest.raises(yoda.Error) as caught:
            await yoda.open(str(tmp_path / "missing" / "x.db"))
        assert "missing" in str(caught.value)
        with pytest.raises(TypeError, match="sync_intervall"):
            await yoda.open("x.db", sync_intervall=1)

    run(main)


def test_the_answers_say_where_they_come_from(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v REAL)")
        await engine.executemany("INSERT INTO t VALUES (?, ?)", [(i, i / 2) for i in range(1000)])
        assert (await engine.query("SELECT sum(v) AS s FROM t")).route == "row"
        await engine.register_table("t")
        result = await engine.query("SELECT sum(v) AS s FROM t", side="column")
        assert result.route == "column" and result.reason and result.staleness_ms == 0
        assert result.rows == 1 and result.elapsed_ms > 0 and result.column_names == ["s"]
        assert result.to_pylist() == [{"s": 249750.0}] and result.to_tuples() == [(249750.0,)]
        assert (await engine.query_oltp("SELECT sum(v) AS s FROM t")).route == "row"
        assert (await engine.query_olap("SELECT sum(v) AS s FROM t")).route == "column"

    run(main)


def test_query_olap_answers_everything(run, engine):
    async def main():
        assert (await engine.query_olap("SELECT 1 AS x"))[0].to_pydict() == {"x": [1]}
        await engine.execute("CREATE TABLE t (a)")
        result = await engine.query_olap("SELECT count(*) AS n FROM t")
        assert result.to_pydict() == {"n": [0]} and result.route == "row"
        with pytest.raises(yoda.NotSupportedError):
            await engine.query("SELECT count(*) FROM t", side="column")
        with pytest.raises(yoda.OperationalError, match="nowhere"):
            await engine.query_olap("SELECT * FROM nowhere")

    run(main)


def test_staleness_is_bounded_as_asked(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        await engine.register_table("t")
        await engine.execute("INSERT INTO t VALUES (1)")
        count = "SELECT count(*) AS n FROM t"
        old = await engine.query(count, side="column", max_staleness=math.inf)
        assert old.to_pydict() == {"n": [0]}
        fresh = await engine.query(count, side="column", max_staleness=0)
        assert fresh.to_pydict() == {"n": [1]}
        with pytest.raises(yoda.ProgrammingError, match="max_staleness"):
            await engine.query(count, max_staleness=-1)

    run(main)


def test_batches_are_all_or_nothing(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        assert await engine.execute_batch([f"INSERT INTO t VALUES ({i})" for i in range(10)]) == 10
        with pytest.raises(yoda.IntegrityError) as caught:
            await engine.execute_batch(["INSERT INTO t VALUES (10)", "INSERT INTO t VALUES (0)"])
        assert caught.value.code == "CONSTRAINT" and caught.value.sqlite_code
        with pytest.raises(yoda.IntegrityError):
            await engine.executemany("INSERT INTO t VALUES (?)", [(10,), (0,)])
        assert (await engine.query("SELECT count(*) AS n FROM t")).to_pydict() == {"n": [10]}
        with pytest.raises(yoda.ProgrammingError, match="list"):
            await engine.execute_batch("INSERT INTO t VALUES (10)")

    run(main)


def test_batches_at_once_queue_and_one_sync_takes_them_all(run, engine):
    async def write(start):
        await engine.execute_batch([f"INSERT INTO t VALUES ({start + i})" for i in range(100)])

    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        await engine.register_table(yoda.TableSchema("t", [("id", "int64")], ["id"]))
        async with anyio.create_task_group() as group:
            for start in (0, 100, 200):
                group.start_soon(write, start)
        return await engine.sync_now()

    result = run(main)
    assert (result.rows_inserted, result.rows_updated, result.rows_deleted) == (300, 0, 0)
    assert result.events_processed == 300 and result.last_seq >= 300


def test_sync_result_reads_as_on_the_page():
    result = yoda.SyncResult(2, 2, 0, 0, None, 2)
    assert repr(result) == "SyncResult(events=2, inserted=2, updated=0, deleted=0, pruned=None)"
    assert result == yoda.SyncResult(2, 2, 0, 0, None, 2)


def test_registering(run, engine):
    schema = yoda.TableSchema("orders", [("id", "int64"), ("amount", "float64")], ["id"])

    async def main():
        with pytest.raises(yoda.ProgrammingError, match="orders"):
            await engine.register_table(schema)
        await engine.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL, note TEXT)")
        await engine.register_table(schema)
        await engine.register_table(schema)
        with pytest.raises(yoda.ProgrammingError, match="orders") as caught:
            await engine.register_table(yoda.TableSchema("orders", [("id", "int64")], ["id"]))
        assert caught.value.code == "CONFLICT"
        assert [table["name"] for table in await engine.tables()] == ["orders"]
        await engine.unregister_table("orders")
        with pytest.raises(yoda.ProgrammingError, match="amuont"):
            await engine.register_table(yoda.TableSchema("orders", [("amuont", "float64")]))
        with pytest.raises(yoda.Error, match="amount"):
            await engine.register_table(
                yoda.TableSchema("orders", [("amount", "float64")], ["amount"])
            )
        await engine.register_table("orders")

    run(main)


def test_upkeep_and_introspection(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        await engine.register_table("t")
        await engine.executemany("INSERT INTO t VALUES (?, ?)", [(i, str(i)) for i in range(100)])
        await engine.sync_now()
        await engine.checkpoint()
        report = await engine.verify()
        assert report and report.tables == report.tables_equal == 1 and report.rows == 100
        assert await engine.verify("t", repair=True)
        status = await engine.status()
        assert status["tables"] == 1 and status["rows"] == 100 and not status["closed"]
        names = [option["name"] for option in await engine.options()]
        assert "read_pool_size" in names
        assert "SCAN" in (await engine.explain("SELECT sum(id) FROM t WHERE id > ?", [7]))
        assert "ms" in (await engine.explain("SELECT sum(id) FROM t", analyze=True))

    run(main)


def test_errors_say_where(run, engine):
    async def main():
        with pytest.raises(yoda.ProgrammingError) as caught:
            await engine.query("SELECT 'é', frm x")
        assert caught.value.code == "ERROR" and caught.value.sql_offset == 12
        with pytest.raises(yoda.OperationalError, match="incomplete"):
            await engine.query("SELECT 1 +")
        with pytest.raises(yoda.Error):
            await engine.query("SELECT ?", [object()])
        with pytest.raises(yoda.Error):
            await engine.query("CREATE TABLE t (a)")

    run(main)


def test_timeouts(run, engine):
    async def main():
        with pytest.raises(yoda.TimeoutError) as caught:
            await engine.query(ENDLESS, timeout=0.05)
        assert isinstance(caught.value, TimeoutError) and caught.value.code == "TIMEOUT"
        with pytest.raises(yoda.TimeoutError):
            await engine.query(ENDLESS, timeout=0)
        assert (await engine.query("SELECT 1 AS x", timeout=math.inf)).rows == 1

    run(main)


def test_more_than_fit_in_flight_wait_in_line(run, path):
    engine = yoda.HtapEngine(oltp_path=path, max_in_flight=8, result="yoda", sync_interval=0)
    order = []

    async def insert(i):
        await engine.execute("INSERT INTO t VALUES (?)", [i])
        order.append(i)

    async def main():
        async with engine:
            await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
            async with anyio.create_task_group() as group:
                for i in range(500):
                    group.start_soon(insert, i)
            rows = await engine.query("SELECT id FROM t ORDER BY rowid")
            assert rows.to_pydict() == {"id": list(range(500))}

    run(main)
    assert sorted(order) == list(range(500))


def test_waiting_in_line_can_be_cancelled_and_times_out(run, path):
    engine = yoda.HtapEngine(oltp_path=path, max_in_flight=2, read_pool_size=2, result="yoda")

    async def main():
        async with engine:
            async with anyio.create_task_group() as group:
                group.start_soon(engine.query, ENDLESS)
                group.start_soon(engine.query, ENDLESS)
                await anyio.lowlevel.checkpoint()
                await anyio.lowlevel.checkpoint()
                with pytest.raises(yoda.TimeoutError):
                    await engine.query("SELECT 1", timeout=0.05)
                with anyio.move_on_after(0.05) as scope:
                    await engine.query("SELECT 1")
                assert scope.cancelled_caught
                group.cancel_scope.cancel()
            assert (await engine.query("SELECT 1 AS x")).to_pydict() == {"x": [1]}

    run(main)


def test_shutdown_resolves_what_waits(run, path):
    engine = yoda.HtapEngine(oltp_path=path, max_in_flight=2, read_pool_size=2)
    ended = []

    async def wait():
        try:
            await engine.query(ENDLESS)
        except (yoda.InterruptedError, yoda.ClosedError) as error:
            ended.append(error.code)

    async def main():
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(wait)
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            engine.shutdown()

    run(main)
    assert len(ended) == 5


def test_an_engine_that_was_forgotten_warns(path):
    engine = yoda.HtapEngine(oltp_path=path)
    with pytest.warns(ResourceWarning, match="never shut down"):
        del engine
        gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yoda.HtapEngine(oltp_path=path).shutdown()  # the files are free
        gc.collect()


def test_outside_a_loop_the_error_says_so(engine):
    call = engine.query("SELECT 1")
    with pytest.raises(yoda.ProgrammingError, match="event loop") as caught:
        call.send(None)
    assert "dbapi" in caught.value.hint


def test_errors_leave_no_cycles(run, engine):
    """A failed call's exception, with its traceback, goes when its last user lets go of it."""

    async def main():
        gc.collect()
        gc.disable()
        try:
            await engine.query("SELECT x FROM nowhere")
        except yoda.Error as error:
            gone = weakref.ref(error)
        await anyio.lowlevel.checkpoint()  # the loop lets go of the future, too
        alive = gone()
        gc.enable()
        assert alive is None

    run(main)


def test_more_than_max_in_flight_by_default(engine):
    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        calls = [engine.execute("INSERT INTO t VALUES (?)", [i]) for i in range(12000)]
        assert sum(await asyncio.gather(*calls)) == 12000

    asyncio.run(main())


@pytest.mark.parametrize("inline_us", [0, 200, 100_000])
def test_calls_one_after_the_other(run, path, inline_us):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await anyio.lowlevel.checkpoint()
            ticks += 1

    async def main():
        async with (
            await yoda.open(oltp_path=path, inline_us=inline_us, result="yoda") as engine,
            anyio.create_task_group() as group,
        ):
            await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
            await engine.register_table("t")
            group.start_soon(tick)
            events = 0
            for i in range(1, 101):
                assert await engine.execute("INSERT INTO t VALUES (?, ?)", [i, f"v{i}"]) == 1
                with pytest.raises(yoda.IntegrityError):
                    await engine.execute("INSERT INTO t VALUES (?, 'again')", [i])
                events += (await engine.sync_now()).events_processed
                counted = await engine.query("SELECT count(*) AS n FROM t", side="column")
                assert counted.to_pylist() == [{"n": i}]
                one = await engine.query("SELECT v FROM t WHERE id = ?", [i])
                assert one.to_pylist() == [{"v": f"v{i}"}]
            assert events == 100
            assert ticks >= 500  # each of them let others run
            group.cancel_scope.cancel()

    run(main)


def test_interrupt(run, engine):
    async def wait():
        with pytest.raises(yoda.InterruptedError):
            await engine.query(ENDLESS)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait)
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            engine.interrupt()

    run(main)


def test_the_version():
    assert yoda.version.startswith(yoda.__version__) and "SQLite" in yoda.version
    for name in yoda.__all__:
        assert getattr(yoda, name).__doc__ is not None or name == "version"
