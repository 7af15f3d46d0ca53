import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.config.values import check
from connectctl.http.limits import parse_rate
from connectctl.plugins.specs import SettingSpec


def setting(kind: str, **more: object) -> SettingSpec:
    return SettingSpec("x", "", kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["a", " a ", "ü"], ["", "  ", "a\x1bb", "a\0"]),
        pytest.param("boolean", ["true", "false"], ["True", "yes", "1", "TRUE"], marks=pytest.mark.req("GN-09")),
        pytest.param(
            "date",
            ["2026-01-31", "2026-01-31 23:59:59"],
            ["2026-1-31", "31.01.2026", "2026-02-30", "2026-01-31T00:00:00", "2026-01-31 9:00:00", "0000-00-00"],
            marks=pytest.mark.req("GN-10"),
        ),
        ("integer", ["0", "-3", "100"], ["1.5", "1e3", "a", "1_000", "٣", "1" * 30]),
        ("email", ["a@b.example"], ["a", "a@b, c@d", "a b@c", "<a@b>"]),
        (
            "url",
            ["https://a.example", "http://127.0.0.1:8080/x"],
            ["a.example", "https://", "https://a b", "https://[x"],
        ),
        ("rate", ["90/min", "5/s", "195/30s", "none", "5 / s"], ["0/s", "fast", "5", "5/0s", "-1/s"]),
    ],
)
def test_kinds(kind: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert check(setting(kind), text) == text.strip()
    for text in bad:
        with pytest.raises(ValueError, match="must"):
            check(setting(kind), text)


def test_bounds_and_choices() -> None:
    assert check(setting("integer", minimum=1, maximum=3), "3") == "3"
    for text in ("0", "4"):
        with pytest.raises(ValueError, match=r"at (least|most)"):
            check(setting("integer", minimum=1, maximum=3), text)
    with pytest.raises(ValueError, match=r"production, sandbox; did you mean production\?"):
        check(setting("choice", choices=("production", "sandbox")), "prodction")


def test_a_secret_keeps_its_spaces_and_its_lines() -> None:
    assert check(setting("text", secret=True), " a\nb ") == " a\nb "


@given(st.text(max_size=12))
def test_a_rate_that_passes_is_one_the_limiter_reads(text: str) -> None:
    try:
        found = check(setting("rate"), text)
    except ValueError:
        return
    parse_rate(found)
