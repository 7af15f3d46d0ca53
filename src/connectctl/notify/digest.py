"""What a run came to, as a mail (GN-18): whether there is one, what it says, when two are the same. Pure."""

from __future__ import annotations

import hashlib
import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectctl.http.redact import clean, redact
from connectctl.model import Notice
from connectctl.notify.address import ascii_domain

if TYPE_CHECKING:
    from email.headerregistry import Address
    from email.message import EmailMessage

SHOWN = 20  # items in a mail: enough to see what is wrong, not a list of everybody
WIDTH = 76
MOST_LINES = 400
LONGEST_LINE = 500
LONGEST_SUBJECT = 150
MOST_ERRORS = 50  # kinds of errors that tell one failed run from another

FAILED = ("failed", "unsure")
# Ended by the caller's own slip, by a hand on the keyboard, or by another run at work: nothing has failed.
QUIET_EXITS = (2, 7, 130)

_ADDRESS = re.compile(r"[^\s@\"'<>,;:()]+@[^\s@\"'<>,;:()]+")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|‘[^’]*’|«[^»]*»")
_ID = re.compile(r"\b(?=\w*\d)[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Digest:
    """A mail about a run, and the errors that it is about, each by its fingerprint."""

    notice: Notice
    errors: tuple[str, ...]


def of_run(
    integration: str,
    report: Mapping[str, Any],
    *,
    exit_code: int | None = None,
    hint: str = "",
    params: Mapping[str, Any] | None = None,
) -> Digest | None:
    """The mail about a run object (cli.md 4), or None where nobody has to be told.

    Told are real runs that did not succeed. `exit_code` and `hint` are those of the error that ended the run early,
    if one did.
    """
    if report["dry_run"] or report["status"] not in ("failed", "aborted", "refused") or exit_code in QUIET_EXITS:
        return None
    failed = [item for item in report["items"] if item["outcome"] in FAILED]
    left = [item for item in report["items"] if item["outcome"] in (*FAILED, None)]
    title = report["title"] or report["flow"]
    lines = [
        f"The run {report['run']} of {title} ({report['flow']}) {_ENDS[report['status']]}.",
        "",
        f"Started {report['started_at']}, ended {report['finished_at']}, by {report['trigger']}.",
        _sums(report),
    ]
    early = report["error"]
    if early is None and report["status"] != "failed":
        early = "a fault in connectctl or in a plugin; its traceback is in the log"
    if early is not None:
        lines += ["", f"Why it ended: {early}"]
        lines += [f"What to do: {hint}"] if hint else []
    if failed:
        lines += ["", "What failed:"]
        for item in failed[:SHOWN]:
            lines += [f"- {_who(item)}", f"  {item['error'] or item['outcome']}"]
        if len(failed) > SHOWN:
            lines.append(f"and {len(failed) - SHOWN} more")
    again = f"run retry {report['run']}" if left else _rerun(report["flow"], params or {})
    lines += ["", "To try again:", f"    connectctl {again}"]
    lines += ["To see everything:", f"    connectctl run show {report['run']}"]
    counts = [f"{report[name]} {name}" for name in FAILED if report[name]]
    subject = f"{title}: {', '.join(counts) if counts and early is None else _ENDS[report['status']]}"
    errors = [early] if early is not None else []
    errors += [str(item["error"]) for item in failed]
    return Digest(Notice(integration, subject, tuple(lines)), fingerprints(report["flow"], errors))


_ENDS = {"failed": "failed in part", "aborted": "ended early", "refused": "was refused"}


def fingerprints(scope: str, errors: Iterable[str]) -> tuple[str, ...]:
    """What errors are recognised by, each kind once: names in quotes, addresses, ids and numbers make no difference."""
    kinds = dict.fromkeys(normal(error) for error in errors)
    return tuple(_digest(scope, kind) for kind in list(kinds)[:MOST_ERRORS])


def normal(error: str) -> str:
    """An error without what differs from one item to the next."""
    text = clean(error, 600)
    for pattern, sign in ((_QUOTED, "'…'"), (_ADDRESS, "@"), (_ID, "#")):
        text = pattern.sub(sign, text)
    return text.lower()


def identity(notice: Notice) -> str:
    """What a notice that is not about errors is recognised by: all that it says."""
    return _digest(notice.integration, notice.subject, *notice.lines)


def safe(notice: Notice, secrets: Sequence[str] = ()) -> Notice:
    """The notice as it may be kept and mailed: one line each, no control or bidi characters, no secrets, bounded."""
    shown = MOST_LINES if len(notice.lines) <= MOST_LINES else MOST_LINES - 1
    lines = [_safe_line(redact(line, secrets)) for line in notice.lines[:shown]]
    if len(notice.lines) > shown:
        lines.append(f"and {len(notice.lines) - shown} more lines")
    subject = clean(redact(notice.subject, secrets), LONGEST_SUBJECT) or "notification"
    return Notice(notice.integration, subject, tuple(lines))


def compose(
    notice: Notice, *, sender: str, receiver: str, at: datetime, ident: str, held: int = 0, since: str = ""
) -> EmailMessage:
    """The mail itself, ready to send; the same arguments always make the same bytes.

    `ident` makes its Message-ID, so that a mail that arrives twice can be told by it. `held`: how many others like it
    were not sent `since` then. ValueError for addresses that no header can hold.
    """
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import format_datetime

    notice = safe(notice)
    body = [line for given in notice.lines for line in _wrapped(given)]
    if held:
        more = f"{held} more like it since {since} {'was' if held == 1 else 'were'} not mailed."
        body += ["", *_wrapped(more)]
    reason = f"You get this mail because the setting NOTIFICATION_MAIL_ID of {clean(notice.integration, 60)} names you."
    body += ["", "-- ", *_wrapped(reason), *_wrapped("The same is mailed once an hour at most.")]
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = _address("connectctl", sender)
    message["To"] = _address("", receiver)
    message["Subject"] = f"[connectctl] {notice.subject}"
    message["Date"] = format_datetime(at)
    domain = ascii_domain(sender).rpartition("@")[2]
    message["Message-ID"] = f"<{ident}@{domain if domain.isascii() else 'connectctl.invalid'}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange, which does not read the former
    message.set_content("\n".join(body) + "\n")
    return message


def _who(item: Mapping[str, Any]) -> str:
    facts = [item["action"] or "read", item["email"] or (item["user"] and f"user {item['user']}")]
    facts += [item["template"] and f"template {item['template']}", item["source"]]
    return ", ".join(clean(fact, 120) for fact in facts if fact)


def _sums(report: Mapping[str, Any]) -> str:
    done = ", ".join(f"{name} {count}" for name, count in report["done"].items()) or "nothing"
    return f"Done: {done}. Failed: {report['failed']}. Unsure: {report['unsure']}."


def _rerun(flow: str, params: Mapping[str, Any]) -> str:
    words = ["flow", "run", flow]
    for name, value in params.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one not in (None, False, ""):
                words += ["--param", f"{name}={'true' if one is True else one}"]
    return shlex.join(words)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _safe_line(line: str) -> str:
    indent = min(len(line) - len(line.lstrip(" ")), 8)
    return " " * indent + clean(line.lstrip(" "), LONGEST_LINE)


def _wrapped(line: str) -> list[str]:
    """Lines of at most WIDTH where words allow it; a command, which is indented by four, stays whole."""
    if len(line) <= WIDTH or line.startswith("    "):
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2 * line.lstrip(" ").startswith("- "))
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _address(name: str, address: str) -> Address:
    from email.errors import MessageError
    from email.headerregistry import Address

    if any(ord(letter) < 33 or ord(letter) == 127 for letter in address):
        raise ValueError("an address holds no spaces and control characters")
    try:
        return Address(name, addr_spec=ascii_domain(address))
    except (MessageError, IndexError):  # the parser's own ways of saying that it is none
        raise ValueError("it is no mail address") from None
