"""Skills for coding agents: each step works to the letter."""

import ast
import os
import re
import sys
import tomllib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv
import yaml

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.delivery import PROJECTS, ran
from tests.support.history import PRESENT, PREVIOUS, History, Project, git, isolated_git
from tests.support.projection import FOLDER, files_of, sources
from tests.support.projects import PEOPLE, Workshop, covering, name_of
from tests.support.steps import AGENTS, steps_of

PROGRAMS = {
    "uv": f"""\
#!/bin/sh
[ "$1 $2 $3" = "run python -m" ] && shift 2 && exec "{sys.executable}" "$@"
exec "{uv.find_uv_bin()}" "$@"
""",
    "uvx": f"""\
#!/bin/sh
case "$1" in copier*) shift && exec "{sys.executable}" -m copier "$@" ;; esac
""",
}
"""What commands of skills call: no other machine, and the packages of these tests."""

ON: Answers = PEOPLE | {
    "database": "sqlite",
    "auth": "jwt",
    "cache": True,
    "http_client": True,
    "observability": True,
    "example": False,
}
CHANGES = ("add-setting", "add-resource", "change-tables", "call-service")
"""The skills that change code; each works on what those before it have added."""

CHANGED = (
    *("src/my_app/config.py", "src/my_app/main.py", "src/my_app/routers/resources.py"),
    *("docs/settings.md", ".env.example"),
)
FEW_TESTS = "tests/integration/test_docs.py tests/integration/test_openapi.py"


@dataclass(frozen=True)
class Agent:
    """Somebody who follows skills.

    Attributes:
        folder: Where the skills are.
        variables: The environment of the commands.
    """

    folder: Path
    variables: Mapping[str, str]

    @property
    def skills(self) -> set[str]:
        """The names of the skills."""
        return {path.name for path in (self.folder / AGENTS).iterdir()}

    def follow(self, skill: str, tests: str = "") -> None:
        """Do each step of a skill, and of the whole suite run these tests only."""
        for step in steps_of((self.folder / AGENTS / skill / "SKILL.md").read_text()):
            if step.is_run:
                self.run(step.text, PYTEST_ADDOPTS=tests)
            else:
                step.edit(self.folder)

    def run(self, commands: str, **variables: str) -> None:
        """Run commands, all of which must work."""
        shell = ("bash", "-euc", commands)
        result = ran(*shell, folder=self.folder, variables={**self.variables, **variables})
        assert result.returncode == 0, f"{commands} failed:\n{result.stdout[-8000:]}"


@pytest.fixture
def variables(workshop: Workshop, tmp_path: Path) -> Generator[dict[str, str]]:
    """The environment of an agent: git without this machine's configuration, and own programs."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in PROGRAMS.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    with isolated_git(tmp_path):
        isolated = {name: os.environ[name] for name in os.environ if name.startswith("GIT_CONFIG")}
        path = os.pathsep.join([str(tools), workshop.environment["PATH"]])
        yield workshop.environment | isolated | {"PATH": path, "UV_OFFLINE": "1"}


def agent_in(folder: Path, workshop: Workshop, variables: Mapping[str, str]) -> Agent:
    """Return an agent in a project, whose environment is one of the workshop's."""
    environment = str(workshop.environment_of(folder))
    return Agent(folder, {**variables, "UV_PROJECT_ENVIRONMENT": environment})


def test_skills_of_changes_end_in_a_review_that_passes(
    workshop: Workshop, variables: dict[str, str]
) -> None:
    agent = agent_in(workshop.make(ON), workshop, variables)
    agent.run("uv run my-app openapi --output openapi.json")
    agent.run("git init --quiet; git add --all; git commit --quiet --message=begin")

    for skill in CHANGES:
        agent.follow(skill)
    agent.follow("review-change", FEW_TESTS)

    assert {*CHANGES, "review-change", "update-from-template"} == agent.skills
    operations = (agent.folder / "openapi.json").read_text()
    assert '"rooms_list"' in operations
    assert '"exchange_read_rate"' in operations
    assert {*CHANGED} <= {*git(agent.folder, "diff", "--name-only").splitlines()}


def test_skill_of_updates_takes_the_newest_release(
    history: History, workshop: Workshop, variables: dict[str, str], tmp_path: Path
) -> None:
    project = history.copy(tmp_path / "my-app", PROJECTS["default"], PREVIOUS)
    agent = agent_in(project.path, workshop, variables)

    agent.follow("update-from-template", FEW_TESTS)

    answers = yaml.safe_load((agent.folder / ".copier-answers.yml").read_text())
    assert answers["_commit"] == PRESENT
    assert project.git("log", "-1", "--format=%D %s").startswith("HEAD -> template-update build: ")
    assert project.changes() == []
    assert {"openapi.json", "uv.lock"} <= {*project.git("ls-files").splitlines()}


def test_skill_of_the_template_creates_a_service(
    history: History, workshop: Workshop, variables: dict[str, str], tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(history.repository), "template")
    skills = tmp_path / "template" / AGENTS
    skills.parent.mkdir()
    skills.symlink_to(ROOT / AGENTS)
    environment = str(workshop.folder / "python-3.13")
    agent = Agent(tmp_path / "template", {**variables, "UV_PROJECT_ENVIRONMENT": environment})

    agent.follow("create-service", FEW_TESTS)

    service = Project(tmp_path / "room-booking", tmp_path / "room-booking")
    answers = yaml.safe_load(service.read(".copier-answers.yml"))
    assert (answers["database"], answers["_commit"]) == ("sqlite", PRESENT)
    assert answers["_src_path"] == str(history.repository)
    assert service.changes() == []


# ---------------------------------------------------------------------------- every combination


@pytest.mark.quick
@pytest.mark.parametrize("answers", covering(2), ids=name_of)
def test_skill_steps_find_their_places(answers: Answers) -> None:
    """Without the files of the scaffold, which `test_skills_of_changes` covers."""
    wanted = [each for each in sources() if each.suffix == ".jinja" and is_changed(each)]
    files = files_of(answers, wanted)
    skills = [f"{AGENTS}/{name}/SKILL.md" for name in CHANGES]

    for skill in (each for each in skills if each in files):
        for step in steps_of(files[skill]):
            if not step.is_run and not re.search(r"rooms\.py$", step.path):
                files[step.path] = step.edited(files.get(step.path))

    for name, text in files.items():
        if name.endswith(".py"):
            ast.parse(text)
    tomllib.loads(files["pyproject.toml"])


def is_changed(source: Path) -> bool:
    """Return whether a file is a skill or may be changed by one."""
    path = source.relative_to(FOLDER)
    return path.match(f"{AGENTS}/*/*") or path.name in {
        *(".env.example.jinja", "settings.md.jinja", "pyproject.toml.jinja"),
        *("config.py.jinja", "main.py.jinja", "resources.py.jinja"),
    }
