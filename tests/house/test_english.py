"""Plain English in every text that a person reads: in rendered projects and in this repository."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support.projection import project, sources
from tests.support.projects import covering

pytestmark = pytest.mark.quick

REFUSED: Mapping[str, str] = {
    "shall": "the imperative or the present tense",
    "whoever": "a noun, as in `clients that`",
    "of one's own": "`your own` or `its own`",
    "anew": "`again`",
    "for long(?=[.,;:!?)])": "`for a long time`, or the time itself",
    "tells? whether": "`check`, or a noun phrase",
    "is given": "the active voice, as in `takes` or `if there is`",
    "that which": "`the one that`, or a noun",
    "as it is": "`unchanged`, or the state itself",
    "replaces? `[^`]+` by": "`replace … with`",
}
"""Refused phrases as patterns, each with a better way to write it."""

PHRASES = {
    re.compile(rf"(?<![\w-]){phrase.replace(' ', r'\s+')}(?![\w-])", re.IGNORECASE): better
    for phrase, better in REFUSED.items()
}
CLAUSE = re.compile(r"(What|Which|Whether|How|Who|Whose|Whom|Where|Why)\b")
LONGEST = 60
QUOTES = re.compile(r"""^[bfru]*(\"{3}|'{3}|"|')|(\"{3}|'{3}|"|')$""", re.IGNORECASE)

QUOTED: Mapping[str, str] = {
    "CHANGELOG.md": "made from the messages of past commits",
    "LICENSE": "a licence is quoted to the letter",
    "tests/house/test_english.py": "lists the phrases",
    "tests/mutations/template/house.toml": "breaks these rules on purpose",
}
"""Files that may contain the phrases, and the reason."""

OWN = ("*.md", "*.toml", "*.yml", ".ci/*", ".github/**/*", "bench/**/*", "docs/**/*")
OWN_CODE = ("extensions/**/*", "start/**/*", "tests/**/*")
BINARY = (".gif", ".jpg", ".png", ".pyc", ".svg", ".webp")


@cache
def rendered() -> frozenset[tuple[str, str]]:
    """Return the path and text of each file of projects that together have every answer."""
    found = (project(source, answers) for answers in covering(1) for source in sources())
    return frozenset(filter(None, found))


@cache
def own() -> frozenset[tuple[str, str]]:
    """Return the path and text of each file of this repository outside `template/`."""
    paths = {path for pattern in (*OWN, *OWN_CODE) for path in ROOT.glob(pattern)}
    return frozenset(
        (path.relative_to(ROOT).as_posix(), path.read_text())
        for path in paths
        if path.is_file() and path.suffix not in BINARY
    )


def prose_of(path: str, text: str) -> str:
    """Return the text with only its prose, each line in its place."""
    if not path.endswith(".py"):
        return re.sub(r"^[ >]*#+(?= )", "", text, flags=re.MULTILINE)
    lines = [""] * (text.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING, tokenize.FSTRING_MIDDLE}:
            for number, line in enumerate(token.string.split("\n"), token.start[0] - 1):
                lines[number] += f" {QUOTES.sub('', line.strip().lstrip('#'))}"
    return "\n".join(lines)


def phrases_in(path: str, text: str) -> Iterator[str]:
    """Describe each refused phrase of a file."""
    if path in QUOTED:
        return
    prose = prose_of(path, text)
    for pattern, better in PHRASES.items():
        for found in pattern.finditer(prose):
            line = prose.count("\n", 0, found.start()) + 1
            phrase = " ".join(found[0].split())
            yield f"{path}:{line}: instead of `{phrase}` write {better}."


def definitions_in(path: str, text: str) -> Iterator[str]:
    """Describe each docstring that begins with a clause, and each long name of a test."""
    if not path.endswith(".py"):
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        line, name = (1, "") if isinstance(node, ast.Module) else (node.lineno, node.name)
        first = (ast.get_docstring(node) or "").partition("\n")[0]
        if CLAUSE.match(first):
            better = "begin with a verb or a noun, as in an index"
            yield f"{path}:{line}: instead of `{first}` {better}."
        if name.startswith("test_") and len(name) > LONGEST:
            better = f"test_<unit>_<scenario>_<expected> in {LONGEST} characters"
            yield f"{path}:{line}: instead of `{name}` write {better}."


def assert_none(found: Iterator[str]) -> None:
    if listed := sorted(set(found)):
        pytest.fail("\n".join(listed), pytrace=False)


def test_english_rendered_texts_avoid_refused_phrases() -> None:
    assert_none(line for path, text in rendered() for line in phrases_in(path, text))


def test_english_rendered_definitions_fit_an_index() -> None:
    assert_none(line for path, text in rendered() for line in definitions_in(path, text))


def test_english_own_texts_avoid_refused_phrases() -> None:
    assert_none(line for path, text in own() for line in phrases_in(path, text))


def test_english_own_definitions_fit_an_index() -> None:
    assert_none(line for path, text in own() for line in definitions_in(path, text))


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.md", "Text.\n\nThat\nwhich is there.\n", 3),
        ("a.md", "Text.\n\nIn `a`, replace `b`\nby:\n", 3),
        ("a.yml", "a: 1  # b\n# Never\n# anew.\n", 3),
        ("a.toml", '[a]\nhelp = "Shall it?"\n', 2),
        ("a.py", "a = 1\n# This is\n# given.\n", 2),
        ("a.py", 'def f():\n    """Run.\n\n    A table of one\'s own.\n    """\n', 4),
        ("a.py", 'a = (\n    "It is kept as "\n    f"it is {a}."\n)\n', 2),
        ("a.py", 'a = f"{a} waits for long."\n', 1),
        ("a.py", 'a = "Tell whether"\n', 1),
    ],
)
def test_english_refused_phrase_is_found_with_its_line(path: str, text: str, line: int) -> None:
    (found,) = phrases_in(path, text)

    assert found.startswith(f"{path}:{line}: instead of `")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "shall = is_given(anew_call, whoever=1)\n"),
        ("a.md", "Long requests hold for long-running jobs, and for long answers.\n"),
        ("LICENSE", "The licence shall apply.\n"),
    ],
)
def test_english_names_and_quotes_are_allowed(path: str, text: str) -> None:
    assert [*phrases_in(path, text)] == []


def test_english_clauses_and_long_names_are_found() -> None:
    name = f"test_{'x' * 60}"
    text = f'"""What it does."""\n\n\nclass A:\n    """How."""\n\n    def {name}(): ...\n'

    found = sorted(definitions_in("a.py", text))

    assert [line.partition(" ")[0] for line in found] == ["a.py:1:", "a.py:4:", "a.py:7:"]


def test_english_exceptions_name_existing_files() -> None:
    assert [path for path in QUOTED if not (ROOT / Path(path)).is_file()] == []
