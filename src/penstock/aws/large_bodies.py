"""How many large documents are in memory at once.

A document is read before its caller is proven, whose signature has a hash of it, and stays until
its operation has ended. One of the usual size is read however many there are; of larger ones few
are, and the others wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from penstock.aws.errors import ServiceError
from penstock.aws.payload import read_whole

LARGE_BYTES = 8 * 1024 * 1024
MOST_AT_ONCE = 2
_ROOM_SECONDS = 60.0
_READ_SECONDS = 300.0
"""For what is beyond LARGE_BYTES: nobody keeps the others waiting by sending slowly."""


class LargeBodies:
    """Who holds a large body, and who waits to read one."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def read(self, body: AsyncIterator[bytes], most: int, held: AsyncExitStack) -> bytes:
        """Return the whole body; a large one has its place until `held` is closed.

        Raises RequestEntityTooLargeException beyond `most` bytes, ServiceUnavailableException where
        there is no place for a while, RequestTimeoutException for one that comes too slowly.
        """
        try:
            async with asyncio.timeout(None) as limit:
                return await read_whole(self._measured(body, limit, held), most)
        except TimeoutError:
            raise ServiceError(
                "RequestTimeoutException",
                f"The request's body is larger than {LARGE_BYTES} bytes, and was not received "
                f"within {_READ_SECONDS:g} seconds. Send it by a faster connection.",
                status=408,
            ) from None

    async def _measured(
        self, body: AsyncIterator[bytes], limit: asyncio.Timeout, held: AsyncExitStack
    ) -> AsyncIterator[bytes]:
        size = 0
        async for block in body:
            if size <= LARGE_BYTES < size + len(block):
                await self._take(held)
                limit.reschedule(asyncio.get_running_loop().time() + _READ_SECONDS)
            size += len(block)
            yield block

    async def _take(self, held: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(_ROOM_SECONDS):
                await held.enter_async_context(self._room)
        except TimeoutError:
            raise ServiceError(
                "ServiceUnavailableException",
                f"At most {MOST_AT_ONCE} requests of more than {LARGE_BYTES} bytes are taken at "
                f"once; this one waited {_ROOM_SECONDS:g} seconds. Send it again later.",
            ) from None
