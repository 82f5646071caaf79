"""The programs in examples/python, run as a user would."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"


def sales(path: Path, lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / "sales.py", path],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_sales(tmp_path: Path) -> None:
    path = tmp_path / "sales.db"
    first = sales(path, "2024-02-28,Oslo,12.50\n2024-02-29,Bergen,8\n2024-02-29,Oslo,0.25\n")
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0] == "3 added"
    assert lines[1].split() == ["Oslo", "2", "sales", "12.75", "last", "on", "2024-02-29"]
    assert lines[2].split() == ["Bergen", "1", "sales", "8.00", "last", "on", "2024-02-29"]
    assert lines[3].startswith(("(by column: ", "(by row: "))
    assert len(lines) == 4
    assert first.stderr == ""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2024-03-01,Oslo", "line 2"),
        ("2024-02-30,Oslo,1", "CHECK"),
        ("2024-03-01,Oslo,x", "line 2"),
    ],
)
def test_sales_takes_all_or_nothing(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "sales.db"
    wrong = sales(path, f"2024-03-01,Oslo,1\n{line}\n")
    assert wrong.returncode == 1
    assert says in wrong.stderr
    assert "0 added" in sales(path, "").stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_meters(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, EXAMPLES / "meters.py", tmp_path / "meters.db"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("listening on "), process.communicate()[1]
    client = socket.create_connection(("127.0.0.1", int(said.split()[-1])), timeout=60)
    with client, client.makefile("rw") as lines:
        replies = []
        for line in (
            "put a 1",
            "put a 4",
            "put b 9",
            "stats a",
            "stats c",
            "nonsense",
            "put a x",
        ):
            lines.write(line + "\n")
            lines.flush()
            replies.append(lines.readline().strip())
        assert replies[:5] == ["ok", "ok", "ok", "2 readings, mean 2.5, top 4", "no readings"]
        assert all(reply.startswith("error: ") for reply in replies[5:])
        process.send_signal(number)
        assert lines.readline() == ""
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert errors == ""
    assert out.splitlines()[-1] == "stopped with 3 readings"
