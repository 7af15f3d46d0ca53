"""Certifications and awards of the simulated Docebo (docebo.md 7)."""

from __future__ import annotations

import pytest

from connectctl_sandbox.docebo_achievements import expiry

LIST = "/learn/v1/certification"
AWARDS = "/certification/v1/awards"
LINK = "https://www.credly.com/badges/0000"


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["items"]


def ids(answer):
    return [item["id"] for item in items(answer)]


def test_certifications_are_listed_in_the_keys_that_clients_saw(docebo):
    listed = items(docebo.get(LIST))
    assert listed[0] == {
        "id_cert": 7,
        "title": "First Aider",
        "code": "FIRST-AID",
        "description": "",
        "duration": "3",
        "duration_unit": "year",
        "allow_same_item": "0",
    }
    assert [item["code"] for item in listed] == ["FIRST-AID", "FORKLIFT", "PRIVACY"]
    assert docebo.get("/learn/v1/certifications").status_code == 404


def test_certifications_and_awards_come_in_pages(awarded, docebo):
    data = docebo.get(f"{LIST}?page_size=2").json()["data"]
    assert (data["count"], data["has_more_data"], data["total_page_count"]) == (2, True, 2)
    assert "total_count" not in data
    assert docebo.get(f"{LIST}?page_size=2&page=2&get_total_count=1").json()["data"]["total_count"] == 3
    first = docebo.get(f"{AWARDS}?page_size=2&get_cursor=1").json()["data"]
    assert (first["has_more_data"], first["total_count"]) == (True, 3)
    awarded.revoke_award(first["items"][0]["id"])
    rest = docebo.get(f"{AWARDS}?page_size=2&page=2&cursor={first['cursor']}").json()["data"]
    assert [item["user_id"] for item in rest["items"]] == [4703]
    assert len(items(docebo.get(f"{AWARDS}/users/4702?page_size=1"))) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [906, 907, 908]),
        ("certification_id[]=9", [907, 908]),
        ("certification_id[0]=9&certification_id[1]=7&user_id[]=4702", [906, 907]),
        ("user_id[]=4703&user_id[]=4702", [906, 907, 908]),
        ("user_id[]=4999", []),
        ("updated_from=2026-01-20 10:00:00", [907, 908]),
        ("updated_from=2026-01-20 10:00:01&user_id[]=4702", []),
    ],
)
def test_awards_are_filtered(awarded, docebo, query, found):
    assert ids(docebo.get(f"{AWARDS}?{query}")) == found


def test_the_awards_of_one_user(awarded, docebo):
    assert ids(docebo.get(f"{AWARDS}/users/4702")) == [906, 907]
    assert ids(docebo.get(f"{AWARDS}/users/4710")) == []
    assert docebo.get(f"{AWARDS}/users/9999").status_code == 404


@pytest.mark.parametrize(
    ("flag", "gone"), [("award_origin_hidden", {"source", "external_id"}), ("award_changes_hidden", {"updated_at"})]
)
def test_what_nobody_has_seen_may_not_be_shown(awarded, docebo, flag, gone):
    awarded.flags.award_rows = "flat"
    awarded.award(4710, "FORKLIFT", origin_type="external_certification", source="Credly", link=LINK, external_id="b")
    path = f"{AWARDS}?user_id[]=4710"
    assert gone <= set(items(docebo.get(path))[0])
    setattr(awarded.flags, flag, True)
    assert not gone & set(items(docebo.get(path))[0])


def test_an_unknown_filter_returns_everything_and_date_filters_may_have_no_effect(awarded, docebo):
    awarded.flags.ignore_user_filter = awarded.flags.ignore_date_filters = True
    assert ids(docebo.get(f"{AWARDS}?user_id[]=4703&updated_from=2026-03-01")) == [906, 907, 908]
    assert ids(docebo.get(f"{AWARDS}?user_id[]=4703&certification_id[]=7")) == [906]
    assert ids(docebo.get(f"{AWARDS}/users/4703")) == [908]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{AWARDS}?user_ids[]=1", 400),
        ("GET", f"{AWARDS}?certification_id=7", 400),
        ("GET", f"{AWARDS}?certification_id[]=FIRST-AID", 400),
        ("GET", f"{AWARDS}?updated_from=yesterday", 400),
        ("GET", f"{AWARDS}/users/4702?certification_id[]=7", 400),
        ("GET", f"{LIST}?search_text=aid", 400),
        ("GET", f"{LIST}?page=0", 400),
        ("GET", f"{AWARDS}/906", 405),
        ("PATCH", f"{AWARDS}/906", 405),
        ("GET", f"{AWARDS}/users/ada", 404),
    ],
)
def test_what_is_unknown_is_refused(awarded, docebo, method, path, status):
    answer = docebo.send(method, path)
    assert answer.status_code == status
    assert isinstance(answer.json()["message"], list)


@pytest.mark.parametrize(
    ("issued", "duration", "unit", "ends"),
    [
        ("2026-02-10 17:31:06", 0, "year", None),
        ("2026-02-10 17:31:06", 10, "day", "2026-02-20 17:31:06"),
        ("2026-02-10 17:31:06", 2, "week", "2026-02-24 17:31:06"),
        ("2026-01-31 00:00:00", 1, "month", "2026-02-28 00:00:00"),
        ("2026-11-30 00:00:00", 3, "month", "2027-02-28 00:00:00"),
        ("2028-02-29 08:00:00", 1, "year", "2029-02-28 08:00:00"),
        ("2026-12-31 08:00:00", 12, "month", "2027-12-31 08:00:00"),
    ],
)
def test_an_award_ends_after_the_certifications_duration(issued, duration, unit, ends):
    assert expiry(issued, duration, unit) == ends


def test_expired_and_renewed_awards_stay_listed(awarded, docebo):
    old = awarded.award(4710, "FORKLIFT", "2020-01-01 00:00:00")
    assert old.expires_at == "2023-01-01 00:00:00"
    new = awarded.renew_award(old.award_id)
    listed = items(docebo.get(f"{AWARDS}/users/4710"))
    assert [item["id"] for item in listed] == [old.award_id, new.award_id]
    assert [item["expiring_at"] for item in listed] == ["2023-01-01 00:00:00", "2029-03-02 09:00:00"]


def test_what_is_not_there_cannot_be_worked_on(awarded):
    for work in (
        lambda: awarded.award(1, "PRIVACY"),
        lambda: awarded.award(4702, "NONE"),
        lambda: awarded.renew_award(1),
        lambda: awarded.update_award(1),
        lambda: awarded.revoke_award(1),
    ):
        with pytest.raises(LookupError):
            work()
