"""Large bodies: a policy tree that is being read keeps no check waiting."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx2

from policyd.api.app import Application
from policyd.api.strict_json import read_in_turns
from policyd.bootstrap import utc_now
from policyd.registry.keys import NewKey
from tests.faults.publishing import serving
from tests.published import CALL, PATH, edited, files_of, small_home
from tests.servers import EVALUATION, JSON, bearer, encode


def test_checks_are_answered_while_a_tree_is_read(tmp_path: Path) -> None:
    """Reading it ends only once a check was answered; then the tree is the one that was sent."""
    begun, go_on = threading.Event(), threading.Event()

    def read(body: bytes, *, max_depth: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        begun.set()
        assert go_on.wait(60)
        return read_in_turns(body, max_depth=max_depth)

    async def story() -> None:
        home = small_home(tmp_path / "data")
        async with serving(home.data) as (service, policies):
            keys = {}
            for role, units in (("author", frozenset[str]()), ("pep", frozenset({"hr"}))):
                new = NewKey(role, "person", frozenset({role}), units=units)
                key, keys[role] = service.keys.prepare(new, now=utc_now())
                service.keys.add(key, keys[role])
            app = Application(
                service, max_body=4096, max_tree=1 << 20, max_depth=32, read_large=read
            )
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://policyd") as line:
                files = edited(files_of(), "README.md", "words\n" * 1000)
                asked = {"title": "t", "reason": "r", "base": service.readiness().snapshot}
                body = encode(asked | {"files": files})
                headers = JSON | bearer(keys["author"])
                sent = asyncio.create_task(
                    line.post(f"{PATH}/changes", content=body, headers=headers)
                )
                assert await asyncio.to_thread(begun.wait, 60)
                checked = await line.post(
                    EVALUATION, content=encode(CALL), headers=JSON | bearer(keys["pep"])
                )
                assert checked.json() == {"decision": True}
                assert not sent.done()
                go_on.set()
                proposed = await sent
                assert proposed.status_code == 201, proposed.text
                kept = policies.store.tree(proposed.json()["tree"])
                assert {path: data.decode() for path, data in kept.items()} == files

    asyncio.run(story())
