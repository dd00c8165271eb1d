"""The paths that answers add: the table of `files.jinja`, and conditional file names."""

import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound
from pathspec import GitIgnoreSpec

from extensions.contract.questionnaire import ROOT
from extensions.contract.tables import deciding
from tests.support.blocks import unconditional_files
from tests.support.history import substitute
from tests.support.projection import FOLDER, sources
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering, render

pytestmark = pytest.mark.quick

CONDITION = re.compile(r"{% if .*?%}(.*?){% endif %}")
PATHS = [source.relative_to(FOLDER).as_posix() for source in sources()]
MOST_CONDITIONS = 30


@pytest.mark.parametrize("pattern", deciding(ROOT))
def test_every_row_matches_a_file(pattern: str) -> None:
    rule = GitIgnoreSpec.from_lines([pattern])

    assert any(rule.match_file(path.removesuffix(".jinja")) for path in PATHS), (
        f"{pattern} matches nothing under template/: correct its row in extensions/files.jinja."
    )


def test_every_file_is_left_out_with_its_imports() -> None:
    assert unconditional_files(ROOT, covering(2)) == []


def test_file_without_a_row_is_reported_in_a_sentence(template: Path, tmp_path: Path) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    substitute(root / "extensions/files.jinja", r".*'tests/unit/cache'.*\n", "")
    (root / "template/tests/unit/test_more.py.jinja").write_text("from my_app.auth import keys\n")

    sentences = unconditional_files(root, [QUESTIONNAIRE.complete(PEOPLE)])

    assert (
        "tests/unit/test_more.py is rendered without my_app.auth, which it imports: "
        in (sentences[-1])
    )
    assert any(sentence.startswith("tests/unit/cache/test_service.py") for sentence in sentences)


def test_conditional_names_have_several_variants() -> None:
    conditional = [path for path in PATHS if CONDITION.search(path)]
    variants: defaultdict[str, list[str]] = defaultdict(list)
    for path in conditional:
        variants[CONDITION.sub(r"\1", path)].append(path)

    assert len(conditional) <= MOST_CONDITIONS
    assert all(len(paths) > 1 for paths in variants.values()), variants


def test_missing_table_stops_a_copy_before_writing(template: Path, tmp_path: Path) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    (root / "extensions/files.jinja").unlink()

    with pytest.raises(TemplateNotFound):
        render(root, tmp_path / "my-app", PEOPLE)

    assert not (tmp_path / "my-app").exists()
