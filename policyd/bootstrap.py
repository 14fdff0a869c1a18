"""The one place that puts concrete parts together: a data folder made, a server run."""

import asyncio
import gc
import random
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal, cast

import structlog
import uvicorn
import uvloop

from policyd import __version__
from policyd.api.app import Application
from policyd.api.checks import Checks
from policyd.ledger import record
from policyd.ledger.cold import Cold
from policyd.ledger.folder import DataFolder, create
from policyd.ledger.guard import Guard, check_guard
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.personal import Personal
from policyd.ledger.reader import Reader
from policyd.ledger.shelf import Shelf
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.model.errors import UsageError
from policyd.points.administration import InForce, Read
from policyd.points.keeping import Keeping, Rhythm
from policyd.points.service import Service, Stores
from policyd.points.source import FolderSource, Maker, PublishedSource
from policyd.points.webhook import Source, sending
from policyd.points.witness_policy import read_witness_policy
from policyd.points.witnesses import Witnesses
from policyd.policy.builder_process import Builder
from policyd.registry.keys import KeyStore, NewKey
from policyd.registry.policies import PolicyStore
from policyd.search.process import Allowance, Search
from policyd.settings import (
    LOOPBACK,
    Settings,
    check_settings,
    notices_of,
    personal_fields,
    retention_days,
    webhook_of,
)

log = structlog.get_logger(__name__)
KNOWN_UVICORN = ("0.54.",)
"""Releases of uvicorn whose protocol is known well enough to be extended."""

FINISH_S = 5
"""How long a server that was told to stop waits for requests that have begun."""


@dataclass(frozen=True, slots=True)
class Initialised:
    """A new data folder, and the first admin key, shown this once."""

    key: str
    key_id: str
    vkey: str
    data: Path
    snapshot: str | None = None  # what is in force in it, if it was given a policy


def utc_now() -> datetime:
    """The machine's time; whoever needs it is handed this."""
    return datetime.now(UTC)


def engine() -> str:
    """What a decision depends on besides its inputs: this engine, and the data it decides by."""
    data = [f"{name}/{version(name)}" for name in ("idna", "publicsuffixlist", "tzdata")]
    return " ".join([f"policyd/{__version__}", *data])


def initialise(
    path: Path, origin: str, holder: str, policies: Mapping[str, bytes] | None = None
) -> Initialised:
    """A new data folder with an empty log, one admin key, and *policies* in force if there are any.

    Raises:
        DataFolderError: there is something at *path* already, or it cannot be written.
        UsageError: *origin* cannot name a log, or *holder* a person.
        PolicyInvalid: the policies have findings.
    """
    stamper = Stamper(None, utc_now)
    with (
        create(path, origin) as folder,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
    ):
        made = stamper.draw()
        new = NewKey(holder=holder, kind="person", roles=frozenset({"admin"}))
        key, secret = keys.prepare(new, now=made.at)
        leaves = [
            record.encode(record.Epoch(**record.stamped(made), origin=origin)),
            record.encode(
                record.Admin(
                    **record.stamped(stamper.draw()), act="key-created", target=key.id, by="init"
                )
            ),
        ]
        with closing(Store(folder.ledger, folder.signer)) as store:
            store.append(leaves)
        keys.add(key, secret)
        vkey = folder.signer.vkey
        snapshot = None if policies is None else _seeded(folder, policies)
    return Initialised(secret, key.id, vkey, path, snapshot)


def publish_first(path: Path, policies: Mapping[str, bytes]) -> str:
    """The digest of *policies*, in force from now on in a data folder that had none.

    Raises:
        Conflict: something was published there already.
        DataFolderError: the folder is missing, taken or damaged.
        PolicyInvalid: the policies have findings.
    """
    with closing(DataFolder.open(path)) as folder:
        return _seeded(folder, policies)


def _seeded(folder: DataFolder, policies: Mapping[str, bytes]) -> str:
    from policyd.points.seeding import seed  # noqa: PLC0415 - reading files is slow to load

    return seed(folder, policies, utc_now)


