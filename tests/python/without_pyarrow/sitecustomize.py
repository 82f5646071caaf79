"""First in PYTHONPATH, this folder makes `import pyarrow` fail as if it were not installed."""

import sys

sys.modules["pyarrow"] = None  # type: ignore[assignment]
