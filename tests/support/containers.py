"""Images, and their processes in namespaces of their own: buildah suffices, without an engine."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock

from tests.support.delivery import CACHE, ran, requires

__all__ = ["Buildah", "Container", "Engine", "Image", "Running", "builder_here", "exclusively"]

START = """\
set -e
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --bind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/tmp"
[ -z "$VOLUME" ] || mount --bind "$VOLUME" "$ROOT$PLACE"
exec setpriv --no-new-privs chroot --userspec="$USER_ID:$USER_ID" --groups= "$ROOT" "$@"
"""
"""Isolation that compose requests: own processes, read-only except /tmp, no new privileges."""


@dataclass(frozen=True)
class Buildah:
    """The builder with its own storage.

    Attributes:
        storage: The folder that keeps images between runs.
    """

    storage: Path

    BUILD: ClassVar[tuple[str, ...]] = (
        *("build", "--isolation", "chroot", "--network", "host", "--format", "docker"),
        *("--pull-never", "--layers", "--force-rm"),
    )

    def __call__(self, *arguments: str) -> str:
        """Run a buildah command, and return its output."""
        result = self.try_to(*arguments)
        if result.returncode:
            raise AssertionError(f"{shlex.join(result.args)} failed:\n{result.stdout[-6000:]}")
        return result.stdout.strip()

    def try_to(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a buildah command that may fail."""
        return ran(*self._command, *arguments)

    @cached_property
    def _command(self) -> list[str]:
        """The command with the fast storage driver, or with the slow one on older kernels."""
        for driver in ("overlay", "vfs"):
            roots = ["--root", str(self.storage / driver), "--runroot", f"{self.storage}/run"]
            command = ["buildah", *roots, "--storage-driver", driver]
            if subprocess.run([*command, "info"], capture_output=True, check=False).returncode == 0:
                return command
        raise AssertionError("buildah has no storage driver that works here")

    def id_of(self, image: str) -> str:
        """Return the id of an image, or an empty string if it does not exist."""
        form = ("--type", "image", "--format", "{{.FromImageID}}")
        found = self.try_to("inspect", *form, image)
        return "" if found.returncode else found.stdout.strip()

    def described(self, image: str) -> tuple[dict[str, Any], list[str]]:
        """Return the configuration of an image, and the digests of its layers."""
        found = json.loads(self("inspect", "--type", "image", image))
        return found["Docker"]["config"], found["OCIv1"]["rootfs"]["diff_ids"]

    def build(self, project: Path, tag: str, **arguments: str) -> tuple["Image", str]:
        """Build a project's Dockerfile by the command in its first line; return image and log."""
        return self.build_file(project / "docker" / "Dockerfile", project, tag, **arguments)

    def build_file(
        self, dockerfile: Path, context: Path, tag: str, **arguments: str
    ) -> tuple["Image", str]:
        """Build any Dockerfile; return the image and the log."""
        given = [
            word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")
        ]
        with exclusively("images"):
            replaced = self.id_of(tag)
            log = self(*self.BUILD, *given, "--tag", tag, "--file", str(dockerfile), str(context))
            if replaced and replaced != self.id_of(tag):
                self.try_to("rmi", replaced)
        return Image(self, tag), log

    @contextmanager
    def container(self, image: str) -> Generator[tuple[str, Path]]:
        """Create a container of an image, and yield its name and file system."""
        name = self("from", "--pull-never", image).splitlines()[-1]
        try:
            yield name, Path(self("mount", name))
        finally:
            self("rm", name)


@dataclass(frozen=True)
class Engine(Buildah):
    """Docker or podman, used if buildah is missing.

    Attributes:
        program: The program's name.
    """

    program: str

    BUILD: ClassVar[tuple[str, ...]] = ("build",)

    @cached_property
    def _command(self) -> list[str]:
        return [self.program]

    def id_of(self, image: str) -> str:
        """Return the id of an image, or an empty string if it does not exist."""
        found = self.try_to("image", "inspect", "--format", "{{.Id}}", image)
        return "" if found.returncode else found.stdout.strip()

    def described(self, image: str) -> tuple[dict[str, Any], list[str]]:
        """Return the configuration of an image, and the digests of its layers."""
        (found,) = json.loads(self("image", "inspect", image))
        return found["Config"], found["RootFS"]["Layers"]

    @contextmanager
    def container(self, image: str) -> Generator[tuple[str, Path]]:
        """Create a container of an image, and yield its name and a copy of its file system."""
        name = self("create", image).splitlines()[-1]
        with tempfile.TemporaryDirectory() as folder:
            try:
                self("export", "--output", f"{folder}/files.tar", name)
                root = Path(folder, "root")
                shutil.unpack_archive(f"{folder}/files.tar", root, filter="fully_trusted")
                yield name, root
            finally:
                self("rm", name)


