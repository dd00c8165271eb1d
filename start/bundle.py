"""Prepares the page's Python: byte code of the template, its libraries, and the used stdlib.

Runs in Pyodide under Node, started by `bundle.mjs`, with the sources in `/app`, which it replaces.
"""

import io
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType

APP, LIBRARY = Path("/app"), Path("/library")
DOCUMENTED = ("_pyodide", "pyodide")
"""Packages that read their own docstrings; all others lose theirs."""


def exercise() -> None:
    """Answer requests of each kind, so that everything the page needs is imported."""
    sys.path.insert(0, str(APP))
    from start.engine import Engine, Origin
    from start.prepared import prepare

    prepare(APP)
    engine = Engine(APP, Origin("gh:your-organisation/template", "v0.0.0"))
    for given in ({}, {"database": "postgresql", "auth": "jwt"}, {"project_name": ""}, {"x": ""}):
        engine.handle("preview", json.dumps({"given": given}))
    engine.handle("compare", json.dumps({"given": {}, "name": "cache", "value": True}))
    Path("releases").mkdir()
    Path("releases/0.0.0").symlink_to(APP)
    versions = '[{"version": "0.0.1", "moved": {}}, {"version": "0.0.0", "moved": {}}]'
    for text in ("_commit: v0.0.0\nplugins: true\n", "["):
        update = {"text": text, "target": "0.0.1", "releases": json.loads(versions)}
        engine.handle("update", json.dumps(update))
    packed = engine.handle("archive", json.dumps({"given": {}}))
    assert isinstance(packed, bytes)
    assert zipfile.is_zipfile(io.BytesIO(packed))


def used(place: str) -> list[str]:
    """Return the paths of the imported modules of a folder or zip, relative to it."""
    origins = [origin_of(module) for module in [*sys.modules.values()]]
    return [each.removeprefix(f"{place}/") for each in origins if each.startswith(f"{place}/")]


def origin_of(module: ModuleType) -> str:
    """Return the path of a module; empty for those without one."""
    return str((module.__spec__ and module.__spec__.origin) or "")


def keep_used() -> None:
    """Write the sources of the used modules of the standard library; delete unused libraries."""
    archive = next(path for path in sys.path if path.endswith(".zip"))
    with zipfile.ZipFile(archive) as library:
        library.extractall(LIBRARY, used(archive))
    kept = {APP / name for name in used(str(APP))}
    for module in modules_of(APP):
        if module not in kept:
            module.unlink()


def modules_of(folder: Path) -> list[Path]:
    """List the modules in a folder, except those that are part of the template."""
    return [path for path in folder.rglob("*.py") if not path.is_relative_to(APP / "template")]


def compile_all(folder: Path) -> None:
    """Replace modules by their byte code."""
    import py_compile

    for module in modules_of(folder):
        name = module.relative_to(folder)
        py_compile.compile(
            str(module),
            cfile=str(module.with_suffix(".pyc")),
            dfile=str(name),
            doraise=True,
            optimize=0 if name.parts[0] in DOCUMENTED else 2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        module.unlink()


exercise()
keep_used()
compile_all(LIBRARY)
compile_all(APP)
