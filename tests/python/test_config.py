"""HtapConfig and TableSchema: what they accept, and that errors name what is wrong."""

from pathlib import Path

import pytest

import yoda


def test_the_defaults_are_the_pages():
    config = yoda.HtapConfig()
    assert config.oltp_path == "yoda.db" and config.read_pool_size == 4
    assert (
        config.sync_interval is None
        and config.prune_after_sync is True
        and config.max_staleness_ms == 0
    )
    with pytest.raises(AttributeError):
        config.read_pool_size = 5


def test_every_option_of_the_engine_is_a_keyword_with_its_default(engine):
    import asyncio

    async def main():
        return await yoda.HtapEngine.options(engine)

    rows = {row["name"]: row for row in asyncio.run(main())}
    config = yoda.HtapConfig()
    for name, row in rows.items():
        assert hasattr(config, name), name
        ours = dict(config.options()).get(name)
        assert ours is None or ours == str(row["default"]), name
    own = {"oltp_path", "result", "sync_interval"}
    assert {name for name in yoda.HtapConfig.__dataclass_fields__} == set(rows) | own


def test_values_reach_the_engine(tmp_path: Path):
    engine = yoda.HtapEngine(
        oltp_path=tmp_path / "x.db",
        olap_path=tmp_path / "columns",
        olap_in_memory=False,
        read_pool_size=2,
        sync_interval=0.25,
        sync_batch_size=10,
        prune_after_sync=False,
        synchronous="full",
    )
    rows = yoda.QueryResult(engine._raw.inspect("options"), yoda.RecordBatch).to_pylist()
    values = {row["name"]: str(row["value"]) for row in rows}
    engine.shutdown()
    assert values["sync_interval_ms"] == "250" and values["read_pool_size"] == "2"
    assert values["sync_batch_size"] == "10" and values["prune_after_sync"] == "false"
    assert values["olap_path"] == str(tmp_path / "columns") and values["synchronous"] == "full"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("read_pool_size", "4"),
        ("read_pool_size", True),
        ("sync_interval", -1),
        ("sync_interval", "1s"),
        ("prune_after_sync", 1),
        ("olap_path", 7),
        ("oltp_path", None),
        ("oltp_path", "a\0b"),
        ("result", "arrow"),
    ],
)
def test_a_wrong_value_is_named(name, value):
    with pytest.raises(yoda.ProgrammingError, match=name) as caught:
        yoda.HtapConfig(**{name: value})
    assert caught.value.code == "MISUSE"


@pytest.mark.parametrize(
    ("name", "value"), [("read_pool_size", 0), ("synchronous", "off"), ("router", "dice")]
)
def test_a_value_out_of_range_is_named_at_the_opening(path, name, value):
    with pytest.raises(yoda.Error, match=name):
        yoda.HtapEngine(oltp_path=path, **{name: value})


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match="read_pool"):
        yoda.HtapConfig(read_pool=4)
    with pytest.raises(yoda.ProgrammingError, match="sync_interval_ms"):
        yoda.HtapConfig(sync_interval=1, sync_interval_ms=1000)
    with pytest.raises(yoda.ProgrammingError, match="threads"):
        yoda.HtapEngine(yoda.HtapConfig(), threads=1)
    with pytest.raises(TypeError, match="HtapConfig"):
        yoda.HtapEngine("app.db")


def test_a_short_interval_is_not_none_at_all():
    assert dict(yoda.HtapConfig(sync_interval=0.0001).options())["sync_interval_ms"] == "1"
    assert dict(yoda.HtapConfig(sync_interval=0).options())["sync_interval_ms"] == "0"
    assert "sync_interval_ms" not in dict(yoda.HtapConfig().options())


def test_schemas_compare_and_print():
    schema = yoda.TableSchema("t", [("id", "int64"), ["v", "utf8"]], ["ID"])
    assert schema == yoda.TableSchema("t", (("id", "int64"), ("v", "utf8")), ("ID",))
    assert eval(repr(schema), {"TableSchema": yoda.TableSchema}) == schema
    assert len({schema, yoda.TableSchema("t", [("id", "int64"), ("v", "utf8")], ["ID"])}) == 1
    for kind in "int64 int32 float64 utf8 bool binary date32 timestamp any".split():
        yoda.TableSchema("t", [("c", kind)])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("", [("id", "int64")]), "name"),
        ((7, [("id", "int64")]), "7"),
        (("t", []), "t: no columns"),
        (("t", ["id"]), "'id'"),
        (("t", [("id", "int65")]), "column id: 'int65'"),
        (("t", [("id", int)]), "column id"),
        (("t", [("id", "int64"), ("ID", "utf8")]), "column ID is there twice"),
        (("t", [("id", "int64")], ["idd"]), "key column idd"),
        (("t", [("id", "int64")], "id"), "the key is a list"),
        (("t", [("id", "int64")], ["id", "id"]), "key column id is there twice"),
    ],
)
def test_a_wrong_schema_is_named(arguments, named):
    with pytest.raises(yoda.ProgrammingError, match=named):
        yoda.TableSchema(*arguments)


def test_a_likely_name_is_offered():
    with pytest.raises(yoda.ProgrammingError) as caught:
        yoda.TableSchema("t", [("id", "int")])
    assert caught.value.hint and "int" in caught.value.hint
