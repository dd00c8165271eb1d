"""Free text arrives unchanged, or is refused in one line."""

import ast
import json
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from extensions.contract.questionnaire import Answers, InvalidAnswersError
from tests.support.projection import project, sources
from tests.support.projects import PEOPLE, QUESTIONNAIRE, render

pytestmark = pytest.mark.quick

VISIBLE = [
    *(
        "'",
        '"',
        '"""',
        "'''",
        "\\",
        "\\n",
        "\\u0041",
        "`",
        "```",
        "$",
        "${{ github.token }}",
        "$HOME",
    ),
    *("{{ 7 * 7 }}", "{% raw %}", "{# #}", "{", "}", "#", "# noqa", "- ", "1. ", "> ", ": ", " #"),
    *(
        "<script>",
        "&amp;",
        "[x](y)",
        "![x](y)",
        "*",
        "_",
        "~~",
        "|",
        "=",
        "+ ",
        "---",
        "&",
        "!",
        "%",
    ),
    *("é", "ß", "日本", "🎉", "a", " ", "Words and more words", "a\u200db", "می\u200cخواهم"),
]
INVISIBLE = [
    "\u202e",
    "\u200b",
    "\u00a0",
    "\u00ad",
    "\x00",
    "\x1b[31m",
    "\n",
    "\t",
    "\x85",
    "\ud800",
]


def _without_joiners(text: str) -> str:
    return re.sub(r"(?<=[^\s\u200c\u200d])[\u200c\u200d](?=[^\s\u200c\u200d])", "", text)


GOOD_TEXT = (
    st.lists(st.sampled_from(VISIBLE) | st.text(max_size=5), min_size=1, max_size=6)
    .map(lambda parts: "".join(parts)[:64].strip())
    .filter(lambda text: _without_joiners(text).isprintable() and text != "")
)
BAD_TEXT = st.tuples(GOOD_TEXT, st.sampled_from(INVISIBLE), GOOD_TEXT).map("".join)
MARKDOWN = MarkdownIt()
DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
FREE_TEXTS = [
    question.name
    for question in QUESTIONNAIRE.questions
    if question.is_stored and question.type == "str" and question.validator
]


@cache
def answers_read(source: Path) -> frozenset[str]:
    return QUESTIONNAIRE.answers_read(source)


def readers_of(*questions: str) -> list[Path]:
    """Return the files that contain an answer to any of the questions."""
    return [source for source in sources() if answers_read(source) & {*questions}]


@given(
    question=st.sampled_from(["project_name", "project_description", "user_name"]), text=BAD_TEXT
)
def test_invisible_text_is_refused_in_one_line(question: str, text: str) -> None:
    with pytest.raises(InvalidAnswersError) as refusal:
        QUESTIONNAIRE.complete(PEOPLE | {"project_slug": "my-app", question: text})

    (line,) = refusal.value.errors
    assert line.startswith(f"{question}: Not a valid line. Enter 1 to")


@example(name='Say "hi"', description="back\\slash", author="It's")
@given(name=GOOD_TEXT, description=GOOD_TEXT, author=GOOD_TEXT)
def test_visible_text_arrives_unchanged(name: str, description: str, author: str) -> None:
    texts: Answers = {
        "project_name": name,
        "project_description": description,
        "user_name": author,
        "project_slug": "my-app",
    }
    answers = QUESTIONNAIRE.complete(PEOPLE | texts)

    readers = readers_of("project_name", "project_description", "user_name")
    files = dict(filter(None, (project(source, answers) for source in readers)))
    check_project_table(files["pyproject.toml"], answers)
    check_application(files["src/my_app/main.py"], answers)
    check_readme(files["README.md"], answers)
    assert str(answers["user_name"]) in files["LICENSE"]
    assert files.keys() == {"LICENSE", "README.md", "pyproject.toml", "src/my_app/main.py"}


@settings(max_examples=500)
@given(
    question=st.sampled_from(FREE_TEXTS),
    piece=st.sampled_from([*VISIBLE, *INVISIBLE]) | st.text(max_size=3),
    place=st.integers(0, 30),
)
def test_any_answer_is_refused_or_every_file_parses(question: str, piece: str, place: int) -> None:
    usual = str(DEFAULTS[question])
    text = usual[:place] + piece + usual[place:]
    try:
        answers = QUESTIONNAIRE.complete(PEOPLE | {question: text})
    except InvalidAnswersError as refusal:
        (line,) = refusal.errors
        assert line.startswith(f"{question}: ")
        return

    assert answers[question] == text
    files = (project(source, answers) for source in readers_of(question))
    for path, content in filter(None, files):
        parse(path, content)


def parse(path: str, content: str) -> None:
    match path.rpartition(".")[2]:
        case "json":
            json.loads(content)
        case "py":
            ast.parse(content)
        case "toml":
            tomllib.loads(content)
        case "yaml" | "yml":
            list(yaml.safe_load_all(content))
        case _:
            assert _without_joiners(content).replace("\n", "").isprintable(), path


def check_project_table(text: str, answers: Answers) -> None:
    table = tomllib.loads(text)["project"]
    assert table["description"] == answers["project_description"]
    assert table["authors"][0]["name"] == answers["user_name"]


def check_application(text: str, answers: Answers) -> None:
    keywords = {
        keyword.arg: keyword.value.value
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }
    assert keywords["title"] == answers["project_name"]
    assert keywords["description"] == answers["project_description"]


def check_readme(text: str, answers: Answers) -> None:
    heading, paragraph = [token for token in MARKDOWN.parse(text) if token.type == "inline"][:2]
    assert read_aloud(heading.children) == answers["project_name"]
    assert read_aloud(paragraph.children) == answers["project_description"]


def read_aloud(tokens: list[Token] | None) -> str:
    assert tokens
    assert {token.type for token in tokens} <= {"text"}
    return "".join(token.content for token in tokens)


@pytest.mark.long
@pytest.mark.parametrize(
    "text",
    [
        "It's",
        'Say "hi"',
        """Both ' and \"""",
        "back\\slash",
        "'''",
        '"""',
        "日本 🎉",
        "Ada’s – ×",
        "tail\\",
    ],
)
def test_python_with_any_text_is_formatted(text: str, template: Path, tmp_path: Path) -> None:
    texts: Answers = {"project_name": text, "project_description": text, "user_name": text}
    folder = render(template, tmp_path / "my-app", PEOPLE | texts | {"project_slug": "my-app"})

    subprocess.run(["ruff", "format", "--check", "--no-cache", "."], cwd=folder, check=True)
    subprocess.run(["ruff", "check", "--no-cache", "--quiet", "."], cwd=folder, check=True)
    stored = yaml.safe_load((folder / ".copier-answers.yml").read_text())
    assert stored["project_name"] == text
