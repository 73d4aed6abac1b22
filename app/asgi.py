"""The web process: pages, HTTP doors and, in the same process if asked, the engine."""

import contextlib
import gc
import importlib
import pkgutil
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts import incidents
from alerts.defaults import ensure_defaults
from alerts.wiring import Role, Wiring
from app import dashboards, views, wired
from app.gate import Gate, Visitors, login_routes
from app.http.annotations import annotation_routes
from app.http.health import health_routes
from app.http.oncall import oncall_routes
from app.http.otlp import otlp_routes
from app.http.outcomes import outcome_routes
from app.http.pagerduty import pagerduty_routes
from app.http.ping import ping_routes
from app.http.slack import slack_routes
from app.kept_files import KeptFiles
from app.preloading import Preloading

SCRIPT = Path(__file__).with_name("main.py")
# In a checkout, and beside this file in a wheel: see pyproject.toml.
CONFIGS = (SCRIPT.parent.parent / ".streamlit" / "config.toml", SCRIPT.with_name("streamlit.toml"))


def build(wiring: Wiring) -> st.App:
    """Return the ASGI application around `wiring`, whose pages it also makes current."""
    wired.set_current(wiring)
    engine = wiring.role is Role.UP
    visitors = Visitors(wiring.settings)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
        for module in pkgutil.iter_modules(views.__path__):
            importlib.import_module(f"{views.__name__}.{module.name}")
        prepare(wiring)
        jobs = wiring.jobs()
        if engine:
            jobs.start()
        # Streamlit collects garbage around reruns: without these objects that costs nothing.
        gc.collect()
        gc.freeze()
        try:
            yield {}
        finally:
            jobs.stop()
            wiring.close()
            gc.unfreeze()  # or DuckDB's binding reports all that is frozen as leaked

    return st.App(
        SCRIPT,
        lifespan=lifespan,
        routes=[
            *doors(wiring, engine=engine),
            *login_routes(visitors),
            Route("/overview", _first_page),
        ],
        middleware=[
            Middleware(Gate, visitors=visitors),
            Middleware(Preloading),
            Middleware(KeptFiles),
        ],
    )


async def _first_page(request: Request) -> Response:
    """Lead to the Overview: Streamlit knows its first page by no address but `/`."""
    return RedirectResponse(f"/?{request.url.query}".rstrip("?"), 307)


def prepare(wiring: Wiring) -> None:
    """Fill a new database with the defaults; an old one is left as it is."""
    # Names are unique: of several replicas that start at once, the slower finds them taken.
    with contextlib.suppress(IntegrityError):
        ensure_defaults(wiring.db, wiring.settings, now=wiring.clock())
    with contextlib.suppress(IntegrityError), Session(wiring.db) as session:
        owner = wiring.settings.local_user
        dashboards.ensure_default_dashboards(session, owner, now=wiring.clock())
        session.commit()


def doors(wiring: Wiring, *, engine: bool) -> list[Route]:
    """Return the HTTP routes beside the pages."""
    settings, db, clock = wiring.settings, wiring.db, wiring.clock
    routes = [
        *health_routes(db, clock, engine=engine),
        *ping_routes(db, clock),
        *oncall_routes(db, clock),
        *annotation_routes(db, token=settings.ingest_token, clock=clock),
        *outcome_routes(wiring.store, token=settings.ingest_token, clock=clock),
    ]
    if wiring.spans_in is not None and wiring.logs_in is not None:
        routes += otlp_routes(
            wiring.spans_in, wiring.logs_in, token=settings.ingest_token, clock=clock
        )
    routes += slack_routes(settings.slack_signing_secret, wiring.presses.follow, clock)
    routes += pagerduty_routes(
        settings.pagerduty_webhook_secret.split(","),
        lambda told: incidents.follow(db, told, now=clock()),
    )
    return routes


def server_config(wiring: Wiring) -> dict[str, Any]:
    """Return Streamlit's options: the file's, and where to listen."""
    path = next(path for path in CONFIGS if path.exists())
    options = _flat(tomllib.loads(path.read_text()))
    options["server.address"] = wiring.settings.host
    options["server.port"] = int(wiring.settings.port)
    return options


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
