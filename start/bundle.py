"""Bundles the page's Python: the template with its libraries, and the used part of the stdlib.

Runs in Pyodide under Node, started by `bundle.mjs`, with the sources in `/app`.
"""

import compileall
import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode
from types import ModuleType

APP, OUT, LIBRARY = Path("/app"), Path("/out"), Path("/tmp/library")  # noqa: S108 -- in memory


def exercise() -> None:
    """Answer requests of each kind, so that everything the page needs is imported."""
    sys.path.insert(0, str(APP))
    from start.engine import Engine, Origin

    engine = Engine(APP, Origin("gh:your-organisation/template", "v0.0.0"))
    for given in ({}, {"database": "postgresql", "auth": "jwt"}, {"project_name": ""}, {"x": ""}):
        engine.handle("preview", json.dumps({"given": given}))
    engine.handle("compare", json.dumps({"given": {}, "name": "cache", "value": True}))
    Path("releases").mkdir()
    Path("releases/0.0.0").symlink_to(APP)
    answers: dict[str, object] = {
        "text": "_commit: v0.0.0\nplugins: true\n",
        "version": "",
        "moved": {},
    }
    engine.handle("update", json.dumps(answers))
    engine.handle("update", json.dumps({**answers, "text": "["}))
    packed = engine.handle("archive", json.dumps({"given": {}}))
    assert isinstance(packed, bytes)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:  # as the worker unpacks this bundle
        archive.extractall("/tmp/unpacked")  # noqa: S108 -- in memory


def is_library(module: ModuleType) -> bool:
    """Check for a module of Pyodide's zip of the standard library."""
    origin = module.__spec__.origin if module.__spec__ else None
    return origin is not None and origin.startswith(archive_of_library())


def archive_of_library() -> str:
    """Return the path of Pyodide's zip of the standard library."""
    return next(path for path in sys.path if path.endswith(".zip"))


def extract_used() -> None:
    """Write the sources of the used modules of the standard library."""
    archive = archive_of_library()
    used = [module.__spec__ for module in [*sys.modules.values()] if is_library(module)]
    with zipfile.ZipFile(archive) as library:
        for spec in filter(None, used):
            library.extract(str(spec.origin).removeprefix(f"{archive}/"), LIBRARY)


def compiled(folder: Path, into: Path) -> None:
    """Zip a folder, with byte code in place of its modules; the host compresses it as a whole."""
    for module in folder.rglob("*.py"):
        if not module.is_relative_to(folder / "template"):
            compileall.compile_file(
                module, legacy=True, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
            )
            module.unlink()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder))


exercise()
extract_used()
compiled(LIBRARY, OUT / "stdlib.zip")
compiled(APP, OUT / "app.zip")
shutil.rmtree(LIBRARY)
