"""Every combination under both strict type checkers, whichever it chose.

Missing dependencies are found by the suites, which use exact environments.
"""

from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.projects import BATCH, batches, name_of, render
from tests.support.type_checkers import check_by_mypy, check_by_pyright


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize by the combinations, or with --every by those that cross every block."""
    option = metafunc.config.getoption
    found = batches(is_every=bool(option("--every")), size=option("--batch") or BATCH)
    metafunc.parametrize("batch", found, ids=range(len(found)), indirect=True)


@pytest.fixture
def batch(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> dict[Path, Answers]:
    """Several combinations, rendered side by side."""
    taken: tuple[Answers, ...] = request.param
    return {render(template, tmp_path / name_of(answers), answers): answers for answers in taken}


def test_every_combination_is_strictly_typed_for_pyright(
    batch: dict[Path, Answers], every_package: Path
) -> None:
    check_by_pyright(batch, every_package)


def test_every_combination_is_strictly_typed_for_mypy(
    batch: dict[Path, Answers], every_package: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_by_mypy(batch, every_package, tmp_path_factory.getbasetemp() / "mypy")
