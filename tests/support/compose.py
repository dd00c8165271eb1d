"""The services of a project's compose file, started without Docker."""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.containers import Container, Running
from tests.support.delivery import free_port, wait_for
from tests.support.images import Built

__all__ = ["Service", "services_of"]

VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])(.*?))?\}")


def services_of(project: Path, **variables: str) -> dict[str, dict[str, Any]]:
    """Read a project's compose file.

    Args:
        project: The folder of the compose file.
        variables: The contents of `docker/.env`, some of which compose requires.

    Returns:
        Each service, by name.
    """

    def fill(match: re.Match[str]) -> str:
        name, sign, rest = match.groups()
        return variables.get(name) or rest if sign == "-" else variables[name]

    text = (project / "docker/docker-compose.yml").read_text()
    services: dict[str, dict[str, Any]] = yaml.safe_load(VARIABLE.sub(fill, text))["services"]
    return services


@dataclass
class Service:
    """The service in a container; it can be stopped and restarted.

    Attributes:
        built: Its image.
        environment: Its variables.
        port: Where it listens.
        stack: Cleanup at the end of the test.
        running: Its processes.
    """

    built: Built
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    stack: ExitStack = field(default_factory=ExitStack)
    running: Running | None = None

    def __post_init__(self) -> None:
        """Adapt settings that assume separate hosts."""
        self.environment = {
            **self.environment,
            "APP_PORT": str(self.port),
            "APP_TRUSTED_PROXIES": "127.0.0.0/8",  # this nginx, and callers from its network
            "APP_DRAIN_SECONDS": "0.2",
        }

    def start(self) -> Container:
        """Start it in a new container."""
        container = self.stack.enter_context(self.built.image.container())
        self.running = self.stack.enter_context(container.started(**self.environment))
        wait_for(f"http://127.0.0.1:{self.port}/ready")
        return container

    def stop(self) -> str:
        """Stop it gracefully, and return its log."""
        assert self.running is not None
        code, output = self.running.stop()
        assert code == 0, output
        self.stack.close()
        return output
