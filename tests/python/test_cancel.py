"""Cancelling a task cancels its operation and does not wait for it."""

import asyncio
import gc
import threading

import anyio
import pytest

import yoda
from conftest import ENDLESS


async def until_idle(engine):
    """The only worker that may read on SQLite is free again."""
    assert (await engine.query("SELECT 1 AS x")).to_pydict() == {"x": [1]}


@pytest.fixture
def narrow(path):
    """An engine that has two operations in flight at most, so that one that stays is noticed."""
    engine = yoda.HtapEngine(oltp_path=path, max_in_flight=2, read_pool_size=1, result="yoda")
    yield engine
    engine.shutdown()


def test_a_cancelled_scope_ends_the_query(run, narrow):
    async def main():
        for _ in range(10):
            with anyio.move_on_after(0.01) as scope:
                await narrow.query(ENDLESS)
            assert scope.cancelled_caught
        await until_idle(narrow)

    run(main)


def test_a_cancelled_group(run, narrow):
    async def main():
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(narrow.query, ENDLESS)
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        await until_idle(narrow)

    run(main)


def test_a_call_in_a_cancelled_scope_does_nothing(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (a)")
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anyio.lowlevel.checkpoint()
            await engine.execute("INSERT INTO t VALUES (1)")
        assert (await engine.query("SELECT count(*) AS n FROM t")).to_pydict() == {"n": [0]}

    run(main)


def test_asyncio_wait_for_and_cancel(narrow):
    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(narrow.query(ENDLESS), 0.01)
        task = asyncio.create_task(narrow.query(ENDLESS))
        await asyncio.sleep(0)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await until_idle(narrow)

    asyncio.run(main())


def test_cancelling_when_the_answer_is_there_already(engine):
    """The task is cancelled between its future's result and its own next step."""

    async def main():
        task = asyncio.create_task(engine.query("SELECT 1"))
        await asyncio.sleep(0)
        port = engine._port()
        while not port.queue.drain():
            pass
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_idle(engine)

    asyncio.run(main())


def test_the_other_tasks_go_on(run, engine):
    async def main():
        results = []

        async def insert(i):
            results.append(await engine.execute("INSERT INTO t VALUES (?)", [i]))

        await engine.execute("CREATE TABLE t (a)")
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(0.02):
                for i in range(50):
                    group.start_soon(insert, i)
                await engine.query(ENDLESS)
        assert results == [1] * 50

    run(main)


def test_a_background_sync_loop_is_cancelled_cleanly(engine):
    async def sync_loop():
        while True:
            await engine.sync_now()
            await asyncio.sleep(0)

    async def main():
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        await engine.register_table("t")
        task = asyncio.create_task(sync_loop())
        for i in range(50):
            await engine.execute("INSERT INTO t VALUES (?)", [i])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await engine.query_olap("SELECT count(*) AS n FROM t")).to_pydict() == {"n": [50]}

    asyncio.run(main())


def test_cancelling_the_opening_shuts_down_what_was_opened(path, monkeypatch):
    """The opening is held until its task has been cancelled."""
    cancelled, ended = threading.Event(), threading.Event()
    opened = []
    convert = yoda.arrow.converter

    def slow(wanted):
        assert cancelled.wait(60)
        return convert(wanted)

    class Watched(yoda.HtapEngine):
        def shutdown(self):
            super().shutdown()
            opened.append(self.closed)
            ended.set()

    monkeypatch.setattr("yoda.arrow.converter", slow)

    async def main():
        task = asyncio.create_task(Watched.create(oltp_path=path))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()

    asyncio.run(main())
    assert ended.wait(60) and opened == [True]


def test_a_dropped_coroutine_cancels_its_operation(narrow):
    async def main():
        call = narrow.query(ENDLESS)
        call.send(None)
        call.close()
        other = narrow.query(ENDLESS)
        other.send(None)
        del other
        gc.collect()
        await until_idle(narrow)

    asyncio.run(main())
