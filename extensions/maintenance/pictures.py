"""The pictures and samples in `README.md`, made from a running project and from the bench.

`python -m extensions pictures` writes them. Tests compare the samples with a project, and the
screenshot's source with the one recorded in `docs/pictures/sources.json`.
"""

import hashlib
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from copier import run_copy
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from extensions.contract.questionnaire import ROOT, Answers, read
from extensions.maintenance.browsers import browsing
from extensions.maintenance.releases import releases
from start.build import build
from start.content import first_paint
from start.engine import Origin
from start.server import serving as serving_files

__all__ = [
    "ANSWERS",
    "PICTURES",
    "bars",
    "digest_of",
    "digest_of_start",
    "normalised",
    "pictures",
    "samples",
    "serving",
    "with_samples",
]

ANSWERS: Answers = {"project_name": "My App"}
"""The answers of the project in the pictures; all others are the defaults."""

PICTURES = "docs/pictures"

_ADDRESS = "gh:your-organisation/fastapi-service-template"
_BENCH = "bench/results/README.md"
_BARS = (
    ("health", "service", "FastAPI"),
    ("list", "service, items", "FastAPI, SQLAlchemy"),
    ("write", "service, items", "FastAPI, SQLAlchemy"),
)
_REQUEST_ID = "8f2b6c1de4a94f7b9a3c5d7e1f204b68"
_SWITCHES = ("--window-size=1200,950", "--hide-scrollbars", "--force-device-scale-factor=1")
_PATIENCE = 60


