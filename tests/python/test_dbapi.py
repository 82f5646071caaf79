"""yoda.dbapi: the module, values and rows, errors, closing, columns and engines."""

import contextlib
import datetime
import gc
import math
from pathlib import Path

import pytest
from conftest import count

import yoda
import yoda.dbapi as db
from yoda import _yoda

# ---- The module ----


def test_module() -> None:
    assert (db.apilevel, db.threadsafety, db.paramstyle) == ("2.0", 2, "qmark")
    assert db.Error is _yoda.Error
    for name in db.__all__:
        assert hasattr(db, name)


def test_type_objects() -> None:
    kinds = [db.STRING, db.BINARY, db.NUMBER, db.DATETIME, db.ROWID]
    for a in kinds:
        assert [b for b in kinds if a == b] == [a]
        assert a == db.ANY
        assert a != "STRING"
        assert hash(a) == hash(db.ANY)
    assert {kind: kind.name for kind in kinds}[db.NUMBER] == "NUMBER"


def test_constructors() -> None:
    assert db.Date(2024, 2, 29) == datetime.date(2024, 2, 29)
    assert db.Time(23, 59, 1) == datetime.time(23, 59, 1)
    assert db.Timestamp(2024, 2, 29, 1, 2, 3) == datetime.datetime(2024, 2, 29, 1, 2, 3)
    moment = datetime.datetime(2024, 2, 29, 1, 2, 3)
    assert db.DateFromTicks(moment.timestamp()) == moment.date()
    assert db.TimeFromTicks(moment.timestamp()) == moment.time()
    assert db.TimestampFromTicks(moment.timestamp()) == moment
    assert bytes(db.Binary(b"\0x")) == b"\0x"


def test_connect_wants_one_place(path: str) -> None:
    with pytest.raises(TypeError, match="a path or an engine"):
        db.connect()
    with contextlib.closing(db.connect(path)) as connection:
        engine = connection._shared.engine
        with pytest.raises(TypeError, match="a path or an engine"):
            db.connect(path, engine=engine)
        with pytest.raises(TypeError, match="belong to the engine"):
            db.connect(engine=engine, read_pool_size=2)
    with pytest.raises(TypeError, match="not int"):
        db.connect(engine=3)  # type: ignore[arg-type]


def test_options_reach_the_engine(path: str) -> None:
    with contextlib.closing(db.connect(path, read_pool_size=2, prune_after_sync=False)) as opened:
        rows = opened._shared.engine.inspect("options").tuples()
        values = {row[0]: row[2] for row in rows} | {row[0]: row for row in rows}
    assert "2" in map(str, values["read_pool_size"])
    assert "false" in map(str, values["prune_after_sync"])
    with pytest.raises(db.ProgrammingError, match="no_such_option"):
        db.connect(path, no_such_option=1)


# ---- Values and rows ----

VALUES = [
    None,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    0.1,
    -1e300,
    math.inf,
    "",
    "é\U0001f600",
    b"",
    b"\0\xff",
]


@pytest.mark.parametrize("value", VALUES)
def test_values_come_back(connection: db.Connection, value: object) -> None:
    connection.execute("CREATE TABLE t(v)")
    connection.execute("INSERT INTO t VALUES (?)", (value,))
    row = connection.execute("SELECT v FROM t").fetchone()
    assert row == (value,)
    assert type(row[0]) is type(value)


def test_dates_become_text(connection: db.Connection) -> None:
    values = [db.Date(2024, 2, 29), db.Time(1, 2, 3), db.Timestamp(2024, 2, 29, 1, 2, 3)]
    row = connection.execute("SELECT ?, ?, ?", values).fetchone()
    assert row is not None
    assert row[:2] == ("2024-02-29", "01:02:03")
    assert datetime.datetime.fromisoformat(row[2]) == values[2]
    assert connection.execute("SELECT ?", [db.Binary(b"ab")]).fetchone() == (b"ab",)


def test_parameters_by_name(connection: db.Connection) -> None:
    row = connection.execute("SELECT :a, :b, :a", {"a": 1, "b": "x"}).fetchone()
    assert row == (1, "x", 1)
    with pytest.raises(db.Error):
        connection.execute("SELECT :a", {"b": 1})
    with pytest.raises(db.Error):
        connection.execute("SELECT :a", {"a": 1, "b": 2})
    with pytest.raises(db.Error):
        connection.execute("SELECT ?, ?", (1,))


