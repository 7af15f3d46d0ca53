"""The index of the plugins: whatever happens to them or to it, `--help` says what it says without an index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from connectctl.plugins import installed
from connectctl.plugins.index import KEPT, cache_folder

# The command line, except that the index takes files that were written a moment ago. The last line on stderr says
# whether the plugins had to be asked.
SCRIPT = """
import sys
import connectctl.plugins.index
connectctl.plugins.index.SETTLED = -(10**12)
from connectctl.__main__ import main
try:
    code = main()
except SystemExit as end:
    code = end.code
print("connectctl.plugins.manager" in sys.modules, file=sys.stderr)
sys.exit(code)
"""
MODULE = """
from connectctl.api import CommandSpec, hookimpl
{more}
@hookimpl
def register_commands():
    return [CommandSpec("badgely", "{summary}", "badgely_plugin:command")]
"""


class World:
    """A folder on the path with a plugin in it, and a profile."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.site, self.home = folder / "site", home
        self.site.mkdir()
        self.env = {"PYTHONPATH": str(self.site)}

    def plugin(self, summary: str = "first", more: str = "") -> None:
        self.write("badgely_plugin.py", MODULE.format(summary=summary, more=more))
        self.distribution()

    def distribution(self, value: str = "badgely_plugin", folder: str = "badgely-1.dist-info") -> None:
        self.write(f"{folder}/METADATA", "Metadata-Version: 2.1\nName: badgely\nVersion: 1\n")
        self.write(f"{folder}/entry_points.txt", f"[console_scripts]\nb = b:c\n\n[connectctl]\nbadgely = {value}\n")

    def write(self, name: str, text: str) -> None:
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *args: str, home: Path | None = None) -> tuple[int, str, str, bool]:
        """Exit code, stdout, stderr, and whether the plugins were asked."""
        env = os.environ | {"CONNECTCTL_HOME": str(home or self.home), "PYTHONDONTWRITEBYTECODE": "1"} | self.env
        done = subprocess.run([sys.executable, "-c", SCRIPT, *args], env=env, capture_output=True, text=True)
        *said, asked = done.stderr.splitlines()
        return done.returncode, done.stdout, "\n".join(said), asked == "True"

    def help(self) -> tuple[str, bool]:
        """What `--help` prints, after comparing it with what it prints without an index."""
        *found, asked = self.run("--help")
        *without, _ = self.run("--help", home=self.home / "nowhere")
        assert found == without
        return found[1], asked

    @property
    def indexes(self) -> list[Path]:
        return list((self.home / "cache").glob("*"))


@pytest.fixture
def world(tmp_path: Path, home: Path) -> World:
    home.mkdir()
    return World(tmp_path, home)


@pytest.fixture
def indexed(world: World) -> World:
    """With an index that is in use."""
    world.plugin()
    assert world.run("--help")[3]
    assert world.indexes
    return world


def test_help_comes_from_the_index(indexed: World) -> None:
    out, asked = indexed.help()
    assert "first" in out
    assert not asked


def edit_the_module(world: World) -> str:
    world.plugin("second")
    return "second"


def edit_what_it_imports(world: World) -> str:
    world.write("badgely_words.py", "print")
    world.plugin("first", "import badgely_words")
    world.help()
    assert not world.help()[1]
    world.write("badgely_words.py", "raise RuntimeError")
    return "plugins are faulty: badgely"


def another_module(world: World) -> str:
    world.write("badgely_two.py", MODULE.format(summary="second", more=""))
    world.distribution("badgely_two")
    return "second"


def upgrade(world: World) -> str:
    shutil.rmtree(world.site / "badgely-1.dist-info")
    world.write("badgely_plugin.py", MODULE.format(summary="second", more=""))
    world.distribution(folder="badgely-2.dist-info")
    return "second"


