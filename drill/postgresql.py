"""A PostgreSQL of our own, for as long as a drill lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from models import database
from tests.conftest import run_sql, started_postgresql


@contextmanager
def postgresql() -> Iterator[Engine]:
    """Give an empty, migrated PostgreSQL database."""
    with started_postgresql() as url:
        run_sql(f"{url}/postgres", "CREATE DATABASE drill TEMPLATE template_wakeful")
        engine = database.connect(f"{url}/drill")
        yield engine
        engine.dispose()
