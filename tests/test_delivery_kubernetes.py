"""The manifests: put together by kustomize, valid for a cluster, and set what the service reads."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.questionnaire import Answers
from tests.delivery import PROJECTS, production
from tests.projects import Workshop
from tests.test_files import check, isolated

OVERLAYS = ("development", "production")
MANIFESTS: dict[str, Answers] = {
    name: answers | {"kubernetes": True} for name, answers in PROJECTS.items()
}
CHECK = """\
import json
from my_app.config import Settings, unknown_settings
settings = Settings(_env_file=None)
print(json.dumps([settings.environment, *unknown_settings()]))
"""


@pytest.fixture(params=MANIFESTS)
def project(request: pytest.FixtureRequest, workshop: Workshop) -> Path:
    """A project with manifests."""
    return workshop.make(MANIFESTS[request.param])


def objects(project: Path, overlay: str) -> dict[str, Any]:
    """Return what would be applied, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(kustomized(project, overlay))}


def kustomized(project: Path, overlay: str) -> str:
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl, and a newer one than Debian's")
    folder = project / "deploy/kubernetes/overlays" / overlay
    command = ["kubectl", "kustomize", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@cache
def validator() -> tuple[str, ...]:
    return isolated("kubernetes-validate", "kubernetes-validate==1.37.0")


def test_base_is_valid_by_itself(project: Path) -> None:
    base = project / "deploy/kubernetes/base"
    manifests = [str(path) for path in base.glob("*.yaml") if path.stem != "kustomization"]

    check(*validator(), "--strict", *manifests)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_are_valid(project: Path, overlay: str, tmp_path: Path) -> None:
    applied = tmp_path / "applied.yaml"
    applied.write_text(kustomized(project, overlay))

    check(*validator(), "--strict", str(applied))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_service_takes_the_settings(project: Path, overlay: str, workshop: Workshop) -> None:
    found = objects(project, overlay)
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    required = {
        each["name"]
        for each in container.get("env", [])
        if not each["valueFrom"]["secretKeyRef"].get("optional")
    }
    kept = production(MANIFESTS["on"] if len(MANIFESTS) > 2 else MANIFESTS["off"])
    variables = {**found["ConfigMap"]["data"], **{name: kept[name] for name in required}}

    result = subprocess.run(
        [str(workshop.environment_of(project) / "bin/python"), "-c", CHECK],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [overlay]


def test_pods_have_no_rights_and_time_to_drain(project: Path) -> None:
    found = objects(project, "production")
    pod = found["Deployment"]["spec"]["template"]["spec"]
    settings = found["ConfigMap"]["data"]

    waits = float(settings["APP_DRAIN_SECONDS"]) + float(settings["APP_SHUTDOWN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > waits
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == _user_of_image(project)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod["containers"], *pod.get("initContainers", [])):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"]
        assert not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["image"] == "ghcr.io/ada/my-app:0.1.0"


def _user_of_image(project: Path) -> int:
    dockerfile = (project / "docker/Dockerfile").read_text()
    return int(dockerfile.partition("\nUSER ")[2].partition(":")[0])


def test_probes_ask_the_real_endpoints(project: Path) -> None:
    container = objects(project, "production")["Deployment"]["spec"]["template"]["spec"]
    probes = {
        name: probe["httpGet"]["path"]
        for name, probe in container["containers"][0].items()
        if name.endswith("Probe")
    }

    assert probes == {
        "startupProbe": "/health",
        "livenessProbe": "/health",
        "readinessProbe": "/ready",
    }


def test_only_what_shares_its_state_is_scaled(project: Path) -> None:
    found = objects(project, "production")
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    store = answers.get("database", "none")
    can_scale = store == "postgresql" or (store == "none" and not answers["example"])
    deployment = found["Deployment"]["spec"]

    assert ("HorizontalPodAutoscaler" in found) == can_scale
    assert deployment["strategy"]["type"] == ("RollingUpdate" if can_scale else "Recreate")
    assert deployment.get("replicas") == (None if can_scale else 1)
    assert ("PersistentVolumeClaim" in found) == (store == "sqlite")
