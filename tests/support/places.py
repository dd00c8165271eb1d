"""Reasons why files name blocks that they do not belong to.

A new block may have to be named in each of these places. `main.py` wires the blocks, and
`config.py` and `settings/` hold their settings, so these are exempt.
"""

from collections.abc import Mapping

__all__ = ["FREE", "PLACES"]

FREE = ("src/<package>/config.py", "src/<package>/main.py", "src/<package>/settings/")

# The blocks that a file names, and the reason.
PLACES: Mapping[str, tuple[str, str]] = {
    ".agents/skills/add-resource/SKILL.md": (
        "auth cache database observability",
        "the questions of the scaffold, and migrations",
    ),
    ".agents/skills/add-setting/SKILL.md": (
        "kubernetes",
        "manifests that name settings",
    ),
    ".agents/skills/call-service/SKILL.md": (
        "kubernetes observability",
        "manifests that allow traffic, and hooks that observe calls",
    ),
    ".agents/skills/review-change/SKILL.md": (
        "auth cache database http_client kubernetes observability plugins",
        "rules for the code that is there",
    ),
    ".agents/skills/update-from-template/SKILL.md": (
        "database",
        "migrations that a release brings",
    ),
    ".github/dependabot.yml": (
        "database",
        "no automatic upgrade of PostgreSQL to a new major version, which could not read its data",
    ),
    ".github/workflows/ci.yml": (
        "auth database",
        "services for the tests, and a smoke test of the image",
    ),
    ".gitignore": (
        "database",
        "the development database",
    ),
    "AGENTS.md": (
        "auth cache database http_client jobs kubernetes observability plugins rate_limit",
        "rules for the code of each block",
    ),
    "README.md": (
        "auth cache database example http_client jobs kubernetes observability plugins rate_limit",
        "packages, commands and sections of what is there",
    ),
    "docs/alerts.md": (
        "database http_client jobs",
        "causes of an alert in each block",
    ),
    "docs/auth.md": (
        "database example",
        "users with a database, tokens of an issuer without: one block in two forms",
    ),
    "docs/cache.md": (
        "example",
        "shows the cache of the example, where there is one",
    ),
    "docs/example.md": (
        "cache database observability",
        "lists the files of the example, and what becomes of its table",
    ),
    "docs/layout.md": (
        "auth cache database example http_client jobs kubernetes observability plugins rate_limit",
        "lists what is there",
    ),
    "docs/observability.md": (
        "cache database example http_client jobs",
        "the metrics and spans of each block",
    ),
    "docs/rate_limits.md": (
        "auth",
        "a client is a user, where users are known",
    ),
    "docs/request.md": (
        "auth cache database example http_client observability rate_limit",
        "names the modules that a request meets",
    ),
    "docs/resource.md": (
        "cache database observability",
        "lists the files that the scaffold writes, and the steps for a table",
    ),
    "docs/runbook.md": (
        "auth cache database example http_client jobs kubernetes observability plugins rate_limit",
        "lists the log events of each block, and what to do",
    ),
    "docs/accounts.md": (
        "jobs",
        "mail goes through the queue, where there is one",
    ),
    "docs/jobs.md": (
        "auth",
        "lines of main.py that the steps change",
    ),
    "docs/clients.md": (
        "auth example plugins",
        "clients send a token, and call the routes of each block",
    ),
    "deploy/kubernetes/README.md": (
        "auth database jobs observability",
        "prerequisites in the cluster",
    ),
    "deploy/kubernetes/base/deployment.yaml": (
        "database observability",
        "a migration first, a volume for SQLite, a port for metrics",
    ),
    "deploy/kubernetes/base/availability.yaml": (
        "jobs",
        "the connections that replicas and workers open",
    ),
    "deploy/kubernetes/base/kustomization.yaml": (
        "database jobs",
        "lists the rendered manifests",
    ),
    "deploy/kubernetes/base/networkpolicy.yaml": (
        "jobs observability",
        "covers the worker, and allows scraping",
    ),
    "deploy/kubernetes/base/worker.yaml": (
        "observability",
        "a port for metrics",
    ),
    "deploy/observability/alerts.yml": (
        "http_client jobs",
        "alerts for the metrics of each block",
    ),
    "deploy/observability/dashboard.json": (
        "cache database example http_client jobs",
        "panels for the metrics of each block",
    ),
    "docker/Dockerfile": (
        "database",
        "a folder for SQLite's file",
    ),
    "docker/docker-compose.override.yml": (
        "jobs",
        "in development the service runs the jobs",
    ),
    "docker/docker-compose.yml": (
        "auth database jobs",
        "the servers and secrets that the service needs",
    ),
    "docker/nginx.conf": (
        "observability",
        "hides the metrics from the public",
    ),
    "pyproject.toml": (
        "auth database http_client jobs observability plugins",
        "entry points, coverage, and import contracts",
    ),
    "src/<package>/__main__.py": (
        "auth database jobs observability plugins",
        "the command line, which runs without main and before any worker",
    ),
    "src/<package>/auth/__init__.py": (
        "database",
        "users with a database, tokens of an issuer without: one block in two forms",
    ),
    "src/<package>/auth/authentication.py": (
        "database",
        "users with a database, tokens of an issuer without: one block in two forms",
    ),
    "src/<package>/auth/exceptions.py": (
        "database",
        "users with a database, tokens of an issuer without: one block in two forms",
    ),
    "src/<package>/auth/keys.py": (
        "database",
        "users with a database, tokens of an issuer without: one block in two forms",
    ),
    "src/<package>/auth/tokens.py": (
        "database",
        "users with a database, tokens of an issuer without: one block in two forms",
    ),
    "src/<package>/database/dependencies.py": (
        "cache",
        "only a cache defers actions, and requests without one have no overhead",
    ),
    "src/<package>/database/engine.py": (
        "jobs",
        "marks sessions that commit nothing, in which no job can be enqueued",
    ),
    "src/<package>/database/migrations/__init__.py": (
        "auth jobs",
        "the packages with tables",
    ),
    "src/<package>/database/tables.py": (
        "example",
        "the table of the example",
    ),
    "src/<package>/database/seed.py": (
        "example",
        "items among the development data",
    ),
    "src/<package>/edge.py": (
        "cache rate_limit",
        "one literal list of the response headers exposed by CORS",
    ),
    "src/<package>/exceptions.py": (
        "database",
        "all layers use the status for values that a column cannot hold",
    ),
    "src/<package>/jobs/enqueueing.py": (
        "observability",
        "a job carries the trace of its request",
    ),
    "src/<package>/database/capacity.py": (
        "jobs",
        "the connections of a worker's own count, too",
    ),
    "src/<package>/observability/metrics.py": (
        "cache database example http_client jobs",
        "one module lists every metric of the service",
    ),
    "src/<package>/problems.py": (
        "auth",
        "RFC 9110: every 401 names the scheme, including those that owners raise",
    ),
    "src/<package>/routers/items.py": (
        "cache database observability",
        "assembles the example's service, and adds ETags to reads",
    ),
    "src/<package>/services/items.py": (
        "database",
        "the in-memory repository, used without a database",
    ),
    "tests/conftest.py": (
        "auth cache database example jobs observability plugins",
        "the tests' application, with empty stores and an authenticated caller",
    ),
    "tests/e2e/conftest.py": (
        "database",
        "the environment of the service, and a server without wheels for Python 3.15",
    ),
    "tests/e2e/test_embedded.py": (
        "example",
        "writes an item",
    ),
    "tests/e2e/test_peers.py": (
        "database example",
        "an export that a peer never reads",
    ),
    "tests/e2e/test_serve.py": (
        "database example",
        "a warning about items in memory",
    ),
    "tests/factories.py": (
        "example",
        "deprecated location of the example's factories in 0.4",
    ),
    "tests/integration/auth/test_verification.py": (
        "jobs",
        "mail waits in the queue, where there is one",
    ),
    "tests/integration/cache/test_preconditions.py": (
        "auth database",
        "writers that lock each other's rows, and an authenticated caller",
    ),
    "tests/integration/cache/test_stalls.py": (
        "auth database",
        "two processes that share rows, and an authenticated caller",
    ),
    "tests/integration/rate_limit/test_users.py": (
        "database",
        "without users, a token is verified again once its key is fetched",
    ),
    "tests/integration/test_items_api.py": (
        "database",
        "the in-process store, used without a database",
    ),
    "tests/integration/test_linear.py": (
        "auth database http_client",
        "attacks the inputs of each block",
    ),
    "tests/support.py": (
        "auth database rate_limit",
        "settings for tests",
    ),
    "tests/unit/auth/test_settings.py": (
        "database",
        "keys of an issuer, used without a database",
    ),
    "tests/unit/services/test_items_service.py": (
        "database",
        "the repository under the tested service",
    ),
    "tests/unit/test_command_line.py": (
        "auth database jobs plugins",
        "the commands of each block",
    ),
    "src/<package>/serving.py": (
        "jobs",
        "a worker is served like the application",
    ),
}