def install_another(world: World) -> str:
    world.write("zeta_plugin.py", MODULE.replace("badgely", "zeta").format(summary="second", more=""))
    world.write("zeta-1.dist-info/entry_points.txt", "[connectctl]\nzeta = zeta_plugin\n")
    world.write("zeta-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: zeta\nVersion: 1\n")
    return "zeta"


def install_a_clash(world: World) -> str:
    world.write("zeta_plugin.py", MODULE.format(summary="second", more=""))
    world.write("zeta-1.dist-info/entry_points.txt", "[connectctl]\nzeta = zeta_plugin\n")
    world.write("zeta-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: zeta\nVersion: 1\n")
    return "badgely, zeta"


def add_entry_points_to_a_distribution(world: World) -> str:
    world.write("zeta-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: zeta\nVersion: 1\n")
    world.help()
    return install_another(world)


def shadow(world: World) -> str:
    other = world.site.parent / "other"
    other.mkdir()
    (other / "badgely_plugin.py").write_text(MODULE.format(summary="second", more=""))
    world.env["PYTHONPATH"] = f"{other}{os.pathsep}{world.site}"
    return "second"


def break_it(world: World) -> str:
    world.write("badgely_plugin.py", "raise RuntimeError")
    return "plugins are faulty: badgely"


def remove_the_module(world: World) -> str:
    (world.site / "badgely_plugin.py").unlink()
    return "plugins are faulty: badgely"


@pytest.mark.parametrize(
    "change",
    [
        edit_the_module,
        edit_what_it_imports,
        another_module,
        upgrade,
        install_another,
        install_a_clash,
        add_entry_points_to_a_distribution,
        shadow,
        break_it,
        remove_the_module,
    ],
)
def test_every_change_is_seen_by_the_next_command(indexed: World, change: Callable[[World], str]) -> None:
    words = change(indexed)
    out, asked = indexed.help()
    assert words in out
    assert asked


def test_a_plugin_that_is_removed_or_blocked_is_gone(indexed: World) -> None:
    indexed.env["CONNECTCTL_BLOCK_PLUGINS"] = "badgely"
    assert "badgely" not in indexed.help()[0]
    del indexed.env["CONNECTCTL_BLOCK_PLUGINS"]
    assert "badgely" in indexed.help()[0]
    shutil.rmtree(indexed.site / "badgely-1.dist-info")
    assert "badgely" not in indexed.help()[0]


def test_a_broken_plugin_is_reported_at_each_call_until_it_is_mended(world: World) -> None:
    world.plugin()
    break_it(world)
    for _ in range(2):
        out, asked = world.help()
        assert "plugins are faulty: badgely" in out
        assert asked
    assert not world.indexes
    world.plugin("mended")
    assert "mended" in world.help()[0]
    assert not world.help()[1]


def test_where_the_command_is_called_makes_no_difference(
    indexed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert not indexed.help()[1]
    assert len(indexed.indexes) == 1


def test_a_file_that_was_written_a_moment_ago_is_not_trusted(world: World, process: Any) -> None:
    world.plugin()
    assert process("--help", env=world.env).returncode == 0
    assert not world.indexes


def damaged(found: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**found, **changes}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda found: b"",
        lambda found: b"\x00" * 4096,
        lambda found: b"\xff\xfe{}",
        lambda found: b"[" * 200_000,
        lambda found: b"[]",
        lambda found: b"{}",
        lambda found: b"7",
        lambda found: json.dumps(found).encode()[:-9],
        lambda found: damaged(found, about=[0, *found["about"][1:]]),
        lambda found: damaged(found, about=[found["about"][0], "0.0.9", *found["about"][2:]]),
        lambda found: damaged(found, survey=None),
        lambda found: damaged(found, files=None),
        lambda found: damaged(found, files={"/nowhere": [1, 2, 3]}),
        lambda found: damaged(found, tops=7),
        lambda found: damaged(found, commands=["badgely"]),
        lambda found: damaged(found, commands={"badgely": None}),
        lambda found: damaged(found, commands={"lookup": "a core command"}),
        lambda found: damaged(found, padding="x" * 1_000_000),
    ],
)
def test_a_damaged_index_is_not_used_and_is_replaced(indexed: World, damage: Callable[[Any], bytes]) -> None:
    (path,) = indexed.indexes
    path.write_bytes(damage(json.loads(path.read_bytes())))
    out, asked = indexed.help()
    assert "first" in out
    assert asked
    assert not indexed.run("--help")[3]


