"""Settings: defaults, variables, options, and what is said of a value that cannot be used."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policyd.cli.server import DEFAULT_URL, KEY
from policyd.model.errors import UsageError
from policyd.settings import (
    OF_CLIENTS,
    Settings,
    check_settings,
    check_variables,
    notices_of,
    personal_fields,
    read_settings,
    retention_days,
    webhook_of,
)
from policyd_audit.record import KINDS

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import json
from policyd.model.errors import UsageError
from policyd.settings import read_settings
try:
    print(read_settings().model_dump_json())
except UsageError as error:
    print(json.dumps({"code": error.code, "message": error.message}))
"""


def read_with(**variables: str) -> dict[str, Any]:
    """What a process with these variables reads, or the error it gets."""
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'audit'}"} | variables
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=env, check=True, capture_output=True, text=True
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_defaults_are_for_one_machine() -> None:
    """Without a variable the server listens on loopback, where the client looks for it."""
    read = read_with()

    assert (read["data"], read["policies"]) == ("policyd-data", None)
    assert f"http://{read['host']}:{read['port']}" == DEFAULT_URL
    assert (read["max_body_bytes"], read["max_depth"]) == (1 << 20, 32)
    assert (read["queue_records"], read["queue_bytes"]) == (4096, 16 << 20)


def test_variables_are_read() -> None:
    """Each setting has a variable; an empty one counts as not given."""
    read = read_with(POLICYD_DATA="/srv/d", POLICYD_PORT="80", POLICYD_POLICIES="", POLICYD_X="1")

    assert (read["data"], read["port"], read["policies"]) == ("/srv/d", 80, None)


def test_how_a_server_is_known() -> None:
    """A public URL is kept as written; proxies may be several, addresses and networks."""
    read = read_with(
        POLICYD_PUBLIC_URL="https://policyd.example:8443/eu",
        POLICYD_TRUSTED_PROXY="10.0.0.1, fd00::/8",
    )

    assert read["public_url"] == "https://policyd.example:8443/eu"
    assert read["trusted_proxy"] == "10.0.0.1, fd00::/8"


def test_option_comes_before_variable() -> None:
    """What is given on the command line wins; what is not given there changes nothing."""
    settings = read_settings(port=1234, data=Path("elsewhere"), host=None)

    assert (settings.port, settings.data, settings.host) == (1234, Path("elsewhere"), "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POLICYD_PORT", "http"),
        ("POLICYD_PORT", "65536"),
        ("POLICYD_PORT", "tcp://10.0.0.1:8321"),
        ("POLICYD_LOG_LEVEL", "loud"),
        ("POLICYD_MAX_BODY_BYTES", "0"),
        ("POLICYD_MAX_DEPTH", "100000"),
        ("POLICYD_QUEUE_RECORDS", "-1"),
        ("POLICYD_QUEUE_BYTES", "16 MiB"),
        ("POLICYD_PUBLIC_URL", "http://policyd.example"),
        ("POLICYD_PUBLIC_URL", "policyd.example"),
        ("POLICYD_PUBLIC_URL", "https://"),
        ("POLICYD_PUBLIC_URL", "https://policyd.example/"),
        ("POLICYD_PUBLIC_URL", "https://policyd.example?x=1"),
        ("POLICYD_PUBLIC_URL", "https://policyd.example#x"),
        ("POLICYD_PUBLIC_URL", "https://me@policyd.example"),
        ("POLICYD_PUBLIC_URL", "https://policyd.example:0"),
        ("POLICYD_PUBLIC_URL", "https://policyd.example:x"),
        ("POLICYD_PUBLIC_URL", "https://[::1"),
        ("POLICYD_PUBLIC_URL", "https://policyd.example/{tenant}"),
        ("POLICYD_TRUSTED_PROXY", "*"),
        ("POLICYD_TRUSTED_PROXY", "0.0.0.0/0"),
        ("POLICYD_TRUSTED_PROXY", "proxy.example"),
        ("POLICYD_TRUSTED_PROXY", "10.0.0.1/8"),
        ("POLICYD_TRUSTED_PROXY", "10.0.0.1,"),
    ],
)
def test_bad_variable_is_named(name: str, value: str) -> None:
    """A value that cannot be used is told with its variable, itself, and the way out."""
    error = read_with(**{name: value})

    assert error["code"] == "setting-invalid"
    assert f"{name} cannot be `{value}`" in error["message"]
    assert "correct it or leave it out" in error["message"]


