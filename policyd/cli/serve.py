"""`policyd serve`: the server."""

import os
from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.findings import told_in
from policyd.cli.options import Data, ending

_Policies = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Decide by this folder, for development; else by what was published."
        "  [POLICYD_POLICIES]",
    ),
]
_Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Listen here.  [POLICYD_HOST, or 127.0.0.1]"),
]
_Port = Annotated[
    int | None,
    typer.Option(metavar="PORT", help="Listen here; 0: any.  [POLICYD_PORT, or 8321]"),
]
_TlsCert = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Speak TLS with this PEM chain.  [POLICYD_TLS_CERT]"),
]
_TlsKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The private key to it, PEM.  [POLICYD_TLS_KEY]"),
]
_TrustedProxy = Annotated[
    str | None,
    typer.Option(metavar="ADDRESSES", help="Believe these proxies.  [POLICYD_TRUSTED_PROXY]"),
]
_PublicUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Known to callers as this.  [POLICYD_PUBLIC_URL]"),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Log JSON also on a terminal.")]


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    example = "policyd serve --data policyd-data\npolicyd serve --policies policies"
    codes = "0 stopped in good order, 2 could not start, 3 had to stop"
    app.command("serve", epilog=ending(example, codes))(serve)


def serve(  # noqa: PLR0913 - one parameter per option
    *,
    policies: _Policies = None,
    data: Data = None,
    host: _Host = None,
    port: _Port = None,
    tls_cert: _TlsCert = None,
    tls_key: _TlsKey = None,
    trusted_proxy: _TrustedProxy = None,
    public_url: _PublicUrl = None,
    as_json: _AsJson = False,
) -> int:
    """Answer checks until told to stop; SIGHUP rereads policies."""
    from policyd import bootstrap, logs
    from policyd.settings import check_variables, read_settings

    check_variables(os.environ)
    settings = read_settings(
        policies=policies,
        data=data,
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        trusted_proxy=trusted_proxy,
        public_url=public_url,
    )
    logs.set_up(settings.log_level, as_json=as_json)
    with told_in(settings.policies):
        return bootstrap.serve(settings)
