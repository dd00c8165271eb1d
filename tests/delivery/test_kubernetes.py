"""The manifests: built by kustomize, valid for a cluster, and consistent with the service."""

import json
import os
import re
import signal
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.contract.questionnaire import Answers
from tests.support.delivery import PROJECTS, free_port, production, wait_for
from tests.support.kustomize import kustomized
from tests.support.linters import check, isolated
from tests.support.projects import (
    BLOCKS,
    PEOPLE,
    QUESTIONNAIRE,
    Workshop,
    covering,
    name_of,
    render,
)
from tests.support.workflows import jobs_of

OVERLAYS = ("development", "production")
ON: Answers = {"kubernetes": True}
COVERING = covering(3, list(QUESTIONNAIRE.combinations(over=BLOCKS, fixed=PEOPLE | ON)))
"""Every crossing of three blocks: no line of a manifest depends on more."""

KUBERNETES = ("1.27", "1.37")
"""The oldest supported Kubernetes release, and the newest one known here."""

CURRENT_FIELDS = {
    "apiVersion",
    "configMapGenerator",
    "images",
    "kind",
    "namespace",
    "patches",
    "resources",
}
"""Excludes the deprecated fields `bases`, `commonLabels` and `patchesJson6902`."""

SECRETS = {
    "APP_AUTH_OLD_KEYS": "{}",
    "DATABASE_URL": "postgresql://app:password@db.example.org/app",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=token",
    "REDIS_URL": "redis://redis.example.org:6379/0",
    "SECRET_KEY": "3f9c1d7be2a84650",
    "SENTRY_DSN": "https://0a1b2c@errors.example.org/1",
    "SMTP_URL": "smtp://mail.example.org",
}
SECRETS["SECRET_KEY"] *= 3

TO_SET = {"production": {"APP_TRUSTED_PROXIES": "10.1.0.0/16"}}
"""The settings that an overlay leaves to its owner."""

PORTS = {
    "DATABASE_URL": {5432},
    "OTEL_EXPORTER_OTLP_HEADERS": {4318},
    "REDIS_URL": {6379},
    "SMTP_URL": {465, 587},
}
"""The egress ports that each secret requires."""

CONNECTIONS = 100 - 3
"""PostgreSQL's default connection limit without the slots reserved for superusers."""

OWN_CONNECTIONS = 4
"""A worker's connections besides its pool."""

READ_SETTINGS = """\
import json, os, sys
sys.path.insert(0, sys.argv[1])
from my_app import config
found = []
for variables in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(variables)
    try:
        settings = json.loads(config.Settings().model_dump_json())
    except ValueError as error:
        settings = {}
    found.append([settings, config.unknown_settings()])
print(json.dumps([config.Settings.model_json_schema(), found]))
"""


@dataclass(frozen=True)
class Cluster:
    """A project with manifests, and the objects they define in a cluster."""

    project: Path
    answers: Answers

    @property
    def can_scale(self) -> bool:
        """Support for several replicas: all state is outside the process."""
        database = self.answers["database"]
        return database == "postgresql" or (database == "none" and not self.answers["example"])

    @cached_property
    def text(self) -> dict[str, str]:
        """The rendered manifests, by overlay."""
        folder = self.project / "deploy/kubernetes/overlays"
        return {overlay: kustomized(folder / overlay) for overlay in OVERLAYS}

    @cached_property
    def objects(self) -> dict[str, dict[str, Any]]:
        """The objects by overlay and kind; there is one of each kind, and one of the worker."""
        found: dict[str, dict[str, Any]] = {}
        for overlay, text in self.text.items():
            listed = list(yaml.safe_load_all(text))
            found[overlay] = {kind_of(each): each for each in listed}
            assert len(found[overlay]) == len(listed)
        return found

    def deployment(self, overlay: str = "production") -> dict[str, Any]:
        """Return the spec of the deployment."""
        specification: dict[str, Any] = self.objects[overlay]["Deployment"]["spec"]
        return specification

    @property
    def worker(self) -> dict[str, Any]:
        """The spec of the deployment that runs jobs."""
        specification: dict[str, Any] = self.objects["production"]["Deployment of the worker"]
        return dict(specification["spec"])

    def pod(self, overlay: str = "production") -> dict[str, Any]:
        """Return the spec of the pods."""
        specification: dict[str, Any] = self.deployment(overlay)["template"]["spec"]
        return specification

    def container(self, overlay: str = "production") -> dict[str, Any]:
        """Return the service's container."""
        (container,) = self.pod(overlay)["containers"]
        return dict(container)

    def settings(self, overlay: str = "production") -> dict[str, str]:
        """Return the variables from the ConfigMap."""
        data: dict[str, str] = self.objects[overlay]["ConfigMap"]["data"]
        return data

    def secrets(self) -> dict[str, bool]:
        """Return the variables from the secret, and whether each is required."""
        references = [each["valueFrom"]["secretKeyRef"] for each in self.container().get("env", [])]
        assert all(each["name"] == "my-app" for each in references)
        return {each["key"]: not each["optional"] for each in references}


