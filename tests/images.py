"""The images of rendered projects, built once and kept as layers between runs."""

import re
from dataclasses import dataclass
from pathlib import Path

from extensions.questionnaire import Answers
from tests.base_images import provide
from tests.containers import Buildah, Image
from tests.delivery import ON_SERVERS, PROJECTS, locked
from tests.projects import Workshop

__all__ = ["BUILD", "Built", "build"]

BUILD = {"VERSION": "1.2.3", "REVISION": "abc"}
"""What a pipeline gives the build."""


ANSWERS = PROJECTS | {"on-servers": ON_SERVERS}


@dataclass(frozen=True)
class Built:
    """An image, with what it was built from and on."""

    name: str
    answers: Answers
    project: Path
    image: Image
    base: str


def build(buildah: Buildah, workshop: Workshop, folder: Path, name: str) -> Built:
    """Render one of the projects and build its image.

    Args:
        buildah: The builder.
        workshop: Where the template is.
        folder: Where to render into.
        name: Which project.

    Returns:
        The image.
    """
    project = locked(workshop, folder / "my-app", ANSWERS[name])
    dockerfile = (project / "docker" / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+[:/]\S+)", dockerfile, re.MULTILINE)
    names = [provide(buildah, base) for base in bases]
    image, _ = buildah.build(project, f"localhost/test-{name}", **BUILD)
    return Built(name, ANSWERS[name], project, image, names[-1])
