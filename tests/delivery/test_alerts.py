"""Alerts fire and clear in Debian's promtool: for their own service, and for no neighbour."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.contract.questionnaire import Answers
from tests.support.delivery import ON_SERVERS, PROJECTS, ran, requires
from tests.support.projection import files_of

OBSERVED: dict[str, Answers] = {
    "all blocks": ON_SERVERS,
    "one block": PROJECTS["off"] | {"observability": True},
}
OWN, NEIGHBOUR = "my-app", "neighbour"

MINUTES = range(90)
SICK = range(30, 60)
NEVER = range(0)

DURATION = 'http_request_duration_seconds_bucket{method="GET",route="/"'
REQUESTS = 'http_requests_total{method="GET",route="/"'
CIRCUIT = 'circuit_breaker_state{name="weather"'

type Series = dict[str, str]
"""The values of each series, one a minute, as promtool reads them."""


def symptoms(sick: range) -> dict[str, Series]:
    """Return the series behind each alert, of a service that is sick in some minutes.

    While it is healthy, it stays just within the threshold.
    """

    def gauge(healthy: int, *when_sick: int | None) -> str:
        """Return a value for each minute; those of sick minutes take turns."""
        turns = [when_sick[minute % len(when_sick)] for minute in MINUTES]
        values = (turns[minute] if minute in sick else healthy for minute in MINUTES)
        return " ".join("_" if value is None else str(value) for value in values)

    def counter(healthy: int, when_sick: int) -> str:
        """Return the total of an increase for each minute."""
        increases = [when_sick if minute in sick else healthy for minute in MINUTES]
        return " ".join(str(sum(increases[:minute])) for minute in MINUTES)

    return {
        "ServiceIsGone": {'service_build_info{version="1"': gauge(1, None)},
        "RequestsFail": {
            f'{REQUESTS},status="200"': counter(96, 90),
            f'{REQUESTS},status="503"': counter(4, 10),
        },
        "RequestsAreSlow": {
            f'{DURATION},le="1.0"': counter(96, 90),
            f'{DURATION},le="2.5"': counter(100, 100),
            f'{DURATION},le="+Inf"': counter(100, 100),
        },
        "CircuitIsOpen": {
            f'{CIRCUIT},state="closed"': gauge(2, 0),
            f'{CIRCUIT},state="half_open"': gauge(0, 2, 0),
            f'{CIRCUIT},state="open"': gauge(0, 0, 2),
        },
        "NobodyRunsJobs": {'jobs{state="waiting"': gauge(0, None)},
        "JobsWait": {'jobs_oldest_waiting_seconds{instance="a"': gauge(300, 301)},
        "JobsFail": {'jobs{state="dead"': counter(0, 1)},
    }


def cases(rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield promtool's tests: each alert with the service sick, and with its neighbour sick."""
    for rule in rules:
        name = rule["alert"]
        labels = {"service": OWN} | rule["labels"]
        if name == "CircuitIsOpen":
            labels["name"] = "weather"
        alert = {"exp_labels": labels, "exp_annotations": rule["annotations"]}
        yield case(name, {OWN: SICK, NEIGHBOUR: NEVER}, [alert])
        yield case(name, {OWN: NEVER, NEIGHBOUR: SICK}, [])


def case(name: str, services: dict[str, range], fired: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a test that asks for an alert at the end of each phase: healthy, sick, healthy."""
    expected = {SICK.start - 1: [], SICK.stop - 1: fired, MINUTES.stop - 1: []}
    return {
        "interval": "1m",
        "input_series": [
            {"series": f'{series},service="{service}"}}', "values": values}
            for service, sick in services.items()
            for series, values in symptoms(sick)[name].items()
        ],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": alerts}
            for minute, alerts in expected.items()
        ],
    }


@pytest.mark.parametrize("answers", OBSERVED.values(), ids=list(OBSERVED))
def test_alerts_fire_and_clear_for_their_service_alone(answers: Answers, tmp_path: Path) -> None:
    requires("promtool")
    text = files_of(answers)["deploy/observability/alerts.yml"]
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    tests = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "tests": list(cases(rules)),
    }
    (tmp_path / "alerts.yml").write_text(text)
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))

    result = ran("promtool", "test", "rules", "tests.yml", folder=tmp_path)

    assert result.returncode == 0, result.stdout
    assert len(tests["tests"]) >= 6
