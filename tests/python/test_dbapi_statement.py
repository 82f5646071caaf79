"""What yoda.dbapi takes a statement for."""

import pytest

from yoda.dbapi._statement import Kind, classify

KINDS = [
    ("SELECT 1", Kind.READ),
    ("  -- SELECT\n /* INSERT */ select 1", Kind.READ),
    (";;VALUES (1)", Kind.READ),
    ("WITH a AS (SELECT 1) SELECT * FROM a", Kind.READ),
    ("WITH a(b) AS (SELECT 1), c AS (VALUES (2)) INSERT INTO t SELECT * FROM a", Kind.WRITE),
    ("WITH RECURSIVE r(x) AS (SELECT 1) DELETE FROM t WHERE a IN (SELECT x FROM r)", Kind.WRITE),
    ("WITH a AS (SELECT ')' || \"INSERT\" FROM [DELETE]) SELECT (2)", Kind.READ),
    ("WITH replace AS (SELECT 1) SELECT * FROM replace", Kind.READ),
    ("EXPLAIN INSERT INTO t VALUES (1)", Kind.READ),
    ("EXPLAIN QUERY PLAN SELECT 1", Kind.READ),
    ("explain yoda select 1", Kind.EXPLAIN),
    ("insert into t values (1)", Kind.WRITE),
    ("REPLACE INTO t VALUES (1)", Kind.WRITE),
    ("UPDATE t SET a = 1", Kind.WRITE),
    ("DELETE FROM t", Kind.WRITE),
    ("CREATE TABLE t(a)", Kind.OTHER),
    ("VACUUM", Kind.OTHER),
    ("BEGIN IMMEDIATE", Kind.BEGIN),
    ("COMMIT;", Kind.COMMIT),
    ("END TRANSACTION", Kind.COMMIT),
    ("ROLLBACK", Kind.ROLLBACK),
    ("ROLLBACK TRANSACTION", Kind.ROLLBACK),
    ("SAVEPOINT s", Kind.SAVEPOINT),
    ("ROLLBACK TO s", Kind.OTHER),
    ("RELEASE s", Kind.OTHER),
    ("PRAGMA user_version", Kind.READ),
    ("PRAGMA user_version = 5", Kind.OTHER),
    ("PRAGMA main.table_info(t)", Kind.READ),
    ("PRAGMA journal_mode(wal)", Kind.OTHER),
    ("PRAGMA wal_checkpoint", Kind.OTHER),
    ("", Kind.EMPTY),
    (" ; -- nothing\n/* at all", Kind.EMPTY),
    ("SELEC 1", Kind.OTHER),
    ("'", Kind.OTHER),
]


@pytest.mark.parametrize(("sql", "kind"), KINDS)
def test_kind(sql: str, kind: Kind) -> None:
    statement = classify(sql)
    assert statement.kind is kind
    assert not statement.several


@pytest.mark.parametrize(
    ("sql", "several"),
    [
        ("SELECT 1; SELECT 2", True),
        ("SELECT 1;; -- end\n", False),
        ("SELECT ';', \"a;b\", `;`, [;] /* ; */ -- ;\n", False),
        ("SELECT 'it''s; one'", False),
        ("INSERT INTO t VALUES (:a); x", True),
        ("CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM u; SELECT 1; END", False),
        ("CREATE TEMP TRIGGER r DELETE ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END; ", False),
        ("CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END; SELECT 2", True),
    ],
)
def test_several(sql: str, several: bool) -> None:
    assert classify(sql).several is several


@pytest.mark.parametrize(
    ("sql", "returning"),
    [
        ("INSERT INTO t VALUES (1) RETURNING id", True),
        ("WITH a AS (SELECT 1) DELETE FROM t returning *", True),
        ("INSERT INTO t VALUES ('RETURNING')", False),
        ('UPDATE t SET a = :returning, b = "returning"', False),
    ],
)
def test_returning(sql: str, returning: bool) -> None:
    assert classify(sql).returning is returning


def test_inserts() -> None:
    assert classify("INSERT INTO t VALUES (1)").inserts
    assert classify("WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a").inserts
    assert not classify("UPDATE t SET a = 1").inserts


def test_long_statements_are_read_too() -> None:
    filler = "x" * 100_000
    assert classify(f"INSERT INTO t VALUES ('{filler}')").kind is Kind.WRITE
    assert classify(f"SELECT '{filler}; SELECT 2'").several is False
