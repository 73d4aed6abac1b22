"""Writers of one process take turns: a busy one starves nobody."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models.database import connect, read_only
from models.turns import Turns

SOON = 10.0


def test_those_who_wait_are_called_in_the_order_they_came() -> None:
    turns, came = Turns(), list[int]()
    assert turns.take(SOON)

    def wait(number: int) -> None:
        assert turns.take(SOON)
        came.append(number)
        turns.give()

    line = [threading.Thread(target=wait, args=(n,)) for n in range(5)]
    for waiting, thread in enumerate(line, start=1):
        thread.start()
        while len(turns) < waiting:
            pass
    turns.give()
    for thread in line:
        thread.join(SOON)
    assert came == [0, 1, 2, 3, 4]
    assert turns.take(0)


def test_one_who_gave_up_is_not_called() -> None:
    turns = Turns()
    turns.take(SOON)
    assert not turns.take(0)
    turns.give()
    assert turns.take(0)


def test_two_that_write_back_to_back_take_turns(tmp_path: Path) -> None:
    db = connect(f"sqlite:///{tmp_path / 'w.db'}")
    with db.begin() as connection:
        connection.execute(text("CREATE TABLE written (by text)"))
    stop = threading.Event()

    def write(name: str) -> None:
        with db.begin() as connection:
            connection.execute(text("INSERT INTO written VALUES (:by)"), {"by": name})

    def busy() -> None:
        while not stop.is_set():
            write("busy")

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(20):
            write("other")
    finally:
        stop.set()
        thread.join(SOON)
    with read_only(db).connect() as connection:
        rows = connection.execute(text("SELECT by FROM written ORDER BY rowid")).scalars().all()
    db.dispose()
    last = len(rows) - rows[::-1].index("other")
    between = rows[rows.index("other") : last].count("busy")
    assert between >= 10  # of 19 gaps; without turns, whoever has just written is first again


def test_a_failed_write_gives_its_turn_back(tmp_path: Path) -> None:
    db = connect(f"sqlite:///{tmp_path / 'w.db'}")
    with pytest.raises(OperationalError, match="no such table"), db.begin() as connection:
        connection.execute(text("INSERT INTO missing VALUES (1)"))
    with db.begin() as connection:
        connection.execute(text("CREATE TABLE missing (one integer)"))
    db.dispose()


def test_reading_waits_for_nobody(tmp_path: Path) -> None:
    db = connect(f"sqlite:///{tmp_path / 'w.db'}")
    with db.begin(), read_only(db).connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    db.dispose()
