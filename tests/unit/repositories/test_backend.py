"""`git http-backend` as a child of a server that may die."""

import asyncio

from penstock.repositories.backend import cgi_environment
from penstock.repositories.hosting import Repositories


async def test_git_ends_when_a_request_ends_early(repositories: Repositories) -> None:
    """With the length of the body it would spin for ever, and hold the next server's start up."""
    repository = await repositories.create("app", None, {})
    scope = {"type": "http", "method": "POST", "query_string": b""}
    headers = {"content-type": "application/x-git-receive-pack-request", "content-length": "4000"}
    environment = cgi_environment(
        scope,
        headers,
        directory=repositories.path(repository).name,
        endpoint="git-receive-pack",
        user="ada",
    )
    root = {"GIT_PROJECT_ROOT": str(repositories.git.root)}
    process = await repositories.git.spawn(
        "http-backend", environment={**environment, **root}, stdin=True
    )
    try:
        await process.feed(b"00")
        async with asyncio.timeout(10):
            answer = await process.stdout.read()
            assert await process.wait() != 0
        assert b"403" not in answer
        assert "hung up" in await process.stderr()
    finally:
        await process.end()
