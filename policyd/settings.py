"""Settings of a server: from `POLICYD_…` variables, overridden by the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from policyd.model.errors import UsageError

PREFIX = "POLICYD_"

Bytes = Annotated[int, Field(ge=1024, le=1 << 30)]


class Settings(BaseSettings):
    """Every setting; the defaults are for trying policyd on one machine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data: Path = Path("policyd-data")
    """The data folder."""
    policies: Path | None = None
    """The policy tree to decide by."""
    origin: str = "policyd.local/log"
    """Name of a new log, known to every verifier: best a host and path of your own."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8321
    """The port to listen on; 0 takes any free one."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The mildest level that is logged."""
    max_body_bytes: Bytes = 1 << 20
    """The largest request body that is read."""
    max_depth: Annotated[int, Field(ge=8, le=256)] = 32
    """The deepest nesting of a request body that is read."""
    queue_records: Annotated[int, Field(ge=1, le=1 << 20)] = 4096
    """Records that may wait for their commit; beyond it checks get 503."""
    queue_bytes: Bytes = 16 << 20
    """Bytes of records that may wait for their commit."""


def read_settings(**given: object) -> Settings:
    """Settings from the environment, except those *given* (and not None).

    Raises:
        UsageError: a value cannot be used; the message names its variable, or its option.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**said)  # type: ignore[arg-type]  # what pydantic is there to check
    except ValidationError as error:
        faults = "; ".join(_told(each, said) for each in error.errors())
        raise UsageError(f"{faults}; correct it or leave it out", code="setting-invalid") from None


def _told(fault: ErrorDetails, said: Mapping[str, object]) -> str:
    name = str(fault["loc"][0])
    source = f"--{name.replace('_', '-')}" if name in said else f"{PREFIX}{name.upper()}"
    problem = fault["msg"][:1].lower() + fault["msg"][1:]
    return f"{source} cannot be `{str(fault['input'])[:80]}`: {problem}"
