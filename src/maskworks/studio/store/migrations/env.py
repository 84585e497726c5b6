"""What Alembic runs: it applies the versions on the connection that `upgrade` hands over."""

from __future__ import annotations

from alembic import context

from maskworks.studio.store.schema import VERSION_TABLE


def run() -> None:
    """Apply the versions."""
    context.configure(
        connection=context.config.attributes["connection"],
        version_table=VERSION_TABLE,
    )
    with context.begin_transaction():
        context.run_migrations()


if hasattr(context, "config"):  # not when the file is merely imported, as by doctest
    run()
