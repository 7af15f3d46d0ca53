import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def snapshot(home: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in home.rglob("*")
        if path.is_file()
    }


def test_init_makes_the_file_and_the_store_and_a_second_call_changes_nothing(run: Run, home: Path) -> None:
    result = run("init")
    assert (result.code, result.out) == (0, "")
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "store.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    text = (home / "config.toml").read_text()
    assert {"docebo", "acme"} <= set(tomllib.loads(text)["connections"])
    before = snapshot(home)
    assert run("init").code == 0
    assert snapshot(home) == before


def test_a_file_of_ones_own_stays(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[store]\nurl = "sqlite:///mine.db"\n')
    assert run("init").code == 0
    assert (home / "config.toml").read_text() == '[store]\nurl = "sqlite:///mine.db"\n'
    assert (home / "mine.db").exists()


def test_a_dry_run_writes_nothing(run: Run, home: Path) -> None:
    result = run("init", "--dry-run")
    assert result.code == 0
    assert "Would write" in result.err
    assert not home.exists()


def test_a_place_that_cannot_be_written_is_a_configuration_error(run: Run, home: Path) -> None:
    home.write_text("in the way")
    result = run("init")
    assert result.code == 3
    assert result.err.splitlines()[-2].startswith(f"Error: {home}")


def test_quiet(run: Run) -> None:
    assert run("--quiet", "init").err == ""
