"""Every combination under both type checkers in their strict modes, whatever it chose itself.

Third-party packages come from one environment that holds what any combination asks for. A missing
dependency shows in the suites, whose environments are exact.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.projects import BATCH, batches, command_of, name_of, pythons_here, render

MYPY = """\
[mypy]
explicit_package_bases = True
mypy_path = src
plugins = pydantic.mypy
strict = True
"""


@pytest.fixture(scope="session")
def environment(packages: Path) -> Path:
    """The environment with every package of every combination."""
    return packages / f"python-{pythons_here()[0]}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the combinations, or with --every those that cross every block."""
    option = metafunc.config.getoption
    found = batches(is_every=bool(option("--every")), size=option("--batch") or BATCH)
    metafunc.parametrize("batch", found, ids=range(len(found)), indirect=True)


@pytest.fixture
def batch(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> dict[Path, Answers]:
    """Some of the combinations, rendered side by side."""
    taken: tuple[Answers, ...] = request.param
    return {render(template, tmp_path / name_of(answers), answers): answers for answers in taken}


def test_every_combination_is_strictly_typed_for_pyright(
    batch: dict[Path, Answers], environment: Path
) -> None:
    folder = next(iter(batch)).parent
    configuration = {
        "typeCheckingMode": "strict",
        "venvPath": str(environment.parent),
        "venv": environment.name,
        "executionEnvironments": [
            {
                "root": project.name,
                "extraPaths": [f"{project.name}/src"],
                "pythonVersion": answers["python_version"],
            }
            for project, answers in batch.items()
        ],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(configuration))

    command = [str(Path(sys.executable).with_name("pyright")), "--outputjson"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    report = json.loads(result.stdout)
    assert report["summary"]["filesAnalyzed"] > len(batch)
    problems = [f"{each['file']}: {each['message']}" for each in report["generalDiagnostics"]]
    seen = [
        f"To see it: {command_of(answers)}"
        for project, answers in batch.items()
        if any(problem.startswith(f"{project}/") for problem in problems)
    ]
    assert not problems, "\n".join([*problems[:20], *seen[:1]])


def test_every_combination_is_strictly_typed_for_mypy(
    batch: dict[Path, Answers], environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mypy"  # one place, so that its cache is of use
    cache = folder / "cache"
    configuration = folder / "mypy.ini"
    folder.mkdir(exist_ok=True)
    configuration.write_text(MYPY)
    for rendered, answers in batch.items():
        project = folder / "my-app"
        shutil.rmtree(project, ignore_errors=True)
        rendered.rename(project)
        command = [
            *(str(environment / "bin" / "mypy"), "--config-file", str(configuration)),
            *("--cache-dir", str(cache), "--python-version", str(answers["python_version"])),
            *("src", "tests"),
        ]
        result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{result.stdout}\nTo see it: {command_of(answers)}"
