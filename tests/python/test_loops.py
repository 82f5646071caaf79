"""Several loops and threads on one engine, loops that go away, processes that end or fork."""

import asyncio
import gc
import os
import sys
import threading
import weakref
from pathlib import Path

import pytest

import yoda
from child import succeeds
from conftest import ENDLESS, LOOPS, loop_runner


def table_of(engine):
    asyncio.run(engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, thread INTEGER)"))


def rows_of(engine):
    return asyncio.run(engine.query("SELECT count(*) FROM t")).to_tuples()[0][0]


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_a_loop_in_each_of_several_threads(engine):
    table_of(engine)
    runners = [loop_runner(name) for name in LOOPS]
    failures = []

    async def insert(thread):
        for _ in range(50):
            await engine.execute("INSERT INTO t (thread) VALUES (?)", [thread])
            await engine.query("SELECT count(*) FROM t WHERE thread = ?", [thread])

    def main(thread):
        try:
            runners[thread % len(runners)](insert, thread)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=main, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and rows_of(engine) == 300


def test_loops_one_after_the_other_leave_nothing(engine):
    table_of(engine)
    rows_of(engine)
    gc.collect()
    before = descriptors()
    for _ in range(50):
        rows_of(engine)
    gc.collect()
    assert descriptors() <= before + 1 and len(engine._ports) <= 1


def test_a_closed_loop_vanishes(engine):
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(engine.query("SELECT 1 AS x")).rows == 1
    assert len(engine._ports) == 1
    loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None and not engine._ports


@pytest.mark.parametrize("name", list(LOOPS))
def test_a_loop_closed_with_operations_in_flight_is_swept(path, name):
    run = loop_runner(name)
    engine = yoda.HtapEngine(oltp_path=path, max_in_flight=2, read_pool_size=1, result="yoda")
    calls = []

    async def leave():
        for _ in range(2):
            call = engine._port().run(engine._port().queue.query, (ENDLESS,))
            calls.append(call)
        if name != "trio":
            for call in calls:
                call.send(None)

    async def ask():
        return (await engine.query("SELECT 1 AS x")).to_pydict()

    run(leave)
    gc.collect()
    assert run(ask) == {"x": [1]}
    for call in calls:
        call.close()
    engine.shutdown()


def test_the_same_loop_runs_again(engine):
    """A signal's or a notebook's use: run_until_complete, a shutdown in between, and once more."""
    with asyncio.Runner() as runner:
        assert runner.run(engine.query("SELECT 1 AS x")).rows == 1
        assert runner.run(engine.query("SELECT 2 AS x")).rows == 1
        engine.shutdown()
        with pytest.raises(yoda.ClosedError):
            runner.run(engine.query("SELECT 3 AS x"))


def test_descriptors_are_free_again_after_a_shutdown_on_a_loop_that_goes_on(tmp_path):
    """The next engine's queue gets the same descriptor: the loop must not still watch it."""

    async def main():
        counts = []
        for i in range(20):
            async with await yoda.open(str(tmp_path / f"{i % 3}.db"), result="yoda") as engine:
                assert (await engine.query("SELECT 1 AS x")).rows == 1
            await asyncio.sleep(0)
            counts.append(descriptors())
        assert counts[-1] <= counts[2]

    asyncio.run(main())


def test_a_shutdown_from_another_thread(path):
    engine = yoda.HtapEngine(oltp_path=path)

    async def main():
        task = asyncio.create_task(engine.query(ENDLESS))
        await asyncio.sleep(0)
        thread = threading.Thread(target=engine.shutdown)
        thread.start()
        with pytest.raises((yoda.InterruptedError, yoda.ClosedError)):
            await task
        while thread.is_alive():
            await asyncio.sleep(0)

    asyncio.run(main())


def test_guest_trio_inside_asyncio(engine):
    """Both loops run on one thread; each call goes to the one its task belongs to."""
    trio = pytest.importorskip("trio")

    async def in_trio():
        return (await engine.query("SELECT 1 AS x")).to_pydict()

    async def main():
        done = asyncio.get_running_loop().create_future()
        trio.lowlevel.start_guest_run(
            in_trio,
            run_sync_soon_threadsafe=asyncio.get_running_loop().call_soon_threadsafe,
            done_callback=done.set_result,
        )
        mine = (await engine.query("SELECT 2 AS x")).to_pydict()
        return mine, (await done).unwrap()

    assert asyncio.run(main()) == ({"x": [2]}, {"x": [1]})


def test_a_forgotten_await_warns_and_does_nothing(run, engine):
    async def main():
        await engine.execute("CREATE TABLE t (a)")
        with pytest.warns(RuntimeWarning, match="never awaited"):
            engine.execute("INSERT INTO t VALUES (1)")
            gc.collect()
        assert (await engine.query("SELECT count(*) AS n FROM t")).to_pydict() == {"n": [0]}

    run(main)


# ---- Processes

LIVE = """
import asyncio, yoda
engine = yoda.HtapEngine(oltp_path="live.db", result="yoda")
async def main():
    await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    await engine.register_table("t")
    await engine.execute("INSERT INTO t VALUES (1)")
    asyncio.create_task(engine.query({endless!r}))
    await asyncio.sleep(0)
"""


