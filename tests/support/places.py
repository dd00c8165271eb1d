"""Why files that are not a block's own name it, all the same.

A new block costs the places here in which it has to be named too. `main.py` wires the blocks, and
`config.py` and `settings/` have their settings, so these are free.
"""

from collections.abc import Mapping

__all__ = ["FREE", "PLACES"]

FREE = ("src/<package>/config.py", "src/<package>/main.py", "src/<package>/settings/")

# The blocks that a file names, and why.
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
        "nothing raises PostgreSQL to a new major version, whose folder would be empty",
    ),
    ".github/workflows/ci.yml": (
        "auth database",
        "services for the tests, and a first request to the image",
    ),
    ".gitignore": (
        "database",
        "the database of development",
    ),
    "AGENTS.md": (
        "auth cache database http_client kubernetes observability plugins rate_limit",
        "rules for the code that is there",
    ),
    "README.md": (
        "auth cache database example kubernetes observability plugins rate_limit",
        "commands and sections of what is there",
    ),
    "docs/clients.md": (
        "auth example plugins",
        "clients send a token, and call what is there",
    ),
    "deploy/kubernetes/README.md": (
        "auth database observability",
        "what the cluster has to have beside the service",
    ),
    "deploy/kubernetes/base/deployment.yaml": (
        "database observability",
        "migrates first; a volume for SQLite, a port for metrics",
    ),
    "deploy/kubernetes/base/kustomization.yaml": (
        "database",
        "lists the manifests that are there",
    ),
    "deploy/kubernetes/base/networkpolicy.yaml": (
        "observability",
        "lets the metrics be scraped",
    ),
    "deploy/observability/alerts.yml": (
        "http_client",
        "alerts of metrics that are there",
    ),
    "deploy/observability/dashboard.json": (
        "cache database example http_client",
        "panels of metrics that are there",
    ),
    "docker/Dockerfile": (
        "database",
        "a folder for the file of SQLite",
    ),
    "CONTRIBUTING.md": (
        "example",
        "the walk through the example, for a resource like it",
    ),
    "docker/docker-compose.yml": (
        "auth database",
        "the servers and secrets that the service needs",
    ),
    "docker/nginx.conf": (
        "observability",
        "keeps the metrics from callers",
    ),
    "pyproject.toml": (
        "auth database http_client observability plugins",
        "entry points, coverage, and what layers may import",
    ),
    "src/<package>/__main__.py": (
        "auth database observability plugins",
        "the command line: it runs without main, before any worker",
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
        "only a cache puts actions off, and a request without one need not pay for it",
    ),
    "src/<package>/database/migrations/__init__.py": (
        "auth",
        "the packages with tables",
    ),
    "src/<package>/database/tables.py": (
        "example",
        "the table of the example",
    ),
    "src/<package>/database/seed.py": (
        "example",
        "its items among the examples to develop with",
    ),
    "src/<package>/edge.py": (
        "cache rate_limit",
        "one literal list has the response headers that browsers may read",
    ),
    "src/<package>/exceptions.py": (
        "database",
        "the status of what a column cannot hold is for all layers to know",
    ),
    "src/<package>/observability/metrics.py": (
        "cache database example http_client",
        "one page names every metric of the service",
    ),
    "src/<package>/problems.py": (
        "auth",
        "RFC 9110: every 401 names the scheme, those of owners too",
    ),
    "src/<package>/routers/items.py": (
        "cache database observability",
        "chooses the parts of the example's service, and entity tags for what is read",
    ),
    "src/<package>/services/items.py": (
        "database",
        "the repository in memory, where there is no database",
    ),
    "tests/conftest.py": (
        "auth cache database example observability plugins",
        "the application of the tests, with empty stores and a known caller",
    ),
    "tests/e2e/conftest.py": (
        "database",
        "the environment of the service, and a server that Python 3.15 lacks",
    ),
    "tests/e2e/test_embedded.py": (
        "example",
        "writes an item",
    ),
    "tests/e2e/test_peers.py": (
        "database example",
        "an export that a peer does not read",
    ),
    "tests/e2e/test_serve.py": (
        "database example",
        "a warning about items in memory",
    ),
    "tests/factories.py": (
        "example",
        "0.4 had the factories of the example here",
    ),
    "tests/integration/cache/test_preconditions.py": (
        "auth database",
        "writers that wait for each other's rows, and a caller",
    ),
    "tests/integration/cache/test_stalls.py": (
        "auth database",
        "two processes that share rows, and a caller",
    ),
    "tests/integration/rate_limit/test_users.py": (
        "database",
        "without users, a token is verified again once its key is known",
    ),
    "tests/integration/test_items_api.py": (
        "database",
        "the store of the process, where there is no database",
    ),
    "tests/integration/test_linear.py": (
        "auth database http_client",
        "attacks each input that is there",
    ),
    "tests/support.py": (
        "auth database rate_limit",
        "settings for tests",
    ),
    "tests/unit/services/test_items_service.py": (
        "database",
        "the repository that the service is tried over",
    ),
    "tests/unit/test_command_line.py": (
        "auth database plugins",
        "the commands that are there",
    ),
}
