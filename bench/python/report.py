"""What was measured, as figures with their targets: a Markdown page and the chart beside it.

A ratio always says how many times better Yoda is, so every target is "at least": the other's time
over Yoda's, Yoda's rate over the other's. Medians are over the rounds; the range of a ratio is that
of the rounds' own ratios.
"""

import statistics
from dataclasses import dataclass
from typing import Any

import case_faults
import chart

Rounds = dict[str, dict[str, list[float]]]
"""figure -> side -> one value for each round"""


@dataclass(frozen=True)
class Figure:
    key: str
    title: str
    unit: str
    target: float | None
    more_is_better: bool = False
    other_key: str = ""
    """The reference's figure where it is another one."""


FIGURES = (
    Figure("inserts", "500 awaited one-row inserts", "rows/s", 3, True),
    Figure("batch", "execute_batch of 400 literal INSERTs", "rows/s", 5, True),
    Figure("tasks", "8 tasks of 50 awaited inserts", "rows/s", 5, True),
    Figure("sync", "sync of 1,000,000 inserts", "events/s", 3, True),
    Figure("updates", "sync of 1,000 updates in 200,000 rows", "events/s", 1_000, True),
    Figure("all_updates", "sync of 20,000 updates in 200,000 rows", "events/s", 1_000, True,
           other_key="updates"),
    Figure("visible_p50", "insert, sync_now, query_olap: p50", "ms", 10),
    Figure("visible_p99", "insert, sync_now, query_olap: p99", "ms", None),
    Figure("fresh_p50", "insert, query_olap without a sync: p50", "ms", None,
           other_key="visible_p50"),
    Figure("fresh_p99", "insert, query_olap without a sync: p99", "ms", None,
           other_key="visible_p99"),
    Figure("gather", "COUNT, SUM, AVG of 1,000,000 rows, gathered", "ms", 10),
    Figure("group", "GROUP BY of 100 groups", "ms", 10),
    Figure("distinct", "COUNT(DISTINCT) of 10,000 names", "ms", 10),
    Figure("filter", "filter and SUM", "ms", None),
    Figure("memory", "peak memory of the whole workload", "MB", 3),
    Figure("memory_imports", "of it, Python with pyarrow after opening", "MB", None),
    Figure("memory_added", "of it, added by the workload", "MB", None),
    Figure("size", "installed size", "MB", 50),
)


@dataclass(frozen=True)
class Row:
    figure: Figure
    yoda: list[float]
    other: list[float]

    @property
    def ratio(self) -> float | None:
        if not self.yoda or not self.other:
            return None
        return self._ratio(statistics.median(self.yoda), statistics.median(self.other))

    def _ratio(self, yoda: float, other: float) -> float:
        return yoda / other if self.figure.more_is_better else other / yoda

    @property
    def ratio_range(self) -> tuple[float, float] | None:
        pairs = [self._ratio(a, b) for a, b in zip(self.yoda, self.other, strict=False)]
        return (min(pairs), max(pairs)) if pairs else None

    @property
    def verdict(self) -> str:
        if self.figure.target is None:
            return ""
        if self.ratio is None:
            return "not measured"
        return "met" if self.ratio >= self.figure.target else "**missed**"


def rows(rounds: Rounds) -> list[Row]:
    """One for each figure that Yoda has."""
    made = []
    for figure in FIGURES:
        yoda = rounds.get(figure.key, {}).get("yoda", [])
        other = rounds.get(figure.key, {}).get("rhei", [])
        if not other and figure.other_key:
            other = rounds.get(figure.other_key, {}).get("rhei", [])
        if yoda or other:
            made.append(Row(figure, yoda, other))
    return made


def number(value: float) -> str:
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _values(values: list[float]) -> str:
    if not values:
        return "-"
    if min(values) == max(values):
        return number(values[0])
    return (
        f"{number(statistics.median(values))}"
        f" [{number(min(values))} .. {number(max(values))}]"
    )


def _ratio(row: Row) -> str:
    if row.ratio is None or row.ratio_range is None:
        return "-"
    low, high = row.ratio_range
    if low == high:
        return f"{number(row.ratio)}x"
    return f"{number(row.ratio)}x [{number(low)} .. {number(high)}]"


def table(measured: list[Row]) -> str:
    lines = [
        "| | unit | Yoda | rhei-engine | Yoda is better by | target | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in measured:
        target = f">= {row.figure.target:,.0f}x" if row.figure.target else ""
        lines.append(
            f"| {row.figure.title} | {row.figure.unit} | {_values(row.yoda)}"
            f" | {_values(row.other)} | {_ratio(row)} | {target} | {row.verdict} |"
        )
    return "\n".join(lines)


def _short(answer: str) -> str:
    """One line of at most 90 characters that a Markdown table can hold."""
    line = " ".join(answer.split()).replace("|", "\\|")
    return line if len(line) <= 90 else line[:87] + "..."


def same_answer(answer: str, sqlite: str) -> bool:
    """An error counts as SQLite's when it says what SQLite says."""
    if sqlite.startswith("error: "):
        return answer.startswith("error: ") and sqlite.removeprefix("error: ") in answer
    return answer == sqlite


def fault_table(answers: dict[str, dict[str, str]]) -> str:
    """answers: side -> fault -> answer"""
    lines = ["| | SQLite | Yoda | rhei-engine | |", "|---|---|---|---|---|"]
    for key, fault in case_faults.FAULTS.items():
        sqlite = case_faults.expected(fault)
        yoda = answers["yoda"].get(key, "-")
        other = answers["rhei"].get(key, "-")
        verdict = "as SQLite" if same_answer(yoda, sqlite) else "**different**"
        lines.append(
            f"| {fault.title} | {_short(sqlite)} | {_short(yoda)} | {_short(other)} | {verdict} |"
        )
    return "\n".join(lines)


def svg(measured: list[Row]) -> str:
    bars = [
        chart.Bar(row.figure.title, row.ratio, row.ratio_range, row.figure.target)
        for row in measured
        if row.ratio is not None and row.ratio_range is not None and row.figure.target
    ]
    return chart.bars(bars, "How many times better than rhei-engine 2.0.0", number)


def page(raw: dict[str, Any]) -> str:
    measured = rows(raw["figures"])
    parts = "; ".join(
        f"{side}: " + ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in found.items())
        for side, found in raw["installed"].items()
    )
    return f"""# Yoda's Python package beside rhei-engine

{raw["setup"]}

Medians of {raw["rounds"]} alternating rounds with [least .. most]; each case of each side in a
process of its own. The ratio is that of the medians, with the least and most of the rounds' own.

![ratios](ratios.svg)

{table(measured)}

{raw["notes"]}

Installed, without pyarrow: {parts or "not measured: Yoda ran from a build folder"}.

## Answers

Each in a database of its own, asked with `query_olap` on both sides and of SQLite itself.

{fault_table(raw["faults"])}
"""
