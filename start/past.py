"""The templates of past releases, packed for the page, which loads one when it is asked for."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

from extensions.maintenance.releases import Release, releases
from extensions.maintenance.revisions import is_tagged, template_at

__all__ = ["write_releases"]


def write_releases(into: Path) -> list[dict[str, Any]]:
    """Pack the template of each release that was made.

    Args:
        into: The folder to write.

    Returns:
        What the page shows of each release, the newest first. The newest is the page's own state,
        which may not be released yet.
    """
    into.mkdir()
    newest, *others = releases()
    older = [entry for entry in others if is_tagged(entry)]
    for entry in older:
        (into / f"{entry.version}.zip.packed").write_bytes(_packed(entry))
    return [_shown(entry) for entry in (newest, *older)]


def _packed(entry: Release) -> bytes:
    buffer = io.BytesIO()
    with template_at(entry.version) as root, zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if path.is_file() and (name.parts[0] != "extensions" or path.suffix == ".jinja"):
                archive.write(path, name)
    return gzip.compress(buffer.getvalue(), mtime=0)


def _shown(entry: Release) -> dict[str, Any]:
    return {
        "version": entry.version,
        "date": entry.date.isoformat(),
        "notes": entry.notes,
        "moved": entry.moved,
    }
