"""The folders of this repository contain what their names say: subjects, support and contract."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support.budget import OTHERS, tier_of
from tests.support.changed import CONCERNED

pytestmark = pytest.mark.quick

TESTS = ROOT / "tests"
SUBJECTS = ("answers", "delivery", "house", "projects", "rendering", "start", "updates")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


def modules_in(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert found
    return [path for path in found if "owners" not in path.parts]


def test_every_test_is_in_a_subject_folder() -> None:
    folders = {path.name for path in TESTS.iterdir() if any(path.glob("test_*.py"))}

    assert folders == {*SUBJECTS}
    assert not list(TESTS.glob("test_*.py"))


def test_subject_folders_contain_only_tests() -> None:
    found = modules_in(*(f"tests/{subject}" for subject in SUBJECTS))

    assert not [path for path in found if not path.name.startswith("test_")]


@pytest.mark.parametrize(
    ("folders", "foreign"),
    [
        (("tests",), tuple(f"tests.{subject}" for subject in SUBJECTS)),
        (("extensions/contract",), ("extensions.maintenance", "tests")),
        (("extensions/maintenance",), ("tests",)),
        (("start",), ("tests",)),
    ],
    ids=["tests", "contract", "maintenance", "start"],
)
def test_imports_respect_the_folders(folders: tuple[str, ...], foreign: tuple[str, ...]) -> None:
    for path in modules_in(*folders):
        found = [name for name in imports_of(path) if f"{name}.".startswith(foreign)]
        assert not found, f"{path.relative_to(ROOT)} imports {', '.join(found)}"


@pytest.mark.parametrize("subject", ["delivery", "start", "updates"])
def test_tier_follows_the_folder(subject: str) -> None:
    tiers = {tier_of(path.relative_to(ROOT).as_posix()) for path in modules_in(f"tests/{subject}")}

    assert len(tiers) == 1
    assert OTHERS not in tiers


def test_modules_named_by_change_rules_exist() -> None:
    named = {module for modules in CONCERNED.values() for module in modules}

    assert not [module for module in named if not (TESTS / f"{module}.py").is_file()]
