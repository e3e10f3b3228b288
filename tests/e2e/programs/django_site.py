"""A site in one file, for the tests of the middleware: `django_site.py SCENARIO` prints JSON."""

from __future__ import annotations

import asyncio
import base64
import gc
import importlib
import io
import json
import logging
import os
import sys
import threading
from typing import Any

from django.conf import settings

VARIABLE = "SITE_SETTINGS"
HERE = os.path.dirname(os.path.abspath(__file__))

if not settings.configured:
    given = json.loads(os.environ.get(VARIABLE, "{}"))
    settings.configure(
        **{
            "DEBUG": True,
            "SECRET_KEY": "of a test",
            "ALLOWED_HOSTS": ["testserver"],
            "BASE_DIR": HERE,
            "ROOT_URLCONF": "django_site",
            "MIDDLEWARE": ["heapscope.django.HeapscopeMiddleware"],
            "HEAPSCOPE": {"ENABLED": True, "CENSUS_EVERY": 0},
            "LOGGING_CONFIG": None,
            **given,
        }
    )
    import django

    django.setup()
    sys.modules["django_site"] = sys.modules[__name__]

from asgiref.sync import sync_to_async  # noqa: E402
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.test import AsyncClient, Client  # noqa: E402
from django.urls import path  # noqa: E402
from django.views import View  # noqa: E402

kept: list[object] = []
together = threading.Barrier(2)


def keep(request: HttpRequest, size: int) -> HttpResponse:
    kept.append(bytes(size))
    return HttpResponse("kept")


def need(request: HttpRequest, size: int) -> HttpResponse:
    needed = bytes(size)
    del needed
    return HttpResponse("needed")


def keep_together(request: HttpRequest, size: int) -> HttpResponse:
    together.wait()
    kept.append(bytes(size))
    together.wait()
    return HttpResponse("kept")


async def keep_asynchronously(request: HttpRequest, size: int) -> HttpResponse:
    await asyncio.sleep(0)
    kept.append(bytes(size))
    for _ in range(3):
        await asyncio.sleep(0)
    return HttpResponse("kept")


async def keep_beside(request: HttpRequest, size: int) -> HttpResponse:
    await sync_to_async(lambda: kept.append(bytes(size)))()
    return HttpResponse("kept")


def stream(request: HttpRequest, size: int) -> StreamingHttpResponse:
    def pieces() -> Any:
        kept.append(bytes(size))
        yield b"a"
        kept.append(bytes(size))
        yield b"b"

    return StreamingHttpResponse(pieces())


async def stream_asynchronously(request: HttpRequest, size: int) -> StreamingHttpResponse:
    async def pieces() -> Any:
        kept.append(bytes(size))
        yield b"a"
        await asyncio.sleep(0)
        kept.append(bytes(size))
        yield b"b"

    return StreamingHttpResponse(pieces())


class Leaked:
    """What the census is to find."""


def leak(request: HttpRequest, size: int) -> HttpResponse:
    kept.extend(Leaked() for _ in range(size))
    return HttpResponse("leaked")


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("of the view")


class Page(View):
    def get(self, request: HttpRequest, size: int) -> HttpResponse:
        kept.append(bytes(size))
        return HttpResponse("kept")


urlpatterns = [
    path("keep/<int:size>/", keep),
    path("need/<int:size>/", need),
    path("together/<int:size>/", keep_together),
    path("async/<int:size>/", keep_asynchronously),
    path("beside/<int:size>/", keep_beside),
    path("stream/<int:size>/", stream),
    path("astream/<int:size>/", stream_asynchronously),
    path("leak/<int:size>/", leak),
    path("class/<int:size>/", Page.as_view()),
    path("fail/", fail),
    path("secret/<str:secret>/", lambda request, secret: HttpResponse(secret.upper())),
]

# ---- scenarios


def figures(response: Any) -> dict[str, float]:
    """The header of a response."""
    header = response.headers.get("X-Heapscope", "")
    return {name: float(value) for name, _, value in (p.partition("=") for p in header.split("; "))}


