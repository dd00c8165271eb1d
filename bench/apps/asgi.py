"""The two routes in plain ASGI: the minimum work for a server."""

import json


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError  # uvicorn then runs without a lifespan
    body = b'{"status":"ok"}'
    if scope["path"] == "/api/v1/echo":
        body = b""
        is_partial = True
        while is_partial:
            message = await receive()
            body += message["body"]
            is_partial = message["more_body"]
        body = json.dumps(json.loads(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
