"""The way from one form of the tables to the next (Alembic), from inside the package.

A new one: change `schema.py`, count `REVISION` up, add a file to `versions`, and let
`tests/studio/store/test_migrations.py` say whether the two agree.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest revision, within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
