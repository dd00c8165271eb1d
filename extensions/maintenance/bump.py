"""Version bumps for the packages in `stack.jinja`: `python -m extensions bump`.

All rows are resolved together, for the oldest supported Python and all newer ones. Each subset of a
resolvable set resolves too, so this covers every combination of answers.
"""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from extensions.contract.questionnaire import ROOT, read
from extensions.contract.tables import rows, stack

__all__ = ["UnresolvableError", "bump"]

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(?P<extras>\[.*\])?~=(?P<version>[\d.]+)")
_BOUND = re.compile(r'(?<=^exclude-newer = ").*(?="$)', re.MULTILINE)


class UnresolvableError(Exception):
    """No compatible versions exist; the message is uv's."""


def bump(until: str, root: Path = ROOT) -> list[str]:
    """Update every row to the newest version that is compatible with all others.

    A row keeps its precision: `~=1.18` becomes `~=1.19`, `~=0.22.1` becomes `~=0.23.0`.

    Args:
        until: A time in RFC 3339 format; later releases are ignored.
        root: The folder that holds `copier.yml`.

    Returns:
        One line for each changed row.

    Raises:
        UnresolvableError: No compatible versions exist.
    """
    listed = {row.line: row.cells[1] for row in rows("packages", root)}
    newest = _resolve(map(_unbound, listed.values()), until, root)
    newer = {line: _with_version(each, newest) for line, each in listed.items()}
    _resolve(newer.values(), until, root)
    lines = stack(root).read_text(encoding="utf-8").splitlines(keepends=True)
    for number, requirement in listed.items():
        lines[number - 1] = lines[number - 1].replace(requirement, newer[number])
    stack(root).write_text("".join(lines), encoding="utf-8")
    _bound(until, root)
    return [f"{each} -> {newer[line]}" for line, each in listed.items() if each != newer[line]]


def _unbound(requirement: str) -> str:
    return re.sub(r"~=[\d.]+", "", requirement)


def _with_version(requirement: str, newest: dict[str, str]) -> str:
    found = _REQUIREMENT.match(requirement)
    assert found, f"{requirement} has no ~= version: add one."
    parts = found["version"].split(".")
    version = newest[_normal(found["name"])].split(".")
    newer = ".".join([*version, "0", "0"][: len(parts)])
    return requirement.replace(f"~={found['version']}", f"~={newer}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _resolve(requirements: Iterable[str], until: str, root: Path) -> dict[str, str]:
    """Let uv choose versions, the same for all Pythons."""
    oldest = min(
        map(str, read(root).question("python_version").values),
        key=lambda version: [int(part) for part in version.split(".")],
    )
    resolved = subprocess.run(
        [
            *(os.environ.get("UV", "uv"), "pip", "compile", "--quiet", "--no-header"),
            *("--universal", "--python-version", oldest, "--fork-strategy", "fewest"),
            *("--no-annotate", "--exclude-newer", until, "-"),
        ],
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        check=False,
    )
    if resolved.returncode:
        raise UnresolvableError(resolved.stderr.strip())
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)==([\d.]+)", resolved.stdout, re.MULTILINE)
    return {_normal(name): version for name, version in pinned}


def _bound(until: str, root: Path) -> None:
    """Raise the tests' `exclude-newer` bound to the time of the resolution."""
    project = root / "pyproject.toml"
    project.write_text(_BOUND.sub(until, project.read_text(encoding="utf-8")), encoding="utf-8")
