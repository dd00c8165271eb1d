"""Images of rendered projects, built once and kept as layers between runs."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.base_images import provide
from tests.support.containers import Buildah, Image, exclusively
from tests.support.delivery import ON_SERVERS, PROJECTS, locked
from tests.support.projects import Workshop

__all__ = ["BUILD", "Built", "bases_of", "build"]

BUILD = {"VERSION": "1.2.3", "REVISION": "abc"}
"""Build arguments that a pipeline sets."""


ANSWERS = PROJECTS | {"on-servers": ON_SERVERS}


@dataclass(frozen=True)
class Built:
    """An image with its project and base."""

    name: str
    answers: Answers
    project: Path
    image: Image
    base: str


def build(
    builder: Buildah, workshop: Workshop, factory: pytest.TempPathFactory, name: str
) -> Built:
    """Render one of the projects and build its image, once for all workers.

    Args:
        builder: The builder.
        workshop: The workshop with the template.
        factory: Makes the project's folder.
        name: The name of the project.

    Returns:
        The image; its project is read-only.
    """
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"image-{name}"
    project, done = folder / "my-app", folder / "done"
    tag = f"localhost/test-{name}"
    with exclusively(folder.name):
        if not done.exists():
            locked(workshop, project, ANSWERS[name])
            for base in bases_of(project):
                provide(builder, base)
            builder.build(project, tag, **BUILD)
            done.touch()
    base = provide(builder, bases_of(project)[-1])
    return Built(name, ANSWERS[name], project, Image(builder, tag), base)


def bases_of(project: Path, folder: str = "docker") -> list[str]:
    """Return the base images of a project's image, the runtime base last."""
    dockerfile = (project / folder / "Dockerfile").read_text()
    return re.findall(r"^FROM (\S+[:/]\S+)", dockerfile, re.MULTILINE)