def test_all_bad_variables_are_told_at_once() -> None:
    """Two bad values take one attempt to find."""
    error = read_with(POLICYD_PORT="http", POLICYD_MAX_DEPTH="deep")

    assert "POLICYD_PORT" in error["message"]
    assert "POLICYD_MAX_DEPTH" in error["message"]


def test_bad_option_is_named_as_one() -> None:
    """A value from the command line is told with its option, not with a variable."""
    with pytest.raises(UsageError) as caught:
        read_settings(port=70000)

    assert "--port cannot be `70000`" in caught.value.message
    assert "POLICYD_PORT" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("POLICYD_POLICYS", "`POLICYD_POLICYS`; did you mean `POLICYD_POLICIES`?"),
        ("POLICYD_MAX_BODY", "`POLICYD_MAX_BODY`; did you mean `POLICYD_MAX_BODY_BYTES`?"),
        ("policyd_tls_crt", "`policyd_tls_crt`; did you mean `POLICYD_TLS_CERT`?"),
        ("POLICYD_", "`POLICYD_`"),
        ("POLICYD_ZZZ", "`POLICYD_ZZZ`; correct it or unset it"),
    ],
)
def test_an_unknown_variable_is_named(name: str, said: str) -> None:
    """A variable with our prefix that nothing reads is refused, with the one that is near."""
    with pytest.raises(UsageError) as caught:
        check_variables(["PATH", "POLICYD_PORT", name])

    assert caught.value.code == "setting-unknown"
    assert said in caught.value.message


def test_every_setting_and_the_variables_of_clients_are_known() -> None:
    """No variable that is read is refused, in capitals or not; others' variables are not ours."""
    names = [f"POLICYD_{name.upper()}" for name in Settings.model_fields]
    clients = [f"POLICYD_{name}" for name in OF_CLIENTS]
    check_variables([*names, *map(str.lower, names), *clients, "POLICY", "MY_POLICYD_X", ""])
    assert {KEY, "POLICYD_URL"} == set(clients)


def test_what_is_personal_is_named_out_of_a_list() -> None:
    """Names come with commas between; another is refused, with those that can be."""
    assert personal_fields(read_settings(personal="address, on_behalf_of,")) == {
        "address",
        "on_behalf_of",
    }
    with pytest.raises(UsageError, match=r"`adress` cannot be kept apart; name some of address, "):
        read_settings(personal="adress")


def test_days_by_kind() -> None:
    """A kind has its own days, or those of all others, or none and is kept for ever."""
    assert retention_days(read_settings()) == {}
    some = read_settings(retention="decision=400, query=90")
    assert retention_days(some) == {"decision": 400, "query": 90}
    days = retention_days(read_settings(retention="decision=400,*=3650"))
    assert (days["decision"], days["hold"], len(days)) == (400, 3650, len(KINDS))


@pytest.mark.parametrize("said", ["decision", "deed=3", "*=0", "query=-1", "query=1.5", "query="])
def test_days_that_make_no_sense(said: str) -> None:
    """What is no kind of record, or no number of days, is refused with an example."""
    with pytest.raises(UsageError, match=r"write it like decision=400,\*=3650"):
        read_settings(retention=said)


def test_notices_are_signed_as_the_log_is() -> None:
    """One key for both; a receiver of notices alone is enough, and never goes without it."""
    key = f"whsec_{'A' * 32}"
    alone = read_settings(notices_url="https://desk.example/hook", webhook_key=key)
    check_settings(alone)
    assert webhook_of(alone) is None
    assert notices_of(alone) == ("https://desk.example/hook", bytes(24))
    assert notices_of(read_settings()) is None
    with pytest.raises(UsageError) as refused:
        check_settings(read_settings(notices_url="https://desk.example/hook"))
    assert refused.value.code == "webhook-incomplete"
