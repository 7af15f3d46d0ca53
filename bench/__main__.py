"""`make bench`: runs every benchmark of this folder, or those that are named: `python -m bench startup`.

Each is a program of its own that exits non-zero when one of its bars is missed. All are run; so does this one then.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    known = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    chosen = sys.argv[1:] or known
    if unknown := sorted(set(chosen) - set(known)):
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    missed = []
    for name in chosen:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, str(FOLDER / f"{name}.py")]).returncode:
            missed.append(name)
    if missed:
        print(f"Missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
