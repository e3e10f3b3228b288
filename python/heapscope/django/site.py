"""What is below ``/__heapscope__/``: who is let in, and which page is meant."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.urls import get_script_prefix
from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.http import HttpRequest

    from heapscope.django.middleware import HeapscopeMiddleware
    from heapscope.django.options import Options

SCHEMA = "heapscope/django/1"
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def refuse(options: Options) -> HttpResponse:
    """Say in one line why the page is not shown."""
    if options.token is not None:
        response = _plain("heapscope: the token is needed, as the password of any user\n", 401)
        response["WWW-Authenticate"] = 'Basic realm="heapscope", charset="UTF-8"'
        return response
    return _plain(
        "heapscope: shown to this machine and INTERNAL_IPS only, or with HEAPSCOPE['TOKEN']\n", 403
    )


def answer(middleware: HeapscopeMiddleware, request: HttpRequest) -> HttpResponse:
    """Answer somebody who may see."""
    from heapscope.django import page

    request.get_host()  # an unknown host is refused, as by the site itself
    place = request.path_info.removeprefix(middleware.options.path)
    if request.method == "POST":
        return _act(middleware, request, place)
    if request.method not in ("GET", "HEAD"):
        return _plain("heapscope: GET or POST\n", 405)
    form = page.Form(_base(middleware), _nonce())
    if place == "":
        return _html(page.requests(middleware, form))
    if place == "growth/":
        return _html(page.growth(middleware, form))
    if place == "requests.json":
        records = [asdict(record) for record in middleware.memory.records.last()]
        text = json.dumps({"schema": SCHEMA, "requests": records})
        return _closed(HttpResponse(text, content_type="application/json"))
    number = place.removeprefix("requests/").removesuffix("/")
    if place == f"requests/{number}/" and number.isdecimal() and len(number) < 12:
        record = middleware.memory.records.get(int(number))
        if record is not None:
            return _html(page.request(middleware, form, record))
        return _plain("heapscope: that request is not remembered, or was another process's\n", 404)
    return _plain("heapscope: there is no such page\n", 404)


def _act(middleware: HeapscopeMiddleware, request: HttpRequest, place: str) -> HttpResponse:
    """Do what a button says. Whoever may see may do it, but only from the page itself."""
    given = request.POST.get("nonce", "")
    if not hmac.compare_digest(given.encode(), _nonce().encode()):
        return _plain("heapscope: that was not sent by this page; reload it\n", 403)
    if place == "growth/count":
        middleware.memory.censuses.ask()
    elif place == "growth/restart":
        middleware.memory.censuses.restart()
    else:
        return _plain("heapscope: there is nothing to do there\n", 404)
    return _closed(HttpResponse(status=303, headers={"Location": _base(middleware) + "growth/"}))


def _base(middleware: HeapscopeMiddleware) -> str:
    return str(get_script_prefix()).rstrip("/") + middleware.options.path


def _nonce() -> str:
    """Return what the page's forms carry: the same in every process of the site."""
    return str(salted_hmac("heapscope.django", "page", algorithm="sha256").hexdigest())


def _html(text: str) -> HttpResponse:
    return _closed(HttpResponse(text, content_type="text/html; charset=utf-8"))


def _plain(text: str, status: int) -> HttpResponse:
    return _closed(HttpResponse(text, content_type="text/plain; charset=utf-8", status=status))


def _closed(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = _POLICY
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "same-origin"
    return response
