"""Bodies that were read before FastAPI sees them."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

READ = "policyd.read"
"""Where in a connection's scope there is what its body says, if somebody has read it."""


class _Known(Request):
    async def json(self) -> Any:  # noqa: ANN401 - JSON is any of its types
        return self.scope[READ] if READ in self.scope else await super().json()


class ReadBefore(APIRoute):
    """A route that does not read again what was read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As ever, but for a request that knows what its body says."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            return await handle(_Known(request.scope, request.receive))

        return handled
