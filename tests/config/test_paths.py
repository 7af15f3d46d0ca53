import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from connectctl.config.paths import create_private, locked, private_dir, profile_paths, write_private
from connectctl.errors import ConfigError, UsageError


def test_connectctl_home_is_the_default_profile(home: Path) -> None:
    paths = profile_paths()
    assert (paths.profile, paths.config_file, paths.data_dir) == ("default", home / "config.toml", home)
    assert paths.log_dir == home / "logs"
    assert not home.exists()


def test_other_profiles_lie_below_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert profile_paths("acme").config_file == home / "profiles/acme/config.toml"
    monkeypatch.setenv("CONNECTCTL_PROFILE", "acme")
    assert profile_paths().data_dir == home / "profiles/acme"
    assert profile_paths("default").data_dir == home


def test_without_it_the_platforms_folders_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECTCTL_HOME")
    if sys.platform == "linux":
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
        paths = profile_paths("acme")
        assert paths.config_file == tmp_path / "config/connectctl/profiles/acme/config.toml"
        assert paths.data_dir == tmp_path / "data/connectctl/profiles/acme"
        assert paths.log_dir == tmp_path / "state/connectctl/profiles/acme/logs"
        assert paths.cache_dir == tmp_path / "cache/connectctl/profiles/acme"
    assert profile_paths().data_dir.is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/b", "A", "x" * 65, ".", "a b", "x\n", "é"])
def test_a_profile_is_a_plain_folder_name(name: str) -> None:
    with pytest.raises(UsageError):
        profile_paths(name)


def test_a_config_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = profile_paths(config=Path("mine.toml"))
    assert (paths.config_file, paths.config_given) == (tmp_path / "mine.toml", True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_private_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = tmp_path / "a/b/config.toml"
        write_private(file, "x = 1\n")
        private_dir(tmp_path / "c/d")
    finally:
        os.umask(before)
    assert (mode(file), mode(file.parent), mode(tmp_path / "c"), mode(tmp_path / "c/d")) == (0o600, 0o700, 0o700, 0o700)
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_writing_tightens_the_mode_and_follows_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("old")
    real.chmod(0o644)
    link.symlink_to(real)
    write_private(link, "new")
    assert link.is_symlink()
    assert (real.read_text(), mode(real)) == ("new", 0o600)


def test_a_file_is_created_once(tmp_path: Path) -> None:
    assert create_private(tmp_path / "x", "first") is True
    assert create_private(tmp_path / "x", "second") is False
    assert (tmp_path / "x").read_text() == "first"
    assert len(list(tmp_path.glob(".x*"))) == 0


def test_what_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_private(tmp_path / "file/config.toml", "x")
    with pytest.raises(ConfigError, match="cannot be written"):
        create_private(tmp_path / "file/config.toml", "x")


COUNT_UP = """
import sys
from pathlib import Path
from connectctl.config.paths import locked, write_private
file = Path(sys.argv[1])
for _ in range(50):
    with locked(file.parent):
        write_private(file, str(int(file.read_text()) + 1))
"""


def test_processes_do_not_lose_each_others_changes(tmp_path: Path) -> None:
    file = tmp_path / "count"
    file.write_text("0")
    with locked(tmp_path):
        pass
    running = [subprocess.Popen([sys.executable, "-c", COUNT_UP, str(file)]) for _ in range(3)]
    assert [one.wait(30) for one in running] == [0, 0, 0]
    assert file.read_text() == "150"