def test_an_index_that_others_may_write_is_not_used(indexed: World) -> None:
    (path,) = indexed.indexes
    path.chmod(0o620)
    assert indexed.help()[1]
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_from_an_index_is_run(indexed: World) -> None:
    (path,) = indexed.indexes
    path.write_bytes(damaged(json.loads(path.read_bytes()), commands={"evil": "os:abort"}))
    assert "evil" in indexed.run("--help")[1]
    code, _, err, asked = indexed.run("evil")
    assert (code, asked) == (2, True)
    assert "There is no command 'evil'" in err
    assert "ContractBroken" not in err
    assert indexed.run("badgely")[3]  # it is not in the index and is found all the same


def test_files_are_private_and_nothing_is_left_over(indexed: World) -> None:
    (path,) = indexed.indexes
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("obstacle", ["file in place of the folder", "folder in place of the file"])
def test_an_index_that_cannot_be_written_is_done_without(indexed: World, obstacle: str) -> None:
    (path,) = indexed.indexes
    if obstacle.startswith("file"):
        shutil.rmtree(path.parent)
        path.parent.write_text("")
    else:
        path.unlink()
        (path / "x").mkdir(parents=True)
    for _ in range(2):
        assert indexed.help()[1]


def test_a_home_that_is_not_there_is_not_made(world: World) -> None:
    world.home.rmdir()
    assert world.help()[1]
    assert not world.home.exists()


def test_many_processes_at_once(world: World) -> None:
    world.plugin()
    env = os.environ | {"CONNECTCTL_HOME": str(world.home)} | world.env
    command = [sys.executable, "-c", SCRIPT, "--help"]
    children = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)]
    assert len({child.communicate()[0] for child in children}) == 1
    assert {child.returncode for child in children} == {0}
    assert [path.suffix for path in world.indexes] == [".json"]
    assert not world.help()[1]


def test_old_environments_are_forgotten(world: World) -> None:
    folder = world.home / "cache"
    folder.mkdir()
    for number in range(KEPT + 5):
        (folder / f"plugins-{number:08x}.json").write_text("{}")
    (folder / "other").write_text("")
    world.help()
    assert len(world.indexes) == KEPT + 1
    assert not world.help()[1]


def wheel(folder: Path, version: str) -> Path:
    """A plugin as it is published."""
    path = folder / f"badgely-{version}-py3-none-any.whl"
    files = {
        "badgely_plugin.py": MODULE.format(summary=f"of {version}", more=""),
        f"badgely-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: badgely\nVersion: {version}\n",
        f"badgely-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"badgely-{version}.dist-info/entry_points.txt": "[connectctl]\nbadgely = badgely_plugin\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        record = "".join(f"{name},,\n" for name in (*files, f"badgely-{version}.dist-info/RECORD"))
        archive.writestr(f"badgely-{version}.dist-info/RECORD", record)
    return path


def test_what_pip_does_is_seen_by_the_next_command(world: World, tmp_path: Path) -> None:
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
    python = env / "bin/python"
    (site,) = env.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text("\n".join(path for path in sys.path if os.path.isdir(path)))

    def pip(*args: str) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(python), "--isolated", "--disable-pip-version-check"]
        subprocess.run([*command, *args], check=True, capture_output=True)

    def told() -> str:
        env = os.environ | {"CONNECTCTL_HOME": str(world.home)}
        said = [
            subprocess.run([python, "-c", SCRIPT, "--help"], env=env, check=True, capture_output=True, text=True)
            for _ in range(2)
        ]
        assert said[0].stdout == said[1].stdout
        assert said[1].stderr == "False\n"  # by now from the index
        return said[0].stdout

    assert "badgely" not in told()
    pip("install", "--no-index", str(wheel(tmp_path, "1.0")))
    assert "of 1.0" in told()
    pip("install", "--no-index", str(wheel(tmp_path, "2.0")))
    assert "of 2.0" in told()
    pip("uninstall", "--yes", "badgely")
    assert "badgely" not in told()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is asked")
