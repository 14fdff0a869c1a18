"""Keys over HTTP: made, listed, revoked; what each may do; secrets shown once and kept nowhere."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.calls import ALLOWED
from tests.servers import EVALUATION, JSON, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Answer, Server

KEYS = "/v1/keys"
SECRET = re.compile(r"pd_[a-z2-7]{8}_[A-Za-z0-9_-]{43}")
SERVICE = {
    "holder": "flow platform",
    "kind": "service",
    "owner": "platform",
    "roles": ["pep", "builder"],
    "units": ["webshop", "sales"],
    "integrations": ["hr/pay-run"],
    "supported_obligations": ["tokenise", "mask"],
}


def create(server: "Server", asked: object, key: str | None = None) -> "Answer":
    """The answer to the wish for a key, by an admin unless another key is given."""
    return server.send("POST", KEYS, encode(asked), JSON | bearer(key or server.home.admin))


def test_a_key_is_made(server: "Server") -> None:
    """201 shows all that was asked for, an id, and the secret, which is good at once."""
    answer = create(server, SERVICE)
    made = answer.json()
    assert answer.status == 201
    assert SECRET.fullmatch(made.pop("key"))
    assert re.fullmatch("[a-z2-7]{8}", made.pop("id"))
    assert made.pop("created_at").endswith("Z")
    assert made == SERVICE | {
        "roles": ["builder", "pep"],
        "units": ["sales", "webshop"],
        "revoked_at": None,
        "unknown": [],
    }
    assert server.check(ALLOWED, create(server, SERVICE).json()["key"]).status == 200


def test_names_the_policy_does_not_have_are_told(server: "Server") -> None:
    """A slip of the pen makes a key that is good for nothing: the answer says which names."""
    asked = SERVICE | {"owner": "platfrom", "units": ["sale"], "integrations": ["hr/pay-rum"]}
    made = create(server, asked | {"supported_obligations": ["masc", "mask"]}).json()
    assert made["unknown"] == [
        *("owner platfrom", "unit sale", "obligation masc", "integration hr/pay-rum"),
    ]


def test_no_two_keys_are_alike(server: "Server") -> None:
    """The same wish made twice gives two keys."""
    first, second = (create(server, SERVICE).json() for _ in range(2))
    assert first["id"] != second["id"]
    assert first["key"] != second["key"]


def test_keys_are_listed_without_secrets(server: "Server") -> None:
    """The list has every key, all that was said at its making, and no secret."""
    made = create(server, SERVICE).json()
    secret = made.pop("key")
    del made["unknown"]
    answer = server.get(KEYS, server.home.admin)
    assert made in answer.json()["keys"]
    assert secret.encode() not in answer.body
    assert not SECRET.search(answer.body.decode())


def test_a_revoked_key_is_dead_at_once(server: "Server") -> None:
    """The next request with a revoked key gets 401, on every path."""
    made = server.make_key("pep", "builder", units=["sales"])
    assert server.check(ALLOWED, made["key"]).status == 200
    revoked = server.send("DELETE", f"{KEYS}/{made['id']}", headers=bearer(server.home.admin))
    assert revoked.json()["revoked_at"].endswith("Z")
    assert "key" not in revoked.json()
    assert server.check(ALLOWED, made["key"]).status == 401
    assert server.get("/v1/audit/records/x", made["key"]).status == 401


def test_revoking_twice_keeps_the_date(server: "Server") -> None:
    """A key that is dead already stays as it was."""
    path = f"{KEYS}/{server.make_key('auditor')['id']}"
    dates = [server.send("DELETE", path, headers=bearer(server.home.admin)) for _ in range(2)]
    first, second = (answer.json()["revoked_at"] for answer in dates)
    assert first == second


@pytest.mark.parametrize("key_id", ["aaaaaaaa", "x" * 5000, "%00", "pd_aaaaaaaa_x", "..%2f.."])
def test_a_key_that_is_not_there(server: "Server", key_id: str) -> None:
    """Revoking a key that does not exist gets 404."""
    answer = server.send("DELETE", f"{KEYS}/{key_id}", headers=bearer(server.home.admin))
    assert (answer.status, answer.code) == (404, "not-found")
    assert len(answer.body) < 500


@pytest.mark.parametrize("role", ["pep", "builder", "author", "approver", "auditor"])
def test_only_admins_manage_keys(server: "Server", role: str) -> None:
    """No other role makes, lists or revokes a key, and the refusal says what is needed."""
    made = server.make_key(role, units=["sales"])
    answers = [
        create(server, SERVICE, made["key"]),
        server.get(KEYS, made["key"]),
        server.send("DELETE", f"{KEYS}/{made['id']}", headers=bearer(made["key"])),
    ]
    assert {(answer.status, answer.code) for answer in answers} == {(403, "forbidden")}
    assert all("role admin" in answer.json()["detail"] for answer in answers)
    assert server.get("/health/ready", made["key"]).json()["log_size"]  # the key still works


def test_without_a_key_nothing_is_managed(server: "Server") -> None:
    """No key, no keys."""
    answers = [
        server.send("POST", KEYS, encode(SERVICE), JSON),
        server.get(KEYS),
        server.send("DELETE", f"{KEYS}/aaaaaaaa"),
    ]
    assert {(answer.status, answer.code) for answer in answers} == {(401, "unauthenticated")}
    assert all("www-authenticate" in answer.headers for answer in answers)


WISHES: list[tuple[dict[str, Any], str, str]] = [
    ({"holder": ""}, "key-invalid", "holder"),
    ({"holder": "  "}, "key-invalid", "holder"),
    ({"holder": "a\nb"}, "key-invalid", "holder"),
    ({"holder": "x" * 121}, "key-invalid", "holder"),
    ({"holder": "a\u202eb"}, "key-invalid", "holder"),
    ({"holder": None}, "request-malformed", "`holder`"),
    ({"holder": 7}, "request-malformed", "`holder`"),
    ({"kind": "robot"}, "request-malformed", "`kind`"),
    ({"kind": "service", "owner": None}, "key-invalid", "owner"),
    ({"owner": ""}, "key-invalid", "is no name"),
    ({"owner": "The Boss"}, "key-invalid", "lower-case"),
    ({"owner": "x" * 5000}, "request-malformed", "`owner`"),
    ({"roles": []}, "key-invalid", "at least one role"),
    ({"roles": ["root"]}, "key-invalid", "`root`"),
    ({"roles": ["x" * 5000]}, "request-malformed", "`roles.0`"),
    ({"roles": "pep"}, "request-malformed", "`roles`"),
    ({"roles": ["pep"] * 101}, "request-malformed", "`roles`"),
    (
        {"roles": ["pep"], "units": [], "integrations": []},
        "key-invalid",
        "bound to units or integrations",
    ),
    ({"roles": ["builder"], "units": [], "integrations": []}, "key-invalid", "bound to"),
    ({"roles": ["admin"]}, "key-invalid", "for persons"),
    ({"units": ["Sales"]}, "key-invalid", "lower-case"),
    ({"units": ["*"]}, "key-invalid", "lower-case"),
    ({"units": ["sales hr"]}, "key-invalid", "lower-case"),
    ({"units": ["sales\n"]}, "key-invalid", "lower-case"),
    ({"units": [7]}, "request-malformed", "`units.0`"),
    ({"integrations": ["pay-run"]}, "key-invalid", "`unit/integration`"),
    ({"integrations": ["hr/*"]}, "key-invalid", "`unit/integration`"),
    ({"supported_obligations": ["Mask"]}, "key-invalid", "lower-case"),
    ({"supported_obligations": {"mask": True}}, "request-malformed", "`supported_obligations`"),
    ({"expires": "2030-01-01"}, "request-malformed", "`expires`"),
    ({"id": "aaaaaaaa"}, "request-malformed", "`id`"),
]


@pytest.mark.parametrize(("part", "code", "said"), WISHES, ids=[str(w[0])[:60] for w in WISHES])
def test_a_wish_that_is_refused(
    server: "Server", part: dict[str, Any], code: str, said: str
) -> None:
    """A key that nobody answers for, or that is bound to nothing, is refused with the reason."""
    before = server.get(KEYS, server.home.admin).body
    answer = create(server, SERVICE | part)
    assert (answer.status, answer.code) == (400, code)
    assert said in answer.json()["detail"]
    assert len(answer.body) < 1000
    assert server.get(KEYS, server.home.admin).body == before


def test_each_act_is_recorded(server: "Server") -> None:
    """Making and revoking a key leave records that name the key and who did it."""
    made = server.make_key("auditor")
    server.send("DELETE", f"{KEYS}/{made['id']}", headers=bearer(server.home.admin))
    acts = [act for act in server.home.records("admin") if act["target"] == made["id"]]
    first_admin = server.home.records("admin")[0]["target"]
    assert [act["act"] for act in acts] == ["key-created", "key-revoked"]
    assert {act["by"] for act in acts} == {first_admin}


def test_secrets_are_kept_nowhere(start: "Start") -> None:
    """No secret is in the data folder, the records or the server's log, be it dead or alive."""
    server = start()
    used, dead = server.make_key("pep", units=["sales"]), server.make_key("auditor")
    server.send("DELETE", f"{KEYS}/{dead['id']}", headers=bearer(server.home.admin))
    server.check(ALLOWED, used["key"])
    server.check(ALLOWED, dead["key"])
    server.send("POST", EVALUATION, b"{", JSON | bearer(used["key"]))
    server.get(f"/v1/audit/records/{used['key']}", dead["key"])
    server.stop()
    files = [file for file in server.home.data.rglob("*") if file.is_file()]
    assert {"ledger.db", "registry.db"} <= {file.name for file in files}
    for key in (used["key"], dead["key"], server.home.admin):
        random_part = key.split("_", 2)[2].encode()
        found = [file.name for file in (*files, server.log) if random_part in file.read_bytes()]
        assert not found


def test_keys_outlive_a_restart(start: "Start") -> None:
    """A key is good after a restart, and a revoked one stays dead."""
    server = start()
    good, dead = server.pep("sales"), server.make_key("pep", units=["sales"])
    server.send("DELETE", f"{KEYS}/{dead['id']}", headers=bearer(server.home.admin))
    assert server.stop() == 0
    again = start()
    assert again.check(ALLOWED, good).json() == {"decision": True}
    assert again.check(ALLOWED, dead["key"]).status == 401
