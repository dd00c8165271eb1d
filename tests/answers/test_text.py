"""Free text stays literal in each kind of file."""

import ast
import json
import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.support.projects import QUESTIONNAIRE

pytestmark = pytest.mark.quick

TEXT: Any = QUESTIONNAIRE.environment.get_template("extensions/text.jinja").module
PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
MISCHIEF = r"""
    \ \\ ' " ''' "\"\"\" \N{DIGIT} $ ${x} $$ {{ }} {% # noqa
    - + = 1. 1) > * _ ` [x](y) <b> & &amp; | ~ ! :
"""
LINES = (
    st.one_of(
        st.text(PRINTABLE, max_size=30),
        st.lists(st.sampled_from(MISCHIEF.split()), max_size=6).map(" ".join),
        st.lists(st.sampled_from(MISCHIEF.split()), max_size=6).map("".join),
    )
    .map(str.strip)
    .filter(lambda text: bool(text) and not TEXT.line_error(text, 200))
)
moderately = settings(derandomize=True, deadline=None, max_examples=200)
rarely = settings(derandomize=True, deadline=None, max_examples=12)


def test_examples_include_mischievous_text() -> None:
    assert all(not TEXT.line_error(word, 200) for word in MISCHIEF.split())


# ------------------------------------------------------------------------------------- data


@moderately
@given(LINES)
def test_data_files_read_the_text_back(text: str) -> None:
    assert json.loads(TEXT.json(text)) == text
    assert tomllib.loads(f"x = {TEXT.toml(text)}") == {"x": text}
    assert yaml.safe_load(f"x: {TEXT.yaml(text)}") == {"x": text}
    assert yaml.safe_load(f"x: {TEXT.compose(text)}")["x"].replace("$$", "$") == text
    assert "$" not in TEXT.compose(text).replace("$$", "")
    assert TEXT.plain(text) == text


@moderately
@given(LINES)
def test_dockerfile_reads_the_text_back(text: str) -> None:
    quoted = TEXT.dockerfile(text)

    # Between double quotes the builder interprets `"`, `$`, and backslashes before these.
    assert re.fullmatch(r'"(?:[^"$\\]|\\["$\\])*"', quoted)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1]) == text


# ------------------------------------------------------------------------------------- Python


@moderately
@given(LINES)
def test_python_reads_the_text_back(text: str) -> None:
    assert ast.literal_eval(TEXT.python(text)) == text


@rarely
@given(st.lists(LINES, min_size=20, max_size=20))
@example(["\\", '"', "'", "'\"", '"\'"', "it's", 'say "hi"', "\\'", '\\"', 'don\'t say "hi"'])
def test_python_is_unchanged_by_ruff(lines: list[str]) -> None:
    source = "".join(f"{TEXT.python(line)}\n" for line in lines)

    assert ruff("format", "-", source=f'"""Doc."""\n\n{source}') == f'"""Doc."""\n\n{source}'


def docstrings(lines: list[str]) -> str:
    alone = "\n\n\n".join(
        f'def function_{number}() -> None:\n    """{TEXT.docstring(line)}"""'
        for number, line in enumerate(lines)
    )
    return f'"""First {TEXT.docstring(lines[0])} last."""\n\n\n{alone}\n'


@rarely
@given(st.lists(LINES, min_size=10, max_size=10))
@example(['"', '""', '"""', '""""', 'a"', '"a', 'a"""b', "\\", 'a\\"', "\\N{DIGIT ONE}"])
def test_docstring_reads_the_text_back_unchanged_by_ruff(lines: list[str]) -> None:
    source = docstrings(lines)

    module = ast.parse(source)
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    assert [ast.get_docstring(node, clean=False) for node in functions] == lines
    assert ast.get_docstring(module, clean=False) == f"First {lines[0]} last."
    assert ruff("format", "-", source=source) == source
    ruff("check", "--select=D301,W,E9", "-", source=source)


@rarely
@given(st.lists(LINES, min_size=10, max_size=10))
@example(["# noqa", "x # noqa: F401", "#NOQA", "##  noqa", "# type: ignore", "#"])
def test_comment_is_unchanged_by_ruff_and_no_directive(lines: list[str]) -> None:
    comments = [f"# About {TEXT.comment(line)}\n" for line in lines]
    source = "".join(comments)

    assert all(comment.count("#") == 1 for comment in comments)
    assert ruff("format", "-", source=source) == source
    ruff("check", "--select=RUF100", "-", source=source)


