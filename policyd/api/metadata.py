"""`/.well-known/authzen-configuration`: what this decision point offers, and where.

Source: OpenID AuthZEN Authorization API 1.0, section 9. What it says comes from the settings,
never from the request: a Host header names whatever its sender likes.
"""

from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from pydantic import BaseModel

from policyd.api.checks import BATCH_PATH, PATH
from policyd.model.errors import NotFound

WELL_KNOWN = "/.well-known/authzen-configuration"
_CACHED = {"Cache-Control": "max-age=300"}


class Metadata(BaseModel):
    """What a caller needs to know of this decision point; what is not offered is not named."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str


def router_for(public_url: str | None) -> APIRouter:
    """The route of the metadata of a server known as *public_url*.

    A path of that URL stands behind the well-known one, as section 9.2 has it.
    """
    router = APIRouter()
    path = WELL_KNOWN + (urlsplit(public_url).path if public_url else "")

    @router.get(path, responses={404: {}})
    def configuration(response: Response) -> Metadata:
        """The address of each AuthZEN endpoint, under the URL that the server is known by."""
        if public_url is None:
            raise NotFound(
                "the server does not know its own address: start it with --public-url, or set"
                " POLICYD_PUBLIC_URL, to the https URL that callers use",
                code="public-url-unset",
            )
        response.headers.update(_CACHED)
        return Metadata(
            policy_decision_point=public_url,
            access_evaluation_endpoint=public_url + PATH,
            access_evaluations_endpoint=public_url + BATCH_PATH,
        )

    return router
