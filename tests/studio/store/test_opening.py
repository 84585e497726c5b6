from __future__ import annotations

import sqlite3
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, create_engine, inspect, text

from maskworks.core.errors import OutputError, UsageError
from maskworks.studio.store import add, list_campaigns, open_campaign, open_store
from maskworks.studio.store import migrations as migrations_package
from maskworks.studio.store.addresses import parse_address
from maskworks.studio.store.migrations.snapshot import snapshot
from maskworks.studio.store.schema import REVISION, VERSION_TABLE, metadata


def test_tables_are_made_at_the_first_opening_and_left_alone_at_the_second(empty):
    with open_store(empty) as store:
        open_campaign(store, "spring", currency="USD", settings="x")
    with open_store(empty, create=False) as store:
        assert [campaign.name for campaign in list_campaigns(store)] == ["spring"]


def test_migrations_lead_to_the_tables_that_the_code_knows(empty):
    with open_store(empty) as store, store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION


def test_migrations_make_the_checks_too(empty):  # Alembic compares none
    rules = [rule for table in metadata.tables.values() for rule in table.constraints]
    known = {(r.table.name, str(r.name)) for r in rules if isinstance(r, CheckConstraint)}
    with open_store(empty) as store, store.reading() as connection:
        look = inspect(connection).get_check_constraints
        made = {(table, rule["name"]) for table in metadata.tables for rule in look(table)}
    assert made == known


@pytest.fixture
def migrated(tmp_path):
    """Returns what the migrations, up to a revision, make of an SQLite file without tables."""

    def made(revision):
        engine = create_engine(f"sqlite:///{tmp_path / revision}.db")
        with engine.begin() as connection:
            migrations_package.upgrade(connection, revision)
            found = snapshot(connection)
        engine.dispose()
        return found

    return made


def tables_of(path):
    with open_store(path) as store, store.reading() as connection:
        return snapshot(connection)


def test_new_file_has_what_the_migrations_make_of_none(migrated, tmp_path):
    assert tables_of(tmp_path / "new.db") == migrated("head")


def test_new_file_goes_on_from_an_older_snapshot(migrated, tmp_path, monkeypatch):
    older = tmp_path / "older.sql"
    older.write_text(migrated("0002"))
    monkeypatch.setattr(migrations_package, "SNAPSHOT", older)
    made, wanted = (
        text.split("\n\n") for text in (tables_of(tmp_path / "new.db"), migrated("head"))
    )
    assert sorted(made) == sorted(wanted)


def test_newest_migration_is_the_revision_that_the_code_knows():
    script = ScriptDirectory(str(Path(migrations_package.__file__).parent))
    assert script.get_heads() == [REVISION]


def test_database_of_a_newer_version_is_left_alone(empty):
    with open_store(empty) as store, store.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(OutputError, match=r"newer Maskworks \(schema 9999, .* update Maskworks"):
        open_store(empty)


def test_database_of_something_else_is_left_alone(empty, tmp_path, cluster):
    foreign = tmp_path / "shop.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE items (price)")
    connection.close()
    with pytest.raises(UsageError, match=r"shop\.db: has a table 'items' that is not Maskworks's"):
        open_store(foreign)


def test_two_that_open_at_once_make_the_tables_once(empty):
    start = threading.Barrier(4)

    def opened(_):
        start.wait()
        with open_store(empty) as store:
            return store.name

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(opened, range(4)))) == 1


def test_migration_that_fails_leaves_nothing(empty, migrated, tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("the machine is on fire")

    older = tmp_path / "older.sql"
    older.write_text(migrated("0002"))
    monkeypatch.setattr(migrations_package, "SNAPSHOT", older)
    monkeypatch.setattr(op, "execute", broken)
    with pytest.raises(OutputError, match="the machine is on fire"):
        open_store(empty)
    monkeypatch.undo()
    open_store(empty).close()


@pytest.mark.parametrize("name", ["spring.db", "50% off/größe ü.db"])
def test_path_of_a_file_is_any_path(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    for way in (path, str(path), f"sqlite:///{path}".replace("%", "%25")):
        open_store(way).close()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        pytest.param(lambda p: None, "there is no database; `maskworks run` makes it", id="absent"),
        pytest.param(lambda p: p.mkdir(), "there is no database", id="folder"),
        pytest.param(
            lambda p: p.write_bytes(b"\xff\xd8 a picture" * 99), "is not a database", id="picture"
        ),
    ],
)
def test_file_that_is_no_database_is_refused(tmp_path, prepare, message):
    path = tmp_path / "campaign.db"
    prepare(path)
    with pytest.raises((UsageError, OutputError), match=message):
        open_store(path, create=False)


