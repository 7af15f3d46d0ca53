"""The command line. `main` is the one place that prints errors, and its result is the exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from connectctl import __version__
from connectctl.cli.lazy import LazyGroup
from connectctl.cli.session import Session
from connectctl.errors import ConnectctlError, Interrupted, StoreError

if TYPE_CHECKING:
    from connectctl.plugins.manager import Plugins

NAME = "connectctl"

BUG, USAGE, INTERRUPTED = 1, 2, 130


def _version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"{NAME} {__version__}")
        ctx.exit()


@click.group(
    NAME,
    cls=LazyGroup,
    subcommand_metavar="GROUP COMMAND [options]",
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    epilog="Example: connectctl init",
)
@click.option("--profile", metavar="NAME", help="Work in another profile (CONNECTCTL_PROFILE).")
@click.option("--config", metavar="FILE", type=click.Path(), help="Read the settings from FILE.")
@click.option("-v", "--verbose", count=True, help="Say more; twice: everything.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no remarks.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Form of the log on stderr.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def group(
    ctx: click.Context,
    profile: str | None,
    config: str | None,
    verbose: int,
    quiet: bool,
    log_format: str,
    debug: bool,
) -> None:
    """Keep Docebo and the systems around it in step."""
    session = ctx.ensure_object(Session)
    session.profile, session.verbose = profile, verbose
    session.quiet, session.log_format, session.debug = quiet, log_format, debug
    if config is not None:
        from pathlib import Path

        session.config = Path(config)
    from connectctl.cli.logs import set_up

    ctx.with_resource(set_up(verbose, quiet, log_format))


def main(argv: Sequence[str] | None = None, *, plugins: Plugins | None = None) -> int:
    """Runs one command line and returns its exit code (cli.md, section 1). Errors are said here and nowhere else."""
    session = Session(plugins)
    args = list(sys.argv[1:] if argv is None else argv)
    before = _end_like_ctrl_c()
    try:
        try:
            if f"_{NAME.upper()}_COMPLETE" in os.environ:
                group.main(args, prog_name=NAME, obj=session)  # the shell asks for completions
            code = _call(session, args)
            if sys.stdout is not None:
                sys.stdout.flush()
        finally:
            session.close()
            if before is not None:
                signal.signal(signal.SIGTERM, before)
    except KeyboardInterrupt:
        return _say(Interrupted("Interrupted"))
    except Exception as error:  # noqa: BLE001 - the outermost border: a bug becomes exit 1 with its traceback kept
        return _fail(session, error, args)
    return code


def _end_like_ctrl_c() -> Any:
    """SIGTERM ends a command as Ctrl-C does: exit 130, nothing half written. A run brings handlers of its own.

    Returns the handler to put back, None where none was changed.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        return signal.signal(signal.SIGTERM, signal.default_int_handler)
    return None


def _call(session: Session, args: list[str]) -> int:
    # Not `group.main`: it would answer a closed pipe and Ctrl-C with exit codes of its own.
    try:
        with group.make_context(NAME, args, obj=session) as ctx:
            group.invoke(ctx)
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    return 0


def _fail(session: Session, error: Exception, args: list[str]) -> int:
    """Says an error in two lines and returns its exit code."""
    if isinstance(error, click.exceptions.Abort):
        return _say(Interrupted("Interrupted"))
    if isinstance(error, click.ClickException):
        return _usage(error)
    if (lost := _output_lost(error)) is not None:
        if isinstance(lost, BrokenPipeError):
            return 0  # whoever read our output had enough
        return _say(StoreError(f"The output cannot be written: {lost.strerror or lost}", hint="df -h"))
    if session.debug:
        import traceback

        _stderr(_masked("".join(traceback.format_exception(error))))
    if isinstance(error, ConnectctlError):
        error.hint = session.in_profile(error.hint)
        return _say(error)
    from connectctl.cli.logs import keep_traceback

    kept = keep_traceback(session, error, args, _masked)
    words = " ".join(str(error).split())[:300]
    message = f"this is a bug in connectctl or in a plugin: {type(error).__name__}: {words}"
    again = "connectctl --debug shows where; please report it"
    bug = ConnectctlError(message, hint=f"the traceback is in {kept}; please report it" if kept else again)
    return _say(bug)


def _usage(error: click.ClickException) -> int:
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and ctx is not None:  # click 8.2 and later
        _stderr(ctx.get_help() + "\n")
        return USAGE
    path = ctx.command_path if ctx is not None else NAME
    said = ConnectctlError(error.format_message(), hint=f"{path} --help")
    return _say(said, USAGE)


def _say(error: ConnectctlError, code: int | None = None) -> int:
    from connectctl.cli.output import colours
    from connectctl.http.redact import clean

    red, plain = ("\x1b[31m", "\x1b[0m") if colours(sys.stderr) else ("", "")
    # An error is two lines; what is listed below its first line (the bad cells of a file) comes before them.
    first, *details = _masked(error.message).strip().split("\n")
    listed = "".join(f"  {clean(line, 1000)}\n" for line in details)
    hint = clean(_masked(error.hint), 1000)
    _stderr(f"{listed}{red}Error:{plain} {clean(first, 2000)}\nHint: {hint}\n")
    return error.exit_code if code is None else code


def _masked(text: str) -> str:
    """The second net: secrets that this process has resolved are not shown, whoever put them into a message."""
    from connectctl.config.secrets import known
    from connectctl.http.redact import KNOWN, MASK, forms

    found = {form for secret in (*known(), *KNOWN.values()) for form in forms(secret)}
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _output_lost(error: Exception) -> OSError | None:
    """The error of stdout, if it was stdout that failed and not another file or socket.

    It is then pointed nowhere, so that the interpreter's last flush is silent.
    """
    from connectctl.cli.output import OutputLost

    lost = error.__cause__ if isinstance(error, OutputLost) else None
    if isinstance(error, OSError) and (_by_echo(error) or not _flushes()):
        lost = error
    if not isinstance(lost, OSError) or sys.stdout is None:
        return None
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return lost


def _by_echo(error: OSError) -> bool:
    """Whether click was printing; with PYTHONUNBUFFERED nothing is left for a flush to fail at."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is click.echo.__code__


def _flushes() -> bool:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()  # what could not be written is still there and fails again
    except (OSError, ValueError):
        return False
    return True


def _stderr(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # a stderr that is gone changes no exit code
        sys.stderr.write(text)
        sys.stderr.flush()