@pytest.mark.parametrize("cache", [None, "", "/var/elsewhere"])
def test_the_folder_is_the_one_of_platformdirs(cache: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECTCTL_HOME")
    if cache is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    assert cache_folder() == platformdirs.user_cache_dir("connectctl", appauthor=False)


def test_the_folder_is_in_the_home(home: Path) -> None:
    assert cache_folder() == str(home / "cache")


# --- entry points, read without importlib.metadata

ODD = "# x\n[other]\nb = c\n[connectctl]\n# y\n a=a.b : c.d \n\nz = z\n[x]\nq = r"


@pytest.mark.parametrize(
    "files",
    [
        {"a-1.dist-info/entry_points.txt": "[connectctl]\na = a.b\n"},
        {"a-1.dist-info/entry_points.txt": ODD},
        {"a-1.dist-info/entry_points.txt": "[connectctl]\na = a:b [extra]\n"},
        {"a-1.dist-info/entry_points.txt": "[connectctl]\na = not a module\n"},
        {"a-1.dist-info/entry_points.txt": "x = y\n[connectctl]\n"},
        {"a-1.dist-info/METADATA": "Name: a\n"},
        {"a_b.egg-info/entry_points.txt": "[connectctl]\na = a.b\n"},
        {"a.egg-info": "a file"},
        {
            "a_b-1.dist-info/entry_points.txt": "[connectctl]\na = one\n",
            "A.B-2.dist-info/entry_points.txt": "[connectctl]\na = two\n",
            "c-1.dist-info/entry_points.txt": "[connectctl]\na = three\n",
        },
        {"more/a-1.dist-info/entry_points.txt": "[connectctl]\na = a\n", "a-2.dist-info/METADATA": "Name: a\n"},
        {"a.egg/EGG-INFO/entry_points.txt": "[connectctl]\na = a\n", "a.egg/EGG-INFO/PKG-INFO": "Name: a\n"},
    ],
)
def test_entry_points_are_those_of_importlib_metadata(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "more"), str(tmp_path / "a.egg"), *sys.path])
    assert listed(installed.entry_points("connectctl")) == listed(metadata.entry_points(group="connectctl"))


def test_a_zip_file_on_the_path_is_left_to_importlib_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", "Name: a\n")
        archive.writestr("a-1.dist-info/entry_points.txt", "[connectctl]\na = a.b\n")
    monkeypatch.syspath_prepend(str(tmp_path / "all.zip"))
    assert "a" in [found.name for found in installed.entry_points("connectctl")]
    assert installed.survey() is None


def test_a_finder_of_somebody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder(metadata.DistributionFinder):
        def find_distributions(self, context: Any = None) -> Any:
            return []

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert installed.survey() is None
    assert listed(installed.entry_points("connectctl")) == listed(metadata.entry_points(group="connectctl"))


def test_an_entry_point_knows_its_distribution_and_loads() -> None:
    found = {entry.name: entry for entry in installed.entry_points("connectctl")}["credly"]
    assert found.dist is not None
    assert (found.dist.name, found.dist.version) == ("connectctl-credly", "0.1.0")
    assert found.load().__name__ == found.module == "connectctl_credly.plugin"
    assert installed.Found("x", "os : path.join", "").load() is os.path.join


def listed(entries: Any) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in entries]
