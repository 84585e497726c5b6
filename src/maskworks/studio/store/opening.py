"""Open the database, bring its schema up to date, and run one transaction after the other."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import InvalidOperation
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select
from sqlalchemy import text as sql
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from maskworks.core.errors import OutputError, UsageError
from maskworks.core.extras import how_to_install
from maskworks.core.public import public
from maskworks.studio.store.addresses import Address, parse_address
from maskworks.studio.store.processes import LivenessClock
from maskworks.studio.store.schema import REVISION, VERSION_TABLE
from maskworks.studio.store.service_schema import metadata

BUSY_MS = 30_000
"""How long one process waits while another one writes into the same SQLite file."""

OLDEST_SQLITE = (3, 35)  # RETURNING

_DURABLE = "maskworks_durable"
_IMMEDIATE = "maskworks_immediate"
_MIGRATION_LOCK = 0x6D61736B  # any number, the same for all of us


@dataclass(frozen=True, eq=False)
class Store:
    """An open database; `name` is how to call it in a message, without its password.

    It may be used from several threads, and closes as a context manager.
    """

    engine: Engine
    name: str
    heard: LivenessClock = field(default_factory=LivenessClock, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the database.

        Raises
        ------
        OutputError
            If the database cannot be reached or read.
        """
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Connection]:
        """Yield a connection whose changes happen together, or not at all on an error.

        Parameters
        ----------
        durable : survive a loss of power too, not only the death of the process; costs an
            SQLite file one wait for the disk, and is PostgreSQL's way in any case

        Raises
        ------
        OutputError
            If the database cannot be reached or written.
        """
        # SQLite has one writer at a time: threads of this process queue here, fairly.
        turn = self._turn if self.is_sqlite else contextlib.nullcontext()
        options = {_IMMEDIATE: True, _DURABLE: durable}
        with self._translated(), turn, self.engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _explained(error, self.name) from error
        except OSError as error:  # pg8000 leaves some errors of the network as they are
            raise OutputError(self.name, str(error), "check the database server") from error
        except (ValueError, TypeError, KeyError, InvalidOperation) as error:
            reason = f"holds what Maskworks did not write ({type(error).__name__}: {error})"
            raise OutputError(self.name, reason, _BRING_BACK) from error


def database_beside(campaign_file: Path) -> Path:
    """Return where a campaign's database lies unless another one is named.

    Examples
    --------
    >>> database_beside(Path("jobs/spring.toml")).as_posix()
    'jobs/spring.db'
    """
    return campaign_file.with_suffix(".db")


@public
def open_store(database: Path | str, *, create: bool = True) -> Store:
    """Open a database and bring its tables to the form this version knows.

    Parameters
    ----------
    database : Path of an SQLite file, or a URL
        ``postgresql://user:password@host/name`` (its extra), ``?host=/run/postgresql``
        a socket's folder, ``?sslmode=verify-full`` checks the server's certificate. An SQLite file
        belongs on a disk of this machine: on a share, several machines would spoil it.
    create : make the SQLite file if it is not there

    Raises
    ------
    UsageError
        If the URL cannot be used, the file is not there (``create=False``), the database holds
        tables of something else, or the driver or SQLite is missing or too old.
    OutputError
        If it cannot be opened, is no database, or was written by a newer Maskworks.

    Examples
    --------
    >>> store = open_store(Path("campaign.db"))  # doctest: +SKIP
    """
    address = parse_address(database)
    if address.is_sqlite:
        _check_file(address.name, create=create)
    store = Store(_engine(address), address.name)
    try:
        _check_whole(store)
        _migrate(store)
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def open_to_read(database: Path | str) -> Iterator[Store]:
    """Open a database whose trail and numbers are wanted, also on a disk that is read-only.

    SQLite cannot read a file in whose folder it may not write; a copy is read instead.

    Raises
    ------
    UsageError, OutputError
        As `open_store`.
    """
    address = parse_address(database)
    try:
        store = open_store(database, create=False)
    except OutputError as error:
        if not address.is_sqlite or error.reason not in _MAY_NOT_WRITE:
            raise
        with tempfile.TemporaryDirectory(prefix="maskworks-") as folder:
            copied = Path(folder) / Path(address.name).name
            for ending in ("", "-wal"):  # what is not in the file yet is in its log
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{address.name}{ending}", f"{copied}{ending}")
            with open_store(copied, create=False) as store:
                yield store
        return
    with store:
        yield store


