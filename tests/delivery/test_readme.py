"""The first five minutes: every command of a project's README, in order and verbatim.

Docker commands are recorded but not run: the image is built and run in `test_image.py`, and the
service behind its proxy in `test_proxy.py`.
"""

import os
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
import uv
from markdown_it import MarkdownIt

from tests.support.delivery import PROJECTS, free_port, owners_variables, ran, wait_for
from tests.support.history import PRESENT, History, Project
from tests.support.projects import Workshop
from tests.support.scaffold import put_into_use
from tests.support.workflows import recorder

COMPOSE = """\
[ "$1" = compose ] || exit 1
[ "$2" = -f ] && test -f "$3" || test -f docker-compose.yml
"""
COPIER = f"""\
[ "$1" = copier ] && shift && exec "{sys.executable}" -m copier "$@"
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
        """Run a line's command, and stop it if it would run forever."""
        if command == "uv run my-app":
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


def commands_of(readme: str) -> Iterator[str]:
    """Return the lines of all shell blocks, without comments."""
    for token in MarkdownIt().parse(readme):
        if token.type == "fence" and token.info == "shell":
            lines = token.content.replace("\\\n", "").splitlines()
            yield from (re.sub(r"\s+# .*", "", line) for line in lines)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Replacements for programs that contact other machines."""
    folder = tmp_path / "tools"
    folder.mkdir()
    recorder(folder, "docker", COMPOSE)
    recorder(folder, "uvx", COPIER)
    (folder / "uv").symlink_to(uv.find_uv_bin())
    return folder


@pytest.mark.parametrize("name", PROJECTS)
def test_readme_works_verbatim(
    workshop: Workshop, history: History, tmp_path: Path, tools: Path, name: str
) -> None:
    project = history.copy(tmp_path / "my-app", PROJECTS[name], PRESENT)
    commands = list(commands_of(project.read("README.md")))
    port = free_port()
    variables = owners_variables(workshop, project.path) | {"APP_PORT": str(port)}
    variables["PATH"] = f"{tools}{os.pathsep}{variables['PATH']}"
    reader = Reader(project.path, variables, port)

    assert commands[:2] == ["uv run my-app", "uv run pytest"]
    for command in commands:
        reader.follow(command)
        if "scaffold/resource" in command:
            put_into_use(project.path, "rooms")
        commit(project)

    assert len(commands) >= 7
    calls = (tools / "calls.txt").read_text().splitlines()
    assert calls == [each for each in map(recorded, commands) if each]


def commit(project: Project) -> None:
    """Commit the README's files and new revisions, and check that nothing else changed."""
    changed = [line[3:] for line in project.changes()]
    expected = {name for name in changed if re.search(r"/migrations/versions/|rooms|/main", name)}
    assert not {*changed} - expected - {"openapi.json", "uv.lock"}, changed
    if changed:
        project.commit()


def recorded(command: str) -> str | None:
    found = re.search(r"\b(docker|uvx) (?!&&).*", command)
    return found[0] if found else None
