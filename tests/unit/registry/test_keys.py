"""Keys: made, found by what is presented, revoked, and kept without their secrets."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policyd.model.errors import NotFound, UsageError
from policyd.model.keys import Key
from policyd.registry.keys import KeyStore, NewKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PEPPER = b"p" * 32
FLOWS = {
    "holder": "Sales flows",
    "kind": "service",
    "owner": "sales-it",
    "roles": frozenset({"pep"}),
    "units": frozenset({"sales"}),
}


def made(store: KeyStore, *, now: datetime = NOW, **changed: Any) -> tuple[Key, str]:  # noqa: ANN401 - any member of NewKey
    """A key in force, and its secret."""
    key, secret = store.prepare(NewKey(**FLOWS | changed), now=now)
    store.add(key, secret)
    return key, secret


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the registry is."""
    return tmp_path / "registry.db"


@pytest.fixture
def store(path: Path) -> Iterator[KeyStore]:
    """An empty registry."""
    with closing(KeyStore.open(path, PEPPER)) as opened:
        yield opened


def test_secret_finds_its_key(store: KeyStore) -> None:
    """A secret has 256 random bits behind the id of its key, and finds that key and no other."""
    key, secret = made(store)
    other, _ = made(store, holder="Other flows")

    assert secret.startswith(f"pd_{key.id}_")
    assert len(secret) == len("pd_12345678_") + 43
    assert store.find(secret) == key
    assert key.id != other.id
    assert store.list() == tuple(sorted([key, other], key=lambda each: each.id))


def test_prepared_key_is_not_in_force(store: KeyStore) -> None:
    """A key that was only prepared lets nobody in and is not listed."""
    key, secret = store.prepare(NewKey(**FLOWS), now=NOW)  # type: ignore[arg-type]  # a table

    assert store.find(secret) is None
    assert store.list() == ()
    with pytest.raises(NotFound):
        store.get(key.id)


def test_keys_outlive_the_process(path: Path, store: KeyStore) -> None:
    """Every part of a key is there again after a restart, and its secret finds it."""
    key, secret = made(
        store,
        units=frozenset({"hr", "sales"}),
        integrations=frozenset({"web/shop", "hr/pay-run"}),
        supported_obligations=("mask", "drop-fields"),
    )
    person, _ = made(store, now=LATER, holder="Ida Müller", kind="person", owner=None)
    store.close()

    with closing(KeyStore.open(path, PEPPER)) as again:
        assert again.find(secret) == key
        assert again.list() == (key, person)


def test_another_pepper_finds_nothing(path: Path, store: KeyStore) -> None:
    """The registry's file alone lets nobody in: with another pepper no secret finds its key."""
    _, secret = made(store)
    store.close()

    with closing(KeyStore.open(path, b"q" * 32)) as again:
        assert again.find(secret) is None


def test_file_has_no_secret(path: Path, store: KeyStore) -> None:
    """No part of the registry's files holds a secret, or the random part of one."""
    _, secret = made(store)
    written = b"".join(each.read_bytes() for each in path.parent.iterdir())

    assert secret.encode() not in written
    assert secret.split("_", 2)[2].encode() not in written
    assert b"Sales flows" in written, "the file was read"


@pytest.mark.parametrize(
    "presented",
    [
        "",
        "pd_",
        "pd_aaaaaaaa_" + "A" * 43,
        "x" * 1_000_000,
        "pd_äöü",
        "\ud800",
        "pd_\0",
        "' or 1=1 --",
    ],
    ids=ascii,
)
def test_odd_keys_are_not_found(store: KeyStore, presented: str) -> None:
    """Whatever is presented as a key, it is simply not found."""
    made(store)

    assert store.find(presented) is None


def test_nearly_a_secret_is_none(store: KeyStore) -> None:
    """A secret cut short, lengthened, in capitals or under another id finds nothing."""
    key, secret = made(store)
    foreign = secret.replace(key.id, "aaaaaaaa")

    for presented in (secret[:-1], secret + "A", secret + "\n", secret.upper(), foreign):
        assert store.find(presented) is None


