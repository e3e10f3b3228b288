"""The middleware: it meters each request, and answers for the page.

It is left out by Django (and costs nothing) unless ``HEAPSCOPE["ENABLED"]`` says otherwise, and
where DEBUG is off and no token is set.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed

from heapscope.django.memory import memory_of
from heapscope.django.options import Options, may_see
from heapscope.django.records import Record
from heapscope.django.streaming import follow
from heapscope.django.telling import header_of, line_of
from heapscope.django.watch import Watch
from heapscope.measuring import _Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Heapscope"
log = logging.getLogger("heapscope.django")


class HeapscopeMiddleware:
    """Reports of each request: exact bytes, peak, top lines, and growth by type.

    In a header, a line of the log ``heapscope.django``, and the page at ``/__heapscope__/``.

    Parameters
    ----------
    get_response : callable
        What Django gives: the rest of the site.

    Raises
    ------
    MiddlewareNotUsed
        It is not enabled, or DEBUG is off and there is no token.
    ImproperlyConfigured
        The setting ``HEAPSCOPE`` is wrong.

    Notes
    -----
    Thread-safe. It works under WSGI and ASGI, with synchronous and asynchronous views.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.options = Options.read()
        if not self.options.enabled:
            raise MiddlewareNotUsed("HEAPSCOPE['ENABLED'] is not set")
        if not settings.DEBUG and self.options.token is None:
            reason = "off: DEBUG is off and HEAPSCOPE['TOKEN'] is not set"
            log.warning("heapscope: %s", reason)
            raise MiddlewareNotUsed(reason)
        if settings.DEBUG and not log.hasHandlers():
            _log_to_stderr()
        self.get_response = get_response
        self.memory = memory_of(self.options)
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)
            self.process_view: Callable[..., Any] = self._process_view_asynchronously
        else:
            self.process_view = self._process_view

    def __call__(self, request: HttpRequest) -> Any:
        """Answer a request: our own page, or what the site says, measured."""
        if self._asynchronous:
            return self._answer_asynchronously(request)
        if request.path_info.startswith(self.options.path):
            return self._page(request)
        watch = self._begin(request)
        watch.go_on()
        try:
            response = self.get_response(request)
        finally:
            watch.rest()
            self._over(watch)
        return self._finish(watch, request, response)

    async def _answer_asynchronously(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(self.options.path):
            return await sync_to_async(self._page)(request)
        watch = self._begin(request)
        # Django runs synchronous code of this request on one other thread: that is metered, too.
        beside = watch.beside()
        await sync_to_async(beside.go_on)()
        try:
            response = await _Steps(watch, self.get_response(request))  # type: ignore[arg-type]
        finally:
            await sync_to_async(beside.rest)()
            self._over(watch)
        return self._finish(watch, request, response)

    # ---- the steps of a request

    def _begin(self, request: HttpRequest) -> Watch:
        memory = self.memory
        number = memory.records.next_number()
        record = Record(number, time.time(), request.method or "")
        before = None
        if memory.censuses.is_wanted(number, request):
            before = memory.censuses.take(number)
        watch = Watch(record, memory.lines, before)
        memory.began(watch)
        request._heapscope = watch
        return watch

    def _process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: Any,  # noqa: ARG002
        kwargs: Any,  # noqa: ARG002
    ) -> None:
        watch: Watch | None = getattr(request, "_heapscope", None)
        if watch is not None:
            meant = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
            name = getattr(meant, "__qualname__", type(meant).__qualname__)
            watch.record.view = f"{getattr(meant, '__module__', '?')}.{name}"
            if self.memory.lines is not None:
                self.memory.lines.look()  # the first request imports the views

    async def _process_view_asynchronously(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        self._process_view(request, view, args, kwargs)

    def _over(self, watch: Watch) -> None:
        """The site has answered, or failed: what is running is one less."""
        self.memory.ended(watch)
        watch.end()

    def _finish(
        self, watch: Watch, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        record = watch.record
        match = getattr(request, "resolver_match", None)
        record.route = "(no route)" if match is None else "/" + str(match.route or "")
        record.status = response.status_code
        if self.options.header and may_see(request, self.options.token):
            response[HEADER] = header_of(record)
        if getattr(response, "streaming", False):
            record.streamed = True
            follow(watch, response)
        self._tell_when_closed(watch, response)
        return response

    def _tell_when_closed(self, watch: Watch, response: Any) -> None:
        """Meter what Django does when the response has been sent, then tell of the request.

        That is where it ends the database's connection, which is most of what a short request has.
        """
        close = response.close

        def close_metered() -> None:
            del response.close
            watch.go_on()
            try:
                close()
            finally:
                watch.rest()
                watch.note(sent=True)
                self._tell(watch)

        response.close = close_metered

    def _tell(self, watch: Watch) -> None:
        record = watch.record
        record.growth = self.memory.censuses.close(watch.before, record.number)
        watch.before = None
        self.memory.records.add(record)
        if self.options.log:
            log.info("%s", line_of(record))

    # ---- the page

    def _page(self, request: HttpRequest) -> HttpResponseBase:
        from heapscope.django.site import answer, refuse

        if not may_see(request, self.options.token):
            return refuse(self.options)
        return answer(self, request)


def _log_to_stderr() -> None:
    """In DEBUG a project that configures no logging still sees the lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
