"""Edits that people make to projects they own, one function each.

Each works on a project of any release and any answers unless its group says otherwise, so that an
updated project can be compared with a fresh copy with the same edit.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.history import substitute

__all__ = [
    "CLASHES",
    "DELETIONS",
    "EXAMPLE_EDITS",
    "KEPT_EDITS",
    "LAST_JOB",
    "MAY_CLASH",
    "Edit",
    "moved_module",
    "own_table",
    "renamed_example",
]

type Edit = Callable[[Path], None]


def _package(project: Path) -> Path:
    return next(path for path in (project / "src").iterdir() if path.is_dir())


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


# ---------------------------------------------------------------------------- edits that merge


def own_router(project: Path) -> None:
    """Add another resource: three modules, a test and a line that includes its router."""
    package = _package(project)
    for layer in ("models", "routers", "services"):
        _write(package / layer / "orders.py", f'"""The {layer} of orders."""\n')
    _write(project / "tests/integration/test_orders.py", "def test_orders() -> None: ...\n")
    included = "    app.include_router(orders.router)\n"
    resources = package / "routers/resources.py"
    if resources.exists():
        imported = f"\n\nfrom {package.name}.routers import orders\n"
        substitute(resources, r"^from fastapi import FastAPI$", rf"\g<0>{imported}")
        _append(resources, included)
        return
    main = package / "main.py"  # up to 0.4
    substitute(main, r"^(from \w+\.routers import .*)$", r"\1, orders")
    earlier = r"health\.add_routes\(app\)|app\.include_router\(health\.create_router\(\)\)"
    substitute(main, rf"^    (?:{earlier})\n", rf"\g<0>{included}")


def new_setting(project: Path) -> None:
    """Add a setting after all others: the field, its line in the example, its row in the table."""
    substitute(
        _package(project) / "config.py",
        r"^\n    @property\n    def is_production",
        r"    orders_limit: int = 10\n\g<0>",
    )
    _append(project / ".env.example", "\n# How many orders are taken.\n#APP_ORDERS_LIMIT=10\n")
    page = project / "docs/settings.md"
    substitute(
        page if page.exists() else project / "README.md",  # up to 0.4 the table was there
        r"^(\| `APP_.*\n)(?!\|)",
        r"\1| `APP_ORDERS_LIMIT` | `10` | how many orders are taken |\n",
    )


def added_dependency(project: Path) -> None:
    """Add dependencies where `uv add` does: sorted among the others."""
    substitute(project / "pyproject.toml", r"^dependencies = \[\n", r'\g<0>    "boto3~=1.40",\n')
    substitute(project / "pyproject.toml", r"^dev = \[\n", r'\g<0>    "bandit~=1.8",\n')


def bumped_dependency(project: Path) -> None:
    """Upgrade a dependency, as Dependabot does."""
    substitute(
        project / "pyproject.toml", r'"pydantic-settings~=[\d.]+"', '"pydantic-settings~=99.1"'
    )


def own_tool_setting(project: Path) -> None:
    """Add pytest options, and configure another tool."""
    substitute(project / "pyproject.toml", r"^fail_under = \d+", "fail_under = 97")
    _append(project / "pyproject.toml", '\n[tool.bandit]\nexclude_dirs = ["tests"]\n')


def extra_job(project: Path) -> None:
    """Add a job to the end of the pipeline."""
    job = "\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ./deploy\n"
    _append(project / ".github/workflows/ci.yml", job)


def compose_service(project: Path) -> None:
    """Add a service that development depends on."""
    service = "\n  mail:\n    image: axllent/mailpit\n    ports:\n      - 8025:8025\n"
    _append(project / "docker/docker-compose.override.yml", service)


def extra_hook(project: Path) -> None:
    """Append a hook."""
    hook = (
        "\n      - id: mine\n        name: mine\n        entry: ./check\n        language: system\n"
    )
    _append(project / ".pre-commit-config.yaml", hook)


def edited_readme(project: Path) -> None:
    """Add a contact section, and remove another section."""
    substitute(project / "README.md", r"^## Run it$", "## Who to ask\n\nThe team.\n\n## Run it")
    substitute(project / "README.md", r"^## Run it in Docker\n(?:.*\n)*?(?=## )", "")


def own_words(project: Path) -> None:
    """Write in the places meant for it: changelog, rules, ignored files, owners."""
    substitute(project / "CHANGELOG.md", r"^### Added\n\n", r"\g<0>- Orders.\n")
    _append(project / "AGENTS.md", "\nOrders are never deleted.\n")
    _append(project / ".gitignore", "\ndata/\n")


def own_files(project: Path) -> None:
    """Add files in the template's folders, some with names that need quotes."""
    _write(project / "docker/seed.sql", "select 1;\n")
    _write(project / ".github/workflows/deploy.yml", "name: Deploy\n")
    _write(project / "tests/unit/test_money.py", "def test_money() -> None: ...\n")
    _write(project / "docs/The münts of it.md", "# Coins\n")
    _write(_package(project) / "money" / "__init__.py", '"""Money."""\n')


def justfile(project: Path) -> None:
    """Add a justfile with short names for the commands."""
    _write(project / "justfile", "test:\n    uv run pytest\n")


