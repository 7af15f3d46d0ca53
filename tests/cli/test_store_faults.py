"""A store that is spoilt, locked away, on a full disk or gone: two lines and exit 3, nothing lost."""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectctl.store import open_store

READING = (
    ("lookup", "show", "integration-settings", "--json"),
    ("run", "list", "--json"),
    ("ledger", "verify"),
    ("store", "export", "{home}/../out"),
    ("store", "copy", "--to", "sqlite:///{home}/../copy.db"),
)
WRITING = (
    ("lookup", "set", "integration-settings", "CREDLY", "KEY1", "Value=changed"),
    ("credly", "batch-sync"),
    ("credly", "batch-sync", "--dry-run"),
)
CHECK = ("store", "check")
DAC = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: without them root has to keep to the rights too


def _like_anybody() -> None:
    libc = ctypes.CDLL(None)
    for capability in DAC:
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def call(home: Path, *args: str, before: tuple[str, ...] = (), **more: Any) -> subprocess.CompletedProcess[str]:
    """The real command line, with no more rights than any user."""
    return subprocess.run(
        [*before, sys.executable, "-m", "connectctl", "--quiet", *(arg.replace("{home}", str(home)) for arg in args)],
        env={**os.environ, "CONNECTCTL_HOME": str(home), **more.pop("env", {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=_like_anybody if os.geteuid() == 0 and not before else None,
        **more,
    )


def refused(done: subprocess.CompletedProcess[str], words: str = "") -> str:
    """Exit 3 and two lines; the message."""
    assert done.returncode == 3, (done.args[4:], done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["Error", "Hint"], done.stderr
    assert all(line.partition(": ")[2] for line in lines)
    assert "Traceback" not in done.stderr
    assert words in done.stderr, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    assert call(home, "init").returncode == 0
    rows = home / "rows.csv"
    lines = [f"CREDLY,KEY{number},{'x' * 200}" for number in range(400)]
    rows.write_text("Integration,Key,Value\n" + "\n".join(lines) + "\n")
    assert call(home, "lookup", "import", "integration-settings", str(rows)).returncode == 0
    rows.unlink()
    return home


@pytest.fixture
def ours(made: Path, tmp_path: Path) -> Path:
    """A store of its own for each test, closed."""
    shutil.copytree(made, tmp_path / "ours")
    return tmp_path / "ours"


def left_open(home: Path) -> None:
    """As a killed process leaves it: the latest row lies in the log alone."""
    code = "import sys; from pathlib import Path; from connectctl.store import open_store\n"
    code += (
        f"s = open_store('sqlite:///store.db', Path({str(home)!r})); s.meta_set('late', 'yes'); print(1, flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code + "\nsys.stdin.read()"], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    process.kill()
    process.communicate()


def overwritten(share: float, size: int = 4096) -> Callable[[Path], None]:
    def spoil(home: Path) -> None:
        with (home / "store.db").open("r+b") as file:
            file.seek(int((home / "store.db").stat().st_size * share))
            file.write(random.Random(7).randbytes(size))

    return spoil


def foreign(home: Path) -> None:
    (home / "store.db").unlink()
    with closing(sqlite3.connect(home / "store.db")) as other:
        other.execute("CREATE TABLE albums(title)")


def newer(home: Path) -> None:
    with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as store:
        store.execute("UPDATE meta SET value='99' WHERE key='schema_version'")


def replaced(home: Path, make: Callable[[Path], object]) -> None:
    (home / "store.db").unlink()
    make(home / "store.db")


def emptied(home: Path) -> None:
    left_open(home)
    os.truncate(home / "store.db", 0)


def gone_but_for_its_log(home: Path) -> None:
    left_open(home)
    (home / "store.db").unlink()


# Each with words of the message. Every command refuses these, `store check` too.
SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "random bytes in the header": (overwritten(0), "damaged or not a database"),
    "cut in half": (lambda home: os.truncate(home / "store.db", 30_000), "damaged"),
    "cut in its first page": (lambda home: os.truncate(home / "store.db", 1000), "damaged"),
    "emptied beside its log": (emptied, "still in store.db-wal"),
    "removed beside its log": (gone_but_for_its_log, "still in store.db-wal"),
    "of another program": (foreign, "another program"),
    "newer": (newer, "newer connectctl"),
    "a text": (lambda home: (home / "store.db").write_text("a list\n" * 500), "damaged or not a database"),
    "a folder": (lambda home: replaced(home, Path.mkdir), "not a file"),
    "a link": (lambda home: replaced(home, lambda path: path.symlink_to("/dev/null")), "symbolic link"),
    "a pipe": (lambda home: replaced(home, os.mkfifo), "not a file"),
}


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_store_is_named_by_every_command(
    spoil: Callable[[Path], object], words: str, ours: Path, tmp_path: Path
) -> None:
    spoil(ours)
    path = ours / "store.db"
    before = path.read_bytes() if path.is_file() else None
    for command in (READING[0], READING[3], WRITING[0], WRITING[1]):
        assert "store.db" in refused(call(ours, *command), words)
    done = call(ours, *CHECK, "--json")
    refused(done)
    assert not json.loads(done.stdout)["ok"]
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.85])
@pytest.mark.parametrize("size", [40, 4096])
def test_random_bytes_anywhere_end_no_command_in_a_traceback(share: float, size: int, ours: Path) -> None:
    overwritten(share, size)(ours)
    said = []
    for command in (*READING, *WRITING[:2], CHECK):
        done = call(ours, *command)
        said.append(done.returncode)
        assert done.returncode in (0, 3), (command, done.stderr)
        assert "Traceback" not in done.stderr
        if done.returncode:
            refused(done)
    assert said[-1] == 3 or size == 40, said  # some bytes of a text may differ without anybody being able to know


def test_a_row_whose_text_is_spoilt_is_named(ours: Path) -> None:
    path = ours / "store.db"
    path.write_bytes(path.read_bytes().replace(b'"Value":"xx', b'"Value";"xx', 1))
    for command in (READING[0], READING[3], WRITING[1]):
        refused(call(ours, *command), "damaged")
    refused(call(ours, *CHECK))


def rights(*pairs: tuple[str, int]) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        for name, mode in pairs:
            (home / name).chmod(mode)

    return change


def locked_away(home: Path) -> None:
    left_open(home)
    (home / "store.db-shm").unlink()
    home.chmod(0o500)


READ_ONLY: dict[str, Callable[[Path], object]] = {
    "file": rights(("store.db", 0o400)),
    "folder": rights((".", 0o500)),
    "both": rights(("store.db", 0o400), (".", 0o500)),
    "both and a gate": rights(("store.db", 0o400), ("store.db-gate", 0o400), (".", 0o500)),
    "file with a log": lambda home: (left_open(home), (home / "store.db").chmod(0o400)),
    "folder with a log": lambda home: (left_open(home), home.chmod(0o500)),
}


@pytest.mark.parametrize("spoil", READ_ONLY.values(), ids=READ_ONLY.keys())
def test_a_store_that_may_not_be_written_is_read(spoil: Callable[[Path], object], ours: Path, tmp_path: Path) -> None:
    spoil(ours)
    before = (ours / "store.db").read_bytes()
    for command in READING:
        done = call(ours, *command)
        assert (done.returncode, done.stderr) == (0, ""), command
    assert len(json.loads(call(ours, *READING[0]).stdout)) == 400
    assert (tmp_path / "out" / "manifest.json").exists()
    for command in WRITING:
        refused(call(ours, *command))
    assert "ls -la" in refused(call(ours, *WRITING[0]))
    assert "cannot be written by this user" in refused(call(ours, *CHECK))
    ours.chmod(0o700)
    assert (ours / "store.db").read_bytes() == before


def test_a_log_that_cannot_be_read_is_not_passed_over(ours: Path) -> None:
    locked_away(ours)
    for command in (*READING, *WRITING):
        refused(call(ours, *command), "latest rows are in store.db-wal")
    assert "latest rows are in store.db-wal" in call(ours, *CHECK).stdout
    ours.chmod(0o700)
    with open_store("sqlite:///store.db", ours) as store:
        assert store.meta_get("late") == "yes"


def test_a_store_that_nobody_may_read_is_named(ours: Path) -> None:
    (ours / "store.db").chmod(0)
    for command in (*READING, *WRITING, CHECK):
        assert "ls -l" in refused(call(ours, *command), "store.db")


FILL = """
import sys
from pathlib import Path
from connectctl.errors import StoreError
from connectctl.store import open_store
store = open_store("sqlite:///store.db", Path(sys.argv[1]))
rows, kept = store.documents("rows"), 0
try:
    while True:
        rows.insert_multiple({"text": "x" * 1000} for _ in range(20))
        kept += 20
except StoreError as error:
    print(error.message)
assert len(rows) == kept, (len(rows), kept)
print(kept)
"""


def _mounts() -> bool:
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare") or not _mounts(), reason="needs a mount")
def test_a_full_disk_is_named_and_costs_nothing(ours: Path, tmp_path: Path) -> None:
    """A small disk of its own, filled to the last block; all commands run in its name space."""
    (tmp_path / "fill.py").write_text(FILL)
    disk, python = tmp_path / "disk", sys.executable
    disk.mkdir()
    script = f"""
        set -u
        mount -t tmpfs -o size=2m,mode=0700 tmpfs {disk}
        cp -a {ours}/. {disk}/
        {python} {tmp_path}/fill.py {disk} > {tmp_path}/filled 2>&1
        dd if=/dev/zero of={disk}/rest bs=1k 2>/dev/null
        export CONNECTCTL_HOME={disk}
        run() {{ name=$1; shift; {python} -m connectctl --quiet "$@" > {tmp_path}/$name.out 2> {tmp_path}/$name.err
                 echo $? > {tmp_path}/$name.code; }}
        run show lookup show integration-settings --json
        run set lookup set integration-settings CREDLY KEY1 Value=changed
        run import lookup import integration-settings {tmp_path}/new.csv
        run sync credly batch-sync
        run export store export {disk}/out
        run copy store copy --to sqlite:///{disk}/copy.db
        run check store check
        ls {disk} > {tmp_path}/left
        rm {disk}/rest {disk}/copy.db*
        {python} -c "from pathlib import Path; from connectctl.store import open_store
s = open_store('sqlite:///store.db', Path('{disk}')); print(len(s.documents('rows')), s.engine.problems())
" > {tmp_path}/after 2>&1
        run again lookup set integration-settings CREDLY KEY1 Value=changed
    """
    (tmp_path / "new.csv").write_text("Integration,Key,Value\n" + "".join(f"A,K{n},{'y' * 500}\n" for n in range(500)))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr

    def result(name: str) -> subprocess.CompletedProcess[str]:
        code, out, err = ((tmp_path / f"{name}.{end}").read_text() for end in ("code", "out", "err"))
        return subprocess.CompletedProcess([name] * 9, int(code), out, err)

    message, kept = (tmp_path / "filled").read_text().splitlines()
    assert "disk is full" in message
    assert (tmp_path / "after").read_text() == f"{kept} []\n"
    for name in ("import", "export", "copy"):
        assert "df -h" in refused(result(name)), name
    refused(result("sync"))
    assert "MiB left" in result("check").stdout
    assert "out" not in (tmp_path / "left").read_text().split()
    assert result("again").returncode == 0, result("again").stderr


def test_a_limit_on_the_size_of_files_is_named(ours: Path) -> None:
    import resource

    def limited() -> None:
        _like_anybody()
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-m", "connectctl", "--quiet", *WRITING[0]],
        env={**os.environ, "CONNECTCTL_HOME": str(ours)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert "df -h" in refused(done)
    assert call(ours, *WRITING[0]).returncode == 0
    assert call(ours, *CHECK).returncode == 0


OPEN = """
import sys
from pathlib import Path
from connectctl.errors import StoreError
from connectctl.store import open_store
store = open_store("sqlite:///store.db", Path(sys.argv[1]), timeout=5)
store.meta_set("n", "0")
print("open", flush=True)
for line in sys.stdin:
    try:
        store.meta_set("n", line.strip())
        print("saved", flush=True)
    except StoreError as error:
        print(error.message, "|", error.hint, flush=True)
"""


def opened(home: Path) -> tuple[subprocess.Popen[str], Callable[[str], str]]:
    process = subprocess.Popen([sys.executable, "-c", OPEN, str(home)], stdin=-1, stdout=-1, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def write(text: str) -> str:
        stdin.write(text + "\n")
        stdin.flush()
        return stdout.readline()

    assert stdout.readline() == "open\n"
    return process, write


@pytest.mark.parametrize(("again", "fate"), [(False, "removed"), (True, "replaced")])
def test_a_file_that_went_while_it_was_open_takes_no_write_with_it(again: bool, fate: str, ours: Path) -> None:
    process, write = opened(ours)
    assert write("1") == "saved\n"
    for path in ours.glob("store.db*"):
        path.unlink()
    if again:
        assert call(ours, "init").returncode == 0
    said = write("2")
    assert f"was {fate} while it was in use; nothing was saved" in said
    assert "backup" in said
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_gate_that_was_removed_is_made_anew_and_shared(ours: Path) -> None:
    process, write = opened(ours)
    (ours / "store.db-gate").unlink()
    with open_store("sqlite:///store.db", ours, timeout=30) as store:
        assert write("1") == "saved\n"
        with store.transaction():
            store.meta_set("mine", "1")
            assert process.stdin is not None
            process.stdin.write("2\n")
            process.stdin.flush()
            store.meta_set("mine", "2")
        assert process.stdout is not None
        assert process.stdout.readline() == "saved\n"
        assert store.meta_get("n") == "2"
        gate = (ours / "store.db-gate").stat().st_ino
        held = {os.stat(f"/proc/{process.pid}/fd/{fd}").st_ino for fd in os.listdir(f"/proc/{process.pid}/fd")}
        assert gate in held
    process.kill()
    process.communicate()


def test_half_a_copy_is_no_store(ours: Path) -> None:
    with open_store("sqlite:///store.db", ours) as store:
        store.meta_set("copying", "begun at 2026-11-01T00:00:00Z from sqlite:///other.db|token")
    for command in (*READING[:3], *WRITING):
        refused(call(ours, *command), f"rm -f {ours}/store.db {ours}/store.db-wal")
    done = call(ours, *CHECK)
    refused(done, "half a copy")
    assert "half a copy" in done.stdout


def test_a_store_that_another_program_holds_is_named(ours: Path) -> None:
    code = "import sys; from pathlib import Path; from connectctl.store import open_store\n"
    code += f"s = open_store('sqlite:///store.db', Path({str(ours)!r}))\nwith s.transaction():\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", code + "    print(1, flush=True); sys.stdin.read()"], stdin=-1, stdout=-1, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "1\n"
    for command in READING:
        assert call(ours, *command).returncode == 0, command
    holder.kill()
    holder.communicate()
    assert call(ours, *WRITING[0]).returncode == 0
