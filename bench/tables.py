"""`python bench/tables.py [ROWS]`: lookup tables of 100,000 rows at the command line, start-up included."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TABLE = "credly-integration-mappings"
HEADER = (
    "Badge Template ID,Badge Template Name,Learning Plan ID,Import As External Training,Certification Code,IsActive"
)


def run(home: Path, *args: str, fails: bool = False) -> tuple[float, int, int]:
    """Seconds, peak MiB and bytes printed by one command in a process of its own."""
    env = os.environ | {"CONNECTCTL_HOME": str(home)}
    started = time.perf_counter()
    with (home / "out").open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "connectctl", "-q", *args], env=env, stdout=out)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not fails:
        sys.exit(f"connectctl {' '.join(args)}: {process.returncode}")
    return time.perf_counter() - started, used.ru_maxrss // 1024, (home / "out").stat().st_size


def write_csv(file: Path, rows: int) -> None:
    """Ten rows per template, one in a thousand of them with a certification."""
    with file.open("w") as stream:
        stream.write(HEADER + "\n")
        for row in range(rows):
            code = f"CERT-{row}" if row % 1000 == 0 else ""
            stream.write(f"{row // 10:036d},Template {row // 10},{row},false,{code},true\n")


def main(rows: int) -> None:
    """Prints a table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        file, again = home / "rows.csv", home / "again.csv"
        write_csv(file, rows)
        one = f"{rows // 20:036d}"
        steps = [
            ("start-up alone: lookup list, empty", ("lookup", "list")),
            ("import, all new", ("lookup", "import", TABLE, str(file))),
            ("import, all there", ("lookup", "import", TABLE, str(file))),
            ("show --where on a key column", ("lookup", "show", TABLE, "--where", f"Badge Template ID={one}")),
            ("show --where on another column", ("lookup", "show", TABLE, "--where", "Certification Code=CERT-1000")),
            ("show --search", ("lookup", "show", TABLE, "--search", "cert-1000")),
            ("show --limit 20", ("lookup", "show", TABLE, "--limit", "20")),
            ("show", ("lookup", "show", TABLE)),
            ("show --json", ("lookup", "show", TABLE, "--json")),
            ("export", ("lookup", "export", TABLE, str(again))),
            ("export -o json", ("lookup", "export", TABLE, "-o", "json")),
            ("check --offline", ("lookup", "check", "--offline", "--json", TABLE)),
        ]
        print(f"{rows} rows, Python {sys.version.split()[0]}\n")
        print("| what | seconds | peak MiB | bytes |\n| --- | --- | --- | --- |")
        for name, args in steps:
            seconds, peak, size = run(home, *args, fails="check" in args)
            print(f"| {name} | {seconds:.2f} | {peak} | {size} |", flush=True)
        print("\nthe export is the file that was imported:", again.read_bytes() == file.read_bytes())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
