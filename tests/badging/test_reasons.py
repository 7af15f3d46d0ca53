"""Every reason for leaving somebody out has its sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectctl.badging.reasons import SENTENCES, sentence

SOURCE = Path(__file__).parents[2] / "src" / "connectctl" / "badging"

# GN-17, in its order.
REASONS = [
    "no_value_selected",
    "template_unknown",
    "template_inactive",
    "mapping_missing",
    "mapping_inactive",
    "import_flag_off",
    "already_assigned",
    "revoked_before",
    "user_not_found",
    "ambiguous_user",
    "no_email",
    "issued_by_us",
    "came_from_provider",
    "master_direction",
    "negative_sync_off",
    "before_start_date",
    "not_completed",
    "award_expired",
    "realtime_update_unsupported",
    "overwrite_skip",
    "unchanged",
    "duplicate_event",
    "duplicate_name",
    "provision_off",
    "mapping_off",
    "bot_user",
    "deactivated_user",
    "integration_inactive",
    "came_from_docebo",
    "rejected_before",
    "expired_before",
    "identity_conflict",
    "foreign",
]


@pytest.mark.req("GN-17")
def test_every_reason_of_the_list_is_a_sentence() -> None:
    assert set(REASONS) == {reason for reason in SENTENCES if ":" not in reason}
    for reason, words in SENTENCES.items():
        assert words[0].isupper(), reason
        assert words.endswith("."), reason
        assert reason not in words, reason


@pytest.mark.req("GN-17")
def test_every_reason_that_the_kit_gives_itself_is_one_of_them() -> None:
    given = {found for path in SOURCE.glob("*.py") for found in re.findall(r'"(connectctl:\w+)"', path.read_text())}
    assert given
    assert given <= set(SENTENCES)


def test_a_reason_of_a_plugin_is_told_as_it_is() -> None:
    assert sentence("acme:on_holiday") == "It was left out: acme:on_holiday."


def test_an_import_is_not_told_to_issue_again() -> None:
    for reason in ("revoked_before", "rejected_before", "expired_before"):
        assert "--reissue" in sentence(reason)
        assert "--reissue" not in sentence(reason, inwards=True)
    assert sentence("unchanged", inwards=True) == sentence("unchanged")
