"""The screenshot and samples of the README are those of a project of today."""

import json
import re
from pathlib import Path

from extensions.contract.questionnaire import ROOT
from extensions.maintenance.pictures import (
    ANSWERS,
    PICTURES,
    digest_of,
    normalised,
    samples,
    serving,
    with_samples,
)
from tests.support.projects import QUESTIONNAIRE, Workshop

STALE = "Run `uv run python -m extensions pictures`."


def test_pictures_and_samples_are_current(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.make(QUESTIONNAIRE.complete(ANSWERS))
    document = tmp_path / "openapi.json"
    workshop.run(project, "my-app", "openapi", "--output", str(document))
    program = workshop.environment_of(project) / "bin/my-app"
    readme = (ROOT / "README.md").read_text()

    with serving([str(program)], project, workshop.environment) as (address, log):
        made = samples(address, log)

    assert normalised(with_samples(readme, made)) == normalised(readme), STALE
    recorded = json.loads((ROOT / PICTURES / "sources.json").read_text())
    assert recorded["docs.png"] == digest_of(document.read_text()), STALE
    assert re.search(r'"request_id": "\w+"', made["problem"])