def pictures(root: Path = ROOT) -> list[str]:
    """Make all pictures and samples.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The files that were written.
    """
    folder = root / PICTURES
    folder.mkdir(exist_ok=True)
    (folder / "bench.svg").write_text(bars(root), encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        project = Path(name) / "my-app"
        run_copy(str(root), project, data=ANSWERS, defaults=True, quiet=True, vcs_ref="HEAD")
        uv = [os.environ.get("UV", "uv"), "run", "--project", str(project), "my-app"]
        document = subprocess.run([*uv, "openapi"], capture_output=True, check=True, cwd=project)
        with serving(uv, project, os.environ) as (address, log):
            made = samples(address, log)
            page = f"{address}/docs"
            _photograph(page, ".opblock", folder / "docs.png", Path(name) / "profile")
        _photograph_start(folder / "start.png", Path(name))
    sources = {"docs.png": digest_of(document.stdout.decode()), "start.png": digest_of_start()}
    (folder / "sources.json").write_text(f"{json.dumps(sources, indent=2)}\n", encoding="utf-8")
    readme = root / "README.md"
    readme.write_text(with_samples(readme.read_text(encoding="utf-8"), made), encoding="utf-8")
    return [
        *(f"{PICTURES}/{each}" for each in ("bench.svg", *sources, "sources.json")),
        "README.md",
    ]


def digest_of(document: str) -> str:
    """Return the digest of an OpenAPI document, the source of the screenshot."""
    canonical = json.dumps(json.loads(document), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


# ------------------------------------------------------------------------------------ samples


@contextmanager
def serving(
    command: list[str], project: Path, variables: Mapping[str, str]
) -> Generator[tuple[str, Path]]:
    """Serve a project; yield its address and the file with its log.

    Args:
        command: The command of the project.
        project: Where it runs.
        variables: Its environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    log = project.parent / "log.txt"
    own = {"APP_PORT": port, "APP_LOG_FORMAT": "json"}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=project, env={**variables, **own}, stdout=output) as service,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/ready")
            yield f"http://127.0.0.1:{port}", log
        finally:
            service.terminate()


def _wait_for(url: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 -- a local service
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def samples(address: str, log: Path) -> dict[str, str]:
    """Return the samples of the README: a problem, and the log line of the same request.

    Args:
        address: Where the service listens.
        log: The file with its log.
    """
    _post(f"{address}/api/v1/items")
    problem = _post(f"{address}/api/v1/items")
    until = time.monotonic() + _PATIENCE
    while not (lines := [each for each in _lines(log) if '"status":409' in each]):
        assert time.monotonic() < until, "the request is not in the log"
        time.sleep(0.1)
    return {"problem": json.dumps(json.loads(problem), indent=2), "log line": lines[-1]}


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


def _post(url: str) -> str:
    headers = {"Content-Type": "application/json", "X-Request-ID": _REQUEST_ID}
    request = urllib.request.Request(url, b'{"name": "Lamp"}', headers)  # noqa: S310 -- as above
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 -- as above
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


def normalised(sample: str) -> str:
    """Return a sample without the values that differ each time: times and durations."""
    return re.sub(r'("(?:timestamp|duration_ms)":)("[^"]*"|[\d.]+)', r"\1…", sample)


def with_samples(readme: str, made: Mapping[str, str]) -> str:
    """Return the README with its samples between their markers."""
    for name, text in made.items():
        marked = re.compile(
            rf"(?<=<!-- {name} -->\n\n```json\n).*?(?=\n```\n\n<!-- end of {name} -->)", re.DOTALL
        )
        assert marked.search(readme), f"README.md has no markers for the {name}"
        readme = marked.sub(text.replace("\\", "\\\\"), readme)
    return readme


# ----------------------------------------------------------------------------------- pictures


def _photograph(url: str, selector: str, into: Path, profile: Path) -> None:
    """Take a picture of a page that has an element."""
    with browsing(profile, *_SWITCHES) as browser:
        browser.get(url)
        WebDriverWait(browser, _PATIENCE).until(
            lambda page: page.find_elements(By.CSS_SELECTOR, selector)
        )
        into.write_bytes(browser.get_screenshot_as_png())


def _photograph_start(into: Path, folder: Path) -> None:
    """Take a picture of the start page with some answers."""
    build(folder / "start", Origin(_ADDRESS, f"v{releases()[0].version}"))
    with serving_files(folder / "start") as address:
        page = f"{address}#database=postgresql&auth=jwt"
        _photograph(page, "[data-live] .row.added", into, folder / "start-profile")


def digest_of_start() -> str:
    """Return the digest of what the start page looks like: its own files, and the form."""
    page = first_paint(read(), Origin(_ADDRESS, ""))
    digest = hashlib.sha256(json.dumps([page["sections"], page["presets"]]).encode())
    for path in sorted((ROOT / "start/page").iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def bars(root: Path = ROOT) -> str:
    """Draw three results of the bench, each relative to what it was compared with.

    Args:
        root: The folder that holds `bench/`.

    Returns:
        The picture as SVG.
    """
    rows = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in (root / _BENCH).read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    drawn = "".join(_bar(place, *each, rows) for place, each in enumerate(_BARS))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 168" font-family="sans-serif"'
        ' font-size="14">\n<rect width="860" height="168" fill="white"/>\n'
        '<text x="16" y="24" font-weight="bold">Requests per second on one core</text>\n'
        f'{drawn}<path d="M440 34V140" stroke="#555" stroke-dasharray="4 3"/>\n'
        '<text x="440" y="158" text-anchor="middle" fill="#555">the reference = 1</text>\n</svg>\n'
    )


def _bar(place: int, scenario: str, who: str, reference: str, rows: list[list[str]]) -> str:
    (mine,) = (
        each
        for each in rows
        if each[:2] == [scenario, who] and each[10].endswith(f"of {reference}")
    )
    (other,) = (each for each in rows if each[:2] == [scenario, reference])
    ratio, top = float(mine[8]), 40 + 34 * place
    label = f"{scenario}, relative to {reference}"
    value = f"{ratio:.2f} ({mine[2]} to {other[2]})"
    return (
        f'<text x="316" y="{top + 17}" text-anchor="end">{label}</text>\n'
        f'<rect x="326" y="{top}" width="{round(114 * ratio)}" height="24" fill="#2a7f4f"/>\n'
        f'<text x="{334 + max(round(114 * ratio), 114)}" y="{top + 17}">{value}</text>\n'
    )