def test_fetching(connection: db.Connection) -> None:
    cursor = connection.execute(
        "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 3000) "
        "SELECT i FROM r"
    )
    assert cursor.rowcount == 3000
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany() == [(2,)]
    cursor.arraysize = 3
    assert cursor.fetchmany() == [(3,), (4,), (5,)]
    assert len(cursor.fetchmany(2000)) == 2000
    assert cursor.fetchmany(0) == []
    assert next(cursor) == (2006,)
    assert [row[0] for row in cursor] == list(range(2007, 3001))
    assert cursor.fetchone() is None
    assert cursor.fetchmany(5) == []
    assert cursor.fetchall() == []


def test_no_rows_to_fetch(connection: db.Connection) -> None:
    cursor = connection.cursor()
    for sql in ("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "COMMIT", ""):
        cursor.execute(sql)
        assert cursor.description is None
        assert cursor.route is None
        for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall, cursor.fetch_arrow):
            with pytest.raises(db.ProgrammingError, match="no query") as caught:
                fetch()
            assert caught.value.code == "MISUSE"


def test_description(connection: db.Connection) -> None:
    cursor = connection.execute("SELECT 1 AS i, 1.5 AS r, 'x' AS s, x'00' AS b, NULL AS n")
    assert cursor.description is not None
    assert [column[0] for column in cursor.description] == ["i", "r", "s", "b", "n"]
    assert [column[2:] for column in cursor.description] == [(None,) * 5] * 5
    codes = [column[1] for column in cursor.description]
    assert codes == [db.NUMBER, db.NUMBER, db.STRING, db.BINARY, db.ANY]
    assert codes[0] != db.STRING
    assert cursor.fetchall() == [(1, 1.5, "x", b"\0", None)]
    mixed = connection.execute("VALUES (1), ('x')").description
    assert mixed is not None
    assert mixed[0][1] is db.ANY


def test_description_of_no_rows(connection: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a TEXT)")
    cursor = connection.execute("SELECT a FROM t")
    assert cursor.rowcount == 0
    assert cursor.description is not None
    assert cursor.description[0][:2] == ("a", db.STRING)
    assert cursor.fetchall() == []


def test_rowcount(connection: db.Connection) -> None:
    cursor = connection.cursor()
    assert cursor.rowcount == -1
    assert cursor.execute("CREATE TABLE t(a)").rowcount == -1
    assert cursor.execute("INSERT INTO t VALUES (1), (2), (3)").rowcount == 3
    assert cursor.execute("UPDATE t SET a = 0 WHERE a > 1").rowcount == 2
    assert cursor.executemany("DELETE FROM t WHERE a = ?", [(0,), (1,), (9,)]).rowcount == 3
    assert cursor.execute("").rowcount == -1


def test_lastrowid(connection: db.Connection, other: db.Connection) -> None:
    for autocommit in (False, True):
        connection.autocommit = autocommit
        connection.executescript(
            "DROP TABLE IF EXISTS t; CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)"
        )
        cursor = connection.cursor()
        assert cursor.lastrowid is None
        assert cursor.execute("INSERT INTO t VALUES (41, 'a')").lastrowid == 41
        connection.commit()
        other.execute("INSERT INTO t(id) VALUES (100)")
        other.commit()
        assert cursor.lastrowid == 41
        assert cursor.execute("INSERT OR IGNORE INTO t(a) VALUES ('a')").lastrowid == 41
        assert cursor.execute("REPLACE INTO t(a) VALUES ('a')").lastrowid == 101
        assert cursor.execute("UPDATE t SET id = 200 WHERE id = 101").lastrowid == 101
        connection.rollback()


def test_fetch_arrow(connection: db.Connection) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    cursor = connection.execute("VALUES (1, 'a'), (2, NULL)")
    table = pyarrow.table(cursor.fetch_arrow())
    assert [list(row.values()) for row in table.to_pylist()] == [[1, "a"], [2, None]]
    assert cursor.description is not None
    assert cursor.fetchall() == []
    with pytest.raises(db.ProgrammingError, match="fetched already"):
        cursor.fetch_arrow()
    cursor.execute("VALUES (1), (2)").fetchone()
    with pytest.raises(db.ProgrammingError, match="fetched already"):
        cursor.fetch_arrow()


