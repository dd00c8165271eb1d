"""Both type checkers in their strict modes, over projects that are rendered but not installed.

Third-party packages come from one environment with the packages of all combinations.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from extensions.contract.questionnaire import Answers
from tests.support.projects import command_of

__all__ = ["check_by_mypy", "check_by_pyright"]

MYPY = """\
[mypy]
explicit_package_bases = True
mypy_path = src
plugins = pydantic.mypy
strict = True
"""


def check_by_pyright(
    projects: Mapping[Path, Answers], environment: Path, files: Sequence[str] = ("",)
) -> None:
    """Fail if pyright reports anything in projects, which must be in one folder.

    Args:
        projects: The projects and their answers.
        environment: The environment with third-party packages.
        files: Patterns of files to check in each project; by default everything.
    """
    folder = next(iter(projects)).parent
    configuration = {
        "typeCheckingMode": "strict",
        "venvPath": str(environment.parent),
        "venv": environment.name,
        "include": [f"{project.name}/{each}".rstrip("/") for project in projects for each in files],
        "executionEnvironments": [
            {
                "root": project.name,
                "extraPaths": [f"{project.name}/src"],
                "pythonVersion": answers["python_version"],
            }
            for project, answers in projects.items()
        ],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(configuration))

    command = [str(Path(sys.executable).with_name("pyright")), "--outputjson"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    report = json.loads(result.stdout)
    assert report["summary"]["filesAnalyzed"] > len(projects)
    problems = [f"{each['file']}: {each['message']}" for each in report["generalDiagnostics"]]
    seen = [
        f"To render it: {command_of(answers)}"
        for project, answers in projects.items()
        if any(problem.startswith(f"{project}/") for problem in problems)
    ]
    assert not problems, "\n".join([*problems[:20], *seen[:1]])


def check_by_mypy(
    projects: Mapping[Path, Answers],
    environment: Path,
    folder: Path,
    files: Sequence[str] = ("src", "tests"),
) -> None:
    """Fail if mypy reports anything in projects, each moved to one folder to reuse its cache.

    Args:
        projects: The projects and their answers.
        environment: The environment with mypy and third-party packages.
        folder: The folder.
        files: Patterns of files to check in each project.
    """
    configuration = folder / "mypy.ini"
    folder.mkdir(exist_ok=True)
    configuration.write_text(MYPY)
    for rendered, answers in projects.items():
        project = folder / "my-app"
        shutil.rmtree(project, ignore_errors=True)
        rendered.rename(project)
        command = [
            *(str(environment / "bin" / "mypy"), "--config-file", str(configuration)),
            *("--cache-dir", str(folder / "cache")),
            *("--python-version", str(answers["python_version"])),
            *(str(path.relative_to(project)) for each in files for path in project.glob(each)),
        ]
        result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{result.stdout}\nTo render it: {command_of(answers)}"
