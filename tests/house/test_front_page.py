"""The README shows what the template generates, and its pictures are current."""

import json
import re
from pathlib import PurePosixPath

import pytest

from extensions.contract.questionnaire import ROOT
from extensions.maintenance.pictures import PICTURES, bars, digest_of_start
from tests.support.projection import files_of
from tests.support.projects import PEOPLE, QUESTIONNAIRE

pytestmark = pytest.mark.quick

README = (ROOT / "README.md").read_text()
STALE = "Run `uv run python -m extensions pictures`."


def test_readme_begins_with_the_line_to_copy() -> None:
    first = re.search(r"```shell\n(.*)\n```", README)

    assert first
    assert first[1].startswith('uvx copier copy --defaults "$PWD" ')
    assert "`gh:" in README
    assert README[: first.start()].count("\n") <= 6, "a sentence or two, then the line"


def test_readme_tree_is_the_one_of_a_project() -> None:
    answers = QUESTIONNAIRE.complete(PEOPLE)
    files = files_of(answers)
    folders = {str(folder) for name in files for folder in PurePosixPath(name).parents}
    tree = re.findall(r"^(│   )?[├└]── ([\w./-]+?)/? ", README, re.MULTILINE)
    assert len(tree) >= 15

    for inner, name in tree:
        path = f"src/my_app/{name}" if inner else name
        assert path in {*files, *folders} or path == "src/myapp", path


def test_readme_pictures_exist_and_have_descriptions() -> None:
    shown = re.findall(r"!\[(.*?)\]\((.*?)\)", README)

    names = ("start.png", "docs.png", "bench.svg")
    assert [path for _, path in shown] == [f"{PICTURES}/{name}" for name in names]
    assert all(text for text, _ in shown)
    recorded = json.loads((ROOT / PICTURES / "sources.json").read_text())
    assert recorded.keys() == {path.name for path in (ROOT / PICTURES).glob("*.png")}
    assert recorded["start.png"] == digest_of_start(), STALE


def test_readme_bars_are_those_of_the_bench() -> None:
    drawn = (ROOT / PICTURES / "bench.svg").read_text()

    assert drawn == bars(), STALE