def test_exit_with_a_live_engine(tmp_path: Path):
    done = succeeds(tmp_path, "-c", LIVE.format(endless=ENDLESS) + "asyncio.run(main())")
    assert "ResourceWarning" in done.stderr and "Traceback" not in done.stderr
    with_loop = LIVE.format(endless=ENDLESS).replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
    with_loop = with_loop.replace("(1)", "(2)") + (
        "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())\nprint('left', engine)"
    )
    done = succeeds(tmp_path, "-c", with_loop)
    assert "left" in done.stdout
    done = succeeds(
        tmp_path,
        "-c",
        "import asyncio, yoda\nengine = yoda.HtapEngine(oltp_path='live.db', result='yoda')\n"
        "print(asyncio.run(engine.query('SELECT count(*) AS n FROM t')).to_pydict())\n"
        "engine.shutdown()",
    )
    assert done.stdout.strip() == "{'n': [2]}" and not done.stderr


def test_sys_exit_inside_a_task(tmp_path: Path):
    program = LIVE.format(endless=ENDLESS) + (
        "    import sys\n    print('bye')\n    sys.exit(0)\nasyncio.run(main())"
    )
    assert succeeds(tmp_path, "-c", program).stdout.strip() == "bye"


FORK = """
import asyncio, os, sys, warnings
import yoda
warnings.simplefilter("ignore", DeprecationWarning)
engine = yoda.HtapEngine(oltp_path="fork.db", result="yoda")
asyncio.run(engine.execute("CREATE TABLE t (a)"))

def in_child():
    insert = engine.execute("INSERT INTO t VALUES (1)")
    for call in (engine.query("SELECT 1"), insert, engine.status()):
        try:
            asyncio.run(call)
        except yoda.ForkedError as error:
            assert error.code == "FORKED" and error.hint, error.hint
        else:
            raise AssertionError("a forked engine answered")
    engine.shutdown()
    own = yoda.HtapEngine(oltp_path="fork.db", result="yoda")
    assert asyncio.run(own.execute("INSERT INTO t VALUES (2)")) == 1
    own.shutdown()
"""


def test_fork(tmp_path: Path):
    program = FORK + (
        "child = os.fork()\nif child == 0:\n    in_child()\n    sys.exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(asyncio.run(engine.query('SELECT a FROM t')).to_pydict())\nengine.shutdown()"
    )
    done = succeeds(tmp_path, "-c", program)
    assert done.stdout.strip() == "{'a': [2]}" and "Warning" not in done.stderr, done.stderr


def test_fork_inside_a_running_loop(tmp_path: Path):
    program = FORK + (
        "async def main():\n"
        "    await engine.query('SELECT 1')\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n"
        "            await engine.query('SELECT 1')\n"
        "        except yoda.ForkedError:\n"
        "            os._exit(7)\n"
        "        os._exit(1)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "    assert (await engine.query('SELECT 1 AS x')).rows == 1\n"
        "asyncio.run(main())\nengine.shutdown()"
    )
    succeeds(tmp_path, "-c", program)


def test_multiprocessing(tmp_path: Path):
    program = FORK + (
        "import multiprocessing\n"
        "process = multiprocessing.get_context('fork').Process(target=in_child)\n"
        "process.start()\nprocess.join()\nassert process.exitcode == 0\nengine.shutdown()"
    )
    succeeds(tmp_path, "-c", program)


def test_signals_end_a_service(tmp_path: Path):
    """shutdown() straight from a handler of the signal module."""
    program = (
        "import asyncio, os, signal, yoda\n"
        "engine = yoda.HtapEngine(oltp_path='s.db', result='yoda')\n"
        "signal.signal(signal.SIGTERM, lambda *_: engine.shutdown())\n"
        "async def main():\n"
        f"    task = asyncio.create_task(engine.query({ENDLESS!r}))\n"
        "    await asyncio.sleep(0)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    try:\n"
        "        await task\n"
        "    except (yoda.InterruptedError, yoda.ClosedError) as error:\n"
        "        print(error.code)\n"
        "asyncio.run(main())\n"
    )
    assert succeeds(tmp_path, "-c", program).stdout.strip() in ("INTERRUPTED", "CLOSED")


SUBINTERPRETER = """
import asyncio, yoda
engine = yoda.HtapEngine(oltp_path="sub.db", result="auto")
async def main():
    await engine.execute("CREATE TABLE IF NOT EXISTS t (a)")
    await engine.execute("INSERT INTO t VALUES (1)")
    return (await engine.query("SELECT count(*) AS n FROM t")).to_pydict()
print(asyncio.run(main()), flush=True)
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="extensions in subinterpreters: 3.12")
def test_subinterpreters(tmp_path: Path):
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    program = (
        f"import {name} as interpreters, yoda\n"
        "first, second = interpreters.create(), interpreters.create()\n"
        f"for i, each in enumerate((first, second)):\n"
        f"    failed = interpreters.{'exec' if sys.version_info >= (3, 13) else 'run_string'}"
        f"(each, {SUBINTERPRETER!r})\n"
        "    assert failed is None, failed\n"
        "    interpreters.destroy(each)\n"
    )
    done = succeeds(tmp_path, "-c", program)
    assert done.stdout.split("\n")[:2] == ["{'n': [1]}", "{'n': [2]}"]
