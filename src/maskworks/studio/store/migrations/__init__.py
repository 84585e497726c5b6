"""The way from one form of the tables to the next (Alembic), from inside the package.

A new one: change `schema.py`, count `REVISION` up, add a file to `versions`, and let
`tests/studio/store/test_opening.py` say whether the two agree. A new SQLite file begins with
`sqlite.sql`, what the versions came to when it was written, and goes on with those that are
newer: loading Alembic and going all the way takes a third of a second. To write it anew:
``python -m maskworks.studio.store.migrations.snapshot``.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

SNAPSHOT = Path(__file__).with_name("sqlite.sql")


def begin(connection: Connection) -> None:
    """Make the tables of `sqlite.sql` in an SQLite file that has none, in its transaction."""
    for statement in SNAPSHOT.read_text(encoding="utf-8").split("\n\n")[1:]:
        connection.exec_driver_sql(statement)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to the newest revision or to one, within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
