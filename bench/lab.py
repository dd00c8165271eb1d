"""The test bed: rendered projects, servers on dedicated cores, a database."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import uv
import yaml
from copier import run_copy

from extensions.contract.questionnaire import ROOT, Answers

__all__ = ["DEVELOPED", "App", "Cores", "Lab", "Process", "Project", "wait_until_served"]

_SECRET = "0f8c2b7d5e914a63b1d07c4e6fa95820"  # noqa: S105 -- only signs tokens of the bench
_TICK = os.sysconf("SC_CLK_TCK")
_UVICORN = (
    *("--host", "127.0.0.1", "--loop", "uvloop", "--http", "httptools"),
    *("--no-access-log", "--no-server-header", "--log-level", "warning"),
)


@dataclass(frozen=True, slots=True)
class Cores:
    """The assignment of cores, so that nothing takes CPU time from the measured server."""

    server: tuple[int, ...]
    load: tuple[int, ...]
    database: tuple[int, ...]

    @classmethod
    def here(cls, *, servers: int = 1) -> "Cores":
        """Assign the first cores to the server, as many to the load, the rest to the database.

        If there are too few, load and database share the last one.
        """
        cores = sorted(os.sched_getaffinity(0))
        rest = cores[servers:] or cores[-1:]
        return cls(tuple(cores[:servers]), tuple(rest[:servers]), tuple(rest[1:] or rest))


@dataclass(frozen=True)
class Project:
    """A rendered project, and its settings in production.

    Attributes:
        name: Its name.
        answers: The answers to render it with.
        settings: Its settings beyond those of every production environment.
        groups: The options of `uv sync` for dependency groups; by default none is installed.
    """

    name: str
    answers: Answers
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    groups: tuple[str, ...] = ("--no-dev",)

    @property
    def package(self) -> str:
        """The name of its package."""
        return f"bench_{self.name}"

    @property
    def variables(self) -> dict[str, str]:
        """Its environment variables: a full production configuration."""
        return {
            "APP_ENVIRONMENT": "production",
            "APP_ALLOWED_HOSTS": "127.0.0.1",
            "APP_CORS_ORIGINS": "https://app.example.org",
            "SECRET_KEY": _SECRET,
            "BENCH_PACKAGE": self.package,
            **self.settings,
        }


DEVELOPED = Project("developed", {"database": "postgresql"}, groups=())
"""The project with the development dependencies that provide PostgreSQL for all."""


@dataclass(frozen=True)
class App:
    """An application to serve.

    Attributes:
        name: Its name in the table.
        project: The project that provides its environment.
        target: What uvicorn imports; by default the project's own application. None runs the
            project's own command.
        workers: The number of worker processes.
    """

    name: str
    project: Project
    target: str | None = "bench.apps.service:create_app"
    workers: int = 1

    @property
    def arguments(self) -> list[str]:
        """The arguments for Python, the same for everything that uvicorn serves."""
        workers = ["--workers", str(self.workers)]
        if self.target is None:
            return ["-m", self.project.package, "serve", *workers]
        factory = ["--factory"] if ":create_" in self.target else []
        return ["-m", "uvicorn", self.target, *factory, *_UVICORN, *workers]


@dataclass(frozen=True)
class Process:
    """A running server."""

    url: str
    pid: int

    def ask(self, path: str) -> str:
        """Return the body of a response."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        connection.request("GET", path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body.strip('"')

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children."""
        return sum(int(part) for pid in self._pids() for part in _stat(pid)[11:13]) / _TICK

    def rss_mb(self) -> float:
        """Return the resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text().split()
        return int(status[status.index("VmRSS:") + 1]) / 1024

    def open_files(self) -> int:
        """Count the open files, including sockets."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def _pids(self) -> Iterable[int]:
        everybody = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in everybody if pid == self.pid or _parent(pid) == self.pid]


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


@dataclass
class Lab:
    """Renders each project once, and starts applications.

    Attributes:
        folder: The folder for projects, environments and output.
        is_quick: Whether to check only that everything works.
    """

    folder: Path
    is_quick: bool = False
    cores: Cores = field(default_factory=Cores.here)

    @cached_property
    def template(self) -> Path:
        """A copy of the template's current state, outside its repository."""
        copy = self.folder / "template"
        for name in ("extensions", "template"):
            shutil.copytree(ROOT / name, copy / name, dirs_exist_ok=True)
        shutil.copy(ROOT / "copier.yml", copy)
        return copy

    def python_of(self, project: Project) -> Path:
        """Return a project's interpreter; render and sync the project if necessary."""
        folder = self.folder / project.name
        if not folder.exists():
            data = project.answers | {"project_name": f"bench {project.name}"}
            run_copy(str(self.template), folder, data=data, defaults=True, quiet=True)
            command = [uv.find_uv_bin(), "sync", "--quiet", *project.groups]
            tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
            newest = {"UV_EXCLUDE_NEWER": tools["uv"]["exclude-newer"]}
            subprocess.run(command, cwd=folder, env=newest | _clean(os.environ), check=True)
        answers = yaml.safe_load((folder / ".copier-answers.yml").read_text())
        assert answers["package_name"] == project.package
        return folder / ".venv" / "bin" / "python"

    @contextmanager
    def serve(
        self, *apps: App, cores: Cores | None = None, **variables: str
    ) -> Generator[dict[str, Process]]:
        """Start applications, wait until all respond, and stop them at the end."""
        with ExitStack() as stack:
            running = {
                app.name: stack.enter_context(self._serve(app, cores or self.cores, variables))
                for app in apps
            }
            for process in running.values():
                wait_until_served(f"{process.url}/health")
            yield running

    @contextmanager
    def _serve(self, app: App, cores: Cores, variables: dict[str, str]) -> Generator[Process]:
        port = free_port()
        command = [*app.arguments, "--port", str(port)]
        with self.start(app.project, command, cores.server, variables) as process:
            yield Process(f"http://127.0.0.1:{port}", process.pid)

    @contextmanager
    def start(
        self,
        project: Project,
        arguments: list[str],
        cores: tuple[int, ...],
        variables: dict[str, str],
    ) -> Generator[subprocess.Popen[bytes]]:
        """Run Python in a project's environment with its output in a file; stop it at the end."""
        python = str(self.python_of(project))
        output = self.folder / "output.log"
        with output.open("ab") as log:
            process = subprocess.Popen(
                [python, *arguments],
                cwd=self.folder,
                env=_clean(os.environ) | {"PYTHONPATH": str(ROOT)} | project.variables | variables,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
        with process:
            try:
                yield process
            finally:
                process.terminate()

    @contextmanager
    def database(self, project: Project) -> Generator[str]:
        """Start the development PostgreSQL, with a project's tables and items.

        It does not sync to disk: the benchmarks compare the services, not the database.
        """
        python = str(self.python_of(DEVELOPED))
        module = f"{DEVELOPED.package}.database.embedded"
        with subprocess.Popen(
            [python, "-m", module, str(self.folder / "postgresql"), "--temporary"],
            cwd=self.folder,
            env=_clean(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, self.cores.database),
        ) as keeper:
            assert keeper.stdout is not None
            url = keeper.stdout.readline().strip()
            here = {"DATABASE_URL": url}
            self.run(project, "-m", project.package, "db", "upgrade", **here)
            self.run(project, "-m", "bench.apps.seed", **here)
            yield url

    def versions(self, *projects: Project) -> str:
        """Return the versions of the interpreter and packages in the largest rendered project."""
        rendered = (each for each in reversed(projects) if (self.folder / each.name).exists())
        return self.run(next(rendered, projects[0]), "-m", "bench.apps.versions")

    def run(self, project: Project, *arguments: str, **variables: str) -> str:
        """Run Python in a project's environment and return its output."""
        return subprocess.run(
            [str(self.python_of(project)), *arguments],
            cwd=self.folder,
            env=_clean(os.environ) | {"PYTHONPATH": str(ROOT)} | project.variables | variables,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()


def _clean(environment: Iterable[str]) -> dict[str, str]:
    """Return this process's environment without the variables that affect a service."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV"}
    return {
        name: os.environ[name]
        for name in environment
        if name not in unwanted and not name.startswith(("APP_", "OTEL_", "DATABASE_"))
    }


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_served(url: str, seconds: float = 60) -> float:
    """Poll a URL until it responds 200, and return the time."""
    parts = urlsplit(url)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            connection.request("GET", parts.path)
            if connection.getresponse().status == 200:
                return time.perf_counter()
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    sys.exit(f"{url} did not respond within {seconds:g} s")
