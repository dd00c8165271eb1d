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
from tests.support.projects import PEOPLE, QUESTIONNAIRE, SWITCHES, render

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


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_have_existing_targets(name: str) -> None:
    document = ROOT / name
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target


COMMANDS = {
    "README.md": "delivery/test_readme",
    "docs/adopting.md": "updates/test_adopting",
    "docs/blocks/auth.md": "updates/test_switches_running",
    "docs/blocks/jobs.md": "updates/test_switches_running",
    "docs/blocks/example.md": "updates/test_resources",
    "docs/fleet.md": "updates/test_fleet",
    "docs/house-standards.md": "updates/test_house_standards",
    "docs/own-blocks.md": "updates/test_fleet",
    "docs/updating.md": "delivery/test_readme",
    "template/.agents/skills/add-resource/SKILL.md.jinja": "delivery/test_skills",
    "template/.agents/skills/add-setting/SKILL.md.jinja": "delivery/test_skills",
    "template/.agents/skills/call-service/SKILL.md.jinja": "delivery/test_skills",
    "template/.agents/skills/change-tables/SKILL.md.jinja": "delivery/test_skills",
    "template/.agents/skills/review-change/SKILL.md.jinja": "delivery/test_skills",
    "template/.agents/skills/update-from-template/SKILL.md.jinja": "delivery/test_skills",
    "template/AGENTS.md.jinja": "delivery/test_readme",
    "template/CONTRIBUTING.md.jinja": "delivery/test_readme",
    "template/README.md.jinja": "delivery/test_readme",
    "template/deploy/kubernetes/README.md.jinja": "delivery/test_readme",
    "template/docs/clients.md.jinja": "delivery/test_clients",
    "template/docs/example.md.jinja": "delivery/test_readme",
    "template/docs/resource.md.jinja": "delivery/test_readme",
    "template/docs/jobs.md.jinja": "delivery/test_jobs",
    "template/docs/runbook.md.jinja": "delivery/test_runbook",
    "template/docs/tables.md.jinja": "delivery/test_tables",
}
"""The test module that runs the commands of each page that has any."""


def test_pages_with_commands_have_a_test_that_runs_them() -> None:
    pages_of_projects = (ROOT / "template").rglob("*.md.jinja")
    paths = [*(ROOT / name for name in DOCUMENTS), *pages_of_projects]
    with_commands = {
        path.relative_to(ROOT).as_posix() for path in paths if "```shell" in path.read_text()
    }

    assert with_commands == COMMANDS.keys(), "Run its commands in a test, and name that here."
    for page, module in COMMANDS.items():
        test = (ROOT / f"tests/{module}.py").read_text()
        name = page.removeprefix("template/").removesuffix(".jinja")
        assert (Path(name).parent.name if name.endswith("SKILL.md") else name) in test, page


def test_contributing_shows_the_budget_of_each_tier() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()

    rows = re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.MULTILINE)

    assert {tier: int(minutes) for tier, minutes in rows} == BUDGET
