"""The folders and files of a profile, and how private files are written."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectctl.errors import ConfigError, UsageError

PROFILE_NAME = re.compile(r"[a-z0-9_-]{1,64}")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """Where one profile keeps its things. Nothing is created by naming it.

    `config_given`: the file was named on the command line, so its absence is a mistake and not a fresh profile.
    """

    profile: str
    config_file: Path
    data_dir: Path
    state_dir: Path
    cache_dir: Path
    config_given: bool = False

    @property
    def log_dir(self) -> Path:
        """The folder `logs`."""
        return self.state_dir / "logs"


def profile_paths(profile: str | None = None, config: Path | None = None) -> ProfilePaths:
    """The paths of a profile: the one named, else `CONNECTCTL_PROFILE`, else `default`.

    With `CONNECTCTL_HOME=DIR` the default profile is DIR itself and profile NAME is DIR/profiles/NAME; without it the
    platform's config, data, state and cache folders are used in the same way. `config` replaces the configuration
    file alone. Raises UsageError for a name that is not a plain folder name.
    """
    name = profile or os.environ.get("CONNECTCTL_PROFILE") or DEFAULT
    if not PROFILE_NAME.fullmatch(name):
        raise UsageError(
            f"The profile name {name!r} is not allowed: up to 64 lower-case letters, digits, - and _",
            hint="connectctl --profile NAME --help",
        )
    below = Path() if name == DEFAULT else Path("profiles", name)
    home = os.environ.get("CONNECTCTL_HOME")
    if home:
        # Absolute, so that a later change of directory cannot move the store under a running process.
        folders = [Path(home).expanduser().absolute()] * 4
    else:
        import platformdirs

        dirs = platformdirs.PlatformDirs("connectctl", appauthor=False)
        folders = [dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path]
    config_dir, data_dir, state_dir, cache_dir = (folder / below for folder in folders)
    return ProfilePaths(
        profile=name,
        config_file=config.expanduser().absolute() if config else config_dir / "config.toml",
        data_dir=data_dir,
        state_dir=state_dir,
        cache_dir=cache_dir / "cache" if home else cache_dir,
        config_given=config is not None,
    )


def private_dir(path: Path) -> Path:
    """Makes the folder, and those above it that are missing, for its owner alone (0700); returns it."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def create_private(path: Path, text: str) -> bool:
    """Writes a file that is not there yet, whole, mode 0600; False, and nothing changed, when it exists.

    Of two processes that try at once one wins. Raises ConfigError.
    """
    with _writing(path):
        private_dir(path.parent)
        temporary = _temporary(path, text)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    return True


def write_private(path: Path, text: str) -> None:
    """Puts `text` into the file in one step, mode 0600; a reader sees the old text or the new, never a part.

    A symbolic link is followed, so that a linked config.toml stays a link. Raises ConfigError.
    """
    target = Path(os.path.realpath(path))
    with _writing(target):
        private_dir(target.parent)
        temporary = _temporary(target, text)
        try:
            os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a folder that is read, changed and written back. Raises ConfigError."""
    with _writing(folder):
        handle = os.open(private_dir(folder), os.O_RDONLY)
    try:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        except (ImportError, OSError):  # Windows, or a file system without locks: the last writer wins
            pass
        yield
    finally:
        os.close(handle)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}", hint=f"ls -ld {path.parent}"
        ) from None


def _temporary(target: Path, text: str) -> str:
    """A finished file of mode 0600 beside the target."""
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return temporary
