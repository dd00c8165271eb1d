"""The templates of past releases, packed for the page, which loads one when it is asked for."""

from pathlib import Path
from typing import Any

from extensions.maintenance.releases import Release, releases
from extensions.maintenance.revisions import is_tagged, template_at
from start.packing import as_tar, files_of, write_packed

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
        _write(entry, into)
    return [_shown(entry) for entry in (newest, *older)]


def _write(entry: Release, into: Path) -> None:
    with template_at(entry.version) as root:
        write_packed(as_tar(root, _template(root)), into / f"{entry.version}.tar")


def _template(root: Path) -> list[Path]:
    """List what renders projects: of the extensions, the templates alone."""
    return [
        path
        for path in files_of(root)
        if path.suffix == ".jinja" or path.relative_to(root).parts[0] != "extensions"
    ]


def _shown(entry: Release) -> dict[str, Any]:
    return {
        "version": entry.version,
        "date": entry.date.isoformat(),
        "notes": entry.all_notes,
        "moved": entry.moved,
    }