def moment(connection: Connection) -> datetime:
    """Return the time by the database's clock, which all its users share (UTC)."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


def _check_file(name: str, *, create: bool) -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise UsageError(
            f"SQLite is {sqlite3.sqlite_version}, needed is {'.'.join(map(str, OLDEST_SQLITE))}; "
            "use a newer Python, or a PostgreSQL database with `--database`"
        )
    if create:
        return
    if not Path(name).is_file():
        raise UsageError(f"{name}: there is no database; `maskworks run` makes it")
    if not Path(name).stat().st_size:
        raise OutputError(name, "is empty (0 bytes)", _BRING_BACK)


def _check_whole(store: Store) -> None:
    """Look through an SQLite file once: damage shows here, and not in the middle of a run.

    Raises
    ------
    OutputError
        If the file is damaged.
    """
    if not store.is_sqlite:
        return
    with store.reading() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        told = " ".join(str(found).split())
        raise OutputError(store.name, f"is damaged ({told})", _BRING_BACK)


def _engine(address: Address) -> Engine:
    given = {"timeout": BUSY_MS / 1000} if address.is_sqlite else address.arguments
    try:
        engine = create_engine(address.url, pool_pre_ping=not address.is_sqlite, connect_args=given)
    except (ImportError, NoSuchModuleError) as error:
        raise UsageError(
            f"{address.name}: no driver ({error}); {how_to_install('postgresql')}"
        ) from error
    if address.is_sqlite:
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    """Prepare a connection to SQLite: readers beside one writer, references are checked."""
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    """Begin a transaction of SQLite; one that writes takes the lock at once.

    In WAL mode, NORMAL survives the death of a process at any moment, and FULL that of the
    machine too: it waits for the disk, and with it for all that was written before.
    """
    options = connection.get_execution_options()
    level = "FULL" if options.get(_DURABLE) else "NORMAL"
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA synchronous = {level}")
    cursor.execute("BEGIN IMMEDIATE" if options.get(_IMMEDIATE) else "BEGIN")
    cursor.close()


def _migrate(store: Store) -> None:
    """Bring the schema to `REVISION`, in one transaction."""
    with store.reading() as connection:
        if _revision(connection, store.name) == REVISION:
            return
    from maskworks.studio.store.migrations import begin, upgrade

    with store.writing(durable=True) as connection:
        if not store.is_sqlite:  # two that open at once: the second finds it done
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        if _revision(connection, store.name) is None and store.is_sqlite:
            begin(connection)
        if _revision(connection, store.name) != REVISION:
            upgrade(connection)


def _revision(connection: Connection, name: str) -> str | None:
    """Return the schema's revision; None for a database without our tables."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        foreign = sorted(tables & set(metadata.tables))
        if foreign:
            raise UsageError(
                f"{name}: has a table {foreign[0]!r} that is not Maskworks's; "
                "give it a database of its own"
            )
        return None
    chosen = sql(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608
    rows = connection.execute(chosen).scalars().all()
    found = str(rows[0]) if len(rows) == 1 else ""
    if not (len(found) == len(REVISION) and found.isascii() and found.isdecimal() and int(found)):
        reason = f"says that its schema is {found!r}, which no Maskworks has written"
        raise OutputError(name, reason, _BRING_BACK)
    if found > REVISION:
        raise OutputError(
            name,
            f"was written by a newer Maskworks (schema {found}, this one knows {REVISION})",
            "update Maskworks",
        )
    return found


_BRING_BACK = (
    "nothing was changed; put it aside and bring back a copy of it (docs/deploy.md says how to "
    "make one), or begin a new one under another name with `--database`"
)
_MAY_NOT_WRITE = ("may not be written", "cannot be opened")

_EXPLAINED = {
    "is full": ("the disk is full", "make room, then run the same command again"),
    "database is locked": (
        f"another process has been writing for {BUSY_MS // 1000} s",
        "wait for it, or stop it",
    ),
    "readonly database": ("may not be written", "choose a place that you may write to"),
    "unable to open": (
        "cannot be opened",
        "its folder must exist and be writable; name another place with `--database`",
    ),
    "is not a database": (
        "is not a database of SQLite, or its beginning is damaged",
        "name another file with `--database`, or bring back a copy of it",
    ),
    "malformed": ("is damaged", _BRING_BACK),
    "no such table": ("is damaged: a table is missing", _BRING_BACK),
    "no such column": ("is damaged: a column is missing", _BRING_BACK),
    "Could not decode": ("is damaged: a text in it is none", _BRING_BACK),
}


def _explained(error: Exception, name: str) -> OutputError:
    original = getattr(error, "orig", None) or error
    said = str(original)
    told = original.args[0] if original.args else None
    if isinstance(told, dict):  # pg8000 hands the server's fields on; M is the message
        said = str(told.get("M", said))
    for sign, (reason, remedy) in _EXPLAINED.items():
        if sign in said:
            return OutputError(name, reason, remedy)
    return OutputError(name, f"the database refuses: {said}", "check the database")