def remembered(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/__heapscope__/requests.json").json()["requests"]
    return found


def nothing() -> object:
    """What is there when the middleware is off."""
    client = Client()
    response = client.get("/keep/1000/")
    return {
        "status": response.status_code,
        "header": response.headers.get("X-Heapscope"),
        "page": client.get("/__heapscope__/").status_code,
        "tracker": "heapscope._tracker" in sys.modules,
    }


def exact() -> object:
    gc.disable()  # a collection falls upon the request that it runs in
    client = Client()
    for _ in range(5):
        nets = [figures(client.get(f"/{kind}/10/"))["net"] for kind in ("keep", "need", "class")]
    nothing_of_its_own = dict(zip(("keep", "need", "class"), nets, strict=True))
    answers = {
        "of Django": nothing_of_its_own,
        "kept": [figures(client.get(f"/keep/{size}/"))["net"] for size in (100_000, 350_000)],
        "needed": [figures(client.get(f"/need/{size}/"))["peak"] for size in (100_000, 350_000)],
        "needed net": [figures(client.get(f"/need/{size}/"))["net"] for size in (100_000, 350_000)],
    }
    client.get("/class/400000/")
    return {**answers, "last": remembered(client)}


def threads() -> object:
    gc.disable()
    clients = [Client(), Client()]
    for size in (10, 10):
        clients[0].get(f"/keep/{size}/")
    sizes = (1_000_000, 3_000_000)
    results: dict[int, float] = {}

    def ask(client: Client, size: int) -> None:
        results[size] = figures(client.get(f"/together/{size}/"))["net"]

    running = [threading.Thread(target=ask, args=pair) for pair in zip(clients, sizes, strict=True)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return {"net": [results[size] for size in sizes], "last": remembered(clients[0])[:2]}


def asynchronous() -> object:
    gc.disable()

    async def ask(kind: str, sizes: tuple[int, ...]) -> list[float]:
        client = AsyncClient()
        for _ in range(3):
            of_django = figures(await client.get(f"/{kind}/10/"))["net"]
        responses = await asyncio.gather(*(client.get(f"/{kind}/{size}/") for size in sizes))
        return [figures(response)["net"] - of_django for response in responses]

    async def everything() -> dict[str, list[float]]:
        return {
            "async": await ask("async", (1_000_000, 3_000_000)),
            "keep": await ask("keep", (1_000_000,)),
            "beside": await ask("beside", (1_000_000,)),
        }

    return asyncio.run(everything())


def served_by_asgi() -> object:
    """Two requests at once through the handler that servers call."""
    from django.core.asgi import get_asgi_application

    application = get_asgi_application()

    async def ask(place: str) -> tuple[dict[str, float], bytes]:
        said: list[Any] = []
        asked = asyncio.Queue[Any]()
        asked.put_nowait({"type": "http.request", "body": b""})

        async def send(message: Any) -> None:
            said.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": place,
            "query_string": b"", "headers": [(b"host", b"testserver")],
            "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        }  # fmt: skip
        await application(scope, asked.get, send)
        headers = dict(said[0]["headers"])
        text = headers.get(b"X-Heapscope", b"").decode()
        pairs = (part.partition("=") for part in text.split("; ") if part)
        body = b"".join(message.get("body", b"") for message in said[1:])
        return {name: float(value) for name, _, value in pairs}, body

    async def everything() -> dict[str, Any]:
        for place in ("/keep/10/", "/beside/10/", "/async/10/", "/astream/10/"):
            await ask(place)
        places = ("/keep/1000000/", "/keep/3000000/", "/beside/5000000/", "/async/7000000/")
        answers = await asyncio.gather(*(ask(place) for place in places))
        _, body = await ask("/astream/400000/")
        _, page = await ask("/__heapscope__/requests.json")
        return {
            "net": [header["net"] for header, _ in answers],
            "streamed": body.decode(),
            "last": json.loads(page)["requests"][0],
        }

    return asyncio.run(everything())


def streamed() -> object:
    gc.disable()
    client = Client()
    for _ in range(3):
        warming = client.get("/stream/10/")
        b"".join(warming.streaming_content)
        warming.close()
    before = len(remembered(client))
    of_django = remembered(client)[0]["net_bytes"]
    response = client.get("/stream/400000/")
    while_streaming = len(remembered(client)) - before
    header = figures(response)
    body = b"".join(response.streaming_content)
    response.close()
    unread = client.get("/stream/400000/")
    unread.close()
    return {
        "while streaming": while_streaming,
        "of Django": [figures(warming)["net"], of_django],
        "header net": header["net"],
        "body": body.decode(),
        "last": remembered(client)[:2],
    }


def tokens() -> object:
    client = Client()
    right = os.environ["SITE_TOKEN"]

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    tries = {
        "nothing": {},
        "wrong": {"X-Heapscope-Token": right[:-1] + "?"},
        "empty": {"X-Heapscope-Token": ""},
        "prefix": {"X-Heapscope-Token": right[:-1]},
        "not ascii": {"X-Heapscope-Token": "\xe9" * len(right)},
        "broken": {"Authorization": "Basic ////?"},
        "wrong password": {"Authorization": basic("anybody:" + right + "x")},
        "as the user": {"Authorization": basic(right + ":")},
        "header": {"X-Heapscope-Token": right},
        "bearer": {"Authorization": "Bearer " + right},
        "password": {"Authorization": basic("anybody:" + right)},
    }
    found: dict[str, Any] = {}
    for name, headers in tries.items():
        page = client.get("/__heapscope__/", headers=headers)
        site = client.get("/keep/10/", headers=headers)
        found[name] = [page.status_code, "X-Heapscope" in site.headers]
    asks = client.get("/__heapscope__/")
    found["asks"] = asks.headers.get("WWW-Authenticate")
    found["from afar"] = client.get(
        "/__heapscope__/", headers=tries["header"], REMOTE_ADDR="203.0.113.9"
    ).status_code
    return found


def places() -> object:
    client = Client()

    def ask(**environment: str) -> list[int]:
        return [
            client.get("/__heapscope__/" + place, **environment).status_code
            for place in ("", "growth/", "requests.json", "requests/1/", "nothing")
        ]

    client.get("/keep/10/")
    return {
        "here": ask(REMOTE_ADDR="127.0.0.1"),
        "here, IPv6": ask(REMOTE_ADDR="::1"),
        "afar": ask(REMOTE_ADDR="203.0.113.9"),
        "internal": ask(REMOTE_ADDR="10.1.2.3"),
        "forwarded": ask(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9"),
        "no address": ask(REMOTE_ADDR=""),
        "another host": ask(HTTP_HOST="attacker.example"),
        "header afar": "X-Heapscope" in client.get("/keep/10/", REMOTE_ADDR="203.0.113.9").headers,
    }


def data() -> object:
    """Everything that is said about requests that carry secrets."""
    client = Client()
    secret = "ses" + "ame"  # not in the source, which the page may show
    heard = io.StringIO()
    logging.getLogger("heapscope.django").addHandler(logging.StreamHandler(heard))
    client.cookies["session"] = secret + "-cookie"
    census = {"X-Heapscope-Census": "1", "X-Private": secret + "-header"}
    for _ in range(2):
        client.get(f"/secret/{secret}-path/?q={secret}-query", headers=census)
        client.post(f"/secret/{secret}-path/", {"password": f"{secret}-body"}, headers=census)
    client.get(f"/secret-without-route/{secret}-nowhere/")
    said = [heard.getvalue()]
    for place in ("", "requests/1/", "requests/2/", "requests.json", "growth/"):
        response = client.get("/__heapscope__/" + place)
        assert response.status_code == 200, place
        said.append(response.content.decode())
    said.append(str(client.get(f"/secret/{secret}-path/").headers))
    return {"leaked": [text for text in said if secret in text], "said": sum(map(len, said))}


def buttons() -> object:
    client = Client()
    page = client.get("/__heapscope__/growth/").content.decode()
    nonce = page.partition("name='nonce' value='")[2].partition("'")[0]

    def press(**fields: str) -> int:
        return client.post("/__heapscope__/growth/count", fields).status_code

    found: dict[str, Any] = {
        "nothing": press(),
        "wrong": press(nonce="0" * len(nonce)),
        "put": client.put("/__heapscope__/growth/count").status_code,
    }
    client.get("/leak/3/")
    found["unasked"] = remembered(client)[0]["growth"]
    found["right"] = press(nonce=nonce)
    client.get("/leak/5/")
    found["asked"] = remembered(client)[0]["growth"]
    client.get("/leak/3/")
    found["once"] = remembered(client)[0]["growth"]
    return found


def growth() -> object:
    client = Client()
    for _ in range(4):
        client.get("/leak/7/", headers={"X-Heapscope-Census": "1"})
    return {
        "last": remembered(client)[0],
        "page": client.get("/__heapscope__/growth/").content.decode(),
    }


def failing() -> object:
    client = Client(raise_request_exception=False)
    client.get("/fail/")
    return {"last": remembered(client)}


def settings_are(**given: object) -> str:
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    middleware = importlib.import_module("heapscope.django")
    with override_settings(HEAPSCOPE={"ENABLED": True, **given}):
        try:
            middleware.HeapscopeMiddleware(lambda request: HttpResponse())
        except ImproperlyConfigured as error:
            return str(error)
    return "accepted"


def wrong_settings() -> object:
    return [
        settings_are(TOKENS="long enough to be one"),
        settings_are(TOKEN="short"),
        settings_are(PATH="heap"),
        settings_are(PATH="/"),
        settings_are(REQUESTS=0),
        settings_are(LINES="yes"),
        settings_are(LINES_OF="lessons"),
        settings_are(TOKEN="", LINES_OF=["django_site"]),
    ]


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
