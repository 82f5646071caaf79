"""One case of one side in a process of its own; the last line of its output is a JSON object.

    side.py yoda|rhei CASE FOLDER [--full] [--visible COUNT]
"""

import argparse
import asyncio
import json
import resource
from pathlib import Path
from typing import Any

import case_faults
import case_sync
import case_workload
import case_writes
import engines

CASES = {
    "inserts": case_writes.inserts,
    "batch": case_writes.batch,
    "tasks": case_writes.tasks,
    "sync": case_sync.inserts,
    "updates": case_sync.updates,
    "workload": case_workload.workload,
    "faults": case_faults.faults,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=engines.SIDES)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--visible", type=int, default=200)
    options = parser.parse_args()
    result: dict[str, Any] = asyncio.run(
        CASES[options.case](
            options.side, options.folder, full=options.full, visible=options.visible
        )
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_seconds"] = used.ru_utime + used.ru_stime
    result["peak_memory"] = engines.peak_memory()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
