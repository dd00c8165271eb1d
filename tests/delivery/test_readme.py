"""Pages that lead through commands: each command, in order, to the letter.

Calls of docker, kubectl and git-lfs are only recorded: a service with its image is built and run in
`test_image.py`, one behind its proxy in `test_proxy.py`, manifests in `test_kubernetes.py`; files
in git LFS are updated in `test_unusual.py`.
"""

import os
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
import uv

from extensions.contract.questionnaire import ROOT, Answers
from extensions.maintenance.command_line import main
from tests.support.delivery import PROJECTS, free_port, owners_variables, ran, wait_for
from tests.support.history import PRESENT, PREVIOUS, History, Project
from tests.support.projects import FAST, Workshop
from tests.support.scaffold import put_into_use
from tests.support.steps import commands_in, steps_of
from tests.support.workflows import recorder

COMPOSE = """\
[ "$1" = compose ] || exit 1
[ "$2" = -f ] && test -f "$3" || test -f docker-compose.yml
"""
TOOLS = "uv run python -m extensions "
GIT_LFS = """\
[ "$1" = checkout ]
"""
KUBECTL = """\
[ "$1" = create ] || test -d "$3"
"""
COPIER = f"""\
case "$1" in copier*) shift && exec "{sys.executable}" -m copier "$@" ;; esac
"""


@dataclass(frozen=True)
class Reader:
    """A user who follows a README.

    Attributes:
        project: The folder of the README.
        variables: The environment of the commands.
        port: The port of the service.
    """

    project: Path
    variables: dict[str, str]
    port: int

    def follow(self, command: str) -> None:
        """Run a command; stop a server, answer questions with the return key."""
        if re.search(r"\buv run my-?app( serve --reload)?$", command):
            self._serve(command)
        elif "copier" in command:
            self._answer(command)
        else:
            self._run(command)

    def _run(self, command: str) -> None:
        shell = ["bash", "-e", "-c", command]
        result = ran(*shell, folder=self.project, variables=self.variables)
        assert result.returncode == 0, f"{command} failed:\n{result.stdout[-4000:]}"

    def _serve(self, command: str) -> None:
        """Check the running service, and press Control-C."""
        with self._terminal(command) as terminal:
            for path in ("ready", "docs", "openapi.json"):
                wait_for(f"http://127.0.0.1:{self.port}/{path}", seconds=60)
            terminal.sendintr()

    def _answer(self, command: str) -> None:
        """Press return at every question."""
        with self._terminal(command) as terminal:
            while terminal.expect(["\U0001f3a4", pexpect.EOF]) == 0:
                terminal.sendline("")

    @contextmanager
    def _terminal(self, command: str) -> Generator["pexpect.spawn[str]"]:
        """Run a command in a terminal, and check that it succeeds."""
        terminal: pexpect.spawn[str] = pexpect.spawn(
            "bash",
            ["-e", "-c", command],
            cwd=str(self.project),
            env={**self.variables, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "dumb"},
            encoding="utf-8",
            timeout=60,
        )
        try:
            yield terminal
            terminal.expect(pexpect.EOF)
        finally:
            terminal.close(force=True)
        assert terminal.exitstatus == 0, terminal.before


