"""A constant-rate load: requests are sent on schedule, even if earlier ones have not returned.

`wrk` sends the next request only after a response, so it does not measure queueing while a server
is stuck. Run it with a rendered project's Python, which has uvloop: URL RATE SECONDS.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

_CONNECTIONS = 64


async def main(url: str, rate: float, seconds: float) -> None:
    """Send the requests and print their latencies, counted from their scheduled times."""
    parts = urlsplit(url)
    head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection(parts.hostname, parts.port))
    took: list[float] = []

    async def ask(due: float) -> None:
        reader, writer = connection = await idle.get()
        writer.write(head)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0], answer
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        took.append(time.perf_counter() - due)
        idle.put_nowait(connection)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            while time.perf_counter() < due:
                await asyncio.sleep(0)  # a timer may be up to a millisecond late
            tasks.create_task(ask(due))
    took.sort()
    percentiles = {f"p{part}_ms": took[len(took) * part // 100] * 1000 for part in (50, 99)}
    sys.stdout.write(json.dumps(percentiles))


uvloop.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
