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
    "test_suites": SUITES,
    "test_types": TYPES,
    "test_updates": UPDATES,
    "test_switches": UPDATES,
    "test_releases": UPDATES,
    "test_fleet": UPDATES,
    "test_first_week": DELIVERY,
    "test_delivery": DELIVERY,
    "test_servers": DELIVERY,
}


def tier_of(module: str) -> str:
    """Return the tier of a module of tests."""
    return next((tier for prefix, tier in _TIERS.items() if module.startswith(prefix)), OTHERS)