def kind_of(each: dict[str, Any]) -> str:
    """Return the kind of an object, and whether it belongs to the worker."""
    kind: str = each["kind"]
    return f"{kind} of the worker" if each["metadata"]["name"].endswith("-worker") else kind


@pytest.fixture(scope="module", params=COVERING, ids=name_of)
def cluster(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Cluster:
    """Projects that together have every version of every line of the manifests."""
    folder = tmp_path_factory.mktemp("cluster") / "my-app"
    return Cluster(render(template, folder, request.param), request.param)


@pytest.fixture(scope="module")
def python(workshop: Workshop) -> str:
    """The interpreter of a project's environment, which has the packages that settings need."""
    return str(workshop.environment_of(workshop.make(PROJECTS["off"])) / "bin" / "python")


# ------------------------------------------------------------------------------ what is applied


def test_manifests_follow_the_schemas_of_kubernetes(cluster: Cluster, tmp_path: Path) -> None:
    for overlay, text in cluster.text.items():
        (tmp_path / f"{overlay}.yaml").write_text(text)

    names = [str(path) for path in tmp_path.iterdir()]
    assert len(names) == len(OVERLAYS)
    tool = isolated("kubernetes-validate", "kubernetes-validate==1.37.0")
    for version in KUBERNETES:
        check(*tool, "--strict", "--kubernetes-version", version, *names)


def test_kustomizations_have_no_deprecated_field(cluster: Cluster) -> None:
    kustomizations = list(cluster.project.rglob("kustomization.yaml"))

    assert len(kustomizations) == 1 + len(OVERLAYS)
    for path in kustomizations:
        assert set(yaml.safe_load(path.read_text())) <= CURRENT_FIELDS, path


def test_kinds_match_the_answers(cluster: Cluster) -> None:
    wanted = {"ConfigMap", "Deployment", "NetworkPolicy", "Service"}
    if cluster.can_scale:
        wanted |= {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
    if cluster.answers["database"] == "sqlite":
        wanted |= {"PersistentVolumeClaim"}
    if cluster.answers["jobs"]:
        wanted |= {"Deployment of the worker"}

    for overlay in OVERLAYS:
        assert set(cluster.objects[overlay]) == wanted


def test_environments_are_separate(cluster: Cluster) -> None:
    for overlay, namespace in zip(OVERLAYS, ("my-app-development", "my-app"), strict=True):
        found = {each["metadata"]["namespace"] for each in cluster.objects[overlay].values()}
        assert found == {namespace}
        assert f".{namespace}.svc" in cluster.settings(overlay)["APP_ALLOWED_HOSTS"]


def test_all_selectors_match_the_same_pods(cluster: Cluster) -> None:
    objects = cluster.objects["production"]
    labels = {"app.kubernetes.io/name": "my-app"}
    selectors = [
        cluster.deployment()["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
        *(each["labelSelector"]["matchLabels"] for each in _spread(cluster)),
    ]
    if cluster.can_scale:
        selectors.append(objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"])
        target = objects["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
        assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "my-app"}

    assert cluster.deployment()["template"]["metadata"]["labels"] == labels
    assert all(selector == labels for selector in selectors)
    selected = objects["NetworkPolicy"]["spec"]["podSelector"]
    if not cluster.answers["jobs"]:
        assert selected == {"matchLabels": labels}
        return
    (expression,) = selected["matchExpressions"]
    own = cluster.worker["template"]["metadata"]["labels"]
    assert own == cluster.worker["selector"]["matchLabels"] != labels
    assert [{expression["key"]: each} for each in expression["values"]] == [labels, own]


def _spread(cluster: Cluster) -> list[dict[str, Any]]:
    constraints: list[dict[str, Any]] = cluster.pod().get("topologySpreadConstraints", [])
    return constraints


@pytest.mark.parametrize("name", PROJECTS)
def test_project_without_manifests_never_mentions_them(
    template: Path, tmp_path: Path, name: str
) -> None:
    project = render(template, tmp_path / "my-app", PROJECTS[name])

    (project / ".copier-answers.yml").unlink()
    for path in filter(Path.is_file, project.rglob("*")):
        text = f"{path.relative_to(project)}\n{path.read_text()}"
        assert not re.search(r"kube|kustom", text, re.IGNORECASE), path


# ------------------------------------------------------------------------------------ the pods


def test_replicas_are_limited_by_unshared_storage(cluster: Cluster) -> None:
    deployment = cluster.deployment()

    if not cluster.can_scale:
        assert deployment["replicas"] == 1
        assert deployment["strategy"] == {"type": "Recreate"}
        assert not _spread(cluster)
        return
    scaling = cluster.objects["production"]["HorizontalPodAutoscaler"]["spec"]
    assert "replicas" not in deployment, "it would override the autoscaler"
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert {each["topologyKey"].split("/")[-1] for each in _spread(cluster)} == {"zone", "hostname"}
    assert 2 <= scaling["minReplicas"] < scaling["maxReplicas"]
    if cluster.answers["database"] == "postgresql":
        most = scaling["maxReplicas"] + deployment["strategy"]["rollingUpdate"]["maxSurge"]
        size = int(cluster.settings()["APP_DATABASE_POOL_SIZE"])
        workers = _most_workers(cluster)
        assert most * size + workers * (size + OWN_CONNECTIONS) < CONNECTIONS


def _most_workers(cluster: Cluster) -> int:
    if not cluster.answers["jobs"]:
        return 0
    surge: int = cluster.worker["strategy"]["rollingUpdate"]["maxSurge"]
    replicas: int = cluster.worker["replicas"]
    return replicas + surge


def test_worker_differs_from_the_service_only_in_its_work(cluster: Cluster, python: str) -> None:
    if not cluster.answers["jobs"]:
        assert not (cluster.project / "deploy/kubernetes/base/worker.yaml").exists()
        return
    _, (outcome,) = outcomes(python, cluster, given(cluster, "production"))
    settings, metadata = outcome.settings, cluster.worker["template"]["metadata"]
    pod, service = cluster.worker["template"]["spec"], cluster.pod()
    (container,) = pod["containers"]

    own = {"args", "name", "ports", "startupProbe", "livenessProbe", "readinessProbe"}
    assert {key for key in container if container[key] != cluster.container()[key]} == own
    assert container["args"] == ["my-app", "worker"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports.pop("probes") == settings["jobs_port"]
    assert ports.get("metrics") == settings.get("metrics_port")
    assert {container[probe]["httpGet"]["port"] for probe in own if "Probe" in probe} == {"probes"}
    assert {key for key in service if pod.get(key) != service[key]} == {
        *("containers", "terminationGracePeriodSeconds", "topologySpreadConstraints")
    }
    stopping = settings["jobs_drain_seconds"] + settings["shutdown_seconds"]
    closing = settings.get("plugins_timeout_seconds", 0) + settings.get("mail_timeout_seconds", 0)
    assert pod["terminationGracePeriodSeconds"] > stopping + closing
    annotations = cluster.deployment()["template"]["metadata"].get("annotations")
    assert metadata.get("annotations") == annotations
    assert settings["jobs_in_process"] is False


def test_pods_meet_the_restricted_standard_and_more(cluster: Cluster) -> None:
    pod = cluster.pod()
    dockerfile = (cluster.project / "docker/Dockerfile").read_text()
    user = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)

    assert user
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == int(user[1])
    assert pod["securityContext"]["runAsGroup"] == int(user[2])
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    for container in _containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        assert container["resources"]["limits"] == {
            "memory": container["resources"]["requests"]["memory"]
        }


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["containers"], *pod.get("initContainers", [])]


def test_state_is_only_in_volumes(cluster: Cluster) -> None:
    pod = cluster.pod()
    has_file = cluster.answers["database"] == "sqlite"
    folders = {"/tmp", "/data"} if has_file else {"/tmp"}  # noqa: S108 -- in the container

    for container in _containers(pod):
        assert {each["mountPath"] for each in container["volumeMounts"]} == folders
    volumes = {each.pop("name"): each for each in pod["volumes"]}
    assert set(volumes) == {folder.strip("/") for folder in folders}
    if has_file:
        claim = cluster.objects["production"]["PersistentVolumeClaim"]["metadata"]["name"]
        assert volumes["data"] == {"persistentVolumeClaim": {"claimName": claim}}
        assert cluster.settings()["DATABASE_URL"].startswith("sqlite:////data/")


def test_image_is_the_published_one(cluster: Cluster) -> None:
    steps = jobs_of(cluster.project / ".github/workflows/release.yml")["image"]
    (version,) = [step for step in steps if step.get("id") == "version"]
    published = version["run"].partition("image=")[2].partition('"')[0]
    name = published.replace("${GITHUB_REPOSITORY,,}", "ada/my-app")
    project = tomllib.loads((cluster.project / "pyproject.toml").read_text())["project"]

    for overlay, tag in zip(OVERLAYS, ("latest", project["version"]), strict=True):
        assert {each["image"] for each in _containers(cluster.pod(overlay))} == {f"{name}:{tag}"}
    assert {each["args"][0] for each in _containers(cluster.pod())} == set(project["scripts"])


def test_migrations_run_before_the_service(cluster: Cluster) -> None:
    first = cluster.pod().get("initContainers", [])

    if cluster.answers["database"] == "none":
        assert first == []
        return
    (migrate,) = first
    assert migrate["args"] == ["my-app", "db", "upgrade"]
    for key in ("env", "envFrom"):
        assert migrate.get(key) == cluster.container().get(key)


# -------------------------------------------------------------------------------- the settings


@dataclass(frozen=True)
class Outcome:
    """Settings that result from variables, or nothing if the service refuses to start."""

    settings: dict[str, Any]
    unknown: list[str]


def outcomes(
    python: str, cluster: Cluster, *environments: dict[str, str]
) -> tuple[dict[str, Any], list[Outcome]]:
    """Return the JSON schema of the settings, and the outcome of each environment."""
    result = subprocess.run(
        [python, "-c", READ_SETTINGS, str(cluster.project / "src")],
        cwd=cluster.project,
        input=json.dumps(environments),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    schema, found = json.loads(result.stdout)
    return schema, [Outcome(*each) for each in found]


def given(cluster: Cluster, overlay: str, *, without: str = "") -> dict[str, str]:
    """Return the service's variables with all required secrets, optionally without one."""
    waited_for = [name for name, is_required in cluster.secrets().items() if is_required]
    kept = {name: SECRETS[name] for name in waited_for if name != without}
    return {**cluster.settings(overlay), **kept} | TO_SET.get(overlay, {})


def test_service_accepts_the_settings(cluster: Cluster, python: str) -> None:
    schema, found = outcomes(python, cluster, *(given(cluster, each) for each in OVERLAYS))
    known = {
        name if name.isupper() else f"APP_{name}".upper(): text
        for name, each in schema["properties"].items()
        for text in [_with_definitions(each, schema)]
    }
    secret = {name for name, text in known.items() if "writeOnly" in text}

    for overlay, outcome in zip(OVERLAYS, found, strict=True):
        assert outcome.settings.get("environment") == overlay
        assert outcome.unknown == []
        assert set(cluster.settings(overlay)) <= set(known)
    assert set(cluster.secrets()) == secret - set(cluster.settings())


def _with_definitions(field: dict[str, Any], schema: dict[str, Any]) -> str:
    text = json.dumps(field)
    names = re.findall(r"#/\$defs/(\w+)", text)
    return text + "".join(_with_definitions(schema["$defs"][name], schema) for name in names)


def test_production_is_refused_until_it_names_the_proxies(cluster: Cluster, python: str) -> None:
    complete = given(cluster, "production")
    unset = complete | {name: cluster.settings()[name] for name in TO_SET["production"]}

    _, (outcome, refused) = outcomes(python, cluster, complete, unset)

    assert outcome.settings["trusted_proxies"] == ["10.1.0.0/16"]
    assert refused.settings == {}
    assert "APP_TRUSTED_PROXIES" not in cluster.settings("development"), "trusts nobody"


def test_pods_require_the_secrets_the_service_needs(cluster: Cluster, python: str) -> None:
    secrets = cluster.secrets()
    variables = [given(cluster, "production", without=name) for name in secrets]
    _, found = outcomes(python, cluster, *variables)

    refused = {name for name, outcome in zip(secrets, found, strict=True) if not outcome.settings}
    shared = {"REDIS_URL"} if "REDIS_URL" in secrets and cluster.can_scale else set[str]()
    assert {name for name, is_required in secrets.items() if is_required} == refused | shared


def test_deployment_matches_the_settings(cluster: Cluster, python: str) -> None:
    _, (outcome,) = outcomes(python, cluster, given(cluster, "production"))
    settings, container = outcome.settings, cluster.container()

    closing = settings.get("plugins_timeout_seconds", 0) + settings.get("mail_timeout_seconds", 0)
    stopping = settings["drain_seconds"] + settings["shutdown_seconds"] + closing
    assert cluster.pod()["terminationGracePeriodSeconds"] > stopping
    assert container["readinessProbe"]["timeoutSeconds"] > settings["readiness_timeout_seconds"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports.pop("http") == settings["port"]
    assert ports.get("metrics") == settings.get("metrics_port")
    assert settings["host"] == "0.0.0.0"  # noqa: S104 -- in the container
    assert settings["workers"] == 1


# --------------------------------------------------------------------------------- the network


def test_metrics_are_for_prometheus_only(cluster: Cluster) -> None:
    annotations = cluster.deployment()["template"]["metadata"].get("annotations")
    (served,) = cluster.objects["production"]["Service"]["spec"]["ports"]
    rules = cluster.objects["production"]["NetworkPolicy"]["spec"]["ingress"]
    open_to = {rule["ports"][0]["port"]: rule["from"] for rule in rules}

    assert served["targetPort"] == "http"
    if not cluster.answers["observability"]:
        assert annotations is None
        assert set(open_to) == {"http"}
        return
    assert annotations == {
        "prometheus.io/port": cluster.settings()["APP_METRICS_PORT"],
        "prometheus.io/scrape": "true",
    }
    assert set(open_to) == {"http", "metrics"}
    (prometheus,) = open_to["metrics"]
    assert set(prometheus) == {"namespaceSelector", "podSelector"}
    assert prometheus["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    assert prometheus not in open_to["http"]


def test_egress_allows_only_needed_services(cluster: Cluster) -> None:
    policy = cluster.objects["production"]["NetworkPolicy"]["spec"]
    allowed = {
        each["port"] for each in chain.from_iterable(rule["ports"] for rule in policy["egress"])
    }
    needed = set[int]().union(*(PORTS.get(name, ()) for name in cluster.secrets()))
    has_issuer = cluster.answers["auth"] == "jwt" and cluster.answers["database"] == "none"
    if cluster.answers["http_client"] or "SENTRY_DSN" in cluster.secrets() or has_issuer:
        needed.add(443)

    assert set(policy["policyTypes"]) == {"Egress", "Ingress"}
    assert allowed == {53, *needed}
    ports = {each["name"] for each in cluster.container()["ports"]}
    assert {rule["ports"][0]["port"] for rule in policy["ingress"]} == ports
    assert all("from" in rule for rule in policy["ingress"])


# ----------------------------------------------------------------------------------- the service


@pytest.mark.parametrize("name", PROJECTS)
def test_service_runs_as_the_manifests_say(workshop: Workshop, tmp_path: Path, name: str) -> None:
    """Uses the manifests' commands, variables and probes; the test sets ports, folder and drain."""
    answers = PROJECTS[name] | ON
    cluster = Cluster(workshop.make(answers), answers)
    bin_folder = workshop.environment_of(cluster.project) / "bin"
    container = cluster.container()
    ports = {each["name"]: str(free_port()) for each in container["ports"]}
    variables = cluster.settings() | production(answers) | {"APP_PORT": ports["http"]}
    variables |= {"APP_DRAIN_SECONDS": "0.2", "APP_TRUSTED_PROXIES": "127.0.0.1"}
    variables |= {"APP_METRICS_PORT": ports["metrics"]} if "metrics" in ports else {}
    variables |= {each: text.replace("/data", str(tmp_path)) for each, text in variables.items()}

    for first in cluster.pod().get("initContainers", []):
        program, *arguments = first["args"]
        subprocess.run([bin_folder / program, *arguments], env=variables, cwd=tmp_path, check=True)
    program, *arguments = container["args"]
    with subprocess.Popen(
        [bin_folder / program, *arguments], env=variables, cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as service:
        try:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = container[probe]["httpGet"]
                wait_for(f"http://127.0.0.1:{ports[asked['port']]}{asked['path']}")
            if "metrics" in ports:
                wait_for(f"http://127.0.0.1:{ports['metrics']}/metrics")
            wait_for(f"http://127.0.0.1:{ports['http']}/", status=400)
        finally:
            os.kill(service.pid, signal.SIGTERM)
    assert service.returncode == 0
