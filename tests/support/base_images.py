"""The base images of a rendered Dockerfile.

They are pulled if a registry is reachable. Otherwise they are built from Debian's packages, this
machine's own Python and the uv wheel, and kept between runs.
"""

import platform
import re
import shutil
import subprocess
from pathlib import Path

import uv

from tests.support.containers import Buildah, Engine, exclusively
from tests.support.delivery import ran

__all__ = ["provide"]

LIBRARIES = "libbz2-1.0,libexpat1,libffi8,liblzma5,libreadline8,libsqlite3-0,libssl3,libuuid1"
"""Libraries that Python's own extension modules are linked to."""

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
UNWANTED = (
    "test",
    "idlelib",
    "ensurepip",
    "lib2to3",
    "turtledemo",
    "site-packages",
    "config-*",
    "*.a",
)


def provide(buildah: Buildah, image: str) -> str:
    """Make an image available locally, and return its full name."""
    name, _, tag = image.rpartition(":")
    full = image if "/" in name else f"docker.io/library/{image}"
    with exclusively("images"):
        if not buildah.id_of(full) and buildah.try_to("pull", full).returncode:
            assert not isinstance(buildah, Engine), f"{image} cannot be pulled"
            if name.endswith("/uv"):
                _make_uv(buildah, tag, full)
            else:
                version = re.match(r"3\.\d+", tag)
                assert version, f"there is no replacement for {image}"
                _make_python(buildah, version[0], full)
    return full


def _make_python(buildah: Buildah, version: str, image: str) -> None:
    with buildah.container(_debian(buildah)) as (container, root):
        shutil.copytree(
            _prefix_of(version),
            root / "usr" / "local",
            symlinks=True,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(*UNWANTED),
        )
        for program in (root / "usr" / "local" / "bin").iterdir():
            if not program.name.startswith("python"):
                program.unlink()  # scripts of excluded packages
        (root / "usr/local/lib" / f"python{version}" / "site-packages").mkdir()
        subprocess.run(["chroot", str(root), "ldconfig"], check=True)
        variables = {
            "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SSL_CERT_FILE": f"/{CERTIFICATES}",
            "UV_SYSTEM_CERTS": "1",
        }
        given = [word for item in variables.items() for word in ("--env", "=".join(item))]
        buildah("config", *given, "--cmd", "python3", container)
        buildah("commit", "--quiet", container, image)


def _debian(buildah: Buildah) -> str:
    """Build a minimal Debian of the release that this machine's Python was built for."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    image = f"localhost/debian:{suite}"
    packages = f"ca-certificates,{LIBRARIES}"
    if not buildah.id_of(image):
        with buildah.container("scratch") as (container, root):
            _run("debootstrap", "--variant=minbase", f"--include={packages}", suite, str(root))
            shutil.rmtree(root / "var/cache/apt")
            shutil.rmtree(root / "var/lib/apt/lists")
            shutil.copy(f"/{CERTIFICATES}", root / CERTIFICATES)
            buildah("commit", "--quiet", container, image)
    return image


def _make_uv(buildah: Buildah, version: str, image: str) -> None:
    with buildah.container("scratch") as (container, root):
        wheel = root / "wheel"
        _run(uv.find_uv_bin(), "pip", "install", "--quiet", f"--target={wheel}", f"uv=={version}")
        for program in ("uv", "uvx"):
            shutil.move(wheel / "bin" / program, root / program)
        shutil.rmtree(wheel)
        buildah("commit", "--quiet", container, image)


def _prefix_of(version: str) -> Path:
    find = [uv.find_uv_bin(), "python", "find", "--system", "--no-project", version]
    interpreter = subprocess.run(find, capture_output=True, check=True, text=True, cwd="/")
    return Path(interpreter.stdout.strip()).resolve().parent.parent


def _run(*command: str) -> None:
    result = ran(*command)
    assert result.returncode == 0, f"{command[0]} failed:\n{result.stdout[-2000:]}"