def executable(project: Path) -> None:
    """Make a file of the template executable."""
    (project / "docker/Dockerfile").chmod(0o755)


KEPT_EDITS: tuple[Edit, ...] = (
    own_router,
    new_setting,
    added_dependency,
    bumped_dependency,
    own_tool_setting,
    extra_job,
    compose_service,
    extra_hook,
    edited_readme,
    own_words,
    own_files,
    justfile,
    executable,
)
"""Edits that any project can have together, and that merge with the changes of any release."""

MAY_CLASH = {
    "src/my_app/main.py",
    "src/my_app/config.py",
    ".env.example",
    "README.md",
    "pyproject.toml",
}
"""Edits next to lines that an answer or a release adds; conflicts are correct here."""


LAST_JOB = ".github/workflows/ci.yml"
"""Up to 0.4 the pipeline did not end with a constant line: a job at its end conflicts once."""


# ------------------------------------------------------------------------- edits of the database


def own_table(project: Path) -> None:
    """Append a table, and the revision that creates it."""
    database = _package(project) / "database"
    _append(
        database / "tables.py",
        '\n\nclass OrderRow(Entity):\n    """An order."""\n\n    __tablename__ = "orders"\n',
    )
    revision = '"""Add the orders."""\n\nrevision = "abc"\ndown_revision = None\n'
    _write(database / "migrations/versions/abc_add_the_orders.py", revision)


# -------------------------------------------------------------------------- edits of the example


def changed_example(project: Path) -> None:
    """Turn the example into something real: a path, a handler, a field."""
    router = _package(project) / "routers/items.py"
    substitute(router, r'(prefix ?= ?f?".*)/items"', r'\1/things"')
    _append(router, '\n\nasync def count_items() -> int:\n    """Count."""\n    return 0\n')
    substitute(
        _package(project) / "models/items.py",
        r"^    tags: Tags = \[\]\n",
        r"\g<0>    price: int = 0\n",
    )


def deleted_example(project: Path) -> None:
    """Remove the example by hand: its files, and the lines that name it in `main.py`."""
    for path in [*project.glob("src/*/*/items.py"), *project.glob("tests/**/test_*items*.py")]:
        path.unlink()
    main = _package(project) / "main.py"
    substitute(main, r"^(from \w+\.routers import .*), items", r"\1")
    substitute(main, r"^.*(items|MemoryItemRepository).*\n", "")


EXAMPLE_EDITS: tuple[Edit, ...] = (changed_example, deleted_example)
"""Edits of projects with the example, made one at a time."""


# --------------------------------------------------------------------------------- deleted files


def deleted_dockerfile(project: Path) -> None:
    """Delete the Dockerfile, to build the image another way."""
    (project / "docker/Dockerfile").unlink()


def deleted_workflow(project: Path) -> None:
    """Delete a workflow, to use another pipeline."""
    shutil.rmtree(project / ".github/workflows")


DELETIONS: tuple[Edit, ...] = (deleted_dockerfile, deleted_workflow)
"""Deletions that a release must respect although it changes the same files, made one at a time."""


# ---------------------------------------------------------------------- edits that need a person


def same_line(project: Path) -> None:
    """Change a line that the release also changes."""
    substitute(
        project / "docker/docker-compose.yml", r"stop_grace_period: .*", "stop_grace_period: 77s"
    )


def bumped_same_dependency(project: Path) -> None:
    """Upgrade a dependency that the template also upgrades."""
    substitute(project / "pyproject.toml", r'"fastapi~=[\d.]+"', '"fastapi~=0.77"')


def dependency_next_to_a_bumped_one(project: Path) -> None:
    """Add a dependency right below one that the template upgrades."""
    substitute(project / "pyproject.toml", r'^    "structlog~=.*\n', r'\g<0>    "tenacity~=9.1",\n')


def reformatted(project: Path) -> None:
    """Reformat a module differently from the template."""
    module = _package(project) / "services/health.py"
    options = ("--isolated", "--quiet", "--config", "line-length=60", str(module))
    subprocess.run([sys.executable, "-m", "ruff", "format", *options], check=True)


CLASHES: tuple[tuple[Edit, str], ...] = (
    (same_line, "docker/docker-compose.yml"),
    (bumped_same_dependency, "pyproject.toml"),
    (dependency_next_to_a_bumped_one, "pyproject.toml"),
    (reformatted, "src/my_app/services/health.py"),
)
"""Edits on or next to a line that a release changes, and the file with the expected conflict."""


# ------------------------------------------------------------------------------------ moved files


def renamed_example(project: Path) -> None:
    """Rename the items to articles, in file names and text."""
    modules = [*project.glob("src/**/*.py"), *project.glob("tests/**/*.py")]
    for module in modules:
        text = re.sub(r"(?<!_)items", "articles", module.read_text()).replace("Item", "Article")
        module.write_text(text)
        module.rename(module.with_name(module.name.replace("items", "articles")))


def moved_module(project: Path) -> None:
    """Rename a module, and all imports of it."""
    services = _package(project) / "services"
    (services / "health.py").rename(services / "readiness.py")
    for module in [*project.glob("src/**/*.py"), *project.glob("tests/**/*.py")]:
        module.write_text(module.read_text().replace("services.health", "services.readiness"))
