"""yoda.dbapi: transactions, begun by writes or by hand, and autocommit."""

import contextlib

import pytest
from conftest import count

import yoda.dbapi as db


def test_first_write_begins(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    assert not connection.in_transaction
    assert count(other) == 0
    connection.execute("INSERT INTO t VALUES (1)")
    assert connection.in_transaction
    assert (count(connection), count(other)) == (1, 0)
    connection.commit()
    assert not connection.in_transaction
    assert count(other) == 1
    connection.execute("WITH v(a) AS (VALUES (2), (3)) INSERT INTO t SELECT a FROM v")
    connection.execute("CREATE TABLE u(a)")
    connection.rollback()
    assert (count(connection), count(other)) == (1, 1)
    with pytest.raises(db.Error, match="no such table"):
        connection.execute("SELECT * FROM u")


def test_nothing_to_end(connection: db.Connection) -> None:
    connection.commit()
    connection.rollback()
    for sql in ("COMMIT", "ROLLBACK"):
        with pytest.raises(db.OperationalError, match="no transaction is active"):
            connection.execute(sql)


def test_the_other_waits(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(db.BusyError):
        other.execute("INSERT INTO t VALUES (2)")
    assert not other.in_transaction
    connection.commit()
    other.execute("INSERT INTO t VALUES (2)")
    other.commit()
    assert count(connection) == 2


def test_explicit_transaction(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    for autocommit in (False, True):
        connection.autocommit = autocommit
        connection.execute("BEGIN")
        with pytest.raises(db.OperationalError, match="within a transaction"):
            connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES (1)")
        assert (count(connection), count(other)) == (1, 0)
        connection.execute("ROLLBACK")
        assert count(connection) == 0
        connection.begin()
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("END")
        assert count(other) == 1
        with connection:
            connection.execute("DELETE FROM t")


def test_write_connection_inside(connection: db.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("CREATE TEMP TABLE mine(a)")
    connection.execute("INSERT INTO mine VALUES (7), (8)")
    assert connection.execute("SELECT changes(), sum(a) FROM mine").fetchone() == (2, 15)
    connection.rollback()


def test_autocommit(path: str, connection: db.Connection, other: db.Connection) -> None:
    connection.autocommit = True
    connection.execute("CREATE TABLE t(a UNIQUE)")
    connection.execute("INSERT INTO t VALUES (1)")
    assert not connection.in_transaction
    assert count(other) == 1
    with pytest.raises(db.IntegrityError):
        connection.execute("INSERT INTO t VALUES (1)")
    assert not connection.in_transaction
    with pytest.raises(db.IntegrityError):
        connection.executemany("INSERT INTO t VALUES (?)", [(2,), (1,)])
    connection.executemany("INSERT INTO t VALUES (?)", ((i,) for i in range(2, 5)))
    connection.execute("UPDATE t SET a = a + 10")
    assert other.execute("SELECT sum(a) FROM t").fetchone() == (50,)
    with pytest.raises(db.ProgrammingError, match="savepoint"):
        connection.execute("SAVEPOINT s")
    with contextlib.closing(db.connect(path, autocommit=True)) as third:
        assert third.autocommit


def test_autocommit_commits_what_is_open(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.autocommit = True
    assert count(other) == 1
    connection.autocommit = False
    connection.execute("DELETE FROM t")
    connection.rollback()
    assert count(other) == 1


def test_context_manager(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    with connection as entered:
        assert entered is connection
        connection.execute("INSERT INTO t VALUES (1)")
    assert count(other) == 1
    with pytest.raises(ZeroDivisionError), connection:
        connection.execute("INSERT INTO t VALUES (2)")
        raise ZeroDivisionError
    assert (count(connection), count(other)) == (1, 1)


def test_savepoints(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    for sql in ("RELEASE one", "ROLLBACK TO one"):
        with pytest.raises(db.Error, match="no such savepoint"):
            connection.execute(sql)
        assert not connection.in_transaction
    connection.execute("SAVEPOINT one")
    assert connection.in_transaction
    connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("SAVEPOINT two")
    connection.execute("INSERT INTO t VALUES (2)")
    connection.execute("ROLLBACK TO two")
    connection.execute("RELEASE one")
    assert connection.in_transaction
    connection.commit()
    assert other.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_failed_commit_rolls_back(connection: db.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(
        "CREATE TABLE p(id INTEGER PRIMARY KEY);"
        "CREATE TABLE t(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)"
    )
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(db.IntegrityError):
        connection.commit()
    assert not connection.in_transaction
    assert count(connection) == 0
    connection.autocommit = True
    with pytest.raises(db.IntegrityError):
        connection.execute("INSERT INTO t VALUES (1)")
    assert count(connection) == 0


def test_sqlite_ended_the_transaction(connection: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a UNIQUE)")
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(db.IntegrityError):
        connection.execute("INSERT OR ROLLBACK INTO t VALUES (1)")
    with pytest.raises(db.ProgrammingError, match="rolled back"):
        connection.commit()
    assert not connection.in_transaction
    connection.execute("INSERT INTO t VALUES (2)")
    connection.commit()
    assert connection.execute("SELECT a FROM t").fetchall() == [(2,)]


def test_executescript(connection: db.Connection, other: db.Connection) -> None:
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES (0)")
    cursor = connection.executescript(
        """
        -- two transactions
        INSERT INTO t VALUES (1);
        BEGIN; INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); COMMIT;
        CREATE TRIGGER r AFTER DELETE ON t BEGIN INSERT INTO t VALUES (9); END;
        """
    )
    assert cursor.rowcount == -1
    assert not connection.in_transaction
    assert count(other) == 4
