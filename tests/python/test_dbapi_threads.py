"""yoda.dbapi with threads, time limits and Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

import yoda.dbapi as db

ENDLESS = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[db.Connection]:
    with contextlib.closing(db.connect(tmp_path / "app.db")) as opened:
        opened.execute("CREATE TABLE t(a INTEGER)")
        yield opened


def test_threads_share_a_connection(connection: db.Connection) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for i in range(50):
            connection.execute("INSERT INTO t VALUES (?)", (number * 1000 + i,))
            row = connection.execute("SELECT count(*) FROM t WHERE a = ?", (number * 1000 + i,))
            if row.fetchone() != (1,):
                wrong.append((number, i))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.commit()
    assert wrong == []
    assert connection.execute("SELECT count(*), count(DISTINCT a) FROM t").fetchone() == (200, 200)


def test_threads_with_their_own_connections(tmp_path: Path, connection: db.Connection) -> None:
    def work(number: int) -> None:
        with contextlib.closing(db.connect(tmp_path / "app.db", timeout=60)) as own:
            for i in range(25):
                with own:
                    own.execute("INSERT INTO t VALUES (?)", (number * 1000 + i,))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert connection.execute("SELECT count(DISTINCT a) FROM t").fetchone() == (100,)


@pytest.mark.parametrize("inside", [False, True])
def test_interrupt_from_another_thread(connection: db.Connection, inside: bool) -> None:
    if inside:
        connection.execute("INSERT INTO t VALUES (1)")
    done = threading.Event()

    def interrupt_until_done() -> None:
        while not done.wait(0.01):
            connection.interrupt()

    thread = threading.Thread(target=interrupt_until_done)
    thread.start()
    try:
        with pytest.raises(db.InterruptedError) as caught:
            connection.execute(ENDLESS)
    finally:
        done.set()
        thread.join()
    assert caught.value.code == "INTERRUPTED"
    assert connection.in_transaction is inside
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (int(inside),)
    connection.interrupt()


def test_use_in_a_signal_handler(connection: db.Connection) -> None:
    raised: list[db.Error] = []

    def use(number: int, frame: object) -> None:
        try:
            connection.execute("SELECT 1")
        except db.ProgrammingError as error:
            raised.append(error)
            connection.interrupt()

    before = signal.signal(signal.SIGALRM, use)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(db.InterruptedError):
            connection.execute(ENDLESS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert "this very thread" in str(raised[0])
    assert connection.execute("SELECT 1").fetchone() == (1,)


class StopWaitingError(Exception):
    """What a signal handler raises here."""


@pytest.mark.parametrize("threads", [1, 2], ids=["same-engine", "another-engine"])
def test_signal_while_waiting_for_the_lock(tmp_path: Path, threads: int) -> None:
    """Without the cancel the test would take the hour that both may wait."""
    path = tmp_path / "app.db"
    holder = db.connect(path, timeout=3600, threads=1)
    waiter = db.connect(path, timeout=3600, threads=threads)

    def stop(number: int, frame: object) -> None:
        raise StopWaitingError

    with contextlib.closing(holder), contextlib.closing(waiter):
        holder.execute("CREATE TABLE t(a)")
        holder.execute("INSERT INTO t VALUES (1)")
        before = signal.signal(signal.SIGALRM, stop)
        try:
            with pytest.raises(StopWaitingError):
                wait_for_the_lock(waiter)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert not waiter.in_transaction
        holder.commit()
        waiter.execute("INSERT INTO t VALUES (2)")
        waiter.commit()
        assert holder.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (2,)]


def wait_for_the_lock(connection: db.Connection) -> None:
    """Interrupted by one SIGALRM."""
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    connection.execute("INSERT INTO t VALUES (2)")


def test_statement_timeout(connection: db.Connection) -> None:
    connection.statement_timeout = 0.05
    with pytest.raises(db.TimeoutError) as caught:
        connection.execute(ENDLESS)
    assert isinstance(caught.value, TimeoutError)
    connection.statement_timeout = None
    assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork(tmp_path: Path, connection: db.Connection) -> None:
    with connection:
        connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("INSERT INTO t VALUES (2)")
    child = os.fork()
    if child == 0:
        os._exit(in_the_child(connection, tmp_path / "app.db"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    connection.commit()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def in_the_child(inherited: db.Connection, path: Path) -> int:
    """0 when everything is as it should be. Nothing may leave this function but by its value."""
    try:
        with contextlib.suppress(db.ForkedError):
            inherited.execute("SELECT 1")
            return 2
        inherited.close()
        with contextlib.closing(db.connect(path)) as own:
            return int(own.execute("SELECT count(*) FROM t").fetchone() != (1,))
    except BaseException:
        traceback.print_exc()
        return 3


PROGRAM = """
import sys, yoda.dbapi
connection = yoda.dbapi.connect(sys.argv[1])
connection.execute("CREATE TABLE t(a)")
if sys.argv[2] == "inside":
    connection.execute("INSERT INTO t VALUES (1)")
print("ready", flush=True)
try:
    connection.execute(sys.argv[3])
except KeyboardInterrupt:
    print("interrupted", connection.in_transaction, flush=True)
try:
    connection.commit()
except yoda.dbapi.ProgrammingError as error:
    print(error.code)
print(connection.execute("SELECT count(*) FROM t").fetchone()[0])
connection.close()
"""

ENDLESS_WRITE = ENDLESS.replace("SELECT count(*)", "INSERT INTO t SELECT count(*)")


@pytest.mark.parametrize("where", ["outside", "inside"])
@pytest.mark.parametrize("sql", [ENDLESS, ENDLESS_WRITE], ids=["query", "write"])
def test_control_c(tmp_path: Path, where: str, sql: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, tmp_path / "app.db", where, sql],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready == "ready\n", process.communicate()[1]
    interrupt_when_it_waits(process.pid)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    if sql is ENDLESS_WRITE:  # SQLite undoes the whole transaction of an interrupted write
        assert out == "interrupted True\nCONFLICT\n0\n"
    else:
        assert out == f"interrupted {where == 'inside'}\n{int(where == 'inside')}\n"


def interrupt_when_it_waits(pid: int) -> None:
    """SIGINT once the engine's threads use the processor: the statement runs then, and the main
    thread waits. What all threads took is in the 14th and 15th field of the process's stat."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        pytest.skip("this system has no /proc")

    def ticks() -> int:
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    start = ticks()
    while ticks() < start + 10:
        pass
    os.kill(pid, signal.SIGINT)
