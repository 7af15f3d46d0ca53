"""`connectctl demo`, as a person runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connectctl_sandbox import Sandbox, demo


def test_the_demo_ends_with_the_proof_for_both_platforms(tmp_path: Path) -> None:
    """One run for everything that is to be seen: it takes many processes."""
    environment = {"TMPDIR": str(tmp_path), "CONNECTCTL_PROFILE": "of somebody else"}
    done = subprocess.run(
        [sys.executable, "-c", "from connectctl_sandbox.demo import demo; demo([])"],
        env=dict(os.environ) | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = done.stdout
    assert done.returncode == 0, said
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", said, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))

    bulk = re.search(r"^(\d+) bulk calls made (\d+) credentials", said, re.MULTILINE)
    assert bulk is not None, said
    calls, made = map(int, bulk.groups())
    assert 0 < calls < made
    assert f"would issue {made};" in said
    assert "adopted\tissue" in said[bulk.start() - 5000 : bulk.start()]
    trainings = re.findall(r"^done\tcreate_training", said, re.MULTILINE)
    assert len(trainings) == 2, "one that came from each platform"
    assert len(re.findall(r"batch-sync.*\nRun \w+ succeeded: nothing to do", said)) == 6

    proof = said[said.index("The proof.") :]
    assert "The ledger holds: one live credential per holding" in proof
    assert re.search(r"Credly holds \d+ badges issued from here; learners with the same badge twice: 0\.", proof)
    assert (
        f"Accredible holds {made} credentials created from here; learners with the same credential twice: 0." in proof
    )
    assert not list(tmp_path.glob("connectctl-demo-*")), "without --keep nothing stays"


def test_accredible_is_left_out_with_one_line_where_its_plugin_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("connectctl_sandbox.demo.installed", lambda plugin: False)
    with Sandbox() as box:
        demo._Tour(box, tmp_path)._accredible()
        assert not box.log.entries
    said = capsys.readouterr().out.strip()
    assert said == "Accredible is left out here: its plugin connectctl-accredible is not installed."
