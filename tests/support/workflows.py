"""The shell steps of a workflow, run as by GitHub's runner, with programs that record calls."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.delivery import ran

__all__ = ["Runner", "jobs_of", "recorder"]

EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
RECORD = """\
#!/bin/sh
printf '%s\\n' "{name} $*" >> "{log}"
{behaviour}
"""


def recorder(folder: Path, name: str, behaviour: str = "") -> None:
    """Write a program that records its calls and then runs a script.

    Args:
        folder: The program's folder, which also receives `calls.txt`.
        name: The name of the program.
        behaviour: The rest of its shell script.
    """
    program = folder / name
    program.write_text(RECORD.format(name=name, log=folder / "calls.txt", behaviour=behaviour))
    program.chmod(0o755)


def jobs_of(workflow: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the steps of each job of a workflow."""
    content = yaml.safe_load(workflow.read_text())
    return {name: job["steps"] for name, job in content["jobs"].items()}


@dataclass
class Runner:
    """Runs the shell steps of one job in a checkout.

    Attributes:
        checkout: The working directory of the commands.
        tools: Folder of programs that take precedence over this machine's.
        variables: The environment that the runner sets.
        values: The values of expressions such as `github.token`.
        outputs: The output so far.
    """

    checkout: Path
    tools: Path
    variables: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict[str, str])
    printed: str = ""

    def run(self, workflow: Path, job: str) -> list[str]:
        """Run every shell step of a job with a true condition.

        Args:
            workflow: The file.
            job: The job's key.

        Returns:
            The executed scripts.

        Raises:
            subprocess.CalledProcessError: If a step fails, as the job would.
        """
        content = yaml.safe_load(workflow.read_text())
        self.values |= {f"env.{name}": str(value) for name, value in content["env"].items()}
        ran: list[str] = []
        for step in content["jobs"][job]["steps"]:
            if "run" in step and self._holds(step.get("if", "true")):
                self._run_step(step, content["env"])
                ran.append(step["run"])
        return ran

    @property
    def calls(self) -> list[str]:
        """The recorded calls."""
        log = self.tools / "calls.txt"
        return log.read_text().splitlines() if log.exists() else []

    def _run_step(self, step: Mapping[str, Any], shared: Mapping[str, object]) -> None:
        given = {**shared, **step.get("env", {})}
        output = self.tools / "output.txt"
        output.write_text("")
        variables = {
            **self.variables,
            **{name: self._fill(str(value)) for name, value in given.items()},
            "GITHUB_OUTPUT": str(output),
            "PATH": f"{self.tools}{os.pathsep}{self.variables['PATH']}",
            "RUNNER_TEMP": str(self.tools),
        }
        shell = ["bash", "-e", "-c", self._fill(step["run"])]
        result = ran(*shell, folder=self.checkout, variables=variables)
        self.printed += result.stdout
        if result.returncode:
            raise subprocess.CalledProcessError(result.returncode, step["run"], result.stdout)
        if "id" in step:
            self.values |= dict(self._outputs(step["id"], output))

    def _outputs(self, step: str, output: Path) -> Iterator[tuple[str, str]]:
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            yield f"steps.{step}.outputs.{name}", value

    def _holds(self, condition: str) -> bool:
        return self._fill(condition) not in {"", "false"}

    def _fill(self, text: str) -> str:
        return EXPRESSION.sub(lambda match: self.values[match[1]], text)
