"""The database as several processes meet it."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from models import database
from models.tables import Policy
from tests.conftest import run_sql


def test_processes_that_start_at_once_migrate_once(postgresql_url: str) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    run_sql(f"{postgresql_url}/postgres", f"CREATE DATABASE {name}")
    engines = [database.connect(f"{postgresql_url}/{name}") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(database.migrate, engines))
    assert "alert" in inspect(engines[0]).get_table_names()
    for engine in engines:
        engine.dispose()


def test_two_writers_lose_nothing(db: Engine) -> None:
    with Session(db) as session:
        session.add(Policy(name="counter", steps=[], repeat=0))
        session.commit()

    def count(_: int) -> None:
        with Session(db) as session:
            row = session.get_one(Policy, 1, with_for_update=True)
            row.repeat += 1
            session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(100)))
    with Session(db) as session:
        assert session.get_one(Policy, 1).repeat == 100


def test_a_reader_does_not_wait_for_a_writer(sqlite_db: Engine) -> None:
    with Session(sqlite_db) as writer:
        writer.add(Policy(name="being written", steps=[]))
        writer.flush()
        with Session(database.read_only(sqlite_db)) as reader:
            assert reader.scalar(text("SELECT count(*) FROM policy")) == 0


def test_sqlite_keeps_what_it_has_answered_for(sqlite_db: Engine) -> None:
    with sqlite_db.connect() as connection:
        modes = {
            pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
            for pragma in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert modes == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_writer_that_cannot_begin_says_so_instead_of_waiting_for_ever(
    sqlite_db: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.1)
    impatient = database.connect(str(sqlite_db.url))
    with Session(sqlite_db) as writer:
        writer.add(Policy(name="being written", steps=[]))
        writer.flush()
        with pytest.raises(OperationalError, match="locked"), impatient.begin():
            pass
    impatient.dispose()
