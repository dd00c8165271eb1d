"""What the documentation names is there."""

import re
import shutil
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT, Answers
from extensions.maintenance.documentation import pages
from tests.support.blocks import missing_rows
from tests.support.budget import BUDGET
from tests.support.history import substitute
from tests.support.mutations import mutations_of
from tests.support.projection import project, sources
from tests.support.projects import PEOPLE, QUESTIONNAIRE, SWITCHES, covering, name_of, render

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
DOCUMENTS = [
    str(path.relative_to(ROOT))
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
]


@pytest.fixture(scope="module")
def everything(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with every block on."""
    return render(template, tmp_path_factory.mktemp("standards") / "my-app", PEOPLE | EVERYTHING)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip())
def test_standard_has_its_file_and_its_proof(row: list[str], everything: Path) -> None:
    roots = {"project": everything, "template": ROOT}

    for cell in row[3:5]:
        paths = [roots[root] / path for root, path in re.findall(r"`(\w+):([^`]+)`", cell)]
        assert paths, row
        assert [path for path in paths if not path.exists()] == []
        for name in re.findall(r"\btest_\w+", re.sub(r"`.*?`", "", cell)):
            assert any(f"def {name}" in path.read_text() for path in paths), name


def test_every_standard_has_a_row() -> None:
    """The first 38 were given; who adds a rule adds the next number."""
    assert len(ROWS) >= 38
    assert [int(row[1]) for row in ROWS] == list(range(1, len(ROWS) + 1))


@pytest.mark.parametrize("answers", covering(2), ids=name_of)
def test_walk_of_a_request_names_what_is_there(answers: Answers) -> None:
    files = dict(filter(None, (project(source, answers) for source in sources())))
    walk = re.findall(r"^\| `([\w/]+\.py)` \| `(\w+)` \|", files["README.md"], re.MULTILINE)

    assert bool(walk) == answers["example"]
    for module, name in walk:
        (code,) = (text for path, text in files.items() if re.fullmatch(rf"src/\w+/{module}", path))
        assert re.search(rf"^\s*(?:async def|def|class) {name}\b", code, re.MULTILINE), name


@pytest.mark.parametrize("name", SWITCHES)
def test_block_misses_no_row(name: str) -> None:
    missing = missing_rows(ROOT, name)

    assert not missing, " ".join(missing)


@pytest.mark.parametrize("name", [name for name in SWITCHES if not name.startswith("own_")])
def test_block_has_a_proof_that_can_fail(name: str) -> None:
    """Blocks of forks are spared: how they prove these is theirs to say."""
    breakages = [*mutations_of("project", name), *mutations_of("template", name)]
    files = [ROOT / each.file for each in breakages if each.file.startswith("template/")]
    own = [file for file in files if name in QUESTIONNAIRE.answers_deciding(file)]

    assert own, f"tests/mutations/project/{name}.toml breaks no file of {name}: add a row."


def test_block_without_rows_is_told_each_in_a_sentence(template: Path, tmp_path: Path) -> None:
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
        "add one in tests/ that looks at its files.",
        "add what it needs.",
        "add a folder.",
        "write docs/blocks/telepathy.md.",
        "add a row.",
        "run `uv run python -m extensions docs`.",
    }


@pytest.mark.parametrize("name", pages())
def test_written_page_is_current(name: str) -> None:
    written = (ROOT / name).read_text()

    assert written == pages()[name], "Run `uv run python -m extensions docs`."


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_contributing_shows_the_budget_of_each_tier() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()

    rows = re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.MULTILINE)

    assert {tier: int(minutes) for tier, minutes in rows} == BUDGET
