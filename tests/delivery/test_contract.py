"""The API contract: `openapi.json` stays current, and breaking changes are found."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support.api_edits import BREAKING, DOCUMENT, HARMLESS, Edit
from tests.support.delivery import ON_SERVERS
from tests.support.history import substitute
from tests.support.projects import PEOPLE, Workshop, pythons_here

SCRIPT = ROOT / "template" / "scripts" / "openapi_breaks.py"
COMMAND = ("my-app", "openapi", "--output", "openapi.json")
CHECK = "tests/integration/test_openapi.py"
type Breaks = Callable[[dict[str, Any], dict[str, Any]], list[str]]


@pytest.fixture(scope="module")
def breaks(tmp_path_factory: pytest.TempPathFactory) -> Breaks:
    """The function from a copy of the project's own script: Python writes bytecode beside it."""
    script = shutil.copy(SCRIPT, tmp_path_factory.mktemp("contract"))
    spec = importlib.util.spec_from_file_location("openapi_breaks", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["openapi_breaks"] = module  # dataclasses look up their module there
    spec.loader.exec_module(module)
    found: Breaks = module.breaks
    return found


@pytest.mark.quick
@pytest.mark.parametrize("edit", [*BREAKING, *HARMLESS], ids=str)
def test_breaking_changes_match_the_edit(breaks: Breaks, edit: Edit) -> None:
    assert tuple(breaks(DOCUMENT, edit.apply())) == edit.lines


def test_openapi_file_is_written_once_then_kept_current(workshop: Workshop) -> None:
    project = workshop.make(PEOPLE)
    described = project / "openapi.json"
    on_runner = replace(workshop, environment=workshop.environment | {"CI": "true"})

    with pytest.raises(AssertionError, match=r"openapi\.json is missing; write and commit it"):
        on_runner.test(project, CHECK)
    workshop.test(project, CHECK)
    assert '"operationId": "items_list"' in described.read_text()
    on_runner.test(project, CHECK)

    substitute(project / "src/my_app/routers/items.py", "def list_items", "def find_items")
    for each in (workshop, on_runner):
        with pytest.raises(AssertionError, match=re.escape(f"uv run {' '.join(COMMAND)}")):
            each.test(project, CHECK)
    workshop.run(project, *COMMAND)
    assert '"operationId": "items_find"' in described.read_text()
    on_runner.test(project, CHECK)


def test_openapi_document_is_the_same_on_every_python(workshop: Workshop) -> None:
    documents: set[str] = set()
    for version in pythons_here():
        project = workshop.make(ON_SERVERS | {"python_version": version})
        workshop.run(project, *COMMAND)
        documents.add((project / "openapi.json").read_text())

    assert len(documents) == 1
