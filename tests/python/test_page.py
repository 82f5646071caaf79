"""The async patterns: every example runs unmodified and says what it should.

The programs in page/ are our own, one for each example of the reference's page on async patterns.
Where the page itself is at hand (YODA_SEED_PAGE, or beside the folder YODA_CORPORA) its examples
are taken out of it and run, too. Each runs as a process of its own, on each event loop it allows,
with pyarrow and without. What an example leaves out is completed around it: a database made before,
names given before, calls made after.
"""

from __future__ import annotations

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import yoda
from child import DEADLINE_S, HERE, environment, installed, sqlite, succeeds
from flat_page import code_blocks

SYNCED = r"SyncResult\(events={0}, inserted={0}, updated=0, deleted=0, pruned=(None|\d+)\)"
SALES = [
    ("north", "tea", 2.5),
    ("north", "tea", 4.0),
    ("north", "milk", 1.25),
    ("south", "tea", 8.0),
]

ENGINE_WITH_T = """
import yoda

class Completed:
    # Takes what the page leaves out of its statement for the rest of an INSERT.
    def __init__(self, engine):
        self.engine = engine
    def execute(self, sql):
        return self.engine.execute(sql.replace("INSERT ...", "INSERT INTO t VALUES (1)"))

opened = await yoda.open(oltp_path="app.db")
engine = Completed(opened)
"""
SAYS_CLOSED = """
try:
    await engine.query("SELECT 1")
except yoda.ClosedError:
    print("closed")
"""


@dataclass(frozen=True)
class Block:
    """An example: what is there before, what it prints (patterns), what it leaves in the file."""

    loops: tuple[str, ...]
    says: list[str]
    own_says: list[str] = field(
        default_factory=list
    )  # what only our own program prints, behind the rest
    tables: list[str] = field(default_factory=list)  # statements run before, on app.db
    before: str = ""
    after: str = ""
    leaves: tuple[str, str, list[list[Any]]] | None = None  # file, query, rows
    needs_pyarrow: bool = False
    complaint: str = ""  # what is said on stderr


WHOLE = ("itself",)
WHOLE_ANYIO = ("itself", "program")
PIECE = ("asyncio", "anyio", "trio")
NEEDS = {"anyio": ["anyio"], "trio": ["anyio", "trio"], "program": ["anyio", "trio"]}
T = ["CREATE TABLE t (id INTEGER)"]
ORDERS = [
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL)",
    "INSERT INTO orders VALUES (1, 10.5), (2, 20.25), (3, 30)",
]
SALES_TABLE = [
    "CREATE TABLE sales (region TEXT, product TEXT, amount REAL)",
    f"INSERT INTO sales VALUES {', '.join(map(str, SALES))}",
]
ONE_ROW = ("app.db", "SELECT id FROM t", [[1]])

# In the order of the page.
BLOCKS = {
    "entry_asyncio": Block(
        WHOLE,
        [SYNCED.format(1), r"\{'n': \[1\]\}"],
        leaves=("app.db", "SELECT id, length(msg) > 0 FROM events", [[1, 1]]),
    ),
    "inside_loop": Block(
        PIECE,
        [r"\{'x': \[1\]\}"],
        before="import yoda",
        after="print(batches[0].to_pydict()); engine.shutdown()",
    ),
    "entry_anyio": Block(
        WHOLE_ANYIO,
        [r"\{'avg': \[3\.14\]\}"],
        leaves=("app.db", "SELECT * FROM metrics", [[1, 3.14]]),
    ),
    "task_group_writes": Block(
        WHOLE_ANYIO,
        [SYNCED.format(300)],
        leaves=("fanout.db", "SELECT count(*), min(id), max(id) FROM t", [[300, 0, 299]]),
    ),
    "gather_reads": Block(
        PIECE[:2],
        [r"\{'COUNT\(\*\)': \[3\]\}"],
        [r"\{'SUM\(amount\)': \[60\.75\]\}", r"\{'AVG\(amount\)': \[20\.25\]\}"],
        tables=ORDERS,
        after="await main()",
    ),
    "task_group_reads": Block(
        WHOLE_ANYIO,
        [r"\{'COUNT\(\*\)': \[3\]\}"],
        [r"\{'SUM\(amount\)': \[60\.75\]\}"],
        tables=ORDERS,
        needs_pyarrow=True,
    ),
    "service": Block((), []),  # a test of its own
    "context_manager": Block(
        PIECE, ["closed"], tables=T, before="import yoda", after=SAYS_CLOSED, leaves=ONE_ROW
    ),
    "constructor": Block(
        PIECE,
        ["closed"],
        tables=T,
        after=SAYS_CLOSED,
        leaves=ONE_ROW,
        before="import yoda; config = yoda.HtapConfig(oltp_path='app.db')",
    ),
    "instance_variable": Block(
        PIECE,
        [r"\{'x': \[1\]\}", "closed"],
        before="import yoda",
        after="""
service = MyService()
await service.start()
engine = service.engine
print((await engine.query("SELECT 1 AS x"))[0].to_pydict())
await service.stop()
"""
        + SAYS_CLOSED,
    ),
    "web_handler": Block(
        PIECE,
        [r"\[\('milk', 1\.25\), \('tea', 6\.5\)\]", "closed"],
        tables=SALES_TABLE,
        after="""
await startup()
answer = json.loads(await handle_analytics("north"))
print(sorted(zip(answer["product"], answer["total"], strict=True)))
await shutdown()
engine = _engine
"""
        + SAYS_CLOSED,
        needs_pyarrow=True,
    ),
    "forgotten_await": Block(
        PIECE,
        ["done"],
        tables=T,
        before=ENGINE_WITH_T,
        after="opened.shutdown(); print('done')",
        leaves=ONE_ROW,
        complaint="coroutine 'HtapEngine.execute' was never awaited",
    ),
}


