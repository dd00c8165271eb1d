"""Decision records are numbered consecutively, one per file, and listed."""

import re

import pytest

from extensions.contract.questionnaire import ROOT

pytestmark = pytest.mark.quick

FOLDER = ROOT / "docs/decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))


def test_decisions_are_numbered_consecutively() -> None:
    numbers = [int(record.name.partition("-")[0]) for record in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("number", range(1, len(RECORDS) + 1))
def test_decision_has_one_heading_and_is_listed(number: int) -> None:
    record = RECORDS[number - 1]
    headings = re.findall(r"^# (.*)$", record.read_text(), re.MULTILINE)

    assert len(headings) == 1
    title = headings[0].removeprefix(f"{number}. ")
    assert title != headings[0], f"{record.name} begins with `# {number}. ` and its decision."
    row = f"| {number} | [{title}]({record.name}) |"
    assert row in (FOLDER / "README.md").read_text(), f"Add the row {row}"