def serve(settings: Settings) -> int:
    """Run a server until it is told to stop; 0 after an orderly end.

    Raises:
        UsageError: nothing published, a host that others reach though policies come from a folder,
            TLS files that cannot be used, or a port in use.
        PolicyInvalid: the policy tree has findings.
        DataFolderError: the data folder is missing, taken or damaged.
    """
    check_settings(settings)
    if settings.policies is not None and settings.host not in LOOPBACK:
        raise UsageError(
            f"policies are read from a folder, which is for development, so the server listens"
            f" on loopback only, not on `{settings.host}`; leave out --host",
            code="folder-mode-is-local",
        )
    tls = _tls(settings)
    with (
        closing(DataFolder.open(settings.data)) as folder,
        _listen(settings) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, folder, Door(listener, tls)))
    return 0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server is reached: a bound socket, and its TLS identity if it has one."""

    listener: socket.socket
    tls: ssl.SSLContext | None

    def url(self, host: str) -> str:
        """The address to reach it at under the name *host*."""
        place = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{place}:{self.listener.getsockname()[1]}"


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """The server's TLS identity, read before anything else starts."""
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password at hand OpenSSL would wait for one at the terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except OSError as error:  # SSLError is one
        raise UsageError(
            f"`{settings.tls_cert}` and `{settings.tls_key}` are no certificate with its key,"
            f" in PEM and without a passphrase: {error.strerror or error}",
            code="tls-unusable",
        ) from None
    return context


def _listen(settings: Settings) -> socket.socket:
    """A bound socket, so that a port in use is told plainly and before anything else starts."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror};"
            " stop what uses the port, or choose another with --port",
            code="port-unavailable",
        ) from None
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, which end the process before the log is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs this server."""
        yield

    def stop(self) -> None:
        """Finish what has begun, then end; at once if asked again."""
        self.force_exit = self.should_exit
        self.should_exit = True


@asynccontextmanager
async def _making() -> AsyncIterator[Maker]:
    """What makes policy trees ready, with a builder that lasts as long as the block."""
    builder = Builder()
    await builder.start()
    try:
        yield Maker(engine(), builder)
    finally:
        await builder.close()


@asynccontextmanager
async def _begun(read: Read) -> AsyncIterator[asyncio.Future[InForce]]:
    """The policies being read, while the rest of the server starts."""
    start = asyncio.ensure_future(read())
    try:
        yield start
    finally:
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)


async def _serve(settings: Settings, folder: DataFolder, door: Door) -> None:
    fields = personal_fields(settings)
    options = Options(
        utc_now,
        records=settings.queue_records,
        bytes=settings.queue_bytes,
        patience_s=settings.ledger_seconds,
        personal=Personal(fields) if fields else None,
    )
    async with AsyncExitStack() as opened:
        cold = opened.enter_context(closing(Cold(Shelf(folder.path), folder.signer)))
        reader = opened.enter_context(closing(Reader(folder.ledger, cold)))
        policies = opened.enter_context(closing(PolicyStore.open(folder.registry)))
        guard = Guard(settings.guard) if settings.guard else None
        check_guard(folder.path, guard, reader)
        maker = await opened.enter_async_context(_making())
        source = _source(settings, maker, reader, policies)
        keys = opened.enter_context(closing(KeyStore.open(folder.registry, folder.pepper)))
        start = await opened.enter_async_context(_begun(source.read))
        witnesses = await opened.enter_async_context(_witnesses(settings.witnesses, reader))
        search = await opened.enter_async_context(_search(settings, folder))
        ledger = await Ledger.open(folder, options)
        opened.push_async_callback(ledger.close)
        # The last to close the file takes its WAL away, and a reader cannot: it goes first.
        opened.callback(reader.close)
        rhythm = Rhythm(hot=timedelta(days=settings.hot_days))
        keeping = Keeping(folder.path, (ledger, reader, cold), utc_now, rhythm)
        # Chance here keeps no secret: it only spreads what is tried again.
        sent, draw = Source(folder.signer.origin, ledger, reader), random.random
        sender = sending(webhook_of(settings), sent, folder.path / "outbox.json", draw)
        webhook = await opened.enter_async_context(sender)
        stores = Stores(
            *(ledger, reader, keys, folder.signer, search, folder.projection),
            *(guard, witnesses, keeping, webhook),
        )
        if settings.policies is None:
            notices = (notices_of(settings), draw)
            stores = replace(stores, policies=policies, maker=maker, notices=notices)
        service = Service(stores, source.read, await start, retention_days(settings))
        async with service.running():
            await _run(settings, service, door)


