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
BUILD = "service_build_info{process"
TARGET = 'job="all",instance="INSTANCE"'
COMPONENT = 'component_up{component="database"'
CIRCUIT = 'circuit_breaker_state{name="weather"'

LABELS = {
    "CircuitIsOpen": {"name": "weather"},
    "ComponentIsDown": {"component": "database"},
    "InstanceIsDown": {"job": "all", "instance": f"{OWN}:8000"},
}
"""Labels of an alert that say what its service has trouble with."""

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
        "ServiceIsGone": {f'{BUILD}="serve"': gauge(1, None)},
        "InstanceIsDown": {
            f'{BUILD}="serve",{TARGET},version="1"': gauge(1, None),
            f'{BUILD}="serve",{TARGET},version="2"': gauge(1, None),
            f"up{{{TARGET}": gauge(1, 0),
        },
        "ComponentIsDown": {
            f'{COMPONENT},instance="a"': gauge(1, 0),
            f'{COMPONENT},instance="b"': gauge(0, 0),
        },
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
        yield case(name, {OWN: SICK, NEIGHBOUR: NEVER}, [fired(rule)])
        yield case(name, {OWN: NEVER, NEIGHBOUR: SICK}, [])


def fired(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the alert that a rule is expected to fire."""
    labels = {"service": OWN} | rule["labels"] | LABELS.get(rule["alert"], {})
    return {"exp_labels": labels, "exp_annotations": rule["annotations"]}


def case(name: str, services: dict[str, range], fired: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a test that asks for an alert at the end of each phase: healthy, sick, healthy."""
    expected = {SICK.start - 1: [], SICK.stop - 1: fired, MINUTES.stop - 1: []}
    return {
        "interval": "1m",
        "input_series": [
            {"series": labelled(series, service), "values": values}
            for service, sick in services.items()
            for series, values in symptoms(sick)[name].items()
        ],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": alerts}
            for minute, alerts in expected.items()
        ],
    }


def labelled(series: str, service: str) -> str:
    """Complete a series of a service; `up` is Prometheus's own and does not name the service."""
    series = series.replace("INSTANCE", f"{service}:8000")
    return f"{series}}}" if series.startswith("up{") else f'{series},service="{service}"}}'


@pytest.mark.parametrize("answers", OBSERVED.values(), ids=list(OBSERVED))
def test_alerts_fire_and_clear_for_their_service_alone(answers: Answers, tmp_path: Path) -> None:
    rules = write_rules(answers, tmp_path)
    tests = list(cases(rules))

    assert_passes(tests, tmp_path)
    assert len(tests) >= 8


def test_instance_is_down_is_silent_without_its_target(tmp_path: Path) -> None:
    write_rules(ON_SERVERS, tmp_path)
    test = case("InstanceIsDown", {OWN: SICK}, [])
    for series in test["input_series"]:
        series["values"] = series["values"].replace("0", "_")

    assert_passes([test], tmp_path)


def test_service_is_gone_fires_while_its_worker_runs(tmp_path: Path) -> None:
    (rule,) = (
        each for each in write_rules(ON_SERVERS, tmp_path) if each["alert"] == "ServiceIsGone"
    )
    test = case("ServiceIsGone", {OWN: SICK}, [fired(rule)])
    worker = f'{BUILD}="worker",service="{OWN}"}}'
    test["input_series"].append({"series": worker, "values": f"1x{len(MINUTES)}"})

    assert_passes([test], tmp_path)


def write_rules(answers: Answers, folder: Path) -> list[dict[str, Any]]:
    """Write the alerts of a project into a folder, and return its rules."""
    text = files_of(answers)["deploy/observability/alerts.yml"]
    (folder / "alerts.yml").write_text(text)
    rules: list[dict[str, Any]] = yaml.safe_load(text)["groups"][0]["rules"]
    return rules


def assert_passes(tests: list[dict[str, Any]], folder: Path) -> None:
    """Run promtool's tests of the alerts in a folder."""
    requires("promtool")
    file = {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.yml").write_text(yaml.safe_dump(file))
    result = ran("promtool", "test", "rules", "tests.yml", folder=folder)
    assert result.returncode == 0, result.stdout