def test_arrow_batches(connection: db.Connection) -> None:
    batches = connection.execute("VALUES (1, 'a'), (2, NULL)").fetch_arrow().batches()
    assert sum(batch.num_rows for batch in batches) == 2
    assert [value for batch in batches for value in batch.column(1)] == ["a", None]


def test_rows_from_the_same_connection(connection: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    connection.executemany("INSERT INTO t VALUES (?)", connection.execute("VALUES (1), (2)"))
    rows = (connection.execute("SELECT ? * 10", row).fetchall()[0] for row in [(1,), (2,)])
    connection.executemany("INSERT INTO t VALUES (?)", rows)
    connection.executemany("INSERT INTO t VALUES (:a)", [{"a": 30}])
    assert connection.executemany("INSERT INTO t VALUES (?)", []).rowcount == 0
    assert connection.execute("SELECT sum(a) FROM t").fetchone() == (63,)


# ---- Errors ----


def test_errors(connection: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY CHECK(a < 9))")
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(db.IntegrityError) as caught:
        connection.execute("INSERT INTO t VALUES (1)")
    assert caught.value.code == "CONSTRAINT"
    with pytest.raises(db.IntegrityError):
        connection.executemany("INSERT INTO t VALUES (?)", [(5,), (6,), (1,)])
    assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
    with pytest.raises((db.ProgrammingError, db.OperationalError), match="no_such_table"):
        connection.execute("SELECT * FROM no_such_table")
    with pytest.raises((db.ProgrammingError, db.OperationalError), match="syntax"):
        connection.execute("SELEC 1")


def test_refused_statements(connection: db.Connection) -> None:
    with pytest.raises(db.ProgrammingError, match="one statement") as caught:
        connection.execute("SELECT 1; SELECT 2")
    assert caught.value.hint == "executescript() runs several"
    with pytest.raises(db.ProgrammingError, match="executemany"):
        connection.executemany("SELECT ?", [(1,)])
    connection.execute("CREATE TABLE t(a)")
    with pytest.raises(db.ProgrammingError, match="RETURNING"):
        connection.executemany("INSERT INTO t VALUES (?) RETURNING a", [(1,)])
    assert not connection.in_transaction


@pytest.mark.parametrize("autocommit", [False, True])
def test_returning(connection: db.Connection, autocommit: bool) -> None:
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a)")
    connection.autocommit = autocommit
    cursor = connection.execute("INSERT INTO t(a) VALUES (?), (?) RETURNING id, a", ["x", 2.5])
    assert [column[0] for column in cursor.description or ()] == ["id", "a"]
    assert cursor.fetchall() == [(1, "x"), (2, 2.5)]
    assert (cursor.rowcount, cursor.lastrowid) == (2, 2)
    assert connection.in_transaction is not autocommit
    cursor = connection.execute("UPDATE t SET a = 7 WHERE id = 2 RETURNING a")
    assert (cursor.fetchall(), cursor.rowcount) == ([(7,)], 1)
    cursor = connection.execute("WITH gone(id) AS (VALUES (9)) DELETE FROM t WHERE id IN gone RETURNING *")
    assert (cursor.fetchall(), cursor.rowcount) == ([], 0)
    with pytest.raises(db.IntegrityError):
        connection.execute("INSERT INTO t VALUES (5, 0), (1, 0) RETURNING id")
    connection.commit()
    assert connection.execute("SELECT * FROM t ORDER BY id").fetchall() == [(1, "x"), (2, 7)]


def test_exceptions_of_the_connection(connection: db.Connection) -> None:
    for name in (
        "Warning",
        "Error",
        "InterfaceError",
        "DatabaseError",
        "DataError",
        "NotSupportedError",
        "OperationalError",
        "IntegrityError",
        "InternalError",
        "ProgrammingError",
    ):
        assert getattr(connection, name) is getattr(db, name)


# ---- Closing ----


