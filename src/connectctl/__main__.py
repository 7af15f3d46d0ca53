"""Where the program starts: `connectctl` and `python -m connectctl`.

It imports as little as it can: `--version` is answered before anything else is loaded, and a Ctrl-C that comes while
the rest is being loaded ends the program without a word, for nothing has been done yet.
"""

import os
import sys

from connectctl import __version__

INTERRUPTED = 130


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    try:
        if sys.argv[1:] == ["--version"] and _say_version():
            return 0
        import signal

        # Not when it is ignored (nohup) or somebody else's.
        early = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if early:
            signal.signal(signal.SIGINT, _end)
        from connectctl.cli import main as run

        if early:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except KeyboardInterrupt:  # before the command line took over, or after it had said its last word
        return INTERRUPTED


def _say_version() -> bool:
    """False, when something is not as usual: the command line then answers, and says what is wrong."""
    if sys.stdout is None or "_CONNECTCTL_COMPLETE" in os.environ:
        return False
    try:
        sys.stdout.write(f"connectctl {__version__}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _end(number: int, frame: object) -> None:
    # An exception could come up inside the import system, which prints it as ignored and goes on.
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