@dataclass(frozen=True)
class Image:
    """A built image."""

    builder: Buildah
    tag: str

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """The configuration of its containers."""
        return self.builder.described(self.tag)[0]

    @cached_property
    def layers(self) -> list[str]:
        """The digests of its layers, from the base up."""
        return self.builder.described(self.tag)[1]

    @contextmanager
    def container(self, volume: Path | None = None, place: str = "/data") -> Generator["Container"]:
        """Create a container of it, optionally with a folder mounted."""
        with self.builder.container(self.tag) as (_, root):
            if volume is not None:
                (root / place.strip("/")).mkdir(exist_ok=True)
            yield Container(self, root, volume, place)


@dataclass(frozen=True)
class Container:
    """The file system of an image, and processes confined to it.

    Attributes:
        image: The image.
        root: The root of the file system.
        volume: The mounted folder, if any.
        place: The mount point.
    """

    image: Image
    root: Path
    volume: Path | None = None
    place: str = "/data"

    @contextmanager
    def started(self, *command: str, **variables: str) -> Generator["Running"]:
        """Run a command, by default the image's own, as the image's user."""
        namespaces = ["unshare", "--mount", "--pid", "--fork"]
        with subprocess.Popen(
            [*namespaces, "sh", "-c", START, "sh", *self._command(command, variables)],
            env=os.environ | self._mounts,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            running = Running(process)
            try:
                yield running
            except AssertionError as error:
                error.add_note(running.kill())
                raise
            finally:
                running.kill()

    def run(self, *command: str, **variables: str) -> tuple[int, str]:
        """Run a command until it exits, and return its exit code and output."""
        with self.started(*command, **variables) as running:
            return running.wait()

    def check(self, **variables: str) -> int:
        """Run the image's health check, and return its exit code."""
        test: list[str] = self.image.configuration["Healthcheck"]["Test"]
        assert test[0] == "CMD"
        return self.run(*test[1:], **variables)[0]

    def _command(self, command: tuple[str, ...], variables: Mapping[str, str]) -> list[str]:
        configuration = self.image.configuration
        own: list[str] = configuration["Entrypoint"] + configuration["Cmd"]
        values: list[str] = configuration["Env"]
        given = [f"{name}={value}" for name, value in variables.items()]
        start = ["/usr/bin/env", "--ignore-environment", f"--chdir={configuration['WorkingDir']}"]
        return [*start, *values, *given, *(command or own)]

    @property
    def _mounts(self) -> dict[str, str]:
        user: str = self.image.configuration["User"]
        uid, _, gid = user.partition(":")
        assert uid == gid
        mounted = {"VOLUME": str(self.volume or ""), "PLACE": self.place}
        return {"ROOT": str(self.root), "USER_ID": uid, **mounted}


@dataclass(frozen=True)
class Running:
    """A process started in a container."""

    process: subprocess.Popen[str]

    @property
    def first(self) -> int:
        """The host's id of process 1 in the container."""
        return _children(self.process.pid)[0]

    @property
    def service(self) -> int:
        """The id of the first child process."""
        return _children(self.first)[0]

    def stop(self) -> tuple[int, str]:
        """Stop it with SIGTERM, as engines do."""
        os.kill(self.first, signal.SIGTERM)
        return self.wait()

    def kill(self) -> str:
        """Kill it and all its children, and return the remaining output."""
        if self.process.poll() is not None:
            return ""
        for child in _children(self.process.pid):
            os.kill(child, signal.SIGKILL)
        return self.wait()[1]

    def wait(self) -> tuple[int, str]:
        """Wait for its exit, and return its exit code and output."""
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, output


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def builder_here() -> Buildah:
    """Return the first builder that works here, or skip the test."""
    requires("unshare", "setpriv")
    if os.geteuid():
        requires("the rights of root")
    storage = CACHE / "images"
    storage.mkdir(parents=True, exist_ok=True)
    for program in ("docker", "podman"):
        if not shutil.which("buildah") and shutil.which(program):
            engine = Engine(storage, program)
            if engine.try_to("info").returncode == 0:
                return engine
    requires("buildah", "debootstrap")
    return Buildah(storage)


def exclusively(name: str) -> FileLock:
    """Let one worker at a time do work that the others then find done."""
    return FileLock(CACHE / f"{name}.lock")
