"""A project is never called like a program that it starts: its own command would run instead."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from extensions.contract.questionnaire import Answers, InvalidAnswersError
from tests.support.projection import files_of
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering
from tests.support.steps import steps_of

pytestmark = pytest.mark.quick

NOT_COMMANDS = re.compile(r"""(?:^|\s)#.*|'[^']*'|"(?:(?!\$\()[^"])*"(?=\s|$)""", re.MULTILINE)
"""Comments, and texts in quotes that run nothing."""

STARTED_BY_PROGRAMS = {"editor", "less", "more", "nano", "pager", "vi"}
"""Pagers and editors that git and psql start by name."""

STARTS = re.compile(r"(?:^|[|;&!]|\$\(|\bthen\b|\bdo\b)\s*([a-z][\w.-]*)(?=\s|$)", re.MULTILINE)
"""Where a shell takes a word for a program."""


def test_slug_is_not_a_program_that_the_project_starts() -> None:
    inside = set(subprocess.check_output(["bash", "-c", "compgen -bk"], text=True).split())
    programs = {name for answers in covering(1) for name in programs_of(answers)} - inside

    assert {"docker", "gh", "git", "kubectl", "psql", "sqlite3", "uv", "uvx"} <= programs
    assert {name for name in programs | STARTED_BY_PROGRAMS if is_accepted(name)} == set()


def test_project_called_like_a_program_can_still_update() -> None:
    assert not is_accepted("git")
    assert is_accepted("git", package_name_locked="my_app")
    assert not is_accepted("fastapi", package_name_locked="my_app")


def is_accepted(slug: str, **stored: str) -> bool:
    try:
        given: Answers = {"project_slug": slug, "package_name": "my_app", **stored}
        QUESTIONNAIRE.complete(PEOPLE | given)
    except InvalidAnswersError:
        return False
    return True


def programs_of(answers: Answers) -> set[str]:
    """Return the programs that the files of a project name, less the project's own command."""
    files = files_of(answers)
    scripts = [script for name, text in files.items() for script in scripts_of(name, text)]
    commands = [NOT_COMMANDS.sub("", script.replace("\\\n", "")) for script in scripts]
    named = {name for command in commands for name in STARTS.findall(command)}
    called = {name for path, text in files.items() if path.endswith(".py") for name in calls(text)}
    return {name for name in named | called if re.fullmatch("[a-z][a-z0-9-]*", name)} - {"my-app"}


def scripts_of(name: str, text: str) -> Iterator[str]:
    """Return the shell scripts in a page, a workflow, a Dockerfile or the hooks."""
    if name.endswith(".md"):
        yield from (step.text for step in steps_of(text) if step.is_run)
    elif name.startswith(".github/workflows/"):
        jobs = yaml.safe_load(text)["jobs"].values()
        yield from (step["run"] for job in jobs for step in job["steps"] if "run" in step)
    elif name.endswith("Dockerfile"):
        yield from re.findall(r"^RUN (?:--\S+ \\\n\s*)*((?:.*\\\n)*.*)", text, re.MULTILINE)
    elif name == ".pre-commit-config.yaml":
        hooks = yaml.safe_load(text)["repos"][0]["hooks"]
        yield from (hook["entry"] for hook in hooks if hook["language"] == "system")
    elif name.endswith("devcontainer.json"):
        yield from re.findall(r'"postCreateCommand": "(.*)"', text)


def calls(module: str) -> Iterator[str]:
    """Return the programs that a module starts by name."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.Call) and node.args:
            function, (first, *_) = ast.unparse(node.func), node.args
            if function == "shutil.which" and isinstance(first, ast.Constant):
                yield str(first.value)
            if function.startswith("subprocess.") and isinstance(first, ast.List) and first.elts:
                yield from shlex.split(ast.unparse(first.elts[0]).strip("'\""))[:1]
