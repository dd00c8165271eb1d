"""Files packed for the page, which unpacks them: many static hosts do not compress."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["as_tar", "as_zip", "files_of", "write_packed"]


def write_packed(content: bytes, target: Path) -> int:
    """Compress a file.

    Args:
        content: Its content.
        target: Its path, to which `.packed` is added.

    Returns:
        The size in bytes.
    """
    packed = gzip.compress(content, mtime=0)
    target.with_name(f"{target.name}.packed").write_bytes(packed)
    return len(packed)


def as_tar(root: Path, paths: Iterable[Path]) -> bytes:
    """Put files into a tar, in the format that `start/page/worker.js` reads.

    Args:
        root: The folder that their names are relative to.
        paths: The files.

    Returns:
        The archive, the same for the same files.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in paths:
            entry = tarfile.TarInfo(path.relative_to(root).as_posix())
            content = path.read_bytes()
            entry.size, entry.mode = len(content), path.stat().st_mode & 0o777
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def as_zip(root: Path) -> bytes:
    """Put a folder into a zip from which Python imports, without compression.

    Args:
        root: The folder.

    Returns:
        The archive, the same for the same files.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in files_of(root):
            archive.writestr(zipfile.ZipInfo(path.relative_to(root).as_posix()), path.read_bytes())
    return buffer.getvalue()


def files_of(root: Path) -> list[Path]:
    """List the files of a folder, sorted.

    Args:
        root: The folder.

    Returns:
        Their paths.
    """
    return sorted(path for path in root.rglob("*") if path.is_file())
