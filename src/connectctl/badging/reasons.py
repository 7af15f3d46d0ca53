"""The reasons for which somebody is left out, each as a sentence (GN-17)."""

from __future__ import annotations

SENTENCES = {
    "no_value_selected": "The course has nothing selected in the dropdown.",
    "template_unknown": "The template table has no row for what is selected or mapped.",
    "template_inactive": "The template is not active: archived, or switched off in the template table.",
    "mapping_missing": "No course selects the template, and no mapping row names it.",
    "mapping_inactive": "The mapping row is switched off.",
    "import_flag_off": "The mapping row does not ask for external training.",
    "already_assigned": "The learner has one already; there is at most one for each template and learner.",
    "revoked_before": "The learner had one that was revoked; another is issued only on request (--reissue revoked).",
    "rejected_before": "The learner rejected the last one; another is issued only on request (--reissue rejected).",
    "expired_before": "The last one has expired; another is issued only on request (--reissue expired).",
    "user_not_found": "Docebo has no such user, or none with this address.",
    "ambiguous_user": "Several users of Docebo share the address: it is not clear who is meant.",
    "no_email": "There is no usable e-mail address.",
    "issued_by_us": "It was issued from Docebo, so it is not brought back there.",
    "came_from_provider": "The award was made from a credential of the provider, so it earns none there.",
    "came_from_docebo": "The learner has an award that Docebo gave; it counts, and is left alone.",
    "master_direction": "The master setting lets nothing through in this direction.",
    "negative_sync_off": "Revocations and deletions are not carried over: negative synchronization is off.",
    "before_start_date": "It lies before the start date of the synchronization.",
    "not_completed": "There is no completion, or one without a date.",
    "award_expired": "The award of the certification has expired.",
    "realtime_update_unsupported": "Updates of this kind are carried over by the batch alone.",
    "overwrite_skip": "There is one already, and the overwrite setting says to leave it.",
    "unchanged": "Nothing has changed since the last time.",
    "duplicate_event": "The event was dealt with before.",
    "duplicate_name": "Another template has the same name, so the dropdown cannot tell them apart.",
    "provision_off": "Users are not created: provisioning is off.",
    "mapping_off": "The mapping of users is off.",
    "bot_user": "It is a bot, not a person.",
    "deactivated_user": "The user is deactivated.",
    "integration_inactive": "The integration is not active.",
    "identity_conflict": "The credential names another Docebo user than the one with its address.",
    "foreign": "Somebody else made it; connectctl never touches what is not its own.",
    "connectctl:no_name": "The user has no first or no last name in Docebo.",
    "connectctl:future_date": "Its date lies in the future.",
    "connectctl:failed_before": "The remote refused it before; connectctl run retry RUN tries again.",
    "connectctl:never_inwards": "What ends at this provider changes nothing in Docebo.",
    "connectctl:no_plan_field": "No setting names a dropdown for learning plans.",
    "connectctl:plan_unknown": "Docebo has no such learning plan.",
    "connectctl:certification_unknown": "Docebo has no certification with this code.",
    "connectctl:certification_ambiguous": "Several certifications of Docebo have this code: which is meant is unclear.",
    "connectctl:no_issue_date": "The credential has no date of issue.",
    "connectctl:not_accepted": "The learner has not accepted the credential yet.",
    "connectctl:successor_unknown": "It was replaced by a credential that was not read.",
    "connectctl:unpublished": "There is one already that is not published, so nobody can see it.",
    "connectctl:moved_template": "It was replaced by a credential of another template, which counts instead.",
    "connectctl:unsettled": "What became of an earlier request is not known yet; the next run looks.",
    "connectctl:incomplete": "Not everything that decides it could be read.",
    "connectctl:other_event": "The event is about something else.",
    "connectctl:other_recipe": "Another recipe is responsible for it.",
}

# What means something else where a credential comes to Docebo.
IMPORTED = {
    "mapping_missing": "No mapping row names the template or the certification.",
    "already_assigned": "Another credential of the learner counts for the certification.",
    "revoked_before": "The credential was revoked or deleted.",
    "rejected_before": "The learner rejected the credential.",
    "expired_before": "The credential has expired.",
}


def sentence(reason: str, *, inwards: bool = False) -> str:
    """The reason in words; one of a plugin's own as it is."""
    if inwards and reason in IMPORTED:
        return IMPORTED[reason]
    return SENTENCES.get(reason, f"It was left out: {reason}.")
