"""The scenarios, their contenders and their targets."""

import json
from dataclasses import replace

from bench.kinds import (
    ColdStart,
    Contender,
    Generating,
    Goal,
    Jobs,
    Leak,
    Memory,
    Rates,
    Scenario,
    Steadiness,
)
from bench.lab import App, Project
from bench.load import Load
from bench.page import StartPage
from extensions.contract.questionnaire import Answers

__all__ = ["ALL_ON", "PROJECTS", "SCENARIOS"]

ALL_ON: Answers = {
    "database": "postgresql",
    "auth": "jwt",
    "plugins": True,
    "cache": True,
    "rate_limit": True,
    "http_client": True,
    "observability": True,
}

OFF = Project("off", {"example": False})
OBSERVED = Project(
    "observed",
    {"example": False, "observability": True},
    settings={
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0",
    },
)
ITEMS = Project("items", {"database": "postgresql"})
USERS = Project("users", {"database": "postgresql", "auth": "jwt"})
QUEUED = Project("queued", {"database": "postgresql", "jobs": True})
ON = Project("on", ALL_ON, settings={"APP_RATE_LIMIT_DEFAULT": "1000000000/minute"})
PROJECTS = (OFF, OBSERVED, ITEMS, USERS, QUEUED, ON)

ASGI = App("bare ASGI", OFF, "bench.apps.asgi:app")
STARLETTE = App("Starlette", OFF, "bench.apps.bare_starlette:app")
FASTAPI = App("FastAPI", OFF, "bench.apps.bare_fastapi:app")
ASYNCPG = App("FastAPI, asyncpg", ITEMS, "bench.apps.bare_asyncpg:app")
SQLALCHEMY = App("FastAPI, SQLAlchemy", ITEMS, "bench.apps.bare_sqlalchemy:app")
SERVICE = App("service", OFF)
SERVICE_OBSERVED = App("service, observed", OBSERVED)
SERVICE_ITEMS = App("service, items", ITEMS)
SERVICE_ITEMS_SERVED = App("service, items, by its own command", ITEMS, target=None)
SERVICE_USERS = App("service, users", USERS)
SERVICE_QUEUED = App("service, jobs", QUEUED, "bench.apps.jobs:create_app")
WORKER = App("worker", QUEUED, "bench.apps.jobs:create_worker")
SERVICE_ON = App("service, all on", ON)
ONE_WORKER = App("one worker", OFF)
TWO_WORKERS = App("two workers", OFF, workers=2)

HEALTH = Load(path="/health")
ECHO = Load(path="/api/v1/echo", body=json.dumps({"quantity": 3, "name": "lamp"}))
INVALID = Load(path="/api/v1/echo", body=json.dumps({"quantity": "many"}))
ITEM = "00000000-0000-0000-0000-000000000007"
LIST = Load(path="/api/v1/items")
READ = Load(path=f"/api/v1/items/{ITEM}")
WRITE = Load(
    path="/api/v1/items",
    body=json.dumps({"name": "lamp {n}", "description": "LED", "tags": ["home", "light"]}),
)
ENQUEUE = replace(WRITE, path="/bench/items")
MISSING = Load(path="/nowhere /api/v1/items?page=x /api/v1/items/none")


def _all(load: Load, *apps: App) -> tuple[Contender, ...]:
    return tuple(Contender(app=app, load=load) for app in apps)


def _crowd(clients: int) -> Contender:
    load = Load(path=LIST.path, clients=clients, has_statuses=True)
    return Contender(app=SERVICE_ITEMS_SERVED, load=load, name=f"{clients} clients")