type Begin = Callable[[Answers, str], tuple[Project, Reader]]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Stand-ins for programs that would call other machines."""
    folder = tmp_path / "tools"
    folder.mkdir()
    recorder(folder, "docker", COMPOSE)
    recorder(folder, "git-lfs", GIT_LFS)
    recorder(folder, "kubectl", KUBECTL)
    recorder(folder, "uvx", COPIER)
    (folder / "uv").symlink_to(uv.find_uv_bin())
    return folder


def reader_of(workshop: Workshop, project: Path, tools: Path) -> Reader:
    """Return a reader of the pages of a project, who begins without a database.

    Suites omit slow tests, which `test_suites.py` runs.
    """
    port = free_port()
    variables = owners_variables(workshop, project) | {
        "APP_PORT": str(port),
        "PATH": f"{tools}{os.pathsep}{workshop.environment['PATH']}",
        "PYTEST_ADDOPTS": f"-m '{FAST}'",
        "TMPDIR": str(workshop.temporary),
    }
    return Reader(project, variables, port)


@pytest.fixture
def begin(workshop: Workshop, history: History, tmp_path: Path, tools: Path) -> Begin:
    """Copies a project for a reader, by its answers and the release."""

    def begin(answers: Answers, release: str) -> tuple[Project, Reader]:
        project = history.copy(tmp_path / "my-app", answers, release)
        return project, reader_of(workshop, project.path, tools)

    return begin


@pytest.mark.parametrize("name", ["default", "on"])
def test_readme_works_verbatim(begin: Begin, tools: Path, name: str) -> None:
    project, reader = begin(PROJECTS[name], PRESENT)
    commands = list(commands_in(project.read("README.md")))
    if name == "default":
        del reader.variables["PYTEST_ADDOPTS"]  # the page that everybody follows first

    assert commands[:2] == ["uv run my-app", "uv run pytest"]
    for number, command in enumerate(commands):
        if command not in commands[number + 1 :]:  # a suite that is run again at the end
            reader.follow(command)
        if "scaffold/resource" in command:
            put_into_use(project.path, "rooms")
        commit(project)
    others = commands_in(project.read("CONTRIBUTING.md") + project.read("AGENTS.md"))
    added = [each for each in dict.fromkeys(others) if each not in commands]
    for command in added:
        reader.follow(command.replace("NAME~=1.2", "idna~=3.0"))

    assert len(commands) >= 7
    lines = (tools / "calls.txt").read_text().splitlines()
    calls = [line for line in lines if "copier~=" not in line]  # those of the preview
    assert calls == [call for call in map(recorded, [*commands, *added]) if call]


def test_first_resource_page_leads_to_a_tested_endpoint(begin: Begin) -> None:
    project, reader = begin(PROJECTS["on"], PRESENT)
    page = project.read("docs/resource.md")

    for step in steps_of(page):
        if not step.is_run:
            step.edit(project.path)
        for command in step.text.splitlines() if step.is_run else ():
            reader.follow(command)

    assert '"/api/v1/rooms"' in project.read("openapi.json")
    written = set(re.findall(r"^\| `([\w/]+rooms\w*\.py)` \|", page, re.MULTILINE))
    optional = {"cache/rooms.py", "observability/rooms.py"}
    assert {each for each in written - optional if not found(project, each)} == set()


def found(project: Project, name: str) -> bool:
    return any((project.path / folder / name).exists() for folder in ("src/my_app", ""))


@pytest.mark.parametrize(
    "answers", [PROJECTS["on"], PROJECTS["default"] | {"auth": "jwt"}], ids=["users", "issuer"]
)
def test_authentication_page_guards_routes(begin: Begin, answers: Answers) -> None:
    project, reader = begin(answers, PRESENT)
    page = project.read("docs/auth.md")

    for step in steps_of(page):
        if not step.is_run:
            step.edit(project.path)
    for command in commands_in(page):
        reader.follow(command)


def test_example_page_removes_it_from_a_database_with_rows(begin: Begin) -> None:
    project, reader = begin(PROJECTS["on"], PRESENT)
    commands = list(commands_in(project.read("docs/example.md")))
    reader.follow("uv run my-app db upgrade")
    reader.follow("uv run my-app db seed")
    project.commit()  # uv.lock

    for command in commands:
        reader.follow(command)

    kept = {".venv", "versions"}  # migrations stay
    left = [path for path in project.path.rglob("*items*.py") if not kept & {*path.parts}]
    assert left == []
    reader.follow("uv run my-app db check")


def test_kubernetes_page_names_the_overlays(begin: Begin) -> None:
    project, reader = begin(PROJECTS["on"] | {"kubernetes": True}, PRESENT)
    commands = list(commands_in(project.read("deploy/kubernetes/README.md")))

    for command in commands:
        reader.follow(command)

    assert len(commands) == 3


def test_guide_to_updates_can_be_followed_to_the_letter(begin: Begin) -> None:
    project, reader = begin(PROJECTS["default"], PREVIOUS)

    for command in commands_in((ROOT / "docs/updating.md").read_text()):
        if command == "git restore PATH":
            (project.path / "AGENTS.md").unlink()
        command = re.sub("copier update$", "copier update --defaults", command)
        reader.follow(command.replace("<slug>", "my-app").replace("PATH", "AGENTS.md"))
        if "pytest" in command:
            project.commit()
        assert (project.path / "AGENTS.md").exists()


def test_fleet_page_commands_for_operators_work(
    begin: Begin, history: History, tmp_path: Path
) -> None:
    """Its walk through a block is followed in `test_fleet.py`."""
    project, reader = begin(PROJECTS["default"], PREVIOUS)
    page = (ROOT / "docs/fleet.md").read_text().partition("## A block of your own")[0]
    commands = list(commands_in(page))
    tools = [command.partition(TOOLS)[2] for command in commands if TOOLS in command]
    check, *fork = (command for command in commands if TOOLS not in command)
    repository = tmp_path / "fastapi-service-template"
    repository.symlink_to(history.repository)

    for command in tools:
        assert main([str(tmp_path) if word == ".." else word for word in command.split()]) == 0
    reader.follow(check)
    reader.follow(re.sub(r"https://\S+/", f"{tmp_path}/", "\n".join(fork)))

    assert (project.path / "fastapi-service-template/copier.yml").exists()


def test_template_readme_keeps_its_two_commands(
    workshop: Workshop, history: History, tmp_path: Path, tools: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/.python-version").write_text("3.13\n")  # the default, for the environment
    reader = reader_of(workshop, tmp_path / "work", tools)
    start, test, *update = commands_in((ROOT / "README.md").read_text())

    reader.follow(start.replace("$PWD", str(history.repository)))
    project = Project(tmp_path / "myapp", tmp_path / "myapp")
    reader = reader_of(workshop, project.path, tools)
    reader.follow(test)
    project.git("init", "--quiet")
    project.commit()
    for command in update:
        reader.follow(command.replace("<slug>", "myapp"))
        project.commit()

    assert test == "uv run pytest"
    assert "auth: jwt" in project.read(".copier-answers.yml")


def commit(project: Project) -> None:
    """Commit migrations, the resource and what the README names; fail on anything else."""
    changed = [line[3:] for line in project.changes()]
    expected = {
        name for name in changed if re.search(r"/migrations/versions/|rooms|/resources", name)
    }
    assert not {*changed} - expected - {"openapi.json", "uv.lock"}, changed
    if changed:
        project.commit()


def recorded(command: str) -> str | None:
    found = re.search(r"\b(docker|uvx) (?!&&).*", command)
    return found[0].replace('"', "") if found else None
