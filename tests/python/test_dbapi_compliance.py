"""The package index's compliance suite for PEP 249 drivers (dbapi-compliance) on yoda.dbapi.

It is skipped where that package is not installed. Of its tests these do not apply:

test_nextset               the suite's own body says that drivers override it; nextset() is optional
                           and absent: one statement gives one result
test_setoutputsize         the same; setoutputsize() does nothing, as PEP 249 allows
test_callproc              passes without asking anything: callproc() is optional and absent
test_non_idempotent_close  asks for an error from the second close(). "Reasonable persons differ",
                           says the suite; here, as in sqlite3, a second close() does nothing
"""

import contextlib
from pathlib import Path
from typing import ClassVar

import pytest

import yoda.dbapi

dbapi20 = pytest.importorskip("dbapi20", reason="the package dbapi-compliance is not installed")


@pytest.mark.filterwarnings("ignore:.*never closed:ResourceWarning")  # in its test_rollback
class TestCompliance(dbapi20.DatabaseAPI20Test):
    driver = yoda.dbapi
    connect_kw_args: ClassVar[dict[str, object]] = {}

    @pytest.fixture(autouse=True)
    def database(self, tmp_path: Path) -> None:
        type(self).connect_args = (tmp_path / "compliance.db",)

    def test_nextset(self) -> None:
        assert not hasattr(yoda.dbapi.Cursor, "nextset")

    def test_setoutputsize(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.cursor().setoutputsize(1, 2)

    def test_callproc(self) -> None:
        assert not hasattr(yoda.dbapi.Cursor, "callproc")

    def test_non_idempotent_close(self) -> None:
        connection = self._connect()
        connection.close()
        connection.close()


class TestComplianceWithColumns(TestCompliance):
    """The same where the router prefers columns, and with both tables registered."""

    connect_kw_args: ClassVar[dict[str, object]] = {"router": "columns_first"}

    def executeDDL1(self, cursor: yoda.dbapi.Cursor) -> None:  # noqa: N802 - the suite names it so
        super().executeDDL1(cursor)
        if not cursor.connection.in_transaction:
            cursor.connection.register_table(f"{self.table_prefix}booze")

    def executeDDL2(self, cursor: yoda.dbapi.Cursor) -> None:  # noqa: N802
        super().executeDDL2(cursor)
        if not cursor.connection.in_transaction:
            cursor.connection.register_table(f"{self.table_prefix}barflys")


class TestComplianceWithAutocommit(TestCompliance):
    """The same without implicit transactions."""

    connect_kw_args: ClassVar[dict[str, object]] = {"autocommit": True}
