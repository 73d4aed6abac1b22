"""Alembic's way in: on the connection it is given, or offline never."""

from alembic import context

from models import database, tables


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _upgrade(connection)
        return
    # The `alembic` command, by a developer: the database is named by -x url=…
    engine = database.connect(context.get_x_argument(as_dictionary=True)["url"])
    with engine.begin() as opened:
        _upgrade(opened)


def _upgrade(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]  # typed as object by the config
        target_metadata=tables.SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
