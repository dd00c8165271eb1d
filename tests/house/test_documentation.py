"""Everything that the documentation names exists."""

import re
import shutil
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from extensions.maintenance.documentation import pages
from tests.support.blocks import missing_rows
from tests.support.budget import BUDGET
from tests.support.history import substitute
from tests.support.mutations import mutations_of
from tests.support.pages import broken_links, own_pages, programs_in, unchecked_blocks, walkers
from tests.support.projects import PEOPLE, QUESTIONNAIRE, SWITCHES, render
from tests.support.steps import CLAUDE, steps_of

pytestmark = pytest.mark.quick

EVERYTHING = {
    question.name: True if question.type == "bool" else question.values[-1]
    for question in QUESTIONNAIRE.questions
    if question.name in QUESTIONNAIRE.blocks
}
ROWS = [
    line.split("|")
    for line in (ROOT / "docs/standards.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]
OWN_PAGES = own_pages()


@pytest.fixture(scope="module")
def everything(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with every block on."""
    return render(template, tmp_path_factory.mktemp("standards") / "my-app", PEOPLE | EVERYTHING)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip())
def test_standard_has_its_file_and_proof(row: list[str], everything: Path) -> None:
    roots = {"project": everything, "template": ROOT}

    for cell in row[3:5]:
        paths = [roots[root] / path for root, path in re.findall(r"`(\w+):([^`]+)`", cell)]
        assert paths, row
        assert [path for path in paths if not path.exists()] == []
        for name in re.findall(r"\btest_\w+", re.sub(r"`.*?`", "", cell)):
            assert any(f"def {name}" in path.read_text() for path in paths), name


def test_every_standard_has_a_row() -> None:
    """The first 38 came with the template; each new rule adds the next number."""
    assert len(ROWS) >= 38
    assert [int(row[1]) for row in ROWS] == list(range(1, len(ROWS) + 1))


@pytest.mark.parametrize("name", SWITCHES)
def test_block_has_every_row(name: str) -> None:
    missing = missing_rows(ROOT, name)

    assert not missing, " ".join(missing)


@pytest.mark.parametrize("name", [name for name in SWITCHES if not name.startswith("own_")])
def test_block_has_a_failing_mutation(name: str) -> None:
    """Skips the blocks of forks, which choose their own proofs."""
    breakages = [*mutations_of("project", name), *mutations_of("template", name)]
    files = [ROOT / each.file for each in breakages if each.file.startswith("template/")]
    own = [file for file in files if name in QUESTIONNAIRE.answers_deciding(file)]

    assert own, f"tests/mutations/project/{name}.toml breaks no file of {name}: add a row."


def test_block_without_rows_is_reported_in_sentences(template: Path, tmp_path: Path) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    shutil.copytree(ROOT / "docs", root / "docs")
    shutil.copy(ROOT / "README.md", root)
    code = root / "template/src/{{ package_name }}/telepathy"

    sentences = missing_rows(root, "telepathy")
    code.mkdir()
    (code / "__init__.py").touch()
    row = "{% set own_blocks = {\n    'telepathy': telepathy,"
    substitute(root / "extensions/own.jinja", "{% set own_blocks = {", row)
    sentences += missing_rows(root, "telepathy")

    assert {sentence.rpartition(": ")[2] for sentence in sentences} == {
        "give its folders rows in extensions/files.jinja.",
        "add one in tests/ that checks its files.",
        "add what it uses.",
        "add a folder.",
        "write docs/blocks/telepathy.md.",
        "add a row.",
        "run `uv run python -m extensions docs`.",
    }


@pytest.mark.parametrize("name", pages())
def test_written_page_is_current(name: str) -> None:
    written = (ROOT / name).read_text()

    assert written == pages()[name], "Run `uv run python -m extensions docs`."


def test_links_have_existing_targets() -> None:
    assert [*broken_links(OWN_PAGES, lambda path: (ROOT / path).exists())] == []


def test_blocks_of_pages_are_run_or_checked() -> None:
    """Those of a project's pages are checked in `tests/rendering/test_pages.py`."""
    programs = programs_in(OWN_PAGES.values())
    code = (ROOT / "template").rglob("*.py.jinja")
    known = "".join(path.read_text() for path in code) + " Order order_id"

    for page, text in OWN_PAGES.items():
        assert [*unchecked_blocks(text, programs=programs, known=known)] == [], page


def test_block_that_nothing_checks_is_reported() -> None:
    page = "\n\n".join(
        f"Sentence.\n\n```{language}\n{text}\n```"
        for language, text in {
            "": "uv run",
            "bash": "uv run",
            "text": "uv run",
            "json": "{",
            "python": "Missing()",
            "nginx": "a;",
        }.items()
    )

    found = [*unchecked_blocks(page, programs={"uv"}, known="")]

    assert [each.partition(",")[0] for each in found] == [
        "``",
        "`bash`",
        "`text`",
        "`json`",
        "`python`",
        "`nginx`",
    ]


def test_pages_with_steps_have_a_test_that_follows_them() -> None:
    """A copy for another agent is equal to its original."""
    template = ROOT / "template"
    written = [
        (path.relative_to(template).as_posix().removesuffix(".jinja"), path.read_text())
        for path in template.rglob("*.md.jinja")
    ]
    pages = [each for each in (*OWN_PAGES.items(), *written) if not each[0].startswith(CLAUDE)]
    with_steps = {
        page
        for page, text in pages
        if any(step.is_run or step.is_placed for step in steps_of(text))
    }

    assert {page for page in with_steps if not walkers(page)} == set()
    assert len(with_steps) >= 20


def test_blocks_of_pages_are_read_in_one_place() -> None:
    """Modules that search for blocks themselves may miss some."""
    modules = {path.name: path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    searching = {name for name, code in modules.items() if re.search(r'r"`{3}(?!\.\*\?)', code)}

    assert searching == {"test_front_page.py"}


def test_contributing_shows_the_budget_of_each_tier() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()

    rows = re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.MULTILINE)

    assert {tier: int(minutes) for tier, minutes in rows} == BUDGET
