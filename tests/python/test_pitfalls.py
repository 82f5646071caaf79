"""What users of such engines are warned of, and what Yoda does instead."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from pathlib import Path

import pytest

import yoda
from child import python, sqlite, succeeds


async def make(path: Path, *statements: str, table: str = "t") -> yoda.HtapEngine:
    """An engine on a new file with one mirrored table."""
    engine = await yoda.open(oltp_path=str(path))
    await engine.execute_batch(list(statements))
    await engine.register_table(table)
    return engine


async def ask(engine: yoda.HtapEngine, sql: str, params: object = None) -> dict[str, list[object]]:
    """The rows as columns."""
    return (await engine.query(sql, params))[0].to_pydict()


# ---- A call that is not awaited


def test_forgotten_await_does_nothing_and_is_said(tmp_path: Path) -> None:
    async def work() -> None:
        async with await make(tmp_path / "a.db", "CREATE TABLE t (id INTEGER)") as engine:
            with pytest.warns(RuntimeWarning, match="execute.* was never awaited"):
                engine.execute("INSERT INTO t VALUES (1)")
                gc.collect()
            assert await ask(engine, "SELECT count(*) AS n FROM t") == {"n": [0]}

    asyncio.run(work())


def test_wrong_statement_without_await_is_not_even_looked_at(tmp_path: Path) -> None:
    async def work() -> None:
        async with await make(tmp_path / "a.db", "CREATE TABLE t (id INTEGER)") as engine:
            forgotten = engine.execute("INSERT ...")
            forgotten.close()
            with pytest.raises(yoda.ProgrammingError) as caught:
                await engine.execute("INSERT ...")
            assert caught.value.code == "ERROR"
            assert caught.value.sql_offset is not None

    asyncio.run(work())


# ---- One engine in several processes

FORK = """
import asyncio, os, sys, warnings
import yoda

# From 3.12 on Python warns of a fork beside threads: just that is tested here.
warnings.simplefilter("ignore", DeprecationWarning)


async def in_child(engine):
    try:
        await engine.query("SELECT count(*) FROM t")
    except yoda.ForkedError as error:
        print("refused:", error.code)
    try:
        await engine.execute("INSERT INTO t VALUES (9)")
    except yoda.ForkedError as error:
        print("refused:", error.code)
    engine.shutdown()
    async with await yoda.open(oltp_path="a.db") as own:
        await own.execute("INSERT INTO t VALUES (2)")
        print((await own.query("SELECT count(*) AS n FROM t"))[0].to_pydict())


engine = yoda.HtapEngine(yoda.HtapConfig(oltp_path="a.db"))


async def write():
    await engine.execute("CREATE TABLE t (id INTEGER)")
    await engine.register_table("t")
    await engine.execute("INSERT INTO t VALUES (1)")


asyncio.run(write())
child = os.fork()
if child == 0:
    asyncio.run(in_child(engine))
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("parent:", asyncio.run(engine.query("SELECT count(*) AS n FROM t"))[0].to_pydict())
engine.shutdown()
"""


def test_engine_says_that_it_was_carried_over_a_fork(tmp_path: Path) -> None:
    done = succeeds(tmp_path, "-c", FORK)
    assert done.stdout.splitlines() == [
        "refused: FORKED",
        "refused: FORKED",
        "{'n': [2]}",
        "parent: {'n': [2]}",
    ]
    assert sqlite(tmp_path / "a.db", "SELECT id FROM t ORDER BY id") == [[1], [2]]


# ---- No shutdown

WRITES = """
import asyncio, os, signal
import yoda


async def work():
    engine = await yoda.open(oltp_path="a.db")
    await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    await engine.register_table("t")
    await engine.execute_batch([f"INSERT INTO t VALUES ({i})" for i in range(500)])
    await engine.sync_now()
    await engine.execute("INSERT INTO t VALUES (500)")
    return engine

