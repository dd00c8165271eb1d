"""A project of 0.4.0 whose database has users, updated to the working tree."""

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.support.delivery import serving
from tests.support.edits import justfile, own_files, own_words
from tests.support.history import NOW, History, lines_added, released
from tests.support.projects import PEOPLE, QUESTIONNAIRE, Workshop, runnable
from tests.support.servers import ask, log_in, postgres, send, until

OLD = next(release for release in released() if release.version == "0.4.0")
EMAIL, PASSWORD, NEW_PASSWORD = "ada@example.org", "correct horse battery", "staple battery horse"
AUTH = "/api/v1/auth"


@contextmanager
def database_url(database: str, folder: Path) -> Generator[str]:
    """Yield the URL of an empty database, as an operator would set it."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'production.sqlite3'}"
    else:
        with postgres() as server:
            yield server.url


def register_and_log_in(port: int) -> str:
    """Register a user, and return the refresh token of a session."""
    account = {"email": EMAIL, "password": PASSWORD}
    assert send(port, "POST", f"{AUTH}/register", account)[0] in {201, 202}
    status, tokens = log_in(port, EMAIL, PASSWORD)
    assert status == 200
    return str(tokens["refresh_token"])


def refresh(port: int, token: str) -> tuple[int, str]:
    """Refresh a session, and return the status and the next token."""
    status, tokens = send(port, "POST", f"{AUTH}/refresh", {"refresh_token": token})
    return status, tokens.get("refresh_token", "")


def mailed_token(folder: Path) -> str:
    """Return the token in the only mail of a folder."""
    until(lambda: any(folder.glob("*.eml")))
    (file,) = folder.glob("*.eml")
    body = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
    assert body
    found = re.search(r"#(\S+)", body.get_content())
    assert found
    return found[1]


def assert_user_keeps_account(port: int, session: str, mails: Path) -> None:
    """Follow a user of the old release through the new one."""
    status, session = refresh(port, session)
    assert status == 200, "the session was lost"
    status, tokens = log_in(port, EMAIL, PASSWORD)
    assert status == 200, "the user is locked out"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    _, me = ask(port, "/api/v1/users/me", headers=bearer)
    assert (me["email"], me["is_active"], me["is_verified"]) == (EMAIL, True, True)

    assert send(port, "POST", f"{AUTH}/forgot-password", {"email": EMAIL})[0] == 202
    reset = {"token": mailed_token(mails), "password": NEW_PASSWORD}
    assert send(port, "POST", f"{AUTH}/reset-password", reset)[0] == 204
    assert [log_in(port, EMAIL, each)[0] for each in (PASSWORD, NEW_PASSWORD)] == [401, 200]
    assert refresh(port, session)[0] == 401, "a reset ends all sessions"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_users_and_sessions_of_0_4_survive_the_update(
    real_history: History, workshop: Workshop, tmp_path: Path, database: str
) -> None:
    shutil.rmtree(workshop.project, ignore_errors=True)
    answers = runnable(QUESTIONNAIRE.complete(PEOPLE | {"auth": "jwt", "database": database}))
    project = real_history.copy(workshop.project, answers, OLD.tag)
    with database_url(database, tmp_path) as url:
        variables = {"DATABASE_URL": url, "SECRET_KEY": "k" * 64}
        operator = replace(workshop, environment=workshop.environment | variables)
        operator.sync(project.path)
        operator.run(project.path, "my-app", "db", "upgrade")
        with serving(operator, project.path) as address:
            session = register_and_log_in(int(address.rpartition(":")[2]))
        project.edit(justfile, own_files, own_words)
        mine = lines_added(project)

        project.update(NOW)
        operator.sync(project.path)
        operator.run(project.path, "my-app", "db", "upgrade")
        operator.run(project.path, "my-app", "db", "check")

        assert not project.conflicts()
        for name in mine.keys() - {"uv.lock"}:
            assert mine[name] <= {*project.read(name).splitlines()}, name
        with serving(operator, project.path, APP_AUTH_VERIFIED_ONLY="true") as address:
            mails = project.path / ".state/mail"
            assert_user_keeps_account(int(address.rpartition(":")[2]), session, mails)
