"""The template's own tests pass in other orders: the short loop, without the suites of projects."""

import sys

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support.delivery import ran
from tests.support.projects import clean_environment

PLUGIN = ROOT / "tests/support/orders"
OPTIONS = ("-q", "-m", "quick", "--ignore=tests/projects/test_suites.py", "--numprocesses=0")


@pytest.mark.parametrize("order", ["files:1", "tests:2"])
def test_short_loop_passes_in_another_order(order: str) -> None:
    variables = clean_environment() | {"PYTHONPATH": str(PLUGIN)}
    pytest_here = (sys.executable, "-m", "pytest", "-p", "reorder", f"--order={order}")

    result = ran(*pytest_here, *OPTIONS, folder=ROOT, variables=variables)

    assert result.returncode == 0, result.stdout[-8000:]
