"""Write `sqlite.sql` anew: ``python -m maskworks.studio.store.migrations.snapshot``."""

from __future__ import annotations

from sqlalchemy import Connection, create_engine

from maskworks.studio.store.migrations import SNAPSHOT, upgrade
from maskworks.studio.store.schema import VERSION_TABLE

_HEAD = "-- What `versions` come to in SQLite; written by `snapshot.py`, not by hand."


def snapshot(connection: Connection) -> str:
    """Return the statements that make the tables of an SQLite file as they are, and its revision.

    Empty lines part them.
    """
    told = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
        "ORDER BY rowid"
    ).scalars()
    made = [
        "\n".join(line.rstrip() for line in str(each).splitlines() if line.strip()) for each in told
    ]
    revision = connection.exec_driver_sql(
        f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - our own table
    ).scalar_one()
    stamp = f"INSERT INTO {VERSION_TABLE} VALUES ('{revision}')"  # noqa: S608
    return "\n\n".join([_HEAD, *made, stamp]) + "\n"


def main() -> None:
    """Write the file."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection)
        SNAPSHOT.write_text(snapshot(connection), encoding="utf-8")
    engine.dispose()


if __name__ == "__main__":
    main()