SCENARIOS: tuple[Scenario, ...] = (
    Rates(
        name="health",
        contenders=_all(HEALTH, ASGI, STARLETTE, FASTAPI, SERVICE, SERVICE_OBSERVED),
        goals=(
            Goal(of="service", against="FastAPI", at_least=0.85),
            Goal(of="service, observed", against="FastAPI", at_least=0.65),
        ),
    ),
    Rates(
        name="echo",
        contenders=_all(ECHO, ASGI, STARLETTE, FASTAPI, SERVICE, SERVICE_OBSERVED),
        goals=(
            Goal(of="service", against="FastAPI", at_least=0.80),
            Goal(of="service, observed", against="FastAPI", at_least=0.65),
        ),
    ),
    Rates(
        name="invalid",
        contenders=_all(INVALID, FASTAPI, SERVICE),
        goals=(Goal(of="service", against="FastAPI", at_least=0.80),),
    ),
    Rates(
        name="list",
        contenders=_all(LIST, ASYNCPG, SQLALCHEMY, SERVICE_ITEMS),
        goals=(
            Goal(of="service, items", against="FastAPI, SQLAlchemy", at_least=1.2),
            Goal(of="service, items", against="FastAPI, asyncpg", at_least=0.5),
        ),
        database=ITEMS,
    ),
    Rates(
        name="read",
        contenders=_all(READ, ASYNCPG, SQLALCHEMY, SERVICE_ITEMS),
        goals=(
            Goal(of="service, items", against="FastAPI, SQLAlchemy", at_least=1.4),
            Goal(of="service, items", against="FastAPI, asyncpg", at_least=0.5),
        ),
        database=ITEMS,
    ),
    Rates(
        name="write",
        contenders=_all(WRITE, ASYNCPG, SQLALCHEMY, SERVICE_ITEMS),
        goals=(Goal(of="service, items", against="FastAPI, SQLAlchemy", at_least=1.0),),
        database=ITEMS,
    ),
    Rates(
        name="enqueue",
        contenders=(
            Contender(app=SERVICE_QUEUED, name="a write", load=WRITE),
            Contender(app=SERVICE_QUEUED, name="a write with a job", load=ENQUEUE),
        ),
        goals=(Goal(of="a write with a job", against="a write", at_least=0.6),),
        database=QUEUED,
    ),
    Jobs(
        name="jobs",
        app=WORKER,
        values={"one worker": "rate"},
        goals=(Goal(of="one worker", at_least=500),),
        database=QUEUED,
        unit="jobs/s",
    ),
    Jobs(
        name="job start",
        app=WORKER,
        values={"median": "p50_ms", "95th percentile": "p95_ms"},
        goals=(Goal(of="median", at_most=10), Goal(of="95th percentile", at_most=50)),
        database=QUEUED,
        unit="ms",
    ),
    Rates(
        name="token",
        contenders=(
            Contender(
                app=SERVICE_USERS, name="without a token", load=Load(path=f"/bench/open/{ITEM}")
            ),
            Contender(
                app=SERVICE_USERS,
                name="with a token",
                load=Load(path=f"/bench/guarded/{ITEM}", has_token=True),
            ),
        ),
        goals=(Goal(of="with a token", against="without a token", at_least=0.85),),
        database=USERS,
    ),
    Rates(
        name="overload",
        contenders=(_crowd(32), _crowd(64), _crowd(256), _crowd(1024)),
        goals=(
            Goal(of="64 clients", against="32 clients", at_least=0.8),
            Goal(of="256 clients", against="32 clients", at_least=0.8),
            Goal(of="1024 clients", against="32 clients", at_least=0.8),
        ),
        database=ITEMS,
        seconds=8,
    ),
    Rates(name="shedding", contenders=(_crowd(2560),), database=ITEMS, seconds=8),
    Rates(
        name="workers",
        contenders=_all(HEALTH, ONE_WORKER, TWO_WORKERS),
        goals=(Goal(of="two workers", against="one worker", at_least=1.8),),
        servers=2,
    ),
    Steadiness(
        name="steady health",
        app=SERVICE,
        path=HEALTH.path,
        goals=(Goal(of="service", at_most=3),),
    ),
    Steadiness(
        name="steady list",
        app=SERVICE_ITEMS,
        path=LIST.path,
        goals=(Goal(of="service, items", at_most=3),),
        database=ITEMS,
    ),
    ColdStart(
        name="cold start",
        apps=(FASTAPI, SQLALCHEMY, SERVICE, SERVICE_ON),
        goals=(
            Goal(of="service", against="FastAPI", at_most=1.25),
            Goal(of="service, all on", against="FastAPI", at_most=1.8),
        ),
        database=ON,
    ),
    Memory(
        name="memory",
        apps=(FASTAPI, SQLALCHEMY, SERVICE, SERVICE_ON),
        goals=(Goal(of="service", at_most=60), Goal(of="service, all on", at_most=95)),
        database=ON,
    ),
    Leak(
        name="leak",
        app=SERVICE_ON,
        loads=(LIST, READ, ECHO, INVALID, replace(WRITE, has_token=True), MISSING),
        goals=(Goal(of="service, all on", at_most=3),),
        database=ON,
    ),
    Generating(
        name="generating",
        answers=ALL_ON,
        goals=(Goal(of="all on", against="one file", at_most=1.6),),
    ),
    StartPage(
        name="start page",
        unit="ms",
        rows=("painted", "live, first visit", "live, next visit", "changed answer, p95", "zip"),
        goals=(
            Goal(of="painted", at_most=300),
            Goal(of="live, first visit", at_most=4000),
            Goal(of="live, next visit", at_most=4000),
            Goal(of="changed answer, p95", at_most=50),
            Goal(of="zip", at_most=300),
        ),
    ),
    StartPage(
        name="start page, received",
        unit="MB",
        rows=("first visit", "next visit"),
        goals=(Goal(of="first visit", at_most=8), Goal(of="next visit", at_most=0)),
        changes=2,
    ),
)
