"""The image: built from the rendered Dockerfile by a real builder, and run as its own user."""

import json
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Generator
from importlib.metadata import distributions
from pathlib import Path

import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.base_images import provide
from tests.support.containers import Buildah, Container, Engine, Running, builder_here
from tests.support.delivery import (
    PROJECTS,
    free_port,
    owned,
    owners_variables,
    production,
    status_of,
    wait_for,
)
from tests.support.images import BUILD, Built, bases_of, build
from tests.support.projects import FAST, Workshop
from tests.support.workflows import Runner, recorder

COMPILERS = ("cc", "gcc", "g++", "clang", "as", "ld", "make", "rustc", "cargo", "uv", "uvx")
MEGABYTE = 1_000_000
USER = 10001
VOLUME = "/data"

type Measure = Callable[[str, object], None]


@pytest.fixture(scope="module")
def buildah() -> Buildah:
    """The builder; the test is skipped if this machine has none."""
    return builder_here()


@pytest.fixture(scope="module", params=PROJECTS, ids=lambda param: str(param))
def built(
    request: pytest.FixtureRequest,
    buildah: Buildah,
    workshop: Workshop,
    tmp_path_factory: pytest.TempPathFactory,
) -> Built:
    """A project's image."""
    return build(buildah, workshop, tmp_path_factory, request.param)


@pytest.fixture
def container(built: Built, tmp_path: Path) -> Generator[Container]:
    """A container of the image, with a volume for its state."""
    volume = tmp_path if built.answers.get("database") == "sqlite" else None
    os.chown(tmp_path, USER, USER)
    with built.image.container(volume) as container:
        yield container


@pytest.fixture
def variables(built: Built) -> dict[str, str]:
    """The variables of a deployment."""
    return production(built.answers) | {"APP_PORT": str(free_port()), "APP_DRAIN_SECONDS": "0.5"}


def test_image_is_small(built: Built, buildah: Buildah, record_property: Measure) -> None:
    with built.image.container() as own, buildah.container(built.base) as (_, base):
        sizes, before = _sizes(own.root), _sizes(base)
    added = sum(sizes[each] for each in sizes.keys() - before.keys()) / MEGABYTE
    record_property(f"image, MB over its base ({built.name})", round(added, 1))

    assert added < 60 or built.name != "off"


def _sizes(root: Path) -> dict[tuple[str, float], int]:
    """Return the size of each version of each file."""
    stats = {path.relative_to(root): path.lstat() for path in root.rglob("*")}
    return {(str(path), stat.st_mtime): stat.st_size for path, stat in stats.items()}


def test_image_has_descriptive_labels(built: Built) -> None:
    labels = built.image.configuration["Labels"]
    prefix = "org.opencontainers.image."
    said = {name.removeprefix(prefix): value for name, value in labels.items() if prefix in name}

    assert said == {
        "title": "my-app",
        "version": "1.2.3",
        "revision": "abc",
        "source": "https://github.com/ada/my-app",
        "licenses": "MIT",
    }
    assert built.image.configuration["ExposedPorts"] == {"8000/tcp": {}}


def test_image_knows_its_commit(container: Container) -> None:
    assert container.run("my-app", "--version") == (0, "my-app 0.1.0 (commit abc)\n")


def test_image_has_exactly_the_locked_production_packages(
    built: Built, container: Container
) -> None:
    assert installed_in(container).keys() == {"my-app", *_locked_for_production(built.project)}


def installed_in(container: Container) -> dict[str, str]:
    """Return the version of each package."""
    site_packages = next(container.root.glob("app/lib/python*/site-packages"))
    return {
        canonicalize_name(distribution.name): distribution.version
        for distribution in distributions(path=[str(site_packages)])
    }


