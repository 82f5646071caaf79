"""async with engine.transaction()."""

import asyncio
import gc

import anyio
import pytest

import yoda
from conftest import ENDLESS


async def count(engine):
    return (await engine.query("SELECT count(*) FROM t")).to_tuples()[0][0]


@pytest.fixture
def table(engine):
    """An engine with an empty table t(id)."""
    asyncio.run(engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)"))
    return engine


def test_commit_and_reading_its_own_writes(run, table):
    async def main():
        async with table.transaction() as tx:
            assert not tx.ended
            assert await tx.execute("INSERT INTO t VALUES (?)", [1]) == 1
            assert await tx.executemany("INSERT INTO t VALUES (:id)", [{"id": 2}, {"id": 3}]) == 2
            assert (await tx.query("SELECT id FROM t ORDER BY id")).to_pydict() == {"id": [1, 2, 3]}
            assert await count(table) == 0
        assert tx.ended
        assert await count(table) == 3

    run(main)


def test_an_exception_rolls_back_and_goes_on(run, table):
    async def main():
        with pytest.raises(ZeroDivisionError):
            async with table.transaction() as tx:
                await tx.execute("INSERT INTO t VALUES (1)")
                1 / 0
        assert await count(table) == 0
        assert await table.execute("INSERT INTO t VALUES (1)", timeout=5) == 1

    run(main)


def test_a_failed_statement_alone_is_undone(run, table):
    async def main():
        async with table.transaction() as tx:
            await tx.execute("INSERT INTO t VALUES (1)")
            with pytest.raises(yoda.IntegrityError):
                await tx.executemany("INSERT INTO t VALUES (?)", [(2,), (1,)])
        assert await count(table) == 1

    run(main)


def test_a_cancellation_rolls_back_and_frees_the_lease(run, table):
    async def main():
        for _ in range(5):
            with anyio.move_on_after(0.01) as scope:
                async with table.transaction() as tx:
                    await tx.execute("INSERT INTO t VALUES (1)")
                    await tx.query(ENDLESS)
            assert scope.cancelled_caught and tx.ended
            assert await table.execute("DELETE FROM t", timeout=5) == 0

    run(main)


def test_a_cancellation_while_it_begins(run, table):
    async def main():
        entered = anyio.Event()

        async def second():
            entered.set()
            async with table.transaction():
                raise AssertionError("the first one has the lease")

        async with table.transaction() as tx:
            await tx.execute("INSERT INTO t VALUES (1)")
            async with anyio.create_task_group() as group:
                group.start_soon(second)
                await entered.wait()
                await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
        assert await table.execute("INSERT INTO t VALUES (2)", timeout=5) == 1
        assert await count(table) == 2

    run(main)


def test_a_cancellation_during_the_commit_takes_effect_behind_it(table):
    async def main():
        async def work():
            async with table.transaction() as tx:
                await tx.execute("INSERT INTO t VALUES (1)")
                asyncio.current_task().cancel()

        task = asyncio.create_task(work())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await count(table) == 1

    asyncio.run(main())


def test_transactions_of_several_tasks_take_turns(run, table):
    async def add(n):
        async with table.transaction() as tx:
            (total,) = (await tx.query("SELECT count(*) FROM t")).to_tuples()[0]
            await tx.execute("INSERT INTO t VALUES (?)", [total])

    async def main():
        async with anyio.create_task_group() as group:
            for n in range(20):
                group.start_soon(add, n)
        assert await count(table) == 20

    run(main)


def test_nesting_is_an_error_and_not_a_deadlock(run, table):
    async def main():
        async with table.transaction() as tx:
            with pytest.raises(yoda.ProgrammingError, match="transaction open"):
                async with table.transaction():
                    pass
            with pytest.raises(yoda.ProgrammingError, match="transaction open"):
                await table.execute("INSERT INTO t VALUES (1)")
            with pytest.raises(yoda.ProgrammingError, match="used once"):
                await tx.__aenter__()
            assert await count(table) == 0  # reading is no problem
            await tx.execute("INSERT INTO t VALUES (1)")
        assert await table.execute("INSERT INTO t VALUES (2)") == 1

    run(main)


def test_use_outside_the_block(run, table):
    async def main():
        tx = table.transaction()
        with pytest.raises(yoda.ProgrammingError, match="not begun"):
            await tx.execute("INSERT INTO t VALUES (1)")
        async with tx:
            pass
        with pytest.raises(yoda.ProgrammingError, match="has ended"):
            await tx.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(yoda.ProgrammingError, match="used once"):
            async with tx:
                pass

    run(main)


def test_one_that_is_dropped_rolls_back(table):
    async def work():
        async with table.transaction() as tx:
            await tx.execute("INSERT INTO t VALUES (1)")
            await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(work())
        while not len(table._holders):
            await asyncio.sleep(0)
        assert await count(table) == 0
        task.cancel()
        await asyncio.wait([task])
        del task
        gc.collect()
        assert await table.execute("INSERT INTO t VALUES (1)", timeout=5) == 1

    asyncio.run(main())


def test_an_engine_that_is_shut_down_within(run, table):
    async def main():
        with pytest.raises(yoda.Error):
            async with table.transaction() as tx:
                await tx.execute("INSERT INTO t VALUES (1)")
                table.shutdown()

    run(main)
