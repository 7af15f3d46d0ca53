"""TinyDB's own test suite, taken from its source distribution, runs on our store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

ENVIRONMENT = dict(os.environ)  # before the tests get theirs: pip needs the machine's own settings
OFFLINE = "CONNECTCTL_TESTS_OFFLINE"
ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
COUNTS = {"4.9.0": 219}  # tests in that release, each `db` test run with two kinds of tables in place of two storages

NO_CACHE = "asks how full TinyDB's query cache is; there is none, because it gives wrong answers between processes"
DIFFERENT = {
    "test_tables.py::test_query_cache": NO_CACHE,
    "test_tables.py::test_query_cache_size": NO_CACHE,
    "test_tables.py::test_lru_cache": NO_CACHE,
    "test_tinydb.py::test_search": NO_CACHE,
    "test_tinydb.py::test_search_path": NO_CACHE,
    "test_tables.py::test_table_repr": "wants the class name Table and one of TinyDB's storages in the repr",
}
# About a storage class of its own, and skipped where PyYAML is not installed.
MAY_BE_SKIPPED = {"test_storages.py::test_yaml"}


def suite() -> Path:
    """The folder with TinyDB's tests for the installed version, fetched once with the machine's pip settings."""
    release = version("tinydb")
    folder = CACHE / f"tinydb-{release}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "tinydb"]
        done = subprocess.run(
            [*command, "--dest", fresh, f"tinydb=={release}"], env=ENVIRONMENT, capture_output=True, text=True
        )
        if done.returncode:
            pytest.fail(
                f"the source of TinyDB {release} could not be fetched; without a network set {OFFLINE}=1 to leave this "
                f"test out\n{done.stderr}",
                pytrace=False,
            )
        (archive,) = Path(fresh).glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(fresh, filter="data")
        (tests,) = Path(fresh).glob("*/tests")
        (tests / "conftest.py").unlink()  # its fixtures are in tinydb_plugin.py
        shutil.rmtree(folder, ignore_errors=True)
        tests.rename(folder)
    return folder


@pytest.mark.skipif(OFFLINE in ENVIRONMENT, reason=f"{OFFLINE} is set")
def test_tinydbs_own_tests_pass(tmp_path: Path) -> None:
    found = tmp_path / "results.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tinydb_plugin", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", ".", f"--basetemp={tmp_path / 'runs'}", "."],
        cwd=suite(),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent), "SUITE_RESULTS": str(found)},
        capture_output=True,
        text=True,
    )
    assert found.exists(), done.stdout + done.stderr
    results = json.loads(found.read_text(encoding="utf-8"))
    assert len(results) == COUNTS.get(version("tinydb"), len(results)), "how many tests are there in this release?"
    kinds = [f"{name}[{kind}]" for name in DIFFERENT for kind in ("documents", "indexed")]
    failed = sorted(name for name, outcome in results.items() if outcome == "failed")
    assert failed == sorted(kinds), done.stdout[-5000:]  # one that passes meanwhile has no place in the list
    assert {name for name, outcome in results.items() if outcome == "skipped"} <= MAY_BE_SKIPPED
    assert len(results) - len(failed) >= 207