@pytest.mark.parametrize("built", ["on"], indirect=True)
def test_bill_of_materials_lists_exactly_the_packages(
    built: Built, container: Container, workshop: Workshop, tmp_path: Path
) -> None:
    tools, checkout = tmp_path / "tools", tmp_path / "checkout"
    tools.mkdir()
    recorder(tools, "gh")
    recorder(tools, "uvx", f'exec {uv.find_uv_bin()} tool run --quiet "$@"')
    (tools / "uv").symlink_to(uv.find_uv_bin())
    shutil.copytree(built.project, checkout)
    runner = Runner(checkout, tools, owners_variables(workshop, checkout), {"github.token": ""})

    runner.run(checkout / ".github/workflows/release.yml", "release")

    bill = json.loads((checkout / "sbom.cdx.json").read_text())
    parts = [bill["metadata"]["component"], *bill["components"]]
    listed = {canonicalize_name(part["name"]): part["version"] for part in parts}
    assert listed == installed_in(container)


def _locked_for_production(project: Path) -> set[str]:
    options = ["--locked", "--no-default-groups", "--no-emit-project", "--no-hashes"]
    exported = subprocess.run(
        [uv.find_uv_bin(), "export", "--quiet", *options],
        cwd=project,
        capture_output=True,
        check=True,
        text=True,
    )
    lines = (line for line in exported.stdout.splitlines() if re.match("[a-z]", line))
    python = {"python_version": (project / ".python-version").read_text().strip()}
    return {
        canonicalize_name(requirement.name)
        for requirement in map(Requirement, lines)
        if requirement.marker is None or requirement.marker.evaluate(python)
    }


def test_image_has_no_build_tools(container: Container) -> None:
    folders = ("app/bin", "bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "root/.local/bin")
    found = [
        f"{folder}/{name}"
        for folder in folders
        for name in COMPILERS
        if (container.root / folder / name).exists()
    ]

    assert not found


def test_image_has_all_bytecode(container: Container) -> None:
    sources = list(container.root.glob("app/lib/python*/site-packages/**/*.py"))
    missing = [str(source) for source in sources if not _is_compiled(source)]

    assert len(sources) > 300
    assert not missing


def _is_compiled(source: Path) -> bool:
    """Check the source time and size in the bytecode, as Python does before it uses it."""
    stat = source.stat()
    for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"):
        flags, time, size = struct.unpack("<III", compiled.read_bytes()[4:16])
        return (flags, time, size) == (0, int(stat.st_mtime), stat.st_size)
    return False


def test_image_has_no_writable_files(built: Built, container: Container, buildah: Buildah) -> None:
    with buildah.container(built.base) as (_, base):
        found = _writable(container.root) - _writable(base)

    assert found <= {VOLUME}


def _writable(root: Path) -> set[str]:
    """Return paths that any user, or the service's own, can write to, including /tmp."""
    return {
        f"/{path.relative_to(root)}"
        for path in root.rglob("*")
        if not path.is_symlink()
        if path.stat().st_mode & 0o002 or USER in {path.stat().st_uid, path.stat().st_gid}
    }


def test_service_runs_as_its_user_and_stops_gracefully(
    built: Built, container: Container, variables: dict[str, str], record_property: Measure
) -> None:
    url = f"http://127.0.0.1:{variables['APP_PORT']}"
    if built.answers.get("database", "none") != "none":
        code, output = container.run("my-app", "db", "upgrade", **variables)
        assert code == 0, output
    with container.started(**variables) as running:
        seconds = wait_for(f"{url}/ready")
        record_property(f"start, s to the first 200 ({built.name})", round(seconds, 2))
        assert _names_of(running) == ["tini", "my-app"]
        for process in (running.first, running.service):
            _has_no_rights(process)
        assert container.check(**variables) == 0

        os.kill(running.first, 15)
        wait_for(f"{url}/ready", status=503)
        assert container.check(**variables) == 0, "it drains, and liveness stays up"
        code, output = running.wait()
    assert code == 0, output
    assert status_of(f"{url}/health") is None
    assert container.check(**variables) != 0


def _names_of(running: Running) -> list[str]:
    return [
        Path(f"/proc/{process}/comm").read_text().strip()
        for process in (running.first, running.service)
    ]


def _has_no_rights(process: int) -> None:
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines()
    )
    assert status["Uid"].split() == [str(USER)] * 4
    assert status["Gid"].split() == [str(USER)] * 4
    assert status["Groups"].split() in ([], [str(USER)])
    assert int(status["CapEff"], 16) == 0