def test_close_rolls_back(path: str, connection: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    cursor = connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    connection.close()
    for call in (
        connection.commit,
        connection.rollback,
        connection.cursor,
        cursor.fetchone,
        connection.sync,
        connection.begin,
        lambda: cursor.execute("SELECT 1"),
    ):
        with pytest.raises(db.ClosedError):
            call()
    assert "closed" in repr(connection)
    with contextlib.closing(db.connect(path)) as again:
        assert count(again) == 0


def test_closed_cursor(connection: db.Connection) -> None:
    cursor = connection.execute("SELECT 1")
    with contextlib.closing(cursor):
        assert cursor.connection is connection
    for call in (cursor.fetchall, lambda: cursor.execute("SELECT 1")):
        with pytest.raises(db.ClosedError, match="cursor"):
            call()
    cursor.close()


def test_forgotten_connection_warns(path: str) -> None:
    connection = db.connect(path)
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.warns(ResourceWarning, match="never closed"):
        del connection
        gc.collect()
    with contextlib.closing(db.connect(path)) as again:
        assert count(again) == 0


# ---- Columns, engines ----


def test_routes(path: str) -> None:
    with contextlib.closing(db.connect(path, router="columns_first")) as connection:
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a REAL)")
        connection.register_table("t")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(i, i / 2) for i in range(1000)])
        cursor = connection.execute("SELECT count(*), sum(a) FROM t")
        assert (cursor.route, cursor.reason) == ("row", "inside a transaction")
        with pytest.raises(db.ProgrammingError, match="transaction is open"):
            connection.sync()
        connection.commit()
        assert cursor.execute("SELECT count(*), sum(a) FROM t").fetchall() == [(1000, 249750.0)]
        assert cursor.route == "column"
        assert cursor.reason
        plan = connection.execute("EXPLAIN YODA SELECT sum(a) FROM t").fetchall()
        assert any("AGGREGATE" in row[0] for row in plan)
        connection.sync()
        connection.unregister_table("t")
        assert cursor.execute("SELECT count(*) FROM t").route == "row"


def test_connections_share_an_engine(path: str) -> None:
    first, second = db.connect(path), db.connect(Path(path))
    third = db.connect(path, threads=1)
    engine = first._shared.engine
    assert second._shared.engine is engine
    assert third._shared.engine is not engine
    first.close()
    assert not engine.closed
    second.execute("SELECT 1")
    second.close()
    assert engine.closed
    third.close()
    with contextlib.closing(db.connect(path)) as fourth:
        assert fourth._shared.engine is not engine


def test_memory_is_not_shared() -> None:
    one, two = db.connect(":memory:"), db.connect(":memory:")
    with contextlib.closing(one), contextlib.closing(two):
        one.execute("CREATE TABLE t(a)")
        assert count(one) == 0
        with pytest.raises(db.Error, match="no such table"):
            count(two)


def test_engine_of_an_asynchronous_program(path: str) -> None:
    engine = yoda.HtapEngine(oltp_path=path)
    try:
        with contextlib.closing(db.connect(engine=engine)) as connection:
            connection.execute("CREATE TABLE t(a)")
            assert count(connection) == 0
        assert not engine.closed
    finally:
        engine.shutdown()


def test_room_for_one_operation(path: str) -> None:
    """An insert submits two or three at once; each waits for room then."""
    with contextlib.closing(db.connect(path, max_in_flight=1)) as connection:
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)")
        for autocommit in (False, True):
            connection.autocommit = autocommit
            for _ in range(20):
                connection.execute("INSERT INTO t DEFAULT VALUES")
        assert connection.execute("INSERT INTO t DEFAULT VALUES").lastrowid == 41


def test_file_replaced(path: str) -> None:
    """A new file at the path is another database, though the old one is still open."""
    old = db.connect(path)
    old.execute("CREATE TABLE t(a)")
    Path(path).rename(f"{path}.moved")
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with contextlib.closing(db.connect(path)) as new:
        assert new._shared is not old._shared
        with pytest.raises(db.Error, match="no such table"):
            count(new)
    old.close()


def test_engine_of_somebody_else(path: str) -> None:
    engine = _yoda.Engine(path)
    with contextlib.closing(db.connect(engine=engine)) as connection:
        connection.execute("CREATE TABLE t(a)")
    assert not engine.closed
    late = db.connect(engine=engine)
    engine.shutdown()
    with pytest.raises(db.ClosedError):
        count(late)
    late.close()
