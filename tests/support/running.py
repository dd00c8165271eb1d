"""Projects that are updated and run, with the environment of the workshop."""

import os
import re
import shutil
import subprocess

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.history import PRESENT, History, Project
from tests.support.projects import QUESTIONNAIRE, Workshop, runnable

__all__ = ["begin", "follow_page"]


def begin(history: History, workshop: Workshop, answers: Answers) -> Project:
    """Return a new project with its environment, where those of the workshop lie."""
    into = workshop.folder / "my-app"
    shutil.rmtree(into, ignore_errors=True)
    project = history.copy(into, runnable(QUESTIONNAIRE.complete(answers)), PRESENT)
    workshop.sync(project.path)
    project.commit()
    return project


def follow_page(page: str, project: Project, operator: Workshop) -> None:
    """Run the one block of commands that a page has, in a project.

    Args:
        page: The page, from the root of the template's repository.
        project: The project, whose commands are found first.
        operator: Gives the environment and the variables.
    """
    (steps,) = re.findall(r"```shell\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    steps = steps.replace("<package>", "my_app").replace("<slug>", "my-app")
    programs = operator.environment_of(project.path) / "bin"
    path = os.pathsep.join([str(programs), operator.environment["PATH"]])
    subprocess.run(
        ["bash", "-euc", steps],
        cwd=project.path,
        env=operator.environment | {"PATH": path},
        check=True,
    )
