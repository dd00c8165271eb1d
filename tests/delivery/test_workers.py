"""Several workers of one service whose start takes long, as on a machine with little CPU."""

from pathlib import Path

from tests.support.delivery import PROJECTS, serving
from tests.support.projects import Workshop
from tests.support.servers import until

SLOW_START = """\
import sys, time
if "--multiprocessing-fork" in sys.orig_argv:
    time.sleep(7)
"""
"""Python runs it first in each process; uvicorn allows five seconds by default."""


def test_workers_that_start_slowly_are_not_killed(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_START)
    log = tmp_path / "service.log"
    project = workshop.make(PROJECTS["off"])

    with serving(workshop, project, log, APP_WORKERS="2", PYTHONPATH=str(tmp_path)):
        until(lambda: "died" in (text := log.read_text()) or text.count("startup complete") == 2)

    assert "died" not in log.read_text()
