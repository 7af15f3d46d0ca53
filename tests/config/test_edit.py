import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectctl.config.edit import clear_section, header, line_of, literal, set_value
from connectctl.errors import ConfigError

DOCEBO = ("connections", "docebo")

FILE = """\
# top

[connections.docebo]
# The address:
# base_url = "https://example"   # required
username = "ada"   # who we are
password = 'x#y'# tight

# about credly
[connections.credly]
token = "t"
"""


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("base_url", "https://a", 'base_url = "https://a"'),  # in its placeholder's line
        ("username", "eve", 'username = "eve"  # who we are'),  # keeping the comment
        ("password", "z", 'password = "z"  # tight'),
        ("threads", 8, "threads = 8"),
        ("scope", 'a"b\\c\x7f\n', 'scope = "a\\"b\\\\c\\u007f\\n"'),
    ],
)
def test_a_value_is_set_and_nothing_else_changes(key: str, value: Any, line: str) -> None:
    text = set_value(FILE, DOCEBO, key, value)
    expected = tomllib.loads(FILE)
    expected["connections"]["docebo"][key] = value
    assert tomllib.loads(text) == expected
    assert line in text.splitlines()
    gone = {old for old in FILE.splitlines() if old not in text.splitlines()}
    assert len(gone) <= 1
    assert text.index(line) < text.index("# about credly")


def test_a_new_section_comes_last_and_a_new_file_can_be_empty() -> None:
    assert set_value("", DOCEBO, "a", "b") == '[connections.docebo]\na = "b"\n'
    assert set_value(FILE, ("connections", "smtp"), "url", "u").endswith(
        '\ntoken = "t"\n\n[connections.smtp]\nurl = "u"\n'
    )


def test_a_value_of_several_lines_is_replaced_whole() -> None:
    text = '[a]\nkey = """\n[not.a.header]\n# x\n"""\nother = [\n 1,\n 2,\n]\n'
    assert set_value(text, ("a",), "key", "v") == '[a]\nkey = "v"\nother = [\n 1,\n 2,\n]\n'
    assert tomllib.loads(set_value(text, ("a",), "other", "v"))["a"]["other"] == "v"


def test_line_ends_stay() -> None:
    assert set_value("[a]\r\nx = 1\r\n", ("a",), "x", 2) == "[a]\r\nx = 2\r\n"


@pytest.mark.parametrize(
    "text",
    ['connections = {docebo = {a = "b"}}\n', 'connections.docebo.a = "b"\n', '[connections]\ndocebo = {a = "b"}\n'],
)
def test_other_forms_are_refused_and_not_damaged(text: str) -> None:
    with pytest.raises(ConfigError, match="by hand"):
        set_value(text, DOCEBO, "a", "c")
    with pytest.raises(ConfigError, match="by hand"):
        clear_section(text, DOCEBO)


def test_clearing_keeps_comments_and_the_rest() -> None:
    text = clear_section(FILE, DOCEBO)
    assert tomllib.loads(text)["connections"] == {"docebo": {}, "credly": {"token": "t"}}
    for comment in ("# top", "# The address:", "# about credly"):
        assert comment in text
    assert "x#y" not in text


def test_clearing_takes_the_sections_inside_along() -> None:
    text = '[connections.docebo]\na = 1\n[connections.docebo.paths]\nusers = "/x"\n[general]\ntimezone = "UTC"\n'
    assert clear_section(text, DOCEBO) == '[connections.docebo]\n[general]\ntimezone = "UTC"\n'


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("[a.b]", ("a", "b")),
        ("  [ a . 'b c' ] # x", ("a", "b c")),
        ("[[a]]", ("a",)),
        ("a = 1", None),
        ("# [a]", None),
        ("[a", None),
        ("", None),
    ],
)
def test_headers(line: str, path: tuple[str, ...] | None) -> None:
    assert header(line) == path


def test_lines_are_found() -> None:
    assert line_of(FILE, DOCEBO) == 3
    assert line_of(FILE, DOCEBO, "password") == 7
    assert line_of(FILE, DOCEBO, "token") is None
    assert line_of(FILE, ("nowhere",), "x") is None


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_every_text_survives(value: str) -> None:
    assert tomllib.loads(f"x = {literal(value)}") == {"x": value}


names = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
values = st.one_of(st.integers(0, 99), st.text(st.characters(codec="utf-8"), max_size=8))
configs = st.dictionaries(names, st.dictionaries(names, values, max_size=4), max_size=4)


@given(configs, names, names, values, st.randoms(use_true_random=False))
def test_any_file_of_sections_can_be_edited(data: Any, section: str, key: str, value: Any, random: Any) -> None:
    lines = []
    for name, table in data.items():
        lines += [
            f"[{name}]",
            *(f"{k} = {literal(v)}" for k, v in table.items()),
            random.choice(["", "# note", "# [x]"]),
        ]
    text = "\n".join(lines) + "\n"
    wanted = copy.deepcopy(data)
    wanted.setdefault(section, {})[key] = value
    edited = set_value(text, (section,), key, value)
    assert tomllib.loads(edited) == wanted
    assert edited.count("# note") == text.count("# note")
    cleared = tomllib.loads(clear_section(edited, (section,)))
    wanted[section] = {}
    assert cleared == wanted
