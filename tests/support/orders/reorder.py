"""A pytest plugin that reorders the tests of a project.

The project's own pytest loads it by its path, so it is independent of this repository.
"""

import random
from collections import defaultdict
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the order."""
    parser.addoption("--order", required=True, help="halves, files:SEED or tests:SEED")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Reorder the tests."""
    order, _, seed = str(config.getoption("--order")).partition(":")
    shuffle = random.Random(seed).shuffle  # noqa: S311 -- an order is no secret
    files: defaultdict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    groups = list(files.values())
    match order:
        case "halves":
            half = len(groups) // 2
            groups = groups[half:] + groups[:half]
        case "files":
            shuffle(groups)
        case "tests":
            groups = [[item] for item in items]
            shuffle(groups)
        case _:
            raise pytest.UsageError(f"unknown order {order}: use halves, files:SEED or tests:SEED")
    items[:] = [item for group in groups for item in group]