def test_failed_start_exits_non_zero(container: Container, variables: dict[str, str]) -> None:
    code, output = container.run(**variables | {"APP_ALLOWED_HOSTS": "*"})

    assert code == 3
    assert "APP_ALLOWED_HOSTS must list each host" in output


@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_changed_source_keeps_the_dependency_layer(
    built: Built, buildah: Buildah, tmp_path: Path
) -> None:
    project = changed(built, tmp_path, "src/my_app/main.py")
    image, log = buildah.build(project, f"{built.image.tag}-changed", **BUILD)

    assert re.search(r"uv sync .*\n(--> Using cache|#\d+ CACHED)", log)
    assert "+ fastapi==" not in log
    assert "+ my-app==" in log
    assert image.layers[:-1] == built.image.layers[:-1]
    assert image.layers[-1] != built.image.layers[-1]


@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_changed_lock_rebuilds_the_dependency_layer(
    built: Built, buildah: Buildah, tmp_path: Path
) -> None:
    _, log = buildah.build(changed(built, tmp_path, "uv.lock"), f"{built.image.tag}-changed")

    assert "+ fastapi==" in log


def changed(built: Built, folder: Path, name: str) -> Path:
    """Copy the project, and append a unique line to one of its files."""
    project = shutil.copytree(built.project, folder / "my-app")
    with (project / name).open("a") as file:
        file.write(f"\n# Changed at {os.urandom(8).hex()}.\n")
    return project


OF_A_CLONE = """\
FROM localhost/test-dev-container
COPY --chown=1000:1000 my-app /workspaces/my-app
WORKDIR /workspaces/my-app
RUN {created}
RUN uv run pytest -q -m "{tests}" && uv run prek run --all-files && uvx --version
"""


@pytest.mark.usefixtures("history")
def test_dev_container_sets_up_a_clone(
    buildah: Buildah, workshop: Workshop, tmp_path: Path
) -> None:
    project = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
    folder = project / ".devcontainer"
    for base in bases_of(project, folder.name):
        provide(buildah, base)
    buildah.build_file(folder / "Dockerfile", folder, "localhost/test-dev-container")

    created = json.loads((folder / "devcontainer.json").read_text())["postCreateCommand"]
    (tmp_path / "Dockerfile").write_text(OF_A_CLONE.format(created=created, tests=FAST))
    _, log = buildah.build_file(tmp_path / "Dockerfile", tmp_path, "localhost/test-clone")

    assert "Installed Git hook at `.git/hooks/pre-push`" in log
    assert re.search(r"^\d+ passed", log, re.MULTILINE)


DESCRIPTION = '[{"Config": {"User": "10001:10001"}, "RootFS": {"Layers": ["sha256:0"]}}]'


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_other_builders_replace_missing_buildah(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder_here()  # skips the test if there is no builder
    for tool in ("setpriv", "unshare"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    recorder(tmp_path, program, f"[ $2 != inspect ] || echo '{DESCRIPTION}'")
    monkeypatch.setenv("PATH", str(tmp_path))

    builder = builder_here()
    image, _ = builder.build(Path("project"), "localhost/test", VERSION="1.2.3")

    assert isinstance(builder, Engine)
    assert image.configuration == {"User": "10001:10001"}
    assert image.layers == ["sha256:0"]
    given = "--build-arg VERSION=1.2.3 --tag localhost/test --file project/docker/Dockerfile"
    assert f"{program} build {given} project" in (tmp_path / "calls.txt").read_text().splitlines()
