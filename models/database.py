"""The database: one engine per process, SQLite or PostgreSQL, migrated at the door."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlmodel import create_engine

from models.turns import take_turns

BUSY_TIMEOUT_SECONDS = 10
MIGRATION_LOCK = 8501  # any number, as long as it is ours


def connect(url: str) -> Engine:
    """Return an engine for `url`, which is `sqlite:///…` or `postgresql+psycopg://…`."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_size=10, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _set_pragmas)
    take_turns(engine, seconds=BUSY_TIMEOUT_SECONDS)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def read_only(engine: Engine) -> Engine:
    """Return `engine` for transactions that only read: on SQLite they need no write lock."""
    return engine.execution_options(wakeful_read_only=True)


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; of several processes, one does and all wait."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Any = None) -> Config:
    """Return Alembic's configuration for the migrations beside this file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _set_pragmas(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin deferred and upgrade late, which loses updates and
    # fails with "database is locked": switch them off, `_begin_immediate` does it right.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    reads = connection.get_execution_options().get("wakeful_read_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
