"""Hold the migrations to the tables: exit 1 when they differ."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.util import CommandError

from models import database


def main() -> None:
    """Migrate an empty database and compare it with the tables."""
    with tempfile.TemporaryDirectory() as folder:
        engine = database.connect(f"sqlite:///{Path(folder) / 'scratch.db'}")
        database.migrate(engine)
        with engine.begin() as connection:
            try:
                command.check(database.alembic_config(connection))
            except CommandError as error:
                sys.exit(f"the migrations lag behind the tables: {error}")


if __name__ == "__main__":
    main()
