"""Prints the versions of the interpreter and the relevant packages."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    *("fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools"),
    *("sqlalchemy", "asyncpg", "structlog", "orjson"),
)

named = [f"Python {platform.python_version()}"]
for package in PACKAGES:
    try:
        named.append(f"{package} {version(package)}")
    except PackageNotFoundError:
        continue
sys.stdout.write(", ".join(named))
