"""Settings of a server: from `POLICYD_…` variables, overridden by the command line."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from policyd.model.errors import UsageError

PREFIX = "POLICYD_"
DEFAULT_PORT = 8321
DEFAULT_ORIGIN = "policyd.local/log"


class Settings(BaseSettings):
    """Every setting, with a default for trying policyd on one machine."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    data: Path = Field(Path("policyd-data"), description="The data folder")
    policies: Path | None = Field(None, description="The policy tree to decide by")
    host: str = Field("127.0.0.1", description="The address to listen on")
    port: Annotated[int, Field(ge=0, le=65535)] = DEFAULT_PORT
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    max_body_bytes: Annotated[int, Field(ge=1024, le=16 << 20)] = 1 << 20
    max_depth: Annotated[int, Field(ge=4, le=256)] = 32
    queue_records: Annotated[int, Field(ge=1)] = 4096
    queue_bytes: Annotated[int, Field(ge=1 << 16)] = 16 << 20


def read_settings(**given: object) -> Settings:
    """Settings from the environment, except those *given* (and not None).

    Raises:
        UsageError: a value cannot be used; the message names its variable.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        said = "; ".join(
            f"{PREFIX}{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()
        )
        raise UsageError(f"a setting cannot be used: {said}", code="setting-invalid") from None
