"""Looks at the finished wheel: check_wheel.py FILE.whl. Says what is wrong and exits with 1."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

INSTALLED_BYTES_MAX = 4_000_000
NAME = re.compile(r"yoda_htap-[\d.]+(\w+)?-cp311-abi3-\w+\.whl")
WANTED = {"yoda/__init__.py", "yoda/_yoda.abi3.so", "yoda/_yoda.pyi", "yoda/py.typed"}
ALLOWED = re.compile(
    r"yoda/([\w/]+\.(py|pyi)|py\.typed|_yoda\.abi3\.so)|yoda_htap-[\w.]+\.dist-info/.+"
)


def exported(library: Path) -> set[str]:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    )
    return {line.split()[-1] for line in listing.stdout.splitlines()}


def problems(wheel: Path) -> list[str]:
    found = []
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        files = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
        if not NAME.fullmatch(wheel.name):
            found.append(f"its name is {wheel.name}")
        found += [f"it lacks {name}" for name in sorted(WANTED - set(files))]
        found += [f"it holds {name}" for name in sorted(files) if not ALLOWED.fullmatch(name)]
        if sum(files.values()) > INSTALLED_BYTES_MAX:
            found.append(
                f"installed it takes {sum(files.values())} bytes, more than {INSTALLED_BYTES_MAX}"
            )
        metadata = Parser().parsestr(
            archive.read(next(n for n in files if n.endswith("/METADATA"))).decode()
        )
        if metadata["Name"] != "yoda-htap" or metadata["Requires-Python"] != ">=3.11":
            found.append(f"it says {metadata['Name']}, Python {metadata['Requires-Python']}")
        needs = [need for need in metadata.get_all("Requires-Dist", []) if "extra" not in need]
        found += [f"it needs {need}" for need in needs]
        if "yoda/_yoda.abi3.so" in files:
            names = exported(Path(archive.extract("yoda/_yoda.abi3.so", folder)))
            if names != {"PyInit__yoda"}:
                found.append(f"the extension exports {sorted(names)}")
        installed = f"{sum(files.values()):,} installed, {len(files)} files"
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {installed}")
    return found


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]))
    print("\n".join(wrong))
    sys.exit(bool(wrong))