def test_revoked_key_is_dead_at_once_and_for_ever(path: Path, store: KeyStore) -> None:
    """A revoked key finds nothing, now and after a restart, and stays listed with its date."""
    key, secret = made(store)
    other, other_secret = made(store, holder="Other flows")

    revoked = store.revoke(key.id, now=LATER)

    assert revoked.revoked_at == LATER
    assert store.find(secret) is None
    assert store.find(other_secret) == other
    store.close()
    with closing(KeyStore.open(path, PEPPER)) as again:
        assert again.find(secret) is None
        assert again.get(key.id) == revoked


def test_revoking_twice_keeps_the_first_date(store: KeyStore) -> None:
    """A second revocation changes nothing."""
    key, _ = made(store)
    store.revoke(key.id, now=LATER)

    assert store.revoke(key.id, now=LATER + timedelta(days=1)).revoked_at == LATER


def test_unknown_id_is_told(store: KeyStore) -> None:
    """Revoking a key that is not there says so, without repeating an endless id."""
    with pytest.raises(NotFound) as caught:
        store.revoke("x" * 1000, now=NOW)

    assert caught.value.code == "not-found"
    assert len(caught.value.message) < 200


_REFUSED = [
    ({"holder": ""}, "holder"),
    ({"holder": "x" * 121}, "120"),
    ({"holder": " Ida"}, "holder"),
    ({"holder": "Ida\n"}, "holder"),
    ({"holder": "Ida\x1b[2J"}, "holder"),
    ({"holder": "\ud800"}, "holder"),
    ({"holder": "Ida\u202emoc.live"}, "holder"),
    ({"holder": "Ida\u200b"}, "holder"),
    ({"holder": "Ida\u00a0Meier"}, "holder"),
    ({"kind": "robot"}, "`robot`"),
    ({"owner": None}, "owner"),
    ({"owner": "Sales IT"}, "`Sales IT`"),
    ({"roles": frozenset()}, "role"),
    ({"roles": frozenset({"root"})}, "`root`"),
    ({"units": frozenset()}, "at least one"),
    ({"units": frozenset(), "roles": frozenset({"builder"})}, "at least one"),
    ({"units": frozenset({"Sales"})}, "`Sales`"),
    ({"units": frozenset({"sales/"})}, "`sales/`"),
    ({"units": frozenset({"a" * 61})}, "is no name"),
    ({"integrations": frozenset({"sales"})}, "unit/integration"),
    ({"integrations": frozenset({"sales/a/b"})}, "unit/integration"),
    ({"integrations": frozenset({"sales/*"})}, "unit/integration"),
    ({"integrations": frozenset({"sales/" + "a" * 116})}, "unit/integration"),
    ({"integrations": frozenset({"sales/a\n"})}, "unit/integration"),
    ({"supported_obligations": ("Mask",)}, "`Mask`"),
    ({"supported_obligations": ("mask tokenise",)}, "`mask tokenise`"),
    ({"roles": frozenset({"admin"})}, "persons"),
    ({"roles": frozenset({"author"})}, "persons"),
    ({"roles": frozenset({"approver"})}, "persons"),
]


@pytest.mark.parametrize(("changed", "told"), _REFUSED)
def test_unfit_keys_are_refused(changed: dict[str, Any], told: str) -> None:
    """A key that nobody answers for, or that is bound to nothing, cannot be asked for."""
    with pytest.raises(UsageError) as caught:
        NewKey(**FLOWS | changed)

    assert caught.value.code == "key-invalid"
    assert told in caught.value.message


@pytest.mark.parametrize(
    "changed",
    [
        {"holder": "x" * 120},
        {"holder": "Jürgen Müller-Lüdenscheidt"},
        {"roles": frozenset({"auditor"}), "units": frozenset()},
        {"roles": frozenset({"pep", "builder"})},
        {"units": frozenset(), "integrations": frozenset({"hr/pay-run-2"})},
        {"units": frozenset({"a" * 60})},
        {"kind": "person", "owner": None, "roles": frozenset({"admin", "author", "approver"})},
    ],
)
def test_fit_keys_are_taken(store: KeyStore, changed: dict[str, Any]) -> None:
    """What a key may be, it may be: persons with any role, services with theirs."""
    key, secret = made(store, **changed)

    assert store.find(secret) == key