"""


def everything_is_there(path: Path) -> None:
    async def work() -> None:
        async with await yoda.open(oltp_path=str(path)) as engine:
            assert await ask(engine, "SELECT count(*) AS n, sum(id) AS s FROM t") == {
                "n": [501],
                "s": [125250],
            }
            report = await engine.verify()
            assert report.tables == report.tables_equal == 1

    asyncio.run(work())
    assert sqlite(path, "SELECT count(*), sum(id) FROM t") == [[501, 125250]]
    assert sqlite(path, "PRAGMA integrity_check") == [["ok"]]


def test_killed_without_shutdown_loses_nothing(tmp_path: Path) -> None:
    done = python(
        tmp_path,
        "-c",
        WRITES + "engine = asyncio.run(work())\nos.kill(os.getpid(), signal.SIGKILL)",
    )
    assert done.returncode == -9
    everything_is_there(tmp_path / "a.db")


def test_exit_without_shutdown_is_safe_and_said(tmp_path: Path) -> None:
    done = succeeds(tmp_path, "-c", WRITES + "engine = asyncio.run(work())")
    assert "ResourceWarning" in done.stderr
    everything_is_there(tmp_path / "a.db")


def test_dropped_engine_is_shut_down_and_said(tmp_path: Path) -> None:
    engine = yoda.HtapEngine(yoda.HtapConfig(oltp_path=str(tmp_path / "a.db")))
    with pytest.warns(ResourceWarning):
        del engine
        gc.collect()
    with sqlite3.connect(tmp_path / "a.db") as connection:  # nothing holds the file any more
        connection.execute("BEGIN EXCLUSIVE")
    connection.close()


# ---- The constructor in asynchronous code


def test_constructor_works_inside_a_running_loop(tmp_path: Path) -> None:
    async def work() -> None:
        engine = yoda.HtapEngine(yoda.HtapConfig(oltp_path=str(tmp_path / "a.db")))
        async with engine:
            await engine.execute("CREATE TABLE t (id INTEGER)")
            assert await engine.execute("INSERT INTO t VALUES (1), (2)") == 2
            assert await ask(engine, "SELECT count(*) AS n FROM t") == {"n": [2]}

    asyncio.run(work())


def test_open_and_create_leave_the_loop_running(tmp_path: Path) -> None:
    """Opening waits for a lock that the loop has to release: an open on the loop would not end."""

    async def work(how: str) -> None:
        path = tmp_path / f"{how}.db"
        lock = sqlite3.connect(path, isolation_level=None)
        lock.execute("CREATE TABLE t (id INTEGER)")
        lock.execute("BEGIN EXCLUSIVE")
        opening = asyncio.create_task(
            yoda.open(oltp_path=str(path))
            if how == "open"
            else yoda.HtapEngine.create(yoda.HtapConfig(oltp_path=str(path)))
        )
        for _ in range(1000):
            await asyncio.sleep(0)
        lock.execute("COMMIT")
        lock.close()
        async with await opening as engine:
            assert await ask(engine, "SELECT count(*) AS n FROM t") == {"n": [0]}

    for how in ("open", "create"):
        asyncio.run(work(how))


# ---- sync_now that nobody calls


def test_queries_are_fresh_without_any_sync(tmp_path: Path) -> None:
    async def work() -> None:
        table = "CREATE TABLE t (id INTEGER PRIMARY KEY, amount INTEGER)"
        async with await make(tmp_path / "a.db", table) as engine:
            for count in range(1, 6):
                await engine.execute("INSERT INTO t VALUES (?, ?)", [count, 10])
                batches = await engine.query_olap("SELECT count(*) AS n, sum(amount) AS s FROM t")
                assert batches[0].to_pydict() == {"n": [count], "s": [10 * count]}

    asyncio.run(work())


def test_queries_see_what_other_programs_wrote(tmp_path: Path) -> None:
    async def work() -> None:
        path = tmp_path / "a.db"
        async with await make(path, "CREATE TABLE t (id INTEGER PRIMARY KEY)") as engine:
            for count in range(1, 4):
                sqlite(path, "INSERT INTO t VALUES (?)", count)
                batches = await engine.query_olap("SELECT count(*) AS n FROM t")
                assert batches[0].to_pydict() == {"n": [count]}

    asyncio.run(work())


# ---- Values written into SQL text

SALES = [
    "CREATE TABLE sales (region TEXT, amount INTEGER)",
    "INSERT INTO sales VALUES ('north', 1), ('north', 2), ('south', 40)",
]
SUM = "SELECT coalesce(sum(amount), 0) AS total FROM sales WHERE region = "


@pytest.mark.parametrize(
    ("region", "total"),
    [("north", 3), ("south", 40), ("north' OR '1'='1", 0), ("'; DROP TABLE sales; --", 0)],
)
def test_queries_take_parameters(tmp_path: Path, region: str, total: int) -> None:
    async def work() -> None:
        async with await make(tmp_path / "a.db", *SALES, table="sales") as engine:
            assert await ask(engine, SUM + "?", [region]) == {"total": [total]}
            assert await ask(engine, SUM + ":region", {"region": region}) == {"total": [total]}
            for query in (engine.query_olap, engine.query_oltp):
                assert (await query(SUM + "?", [region]))[0].to_pydict() == {"total": [total]}
            assert await ask(engine, "SELECT count(*) AS n FROM sales") == {"n": [3]}

    asyncio.run(work())


# ---- One loop of tasks reading more than the pool has connections


def test_more_readers_than_connections(tmp_path: Path) -> None:
    async def work() -> None:
        config = yoda.HtapConfig(oltp_path=str(tmp_path / "a.db"), read_pool_size=2)
        async with await yoda.HtapEngine.create(config) as engine:
            await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
            await engine.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(100)])
            reads = [engine.query_oltp("SELECT id FROM t WHERE id = ?", [i]) for i in range(100)]
            found = await asyncio.gather(*reads)
            assert [batches[0].to_pydict()["id"] for batches in found] == [[i] for i in range(100)]

    asyncio.run(work())
