"""What the documentation names is there."""

import re
from pathlib import Path

import pytest

from extensions.questionnaire import ROOT
from tests.projects import PEOPLE, QUESTIONNAIRE, render

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
        for name in re.findall(r"` (test_\w+)", cell):
            assert any(f"def {name}" in path.read_text() for path in paths), name


def test_every_standard_has_a_row() -> None:
    assert [int(row[1]) for row in ROWS] == list(range(1, 39))


def test_every_block_has_a_page() -> None:
    pages = {page.stem for page in (ROOT / "docs/blocks").glob("*.md")}

    assert set(QUESTIONNAIRE.blocks) - {"example"} <= pages | {"README"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target
