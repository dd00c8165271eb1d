"""Time budget of each tier of tests; `CONTRIBUTING.md` and the final table show it."""

__all__ = ["BUDGET", "OTHERS", "SUITES", "TYPES", "tier_of"]

SUITES = "suites of every combination"
TYPES = "types of every combination"
UPDATES = "updates and switches"
DELIVERY = "servers, image, delivery"
OTHERS = "mutations, orders, files, answers"

BUDGET = {SUITES: 34, UPDATES: 50, TYPES: 8, DELIVERY: 66, OTHERS: 70}
"""Minutes of work of three workers on two cores; a third of them elapse."""

_TIERS = {
    "tests/projects/test_suites.py": SUITES,
    "tests/projects/test_types.py": TYPES,
    "tests/updates/": UPDATES,
    "tests/delivery/": DELIVERY,
    "tests/start/": DELIVERY,
}


def tier_of(path: str) -> str:
    """Return the tier of a test module, given its path from the repository root."""
    return next((tier for prefix, tier in _TIERS.items() if path.startswith(prefix)), OTHERS)
