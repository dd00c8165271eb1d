"""Small breakages of a scratch copy, each of which turns a named test red.

A test that stays green on broken code proves nothing. Each row breaks one thing and names the
test that must fail: one of the template's own, or one of a rendered project.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support.broken_projects import BrokenProjects, by_project
from tests.support.delivery import requires
from tests.support.history import scratch_copy
from tests.support.mutations import Mutation, mutations_of
from tests.support.packages import MADE
from tests.support.projects import Workshop

NOTICED = "(FAILED|ERROR) "
"""Outcomes in pytest's summary for a test that fails, or with failing fixtures."""

OF_PROJECTS = sorted(mutations_of("project"), key=by_project)
"""Sorted so that workers, which take consecutive tests, make few projects."""


@pytest.mark.quick
def test_every_row_breaks_what_is_there(tmp_path: Path) -> None:
    for number, mutation in enumerate([*mutations_of("template"), *mutations_of("project")]):
        file = tmp_path / str(number) / mutation.file
        file.parent.mkdir(parents=True)
        shutil.copy(ROOT / mutation.file, file)
        before = file.read_text()

        mutation.apply(tmp_path / str(number))

        assert not file.exists() or file.read_text() != before, mutation


@pytest.mark.parametrize("mutation", mutations_of("template"), ids=str)
def test_template_mutation_fails_its_test(
    mutation: Mutation, packages: Path, tmp_path: Path
) -> None:
    requires(*mutation.tools)
    root = scratch_copy(tmp_path / "template")
    mutation.apply(root)

    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["--numprocesses=0", "--dist=no", "--batch=1", mutation.test]
    variables = os.environ | {"REQUIRE_TOOLS": "1"}
    if mutation.file != "extensions/stack.jinja":  # the file that lists the packages
        variables[MADE] = str(packages)
    result = subprocess.run(
        command, cwd=root, env=variables, capture_output=True, text=True, check=False
    )

    assert result.returncode == 1, result.stdout
    assert re.search(NOTICED + re.escape(mutation.test), result.stdout), result.stdout


@pytest.fixture(scope="module")
def broken_projects(workshop: Workshop) -> BrokenProjects:
    """This worker's broken projects; they last until it runs tests of another module."""
    return BrokenProjects(workshop=workshop)


@pytest.mark.parametrize("mutation", OF_PROJECTS, ids=str)
def test_project_mutation_fails_its_test(
    mutation: Mutation, tmp_path: Path, broken_projects: BrokenProjects
) -> None:
    requires(*mutation.tools)

    project = broken_projects.make(mutation, tmp_path)

    noticed = rf"{NOTICED}{re.escape(mutation.test)}|ImportError while loading conftest"
    with pytest.raises(AssertionError, match=noticed):
        broken_projects.workshop.test(project, "-x", mutation.test)


def test_broken_project_keeps_no_earlier_mutation(
    broken_projects: BrokenProjects, tmp_path: Path
) -> None:
    deletion = next(mutation for mutation in OF_PROJECTS if mutation.is_deletion)
    change = deletion.model_copy(update={"old": "import asyncio\n", "new": "import asyncio, os\n"})

    broken = [contents(broken_projects.make(each, tmp_path)) for each in (deletion, change)]

    gone, changed = broken
    ((path, text),) = changed.items() - gone.items()
    assert gone.keys() == changed.keys() - {path}
    assert "import asyncio, os\n" in text


def contents(project: Path) -> dict[Path, str]:
    files = (path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project): path.read_text() for path in files}