def ruff(*arguments: str, source: str) -> str:
    result = subprocess.run(
        ["ruff", arguments[0], "--isolated", "--no-cache", *arguments[1:]],
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{source}\n{result.stdout}{result.stderr}"
    return result.stdout


# ------------------------------------------------------------------------------------- Markdown


@moderately
@given(LINES)
@example("1. first")
@example("- item")
@example("=== x")
@example("# heading #")
@example("a | b")
@example("~~~ x")
@example("&amp; <b> [x](y) ![x](y) `x` *x* _x_ ~x~ http://x.y <http://x.y>")
@example("a\\")
def test_markdown_shows_only_the_text(text: str) -> None:
    markdown = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    shown = TEXT.markdown(text)

    assert outline(markdown, f"# {shown}") == [("heading_open", ""), ("inline", text)]
    assert outline(markdown, shown) == [("paragraph_open", ""), ("inline", text)]
    assert outline(markdown, f"before\n\n{shown}\n\nafter")[2:4] == [
        ("paragraph_open", ""),
        ("inline", text),
    ]
    assert text in [shown for _, shown in outline(markdown, f"| a |\n| - |\n| {shown} |")]


def outline(markdown: MarkdownIt, source: str) -> list[tuple[str, str]]:
    """Return the types of all blocks, with the text of blocks that contain only text."""
    return [
        (token.type, "".join(_shown(child.type, child.content) for child in token.children or ()))
        for token in markdown.parse(source)
        if not token.type.endswith("_close")
    ]


def _shown(kind: str, content: str) -> str:
    return content if kind in {"text", "text_special"} else f"<{kind}>"


# ------------------------------------------------------------------------------------- refusals


JOINERS = "\u200c\u200d"
BETWEEN_LETTERS = re.compile(rf"(?<=[^\s{JOINERS}])[{JOINERS}](?=[^\s{JOINERS}])")


@moderately
@given(st.text(st.characters() | st.sampled_from(JOINERS), max_size=12))
def test_only_one_visible_line_is_accepted(text: str) -> None:
    visible = BETWEEN_LETTERS.sub("", text)
    is_fine = 1 <= len(text) <= 10 and visible.isprintable() and text == text.strip()

    assert (TEXT.line_error(text, 10) == "") is is_fine


@pytest.mark.parametrize(
    "text",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d\u200d",
        "\ufeff",
        "\x7f",
        "\x85",
        "\u2028",
        "\xa0",
        "\u00ad",
    ],
)
def test_invisible_characters_are_refused(text: str) -> None:
    assert TEXT.line_error(f"a{text}b", 64)


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "\U0001f469\u200d\U0001f4bb",
    ],
    ids=["Persian", "Hindi", "emoji"],
)
def test_joiners_are_accepted_within_words_only(text: str) -> None:
    assert TEXT.line_error(text, 64) == ""
    for joiner in JOINERS:
        for padded in (joiner + text, text + joiner, f"{text} {joiner}{text}"):
            assert TEXT.line_error(padded, 64)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada@example.com",
        "a.b+c_d%e-f@sub.example.co.uk",
        "z.o'brien@example.com",
        "!#$%&'*+/=?^_`{|}~-@example.com",
    ],
)
def test_email_addresses_are_accepted(text: str) -> None:
    assert TEXT.email_error(text) == ""


@pytest.mark.parametrize(
    "text", ["a", "@", "a@b", "a@b.c\n", "a b@c.de", "<a@b.cd>", "a@b..cd", "ä@b.cd"]
)
def test_other_email_addresses_are_refused(text: str) -> None:
    assert TEXT.email_error(text)


@pytest.mark.parametrize(
    "text",
    ["http://localhost:3000", "https://example.com", "https://git.example.com:8443/a/b-c/d_e.git"],
)
def test_web_addresses_are_accepted(text: str) -> None:
    assert TEXT.url_error(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "ftp://a.b", "https://", "https:///a", "https://a.b/", "https://a.b//c", "https://u:p@a.b",
        "https://a.b/c?d", "https://a.b/c#d", "https://a.b/$x", "https://a.b/c d", "https://a.b\n",
        "javascript:x", f"https://a.b/{'x' * 200}",
    ],
)  # fmt: skip
def test_other_web_addresses_are_refused(text: str) -> None:
    assert TEXT.url_error(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "a-_b", "a b", "ä", "a\n", "x" * 40])
def test_other_accounts_are_refused(text: str) -> None:
    assert TEXT.account_error(text)


@pytest.mark.parametrize("text", ["a", "Ada-Lovelace-1843", "ada-l_engines"])
def test_accounts_are_accepted(text: str) -> None:
    assert TEXT.account_error(text) == ""
