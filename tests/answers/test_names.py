"""Names derived from any folder name pass the validators for names."""

import keyword
import subprocess
import tomllib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.projects import QUESTIONNAIRE, Workshop, covering, python_of, pythons_here

pytestmark = pytest.mark.quick

NAMES = QUESTIONNAIRE.environment.get_template("extensions/names.jinja").make_module()


def words(name: str) -> set[str]:
    return set(getattr(NAMES, name))


@given(st.text(max_size=80))
def test_defaults_of_any_folder_pass_their_own_validators(folder: str) -> None:
    QUESTIONNAIRE.complete({}, folder=folder or "x")


@pytest.mark.parametrize("name", sorted(words("keywords") | words("standard_library")))
def test_defaults_avoid_names_that_python_uses(name: str) -> None:
    answers = QUESTIONNAIRE.complete({}, folder=name)

    assert answers["package_name"] != name


def test_keywords_match_python() -> None:
    assert {word for word in keyword.kwlist if word.islower()} == words("keywords")


@pytest.mark.parametrize("version", pythons_here())
def test_standard_library_names_are_complete(version: str) -> None:
    show = "import sys; print(*(n for n in sys.stdlib_module_names if n[0] != '_'))"
    command = [str(python_of(version)), "-c", show]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)

    modules = {name for name in listing.stdout.split() if name.islower()}
    assert modules <= words("standard_library")


def test_latin_letters_become_their_decomposition() -> None:
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        letter = chr(code).lower()
        plain = unicodedata.normalize("NFD", letter)[0]
        if len(letter) == 1 and plain.isascii() and plain.isalpha():
            assert NAMES.slug(letter) == plain, letter  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("folder", "slug", "package"),
    [
        ("My App", "my-app", "my_app"),
        ("Zoë's Café", "zoes-cafe", "zoes_cafe"),
        ("Zoe\u0308 & Söhne", "zoe-sohne", "zoe_sohne"),
        ("İstanbul ÆRØ Łódź", "istanbul-aero-lodz", "istanbul_aero_lodz"),
        ("Tiếng Việt", "tieng-viet", "tieng_viet"),
        ("2024-service", "app-2024-service", "app_2024_service"),
        ("日本語", "service", "service"),
        ("json", "json", "json_service"),
        ("FastAPI", "fastapi-service", "fastapi_service"),
        ("CON", "con-service", "con_service"),
        ("a" * 49 + "-b", "a" * 49, "a" * 32),
        ("a" * 31 + " b", "a" * 31 + "-b", "a" * 31),
    ],
)
def test_defaults_stay_close_to_the_folder(folder: str, slug: str, package: str) -> None:
    answers = QUESTIONNAIRE.complete({}, folder=folder)

    assert (answers["project_slug"], answers["package_name"]) == (slug, package)


@pytest.mark.parametrize("table", ["slugs_in_use", "packages_in_use"])
def test_names_in_use_appear_once(table: str) -> None:
    listed = [word for names in getattr(NAMES, table).values() for word in names]

    assert len(listed) == len(set(listed)), {word for word in listed if listed.count(word) > 1}


@pytest.mark.long
def test_dependency_names_are_complete(workshop: Workshop) -> None:
    for answers in covering(1):
        project = workshop.make(answers)
        locked = tomllib.loads((project / "uv.lock").read_text())["package"]
        installed = {package["name"] for package in locked} - {answers["project_slug"]}
        assert installed <= words("distributions"), installed - words("distributions")
