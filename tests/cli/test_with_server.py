"""The commands together, from an empty folder to an answer that is on record."""

import shutil
from collections.abc import Iterator

import pytest

from tests.cli.program import POLICIES, Program
from tests.servers import Home, Server

CALL = [
    *("check", "sales/customers-to-crm", "send", "erp/customers"),
    *("--to", "crm/api", "--path", "contacts", "--method", "POST"),
]
KEYLESS = ["keys", "create", "Sales flows", "--service", "--owner", "sales-apps"]


@pytest.fixture
def server(policyd: Program) -> Iterator[Server]:
    """A server on a folder that `policyd init` made."""
    made = policyd("init", "--data", "data", "--holder", "Ida", "--json").json()
    with Server(Home(policyd.folder / "data", made["key"], made["vkey"])) as running:
        yield running


def test_from_empty_folder_to_recorded_answer(policyd: Program, server: Server) -> None:
    """init, serve, a key, an allow, a deny and a revocation: each works, and is on record."""
    url, admin = f"http://127.0.0.1:{server.port}", server.home.admin
    made = policyd(
        *KEYLESS, "--role", "pep", "--unit", "sales", "--json", POLICYD_URL=url, POLICYD_KEY=admin
    ).json()
    pep = {"POLICYD_URL": url, "POLICYD_KEY": made["key"]}

    allowed = policyd(*CALL, "--fields", "customer_no,segment", "--json", **pep)
    denied = policyd(*CALL, **pep)
    revoked = policyd("keys", "revoke", made["id"], POLICYD_URL=url, POLICYD_KEY=admin)
    refused = policyd(*CALL, **pep)
    listed = policyd("keys", "list", POLICYD_URL=url, POLICYD_KEY=admin)

    assert [each.code for each in (allowed, denied, revoked, refused)] == [0, 1, 0, 2]
    assert "[unauthenticated]" in refused.err
    (line,) = [each for each in listed.out.splitlines() if each.startswith(made["id"])]
    assert "revoked 20" in line
    recorded = server.home.records("decision")
    assert [each["decision"] for each in recorded] == ["allow", "deny"]
    assert allowed.json()["decision_id"] == recorded[0]["id"]
    assert recorded[1]["id"] in denied.out
    acts = [(each["act"], each["target"]) for each in server.home.records("admin")[1:]]
    assert acts == [("key-created", made["id"]), ("key-revoked", made["id"])]


def test_dry_run_answers_as_the_server_does(policyd: Program, server: Server) -> None:
    """What local files would answer is what a server of the same files answers."""
    pep = {"POLICYD_URL": f"http://127.0.0.1:{server.port}", "POLICYD_KEY": server.pep("sales")}
    options = ["--fields", "customer_no,iban", "--can", "tokenise"]

    for more in (options, []):
        answered = policyd(*CALL, *more, "--json", **pep)
        tried = policyd(*CALL, *more, "--json", "--policies", POLICIES)
        assert tried.code == answered.code
        codes = [
            [reason["code"] for reason in each.json()["context"].get("reasons", [])]
            for each in (answered, tried)
        ]
        assert codes[0] == codes[1]


def test_a_recorded_call_becomes_a_policy_test(policyd: Program, server: Server) -> None:
    """What the log keeps of a decision is a test that holds on the same files."""
    env = {"POLICYD_URL": f"http://127.0.0.1:{server.port}"}
    made = policyd(*CALL, "--fields", "email", "--json", **env, POLICYD_KEY=server.pep("sales"))
    named = made.json()["decision_id"]
    admin = env | {"POLICYD_KEY": server.home.admin}
    tree = policyd.folder / "tree"
    shutil.copytree(POLICIES, tree)

    ended = policyd("test", tree, "--from-audit", named, **admin)
    suite = tree / "tests/zones_test.yaml"
    suite.write_text(suite.read_text() + ended.out)

    assert ended.out.startswith(f"  # The call of record {named}\n  - it: ")
    assert "fields: [email], to: crm/api, path: contacts" in ended.out
    assert policyd("test", tree, "-k", "sales/customers-to-crm send").code == 0
    assert policyd("test", tree, "--from-audit", "nothing", **admin).code == 2


def test_what_the_server_refuses_is_told(policyd: Program, server: Server) -> None:
    """A key without the role, and a key that cannot be, end with 2 and the server's words."""
    url = f"http://127.0.0.1:{server.port}"
    as_admin = {"POLICYD_URL": url, "POLICYD_KEY": server.home.admin}
    as_pep = {"POLICYD_URL": url, "POLICYD_KEY": server.pep("sales")}

    for command, env, told in (
        (["keys", "list"], as_pep, "needs a key with the role admin [forbidden]"),
        (CALL, as_admin, "needs a key with the role pep [forbidden]"),
        ([*KEYLESS, "--role", "pep"], as_admin, "name at least one [key-invalid]"),
        ([*KEYLESS, "--role", "root"], as_admin, "`root` is no role"),
        (["keys", "revoke", "nobody"], as_admin, "there is no key `nobody`"),
    ):
        ended = policyd(*command, **env)
        assert (ended.code, ended.out) == (2, "")
        assert told in ended.err


def test_server_log_has_no_secret(policyd: Program, server: Server) -> None:
    """Whatever is asked, with whichever key, the server's own log shows none of them."""
    pep = server.pep("sales")
    policyd(*CALL, POLICYD_URL=f"http://127.0.0.1:{server.port}", POLICYD_KEY=pep)
    server.get(f"/v1/keys/{pep}?key={pep}", pep)
    server.stop()

    lines = server.log_lines()
    assert lines
    logged = server.log.read_text("utf-8")
    for secret in (pep, server.home.admin):
        assert secret not in logged
        assert secret.rpartition("_")[2] not in logged
