"""`connectctl demo`: the whole main job on this machine, with the very commands that a person would type."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click

from connectctl.api import ConnectctlError

from .clock import mysql_time
from .faults import Fault
from .private import write_private
from .sandbox import Sandbox, installed

FIELD = "Credly badge"
GROUP_FIELD = "Accredible credential"
START = "2026-01-01"
MAPPINGS = "credly-integration-mappings"
GROUP_MAPPINGS = "accredible-integration-mappings"
REPORT = "report this: it must never happen"
IMPORTED = "PRIVACY"
BULK = r"/v2/credentials/bulk_create$"
DESIGN = 31
ARRIVALS = ("certification.awarded", "externaltraining.created")


@click.command()
@click.option("--keep", is_flag=True, help="Keep the folder with the store, to look around in it afterwards.")
def demo(keep: bool) -> None:
    """The whole main job on this machine, without any account.

    Starts a simulated Docebo and Credly, syncs templates and dropdown, shows the plan, issues the badges, also those of
    certifications, imports one that was issued by hand, and shows that each second run has nothing left to do. The
    same with a simulated Accredible, in bulk, where its plugin is installed.

    Example: connectctl demo --keep
    """
    home = Path(tempfile.mkdtemp(prefix="connectctl-demo-"))
    try:
        with Sandbox() as box:
            _Tour(box, home).walk()
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    _what_next(home if keep else None)


class _Tour:
    """The steps, told and run in order."""

    def __init__(self, box: Sandbox, home: Path) -> None:
        self._box = box
        self._home = home
        self._step = 0

    def walk(self) -> None:
        """Every step; ConnectctlError names the first command that fails."""
        box = self._box
        self._say(f"A simulated Docebo answers at {box.docebo_url}, a simulated Credly at {box.credly_url}")
        write_private(self._home / "config.toml", box.config_toml())
        self._run("connection", "test")

        self._say("Credly's badge templates become rows of a lookup table")
        self._run("credly", "sync-templates")
        self._run("lookup", "show", "credly-badge-templates")

        self._say("Two settings: the name of the course dropdown, and the first day that counts")
        self._set("COURSE_ADDITIONAL_FIELD", FIELD)
        self._set("BATCH_SYNC_START_DATE", START)

        self._say("The rows become elements of a dropdown on Docebo's courses")
        self._run("credly", "sync-field")

        self._say("In Docebo, an administrator selects on each course the badge it earns (done here by the sandbox)")
        chosen = box.select_templates()
        click.echo(f"{len(chosen)} courses have a badge selected.")

        self._say("The plan: who gets what, and why. Nothing is written anywhere")
        self._run("credly", "batch-sync", "--dry-run", "--skips")

        self._say("The real run. To make it harder, Credly's answers to two requests will get lost on the way")
        box.faults.add(Fault("lose_answer", "credly", "POST", r"/badges$", times=2, after=3))
        self._run("credly", "batch-sync")
        click.echo("The two marked `adopted` were looked for and found: issued, but not issued twice.")

        self._say("The same run again has nothing to do")
        self._run("credly", "batch-sync")

        self._certifications()
        self._import()

        self._accredible()
        self._proof()

    def _certifications(self) -> None:
        box = self._box
        self._say("Mapping rows: which certification of Docebo earns which badge. One of them also goes the other way")
        for code, template_id in box.suggested.items():
            both_ways = ("Import As External Training=true",) if code == IMPORTED else ()
            self._run("lookup", "set", MAPPINGS, template_id, "", code, "IsActive=true", *both_ways)

        self._say("Awards become badges that end when the award does; of a renewed one the newest counts")
        self._run("credly", "batch-sync", "--skips")
        badges = {(b.template_id, b.issuer_earner_id): b for b in box.credly.live_badges() if b.issuer_earner_id}
        for award in list(box.docebo.awards.values()):
            if award.expires_at is not None and award.expires_at <= box.docebo.now():
                continue
            template_id = box.suggested[box.docebo.certifications[award.certification_id].code]
            badge = badges.get((template_id, str(award.user_id)))
            ends = None if badge is None or badge.expires_at is None else mysql_time(badge.expires_at)
            if badge is None or ends != award.expires_at:
                raise ConnectctlError("The demo issued a badge that ends at another time than its award", hint=REPORT)
            click.echo(f"{badge.recipient_email}: award and badge both end {ends or 'never'}.")

    def _import(self) -> None:
        """The badge that somebody issued by hand is in every seeded world."""
        box = self._box
        self._say("Back again: a badge issued by hand in Credly becomes external training and an award in Docebo")
        self._set("EXTERNAL_TRAINING_INSTITUTE_NAME", "Credly")
        self._run("credly", "batch-sync", "--direction", "inwards", "--skips")
        told = [event for event in box.docebo.events if event.event in ARRIVALS]
        for event in told:
            click.echo(f"Docebo says {event.event} for {event.payload['username']}.")
        if sorted(event.event for event in told) != sorted(ARRIVALS):
            raise ConnectctlError("The demo did not import the badge exactly once", hint=REPORT)

        self._say("Once more in both directions: nothing to do, and nothing goes round in circles")
        before = self._held()
        self._run("credly", "batch-sync", "--direction", "inwards")
        self._run("credly", "batch-sync")
        if self._held() != before:
            raise ConnectctlError("The demo's second run changed something", hint=REPORT)

    def _accredible(self) -> None:
        """The same job with Accredible, where its plugin is installed."""
        if not installed("accredible"):
            click.echo("\nAccredible is left out here: its plugin connectctl-accredible is not installed.")
            return
        self._credentials()
        self._import_credential()

    def _credentials(self) -> None:
        """From groups to credentials; ConnectctlError when it took a call for each of them."""
        box = self._box
        self._say("Accredible beside Credly: its own settings, its own dropdown on the same courses")
        self._set("COURSE_ADDITIONAL_FIELD", GROUP_FIELD, of="ACCREDIBLE")
        self._set("DOCEBO_TO_ACCREDIBLE_BATCH_SYNC_START_DATE", START, of="ACCREDIBLE")
        self._run("accredible", "sync-groups")
        self._run("accredible", "sync-field")

        self._say("The administrators select the groups in Docebo, and give a design to each group in Accredible")
        for group in list(box.accredible.groups.values()):
            if group.design_id is None:
                box.accredible.update_group(group.id, certificate_design_id=DESIGN)
        box.clock.advance(60)  # a course that changes twice in one second would look unchanged
        click.echo(f"{len(box.select_groups())} courses have a credential group selected.")

        self._say("The plan, with the calls that it would take: Accredible creates up to 30 credentials with one")
        self._run("accredible", "batch-sync", "--dry-run", "--skips")

        self._say("The real run. Accredible's answer to one of the bulk calls will get lost on the way")
        box.faults.add(Fault("lose_answer", "accredible", "POST", BULK, times=1))
        self._run("accredible", "batch-sync")
        made = [one for one in box.accredible.credentials.values() if one.license_id]
        calls = box.log.count(remote="accredible", method="POST", path=BULK)
        click.echo(
            f"{calls} bulk calls made {len(made)} credentials. Those `adopted` were found by the ids we gave them."
        )
        if not calls < len(made):
            raise ConnectctlError("The demo did not create its credentials in bulk", hint=REPORT)

        self._say("The same run again has nothing to do")
        self._run("accredible", "batch-sync")

    def _import_credential(self) -> None:
        """A group that no course earns, so that the one made here is all there is to import."""
        box = self._box
        group = list(box.accredible.groups.values())[-1]
        person = next(user for user in box.docebo.users.values() if user.level == "User" and user.email)
        self._say("Back again: somebody creates a credential in Accredible, and Docebo gets its external training")
        box.accredible.issue(group.id, person.email, f"{person.first_name} {person.last_name}")
        self._set("ACCREDIBLE_TO_DOCEBO_BATCH_SYNC_START_DATE", START, of="ACCREDIBLE")
        self._set("EXTERNAL_TRAINING_INSTITUTE_NAME", "Accredible", of="ACCREDIBLE")
        flags = ("IsActive=true", "Import As External Training=true")
        self._run("lookup", "set", GROUP_MAPPINGS, str(group.id), "", "", *flags)
        before = set(box.docebo.trainings)
        self._run("accredible", "batch-sync", "--direction", "inwards", "--skips")
        arrived = [box.docebo.trainings[number].user_id for number in set(box.docebo.trainings) - before]
        if arrived != [person.user_id]:
            raise ConnectctlError("The demo did not import the credential exactly once", hint=REPORT)

        self._say("Once more in both directions: nothing to do here either")
        held = self._held()
        self._run("accredible", "batch-sync", "--direction", "inwards")
        self._run("accredible", "batch-sync")
        if self._held() != held:
            raise ConnectctlError("The demo's second run changed something", hint=REPORT)

    def _proof(self) -> None:
        """What the remotes hold in the end, asked of them and not of our own ledger."""
        box = self._box
        self._say("The proof")
        self._run("ledger", "verify")
        badges = Counter((b.template_id, b.issuer_earner_id) for b in box.credly.live_badges() if b.issuer_earner_id)
        twice = sum(count > 1 for count in badges.values())
        click.echo(f"Credly holds {len(badges)} badges issued from here; learners with the same badge twice: {twice}.")
        if installed("accredible"):
            everything = list(box.accredible.credentials.values())
            ours = [one for one in everything if one.license_id]
            of_learner = Counter((one.group_id, one.recipient_id) for one in ours)
            of_address = Counter((one.group_id, one.recipient_email) for one in everything)  # also somebody else's
            again = {
                (one.group_id, one.recipient_id)
                for one in ours
                if of_learner[one.group_id, one.recipient_id] > 1 or of_address[one.group_id, one.recipient_email] > 1
            }
            click.echo(
                f"Accredible holds {len(ours)} credentials created from here; "
                f"learners with the same credential twice: {len(again)}."
            )
            twice += len(again)
        if twice:
            raise ConnectctlError("The demo issued something twice", hint=REPORT)

    def _held(self) -> tuple[int, ...]:
        """How much there is of what the runs make."""
        docebo, issued = self._box.docebo, (len(self._box.credly.badges), len(self._box.accredible.credentials))
        return *issued, len(docebo.awards), len(docebo.trainings), len(docebo.events)

    def _set(self, key: str, value: str, *, of: str = "CREDLY") -> None:
        self._run("lookup", "set", "integration-settings", of, key, f"Value={value}")

    def _say(self, text: str) -> None:
        self._step += 1
        click.secho(f"\n{self._step}. {text}.", bold=True)

    def _run(self, *args: str) -> None:
        click.echo(f"$ connectctl {shlex.join(args)}")
        sys.stdout.flush()
        env = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTCTL_")}
        command = [sys.executable, "-m", "connectctl", *args]
        # One stream, so that results and remarks stay in order also when the demo is piped into a file.
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own arguments
            command, env=env | {"CONNECTCTL_HOME": str(self._home)}, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            raise ConnectctlError(
                f"The demo stopped: connectctl {shlex.join(args)} ended with {done.returncode}",
                hint="connectctl demo --keep, then look into the folder it names",
            )


def _what_next(kept: Path | None) -> None:
    """What to try, with commands that run."""
    click.secho("\nWhat to try next", bold=True)
    if kept:
        click.echo(f"  export CONNECTCTL_HOME={kept}    this demo's store; then, for example:")
        click.echo("  connectctl run list                 every run, with what it did")
        click.echo("  connectctl ledger list              every badge, with its reason")
    click.echo("  connectctl sandbox up               the same simulated remotes, to play with as long as you like")
    click.echo("  connectctl init                     your own profile: connections, then the same four commands")
    click.echo("  connectctl flow list --all          everything that can be run")
