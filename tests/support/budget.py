"""What each tier of the tests may cost: `CONTRIBUTING.md` shows it, the closing table compares."""

__all__ = ["BUDGET", "OTHERS", "SUITES", "TYPES", "tier_of"]

SUITES = "suites of every combination"
TYPES = "types of every combination"
UPDATES = "updates and switches"
DELIVERY = "servers, image, delivery"
OTHERS = "mutations, orders, files, answers"

BUDGET = {SUITES: 36, UPDATES: 16, TYPES: 12, DELIVERY: 8, OTHERS: 8}
"""Minutes of work: with two workers, half of them pass on the clock."""

_TIERS = {
    "tests/projects/test_suites.py": SUITES,
    "tests/projects/test_types.py": TYPES,
    "tests/updates/": UPDATES,
    "tests/delivery/": DELIVERY,
}


def tier_of(path: str) -> str:
    """Return the tier of a module of tests, from the root of the repository."""
    return next((tier for prefix, tier in _TIERS.items() if path.startswith(prefix)), OTHERS)
