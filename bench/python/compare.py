"""Yoda's Python package beside rhei-engine in one run: rounds, alternation, answers, the report.

Driven by `run`, which sees to Python and the packages. The driver imports neither engine and stays
small; each case of each side is a process of its own (side.py) in a new folder. The side that goes
first changes with the round. Answers that differ between the sides, and a Yoda that does not
answer as SQLite, make the exit code 1; a missed target does not.
"""

import argparse
import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import case_faults
import engines
import installed
import report

HERE = Path(__file__).resolve().parent
CASES = ("inserts", "batch", "tasks", "sync", "updates", "workload")
TIMEOUT_S = {False: 180, True: 1_200}


def run_side(side: str, case: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The child's JSON with its exit code; without an answer {"failed": why}."""
    command = [sys.executable, str(HERE / "side.py"), side, case, str(folder)]
    command += ["--visible", str(options.visible)]
    if options.full:
        command.append("--full")
    limit = TIMEOUT_S[options.full]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer within {limit} s"}
    last = done.stdout.rstrip().rpartition("\n")[2]
    if not last.startswith("{"):
        why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"failed": why}
    return json.loads(last) | {"exit": done.returncode}


def same(one: Any, two: Any) -> bool:
    """Equal; sums of doubles within rounding."""
    if isinstance(one, dict):
        return all(same(one[key], two[key]) for key in one.keys() & two.keys())
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float):
        return math.isclose(one, two, rel_tol=1e-9)
    return one == two


class Run:
    """What the rounds have given so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.figures: report.Rounds = {}
        self.processes: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.crashes = dict.fromkeys(engines.SIDES, 0)

    def pair(self, number: int, case: str) -> dict[str, dict[str, Any]]:
        """Both sides of a case, the one that went second first."""
        order = engines.SIDES if number % 2 == 0 else engines.SIDES[::-1]
        results = {}
        for side in order:
            with tempfile.TemporaryDirectory(dir=self.options.folder) as folder:
                start = time.perf_counter()
                results[side] = run_side(side, case, Path(folder), self.options)
            seconds = time.perf_counter() - start
            self.processes.append(
                {"round": number, "case": case, "side": side, "seconds": seconds} | results[side]
            )
            if "failed" in results[side]:
                self.wrong.append(f"{case}, {engines.NAMES[side]}: {results[side]['failed']}")
            elif results[side]["exit"] != 0:
                self.crashes[side] += 1
        return results

    def round(self, number: int) -> None:
        for case in self.options.cases:
            print(f"round {number + 1} of {self.options.rounds}: {case}", file=sys.stderr)
            results = self.pair(number, case)
            for side, result in results.items():
                for key, value in result.get("figures", {}).items():
                    self.figures.setdefault(key, {}).setdefault(side, []).append(value)
            answers = [results[side].get("answers", {}) for side in engines.SIDES]
            if not same(*answers):
                self.wrong.append(f"{case}: the sides answer differently")

    def faults(self) -> dict[str, dict[str, str]]:
        results = self.pair(0, "faults")
        answers = {side: result.get("answers", {}) for side, result in results.items()}
        for key, fault in case_faults.FAULTS.items():
            said = answers["yoda"].get(key, "")
            if not report.same_answer(said, case_faults.expected(fault)):
                self.wrong.append(f"Yoda, {fault.title}: {said}")
        return answers


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "from a build folder"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii")
        return re.search(r"model name\s*: (.*)", text)[1]
    except (OSError, TypeError):
        return platform.machine()


def setup_text() -> str:
    return (
        f"Yoda {_version('yoda-htap')} and rhei-engine {_version('rhei-engine')} on Python"
        f" {platform.python_version()}, pyarrow {_version('pyarrow')};"
        f" {os.cpu_count()} x {_processor()}."
    )


def notes(run: Run) -> str:
    lines = [
        "Both write with SQLite in WAL mode, synchronous=NORMAL. What is synced is written by a"
        " process with Python's own sqlite3 beside the open engine; only sync_now is timed, with"
        " Yoda's background sync off (everywhere else it is on, as it comes). rhei-engine runs with"
        " sync_batch_size=100000, which is faster than its default.",
        "COUNT, SUM and AVG of the whole table are answered by Yoda from the sums that sealed"
        " segments keep, and from the rows of the open one; GROUP BY and the filter read all rows."
        " Awaited one by one, small writes and syncs are run on the event loop's own thread"
        " (inline_us).",
    ]
    if not run.options.full:
        lines.append(
            "rhei-engine syncs updates one by one, at a rate that does not depend on their number,"
            " so it is given 1,000; that rate stands beside Yoda's for 20,000, too."
            " `bench/run python --full` gives it all 20,000."
        )
    for side, count in run.crashes.items():
        if count:
            lines.append(
                f"{engines.NAMES[side]}: {count} of {len(run.processes) // 2} processes died by a"
                " signal at the interpreter's exit, after their answers."
            )
    return "\n\n".join(lines)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run python", description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="20,000 updates on both sides")
    parser.add_argument("--visible", type=int, default=200, help="rows whose visibility is timed")
    parser.add_argument("--folder", type=Path, help="where the databases are (default: TMPDIR)")
    parser.add_argument("--json", type=Path, default=Path("build/python-bench.json"))
    parser.add_argument("--publish", type=Path, help="folder for RESULTS.md and ratios.svg")
    parser.add_argument("cases", nargs="*", default=CASES, metavar="case", help=", ".join(CASES))
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return options


def main() -> int:
    options = parse()
    run = Run(options)
    start = time.perf_counter()
    for number in range(options.rounds):
        run.round(number)
    faults = run.faults()
    found = installed.sizes()
    if found.keys() == set(engines.SIDES):
        run.figures["size"] = {side: [sum(found[side].values()) / 1e6] for side in found}
    raw = {
        "setup": setup_text(), "notes": notes(run), "rounds": options.rounds,
        "seconds": time.perf_counter() - start, "figures": run.figures, "faults": faults,
        "installed": found, "wrong": run.wrong, "processes": run.processes,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(raw, indent=1), encoding="utf-8")
    page = report.page(raw)
    print(page)
    folder = options.publish or options.json.parent
    (folder / "RESULTS.md" if options.publish else options.json.with_suffix(".md")).write_text(
        page, encoding="utf-8")
    (folder / "ratios.svg").write_text(report.svg(report.rows(run.figures)), encoding="utf-8")
    if run.crashes["yoda"]:
        run.wrong.append("a process of Yoda's did not end with exit code 0")
    for line in run.wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
