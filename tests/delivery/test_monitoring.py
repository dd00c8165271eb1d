"""The dashboard on a live Prometheus, and the log, of three services under load."""

import json
import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from tests.support.delivery import ON_SERVERS, free_port, ran, serving
from tests.support.projects import Workshop
from tests.support.servers import Postgres, ask, log_in, postgres, prometheus, send, until
from tests.support.steps import steps_of

OWN, NEIGHBOUR = "my-app", "neighbour"
ITEMS = "/api/v1/items"
WEATHER = "/api/v1/weather?latitude=1&longitude=1"
COMMIT = "abc123"
SCRAPES = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
ENQUEUE = """\
INSERT INTO jobs (name, payload, headers, state, due_at, attempts, created_at)
SELECT 'send_mail', '{}', '{}', 'waiting', now(), 0, now() FROM generate_series(1, 60);
NOTIFY my_app_jobs"""
"""Jobs for the workers of every service; each becomes a dead letter."""

LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")


@dataclass(frozen=True)
class Monitored:
    """Two instances of a service and a neighbour, scraped by Prometheus.

    Attributes:
        dashboard: The dashboard of the service.
        api: The URL of the API of Prometheus.
        ports: The ports of the instances, the first with two workers, and of the neighbour.
        user: The id of a user.
        token: The user's access token.
        log: The log of the first instance.
        database: The database of all.
    """

    dashboard: dict[str, Any]
    api: str
    ports: tuple[int, int, int]
    user: str
    token: str
    log: Path
    database: Postgres

    @property
    def instances(self) -> list[str]:
        """The values of the label `instance` for the two instances."""
        return [f"127.0.0.1:{port}" for port in self.ports[:2]]

    @property
    def queries(self) -> list[str]:
        """The queries of all panels."""
        panels = self.dashboard["panels"]
        return [target["expr"] for panel in panels for target in panel["targets"]]

    def load(self) -> None:
        """Send requests of each kind to every service: good, wrong, failing."""
        for port in self.ports:
            status, item = send(port, "POST", ITEMS, {"name": secrets.token_hex(8)}, self.token)
            assert status == 201
            for path in (f"{ITEMS}/{item['id']}", f"{ITEMS}/{item['id']}", "/nowhere", WEATHER):
                ask(port, path)
        assert self.database.run("psql", "--command", ENQUEUE).returncode == 0

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 -- JSON
        """Call the API of Prometheus."""
        with urlopen(f"{self.api}/{path}?{urlencode(parameters)}") as response:  # noqa: S310
            return json.load(response)["data"]

    def ask_panel(self, query: str, service: str = OWN, instances: str = ".+") -> list[float]:
        """Return the values that a panel shows, with these choices of its variables."""
        chosen = {"$service": service, "$instance": instances, "$__rate_interval": "10s"}
        for variable, value in chosen.items():
            query = query.replace(variable, value)
        result = self.get("query", query=query)["result"]
        return [float(series["value"][1]) for series in result if series["value"][1] != "NaN"]


