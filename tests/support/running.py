"""Updated projects that run in the environment of the workshop."""

import os
import shutil
import subprocess

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.history import PRESENT, History, Project
from tests.support.projects import QUESTIONNAIRE, Workshop, runnable
from tests.support.steps import steps_of

__all__ = ["begin", "follow_page"]


def begin(history: History, workshop: Workshop, answers: Answers) -> Project:
    """Render a new project with its environment in the workshop."""
    into = workshop.folder / "my-app"
    shutil.rmtree(into, ignore_errors=True)
    project = history.copy(into, runnable(QUESTIONNAIRE.complete(answers)), PRESENT)
    workshop.sync(project.path)
    project.commit()
    return project


def follow_page(page: str, project: Project, operator: Workshop) -> None:
    """Run the only block of commands on a page, in a project.

    Args:
        page: The page, relative to the template's repository.
        project: The project; its commands come first in PATH.
        operator: Provides the environment and the variables.
    """
    (step,) = (each for each in steps_of((ROOT / page).read_text()) if each.is_run)
    commands = step.text.replace("<package>", "my_app").replace("<slug>", "my-app")
    programs = operator.environment_of(project.path) / "bin"
    path = os.pathsep.join([str(programs), operator.environment["PATH"]])
    subprocess.run(
        ["bash", "-euc", commands],
        cwd=project.path,
        env=operator.environment | {"PATH": path},
        check=True,
    )