def test_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(OutputError, match="its folder must exist"):
        open_store(tmp_path / "no" / "campaign.db")


def test_full_disk_is_told_and_leaves_nothing_half_done(tmp_path):
    with open_store(tmp_path / "campaign.db") as store:
        with store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # of this connection
        with pytest.raises(OutputError, match="the disk is full; make room"):
            open_campaign(store, "x" * 100_000, currency="USD", settings="x")
        assert list_campaigns(store) == []
        open_campaign(store, "spring", currency="USD", settings="x")


def test_other_currency_is_refused_once_there_are_amounts(store, campaign, worker, picture):
    open_campaign(store, campaign.name, currency="EUR", settings="first")
    add(store, worker, [picture()])
    with pytest.raises(UsageError, match="is kept in EUR, not in USD"):
        open_campaign(store, campaign.name, currency="USD", settings="first")


def test_sqlite_is_set_up_to_survive(tmp_path):
    asked = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}
    with open_store(tmp_path / "campaign.db") as store:
        with store.reading() as connection:
            found = {n: connection.exec_driver_sql(f"PRAGMA {n}").scalar_one() for n in asked}
        with store.writing(durable=True) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    assert found == asked


@pytest.mark.parametrize(
    ("given", "url", "arguments"),
    [
        pytest.param("a b.db", "sqlite:///a b.db", {}, id="file"),
        pytest.param("sqlite:////x/a.db", "sqlite:////x/a.db", {}, id="sqlite"),
        pytest.param(
            "postgresql://ana:pw@db/studio", "postgresql+pg8000://ana:pw@db/studio", {}, id="server"
        ),
        pytest.param(
            "postgres://ana@db:99/studio", "postgresql+pg8000://ana@db:99/studio", {}, id="short"
        ),
        pytest.param(
            "postgresql://ana@/studio?host=/run/pg",
            "postgresql+pg8000://ana@/studio",
            {"unix_sock": "/run/pg/.s.PGSQL.5432", "ssl_context": False},
            id="socket",
        ),
        pytest.param(
            "postgresql://ana@db/studio?sslmode=require",
            "postgresql+pg8000://ana@db/studio",
            {"ssl_context": True},
            id="encrypted",
        ),
        pytest.param(
            "postgresql+psycopg://ana@db/studio?connect_timeout=3",
            "postgresql+psycopg://ana@db/studio?connect_timeout=3",
            {},
            id="another-driver",
        ),
    ],
)
def test_address_is_understood(given, url, arguments):
    address = parse_address(given)
    assert address.url.render_as_string(hide_password=False) == url
    assert address.arguments == arguments


def test_certificate_is_checked_where_that_is_asked_for():
    address = parse_address("postgresql://ana@db/studio?sslmode=verify-full")
    context = address.arguments["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("mysql://ana:pw@db/x", r"'mysql' cannot be used", id="mysql"),
        pytest.param("://", r"cannot be read; write postgresql://user", id="nothing"),
        pytest.param("postgresql://ana:pw@db:port/x", r"cannot be read", id="port"),
        pytest.param("postgresql://ana@db/x?a=b", r"has a=b; understood are host=", id="unknown"),
    ],
)
def test_address_that_cannot_be_used_is_refused_without_its_password(given, message):
    with pytest.raises(UsageError, match=message) as caught:
        parse_address(given)
    assert "pw" not in str(caught.value)


def test_server_that_does_not_answer_is_told_without_the_password(tmp_path):
    with pytest.raises(OutputError, match=r"postgresql://ana:\*\*\*@/x.*communication error"):
        open_store(f"postgresql://ana:secret@/x?host={tmp_path}")


def test_driver_that_is_missing_is_named():
    with pytest.raises(UsageError, match=r'pip install -e "\.\[postgresql\]"'):
        open_store("postgresql+asyncpg2://ana@db/x")