def _source(
    settings: Settings, maker: Maker, reader: Reader, policies: PolicyStore
) -> FolderSource | PublishedSource:
    if settings.policies is not None:
        return FolderSource(settings.policies, maker)
    return PublishedSource(reader, policies, maker)


@asynccontextmanager
async def _search(settings: Settings, folder: DataFolder) -> AsyncIterator[Search]:
    """What searches the log; its process starts with the first question."""
    allowance = Allowance(seconds=settings.search_seconds, memory=settings.search_bytes)
    search = Search(folder.path, allowance)
    try:
        yield search
    finally:
        await search.close()


def _witnesses(path: Path | None, reader: Reader) -> AbstractAsyncContextManager[Witnesses | None]:
    """Those that the file *path* names, if there is one."""
    if path is None:
        return nullcontext()

    async def prove(old: int, new: int) -> Sequence[bytes]:
        return await asyncio.to_thread(reader.consistency, old, new)

    return Witnesses(read_witness_policy(path), prove)


async def _run(settings: Settings, service: Service, door: Door) -> None:
    """Serve HTTP until SIGINT or SIGTERM; SIGHUP reads the policies again."""
    server = _Server(_config(settings, service, door))
    reloads: set[asyncio.Task[bool]] = set()

    def reload() -> None:
        task = asyncio.create_task(service.administration.reload())
        reloads.add(task)  # the loop alone would not keep it
        task.add_done_callback(reloads.discard)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    for stop in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop, server.stop)
    state = service.readiness()
    said = {"snapshot": state.snapshot, "source": state.source} | _about(settings.policies)
    log.info("serving", url=door.url(settings.host), **said)
    # What is there now stays: looking for garbage in it would stop all checks for as long.
    gc.collect()
    gc.freeze()
    await server.serve(sockets=[door.listener])
    for task in reloads:  # what is being read would never be in force
        task.cancel()
    await asyncio.gather(*reloads, return_exceptions=True)


def _about(folder: Path | None) -> dict[str, str]:
    """What there is to say of where policies come from."""
    if folder is None:
        return {}
    note = "policies come from a folder: for development, on loopback only"
    return {"policies": str(folder), "note": note}


def _config(settings: Settings, service: Service, door: Door) -> uvicorn.Config:
    app = Application(
        service,
        max_body=settings.max_body_bytes,
        max_depth=settings.max_depth,
        max_tree=settings.max_tree_bytes,
        public_url=settings.public_url,
        public_log=settings.public_log,
    )
    tls = door.tls
    return uvicorn.Config(
        app,
        http=_protocol(app.checks, settings),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.trusted_proxy is not None,
        forwarded_allow_ips=settings.trusted_proxy or "",
        ssl_context_factory=(lambda *_: tls) if tls else None,
        ws="none",
        timeout_graceful_shutdown=FINISH_S,
    )


def _protocol(checks: Checks, settings: Settings) -> type[asyncio.Protocol] | Literal["auto"]:
    """What reads HTTP: uvicorn's protocol, with a short way for checks where that can be had.

    Behind a proxy it cannot: uvicorn finds the caller's address around the application.
    """
    if settings.trusted_proxy is not None or not uvicorn.__version__.startswith(KNOWN_UVICORN):
        return "auto"
    from policyd.api.direct import DirectProtocol  # noqa: PLC0415 - without that uvicorn it fails

    return cast("type[asyncio.Protocol]", partial(DirectProtocol, checks))