def find_page() -> Path | None:
    named = os.environ.get("YODA_SEED_PAGE")
    if named:
        return Path(named)
    corpora = Path(os.environ.get("YODA_CORPORA", HERE.parents[2] / "shared" / "corpora"))
    return next(corpora.parent.glob("*/async-patterns.txt"), None)


def text_of(source: str, name: str) -> str:
    if source == "own":
        return (HERE / "page" / f"{name}.py").read_text(encoding="utf-8")
    page = find_page()
    if page is None:
        pytest.skip("the page is not here (set YODA_SEED_PAGE)")
    return dict(zip(BLOCKS, code_blocks(page.read_text(encoding="utf-8")), strict=True))[name]


def prepare(folder: Path, statements: list[str], name: str = "app.db") -> None:
    """Make the tables an example expects, mirrored, in a process's life before its own."""

    async def work() -> None:
        async with await yoda.open(oltp_path=str(folder / name)) as engine:
            await engine.execute_batch(statements)
            await engine.register_table(statements[0].split()[2])

    if statements:
        asyncio.run(work())


def skip_without(modules: list[str]) -> None:
    missing = [module for module in modules if not installed(module)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def cases() -> Iterator[Any]:
    for source in ("own", "page"):
        for name, block in BLOCKS.items():
            for loop in block.loops:
                for arrow in ("pyarrow",) if block.needs_pyarrow else ("pyarrow", "plain"):
                    yield pytest.param(
                        source, name, loop, arrow, id=f"{source}-{name}-{loop}-{arrow}"
                    )


def run(
    folder: Path, text: str, block: Block, loop: str, pyarrow: bool
) -> subprocess.CompletedProcess[str]:
    program = folder / "block.py"
    program.write_text(text, encoding="utf-8")
    if loop == "itself":
        return succeeds(folder, program, pyarrow=pyarrow)
    pieces = () if loop == "program" else (block.before, block.after)
    return succeeds(folder, HERE / "run_block.py", loop, program, *pieces, pyarrow=pyarrow)


@pytest.mark.parametrize(("source", "name", "loop", "arrow"), list(cases()))
def test_example(source: str, name: str, loop: str, arrow: str, tmp_path: Path) -> None:
    block = BLOCKS[name]
    text = text_of(source, name)
    skip_without([arrow] * (arrow == "pyarrow") + NEEDS.get(loop, []))
    prepare(tmp_path, block.tables)

    done = run(tmp_path, text, block, loop, arrow == "pyarrow")

    said = done.stdout.splitlines()
    wanted = block.says + (block.own_says if source == "own" else [])
    assert len(said) == len(wanted), done.stdout
    for line, pattern in zip(said, wanted, strict=True):
        assert re.fullmatch(pattern, line), done.stdout
    assert block.complaint in done.stderr
    assert block.complaint or not done.stderr, done.stderr
    if block.leaves:
        file, query, rows = block.leaves
        assert sqlite(tmp_path / file, query) == rows


def lines_of(process: subprocess.Popen[str]) -> queue.Queue[str]:
    """What the process prints, line by line as it comes."""
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip("\n"))

    threading.Thread(target=read, daemon=True).start()
    return lines


def write_until_synced(path: Path, lines: queue.Queue[str]) -> tuple[int, str]:
    """Insert rows as another program until the service says that it carried some over."""
    for written in range(1, 1000):
        sqlite(path, "INSERT INTO t VALUES (?)", written)
        try:
            return written, lines.get(timeout=0.2)
        except queue.Empty:
            continue
    raise AssertionError("the service never synced")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("arrow", ["pyarrow", "plain"])
@pytest.mark.parametrize("source", ["own", "page"])
def test_service(source: str, arrow: str, number: signal.Signals, tmp_path: Path) -> None:
    program = tmp_path / "block.py"
    program.write_text(text_of(source, "service"), encoding="utf-8")
    prepare(tmp_path, ["CREATE TABLE t (id INTEGER PRIMARY KEY)"], "service.db")
    process = subprocess.Popen(
        [sys.executable, "-u", program],
        cwd=tmp_path,
        env=environment(arrow == "pyarrow"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = lines_of(process)
        written, first = write_until_synced(tmp_path / "service.db", lines)
        assert re.match(r"\[sync\] SyncResult\(events=[1-9]", first), first
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr is not None and process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
    assert last_of(lines) == "Engine shut down cleanly."
    assert sqlite(tmp_path / "service.db", "SELECT count(*) FROM t") == [[written]]
    assert sqlite(tmp_path / "service.db", "PRAGMA integrity_check") == [["ok"]]


def last_of(lines: queue.Queue[str]) -> str:
    """The last line that comes; the process has ended."""
    last = ""
    end = time.monotonic() + DEADLINE_S
    while last != "Engine shut down cleanly." and time.monotonic() < end:
        last = lines.get(timeout=5)
    return last


def test_page_has_as_many_examples() -> None:
    page = find_page()
    if page is None:
        pytest.skip("the page is not here (set YODA_SEED_PAGE)")
    blocks = code_blocks(page.read_text(encoding="utf-8"))
    assert len(blocks) == len(BLOCKS) == 12
    assert all("yoda." in block or "engine." in block for block in blocks)


def test_every_example_has_a_program_of_ours() -> None:
    assert {path.stem for path in (HERE / "page").glob("*.py")} == set(BLOCKS)


def test_blocks_of_a_flat_page() -> None:
    first, second = "x = 1\n\n\nprint(x)\n", "await f()\n# why\n"
    page = f"Title\n\npython\n{first}\nProse (e.g. this).\n\npython\n{second}\nheading\n\nMore."
    assert code_blocks(page) == [first, second]