@pytest.fixture(scope="module")
def monitored(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Generator[Monitored]:
    """The services, with another service that is unreachable, and Prometheus as its page says."""
    folder = tmp_path_factory.mktemp("monitoring")
    project = workshop.make(ON_SERVERS)
    closed = f"http://127.0.0.1:{free_port()}"
    variables = {
        "APP_COMMIT": COMMIT,
        "APP_JOBS_IN_PROCESS": "true",
        "APP_LOG_FORMAT": "json",
        "APP_WEATHER_ATTEMPTS": "1",
        "APP_WEATHER_URL": closed,
    }
    own: list[Mapping[str, str]] = [
        {"APP_WORKERS": "2", "OTEL_EXPORTER_OTLP_ENDPOINT": closed},
        {},
        {"OTEL_SERVICE_NAME": NEIGHBOUR},
    ]
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        variables["DATABASE_URL"] = database.url
        program = workshop.environment_of(project) / "bin/my-app"
        migrated = ran(program, "db", "upgrade", variables=workshop.environment | variables)
        assert migrated.returncode == 0, migrated.stdout
        ports = tuple(
            int(stack.enter_context(serving(workshop, project, log, **variables, **each))[-5:])
            for log, each in ((folder / f"{number}.log", each) for number, each in enumerate(own))
        )
        assert len(ports) == 3
        token, user = _sign_up(ports[0])
        api = stack.enter_context(prometheus(folder, _configuration(project, *ports)))
        dashboard = json.loads((project / "deploy/observability/dashboard.json").read_text())
        yield Monitored(dashboard, api, ports, user, token, folder / "0.log", database)


def _sign_up(port: int) -> tuple[str, str]:
    email, password = f"{secrets.token_hex(8)}@example.com", secrets.token_hex(8)
    send(port, "POST", "/api/v1/auth/register", {"email": email, "password": password})
    token = log_in(port, email, password)[1]["access_token"]
    _, user = ask(port, "/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    return token, user["id"]


def _configuration(project: Path, *ports: int) -> dict[str, Any]:
    """Return the configuration on the project's page, for these instances, with short intervals."""
    (step,) = steps_of((project / "docs/alerts.md").read_text())
    configuration: dict[str, Any] = yaml.safe_load(step.text)
    (rules,) = configuration["rule_files"]
    (job,) = configuration["scrape_configs"]
    configuration["rule_files"] = [str(project / "deploy/observability" / rules)]
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{port}" for port in ports]
    return configuration | {"global": SCRAPES}


def test_dashboard_every_panel_answers_under_load(monitored: Monitored) -> None:
    silent = {(query, service) for query in monitored.queries for service in (OWN, NEIGHBOUR)}

    def all_answer() -> bool:
        monitored.load()
        silent.difference_update([asked for asked in silent if monitored.ask_panel(*asked)])
        return not silent

    try:
        until(all_answer)
    except AssertionError as error:
        error.add_note(str(silent))
        raise
    for query in monitored.queries:
        assert monitored.ask_panel(query, "nobody") == [], query
        assert monitored.ask_panel(query, OWN, "elsewhere") == [], query


def test_dashboard_variables_choose_service_and_instances(monitored: Monitored) -> None:
    variables = {each["name"]: each for each in monitored.dashboard["templating"]["list"]}

    def values(name: str) -> list[str]:
        asked = LABEL_VALUES.fullmatch(variables[name]["query"].replace("$service", OWN))
        assert asked
        path = f"label/{asked['label']}/values"
        found: list[str] = monitored.get(path, **{"match[]": asked["series"]})
        return found

    until(lambda: len(values("service")) == 2)
    assert values("service") == [OWN, NEIGHBOUR]
    assert values("instance") == sorted(monitored.instances)
    assert variables["service"]["current"]["value"] == OWN
    versions = monitored.queries[-1]
    assert monitored.ask_panel(versions) == [2]
    assert monitored.ask_panel(versions, OWN, monitored.instances[1]) == [1]


def test_alerts_are_evaluated_without_errors(monitored: Monitored) -> None:
    def rules() -> list[dict[str, Any]]:
        (group,) = monitored.get("rules")["groups"]
        return group["rules"]  # type: ignore[no-any-return]

    until(lambda: all(rule["health"] == "ok" for rule in rules()))
    assert {rule["name"] for rule in rules()} >= {"ServiceIsGone", "RequestsFail"}


def test_log_of_workers_names_user_bytes_and_trace(monitored: Monitored) -> None:
    headers = {"Authorization": f"Bearer {monitored.token}", "X-Request-ID": "followed"}
    response, _ = ask(monitored.ports[0], "/api/v1/users/me", headers=headers)

    def logged(**fields: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in monitored.log.read_text().splitlines()]
        return [line for line in lines if line | fields == line]

    until(lambda: bool(logged(event="request", request_id="followed")))
    (line,) = logged(event="request", request_id="followed")
    assert line["user_id"] == monitored.user
    assert line["bytes"] == int(response.getheader("Content-Length", "0")) > 0
    assert re.fullmatch("[0-9a-f]{32}", line["trace_id"])
    assert len(logged(event="starting", commit=COMMIT)) == 2
    assert monitored.token not in monitored.log.read_text()
