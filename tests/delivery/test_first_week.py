"""The first week of a project's owner, from the copy to the running image, as one test."""

import json
import re
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from tests.support.base_images import provide
from tests.support.containers import builder_here
from tests.support.delivery import free_port, owners_variables, production, wait_for
from tests.support.history import NOW, History, Project, run_copier, substitute
from tests.support.images import BUILD, bases_of
from tests.support.projects import PEOPLE, Workshop, runnable
from tests.support.scaffold import put_into_use, scaffold

NEXT = "v1000.0.0"
COMPOSE = "docker/docker-compose.yml"


@dataclass(frozen=True)
class Owner:
    """A developer who works in a project with its own environment and hooks."""

    project: Project
    variables: dict[str, str]

    def run(self, *command: str) -> None:
        """Run a command that must succeed."""
        result = self._try(*command)
        assert result.returncode == 0, f"{command} failed:\n{result.stdout[-8000:]}"

    def commit(self, message: str) -> None:
        """Commit everything through the hooks."""
        self.project.git("add", "--all")
        self.run("git", "commit", "--quiet", f"--message={message}")

    def refused(self, message: str) -> str:
        """Attempt a commit that the hooks refuse, and return their output."""
        self.project.git("add", "--all")
        result = self._try("git", "commit", "--quiet", f"--message={message}")
        assert result.returncode, "the hooks accepted the commit"
        return result.stdout

    def renew(self) -> None:
        """Lock and sync without the tests' bound on release dates, which owners do not have."""
        self.run(uv.find_uv_bin(), "lock", "--quiet")
        lock = self.project.read("uv.lock")
        self.project.write("uv.lock", re.sub(r'\[options\]\nexclude-newer = ".*"\n\n', "", lock))
        self.run(uv.find_uv_bin(), "sync", "--quiet", "--frozen")

    def describe(self) -> None:
        """Write `openapi.json`."""
        command = ("my-app", "openapi", "--output", "openapi.json")
        self.run(uv.find_uv_bin(), "run", "--no-sync", *command)

    def test(self) -> None:
        """Run the project's tests except those that start servers."""
        command = ("pytest", "-q", "-p", "no:cacheprovider", "-m", "not e2e")
        self.run(uv.find_uv_bin(), "run", "--no-sync", *command)

    def _try(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.project.path,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture
def own_history(real_history: History, tmp_path: Path) -> History:
    """The releases, plus one that changes the containers' stop timeout."""
    history = real_history.fork(tmp_path)
    compose = f"template/{COMPOSE}.jinja"
    history.release(
        NEXT,
        lambda root: substitute(root / compose, r"stop_grace_period: .*", "stop_grace_period: 99s"),
    )
    return history


@pytest.fixture
def owner(own_history: History, workshop: Workshop, tmp_path: Path) -> Owner:
    """The owner of a new project with a database."""
    answers = runnable({**PEOPLE, "database": "sqlite", "python_version": "3.13"})
    copied = run_copier(
        *("copy", "--defaults", f"--vcs-ref={NOW}"),
        *(f"--data={name}={answer}" for name, answer in answers.items()),
        *(str(own_history.repository), "my-app"),
        folder=tmp_path,
    )
    assert copied.returncode == 0, copied.stderr
    project = Project(tmp_path / "my-app", tmp_path / "my-app")
    bound = {"UV_EXCLUDE_NEWER": workshop.environment["UV_EXCLUDE_NEWER"]}
    return Owner(project, owners_variables(workshop, project.path) | bound)


def test_first_week(owner: Owner, tmp_path: Path) -> None:
    _begin(owner)
    _add_a_resource(owner)
    _switch_auth_on(owner)
    _take_the_next_release(owner)
    _build_and_start(owner, tmp_path)


def _begin(owner: Owner) -> None:
    owner.renew()
    owner.project.git("init", "--quiet")
    owner.run(uv.find_uv_bin(), "run", "--no-sync", "prek", "install")
    owner.commit("feat: begin")
    assert "uv.lock" in owner.project.git("ls-files").splitlines()


def _add_a_resource(owner: Owner) -> None:
    scaffold(owner.project.path, resource="order", fields="article:str")
    put_into_use(owner.project.path, "orders")
    owner.describe()
    for action in (("upgrade",), ("revision", "Add the orders"), ("upgrade",), ("check",)):
        owner.run(uv.find_uv_bin(), "run", "--no-sync", "my-app", "db", *action)
    owner.test()
    owner.run(uv.find_uv_bin(), "run", "--no-sync", "ruff", "format")
    owner.commit("feat: take orders")


def _switch_auth_on(owner: Owner) -> None:
    command = ("update", "--defaults", "--vcs-ref=:current:", "--data", "auth=jwt")
    updated = run_copier(*command, folder=owner.project.path)
    assert updated.returncode == 0, updated.stderr
    assert owner.project.conflicts() == []
    owner.renew()
    owner.describe()
    owner.run(uv.find_uv_bin(), "run", "--no-sync", "my-app", "db", "upgrade")
    owner.test()
    owner.commit("feat: know who is calling")


def _take_the_next_release(owner: Owner) -> None:
    compose = owner.project.path / COMPOSE
    substitute(compose, r"stop_grace_period: .*", "stop_grace_period: 77s")
    owner.commit("build: give the containers more time")
    updated = run_copier("update", "--defaults", folder=owner.project.path)
    assert updated.returncode == 0, updated.stderr

    assert owner.project.conflicts() == [COMPOSE]
    assert COMPOSE in owner.refused("build: update the template")
    substitute(compose, r"^<{7}.*\n(.*\n)={7}\n.*\n>{7}.*\n", r"\1")
    owner.commit("build: update the template")
    assert f"_commit: {NEXT}" in owner.project.read(".copier-answers.yml")


def _build_and_start(owner: Owner, folder: Path) -> None:
    builder = builder_here()
    for base in bases_of(owner.project.path):
        provide(builder, base)
    image, _ = builder.build(owner.project.path, "localhost/test-first-week", **BUILD)
    volume = folder / "data"
    volume.mkdir(mode=0o777)
    volume.chmod(0o777)
    variables = production({"auth": "jwt", "database": "sqlite"}) | {"APP_PORT": str(free_port())}
    with image.container(volume) as container:
        code, printed = container.run("my-app", "db", "upgrade", **variables)
        assert code == 0, printed
        with container.started(**variables) as running:
            url = f"http://127.0.0.1:{variables['APP_PORT']}"
            wait_for(f"{url}/ready", seconds=60)
            assert _order(url) == "book"
            assert running.stop()[0] == 0


def _order(url: str) -> str:
    request = urllib.request.Request(  # noqa: S310 -- our own URL
        f"{url}/api/v1/orders",
        data=json.dumps({"article": "book"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        article: str = json.load(response)["article"]
        return article
