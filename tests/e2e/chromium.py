"""Drives the system's Chromium over its pipe: pages, and everything they say and ask for."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DEADLINE_S = 60.0


def find_chromium() -> str:
    """The browser's program; a test without it is skipped, as those of tests/web are."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium; install it with: sudo apt-get install chromium")
    return found


class Page:
    """One page, and what it said.

    Attributes
    ----------
    requests : list of str
        Addresses that it asked for.
    complaints : list of str
        Errors and warnings: of scripts, of the console, of the security policy.
    """

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.contexts: dict[str, int] = {}  # of frames

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **parameters)

    def open(self, address: str) -> None:
        self.send("Page.navigate", url=address)

    def evaluate(self, expression: str, frame: str | None = None) -> Any:
        """The value of a JavaScript expression; of a promise, what it becomes."""
        where = {} if frame is None else {"contextId": self.contexts[frame]}
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            **where,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str, frame: str | None = None) -> Any:
        """Ask until an expression is true."""
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            value = self.evaluate(expression, frame)
            if value:
                return value
            assert time.monotonic() < deadline, f"never true: {expression}; {self.complaints}"
            self.evaluate("new Promise(done => setTimeout(done, 20))", frame)

    def frames(self) -> list[str]:
        """Ids of the frames in the page."""
        tree = self.send("Page.getFrameTree")["frameTree"]
        return [child["frame"]["id"] for child in tree.get("childFrames", [])]

    def save_picture(self, path: Path) -> None:
        import base64

        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def hear(self, method: str, told: dict[str, Any]) -> None:
        """Note an event."""
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(str(details.get("exception", details).get("description")))
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.complaints.append(str(told["args"]))
        elif method == "Runtime.executionContextCreated":
            context = told["context"]
            if context.get("auxData", {}).get("isDefault"):
                self.contexts[context["auxData"]["frameId"]] = context["id"]


class Chromium:
    """A running browser without a window."""

    def __init__(self, directory: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()  # to it, from it
        arguments = [
            find_chromium(),
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-sandbox",  # the tests may run as root; the pages are our own
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-features=IsolateSandboxedIframes",  # else frames are processes of their own
            f"--user-data-dir={directory}",
            "--window-size=1280,800",
            "about:blank",
        ]
        # It wants to read from descriptor 3 and to write to 4.
        pipes = f"3</proc/self/fd/{ours[0]} 4>/proc/self/fd/{theirs[1]}"
        shell = ["sh", "-c", f'exec "$0" "$@" {pipes}', *arguments]
        self._process = subprocess.Popen(
            shell,
            pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self._to = os.fdopen(ours[1], "wb", buffering=0)
        self._from = os.fdopen(theirs[0], "rb")
        self._number = 0
        self._pages: dict[str, Page] = {}

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command, and hear what is said until its answer comes."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            page = self._pages.get(answer.get("sessionId", ""))
            if page is not None and "method" in answer:
                page.hear(answer["method"], answer.get("params", {}))

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while not data.endswith(b"\0"):
            piece = self._from.peek()
            assert piece, "the browser has ended"
            end = piece.find(b"\0")
            data += self._from.read(end + 1 if end >= 0 else len(piece))
        message: dict[str, Any] = json.loads(data[:-1])
        return message

    @contextlib.contextmanager
    def page(self) -> Iterator[Page]:
        """A new page, closed at the end."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{domain}.enable")
        try:
            yield page
        finally:
            self.send("Target.closeTarget", targetId=target)
            del self._pages[session]

    def close(self) -> None:
        with contextlib.suppress(AssertionError, OSError):
            self.send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._to.close()
        self._from.close()
