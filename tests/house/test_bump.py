"""Version bumps change all rows that go together, and none of those that do not."""

import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from extensions.contract.questionnaire import ROOT
from extensions.contract.tables import rows, stack
from extensions.maintenance.bump import UnresolvableError, bump
from tests.support.history import substitute

UNTIL = "2026-11-21T00:00:00Z"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the files that are read and written, with two outdated rows."""
    shutil.copytree(ROOT / "extensions", tmp_path / "extensions")
    for name in ("copier.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    substitute(stack(tmp_path), r"'orjson~=[\d.]+'", "'orjson~=3.9'")
    substitute(stack(tmp_path), r"'pyjwt\[crypto\]~=[\d.]+'", "'pyjwt[crypto]~=2.8'")
    substitute(tmp_path / "pyproject.toml", r'^exclude-newer = ".*"', 'exclude-newer = "then"')
    return tmp_path


def floors(root: Path) -> list[tuple[str, str]]:
    """Return each package with the lowest version of its row."""
    asked = (Requirement(row.cells[1]) for row in rows("packages", root))
    return [(each.name, next(iter(each.specifier)).version) for each in asked]


def test_bump_updates_rows_to_compatible_versions(root: Path) -> None:
    changes = bump(UNTIL, root)

    assert [change.split("~=")[0] for change in changes if "orjson" in change] == ["orjson"]
    for (name, mine), (_, theirs) in zip(floors(root), floors(ROOT), strict=True):
        assert _number(mine) >= _number(theirs), name
        assert mine.count(".") == theirs.count("."), name
    assert f'exclude-newer = "{UNTIL}"' in (root / "pyproject.toml").read_text()
    assert bump(UNTIL, root) == []


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_bump_incompatible_versions_change_nothing(root: Path) -> None:
    substitute(stack(root), r"'orjson~=[\d.]+'", "'fastapi-service-template-of-nobody~=1.0'")
    before = stack(root).read_text()

    with pytest.raises(UnresolvableError, match="fastapi-service-template-of-nobody"):
        bump(UNTIL, root)

    assert stack(root).read_text() == before
    assert 'exclude-newer = "then"' in (root / "pyproject.toml").read_text()
