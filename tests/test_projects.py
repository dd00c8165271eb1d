"""A suite that did not run whole is noticed."""

from dataclasses import replace

import pytest

from tests.projects import PEOPLE, Workshop

TESTS_WITH_REDIS = ("pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/integration/cache")


def test_missing_redis_is_told_of_and_fails_where_tools_are_required(workshop: Workshop) -> None:
    project = workshop.make(PEOPLE | {"cache": True})
    without = workshop.environment | {"PATH": "/nowhere", "TEST_REDIS_URL": ""}
    without.pop("REQUIRE_TOOLS", None)

    replace(workshop, environment=without).run(project, *TESTS_WITH_REDIS)

    required = replace(workshop, environment=without | {"REQUIRE_TOOLS": "1"})
    with pytest.raises(AssertionError, match=r"SKIPPED .* needs a Redis: set TEST_REDIS_URL"):
        required.run(project, *TESTS_WITH_REDIS)
