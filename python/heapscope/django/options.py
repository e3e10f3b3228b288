"""The setting ``HEAPSCOPE``, and who may see what was measured."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.http import HttpRequest

TOKEN_HEADER = "X-Heapscope-Token"  # noqa: S105 - the name of one, not a secret
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@dataclass(frozen=True)
class Options:
    """What ``HEAPSCOPE`` says.

    Attributes
    ----------
    enabled : bool
        Whether requests are measured at all.
    token : str or None
        The secret that opens the page and the header where DEBUG is off, and from elsewhere.
    path : str
        Where the page is.
    requests : int
        How many requests the page remembers.
    header, log : bool
        Whether responses carry the figures, and whether a line is logged for each.
    lines : bool
        Whether the lines of the project's own functions are counted.
    lines_of : tuple of str
        Packages whose functions those are; empty: what lies below ``BASE_DIR``.
    census_every : int
        Every how many requests the objects of the process are counted by type; 0: when asked.
    show_keys : bool
        Whether paths to objects show the keys of dicts, which may be data.
    """

    enabled: bool = False
    token: str | None = None
    path: str = "/__heapscope__/"
    requests: int = 100
    header: bool = True
    log: bool = True
    lines: bool = True
    lines_of: tuple[str, ...] = ()
    census_every: int = 20
    show_keys: bool = False

    @classmethod
    def read(cls) -> Options:
        """Read the setting; what it does not know is an error, a typo must not open anything."""
        given = getattr(settings, "HEAPSCOPE", None) or {}
        if not isinstance(given, dict):
            raise ImproperlyConfigured("HEAPSCOPE is a dict, like {'ENABLED': True}")
        known = {field.name.upper(): field for field in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise ImproperlyConfigured(
                    f"HEAPSCOPE[{name!r}] is not known; there are {', '.join(known)}"
                )
            values[name.lower()] = _checked(name, value, known[name].default)
        options = cls(**values)
        if not (options.path.startswith("/") and options.path.endswith("/")):
            raise ImproperlyConfigured("HEAPSCOPE['PATH'] begins and ends with a slash")
        if options.path == "/":
            raise ImproperlyConfigured("HEAPSCOPE['PATH'] cannot be the site's own /")
        return options


def _checked(name: str, value: Any, default: Any) -> Any:
    if name == "TOKEN":
        if value is None or value == "":  # as os.environ.get("…", "") gives it
            return None
        if not isinstance(value, str) or len(value) < 8:
            raise ImproperlyConfigured("HEAPSCOPE['TOKEN'] is a secret of at least 8 characters")
        return value
    if name == "LINES_OF":
        if isinstance(value, str) or not all(isinstance(each, str) for each in value):
            raise ImproperlyConfigured("HEAPSCOPE['LINES_OF'] is a list of packages")
        return tuple(value)
    if type(value) is not type(default):
        raise ImproperlyConfigured(f"HEAPSCOPE[{name!r}] is of type {type(default).__name__}")
    if isinstance(value, int) and value < (1 if name == "REQUESTS" else 0):
        raise ImproperlyConfigured(f"HEAPSCOPE[{name!r}] is too small: {value}")
    return value


def has_token(request: HttpRequest, token: str | None) -> bool:
    """Whether a request carries the token: its own header, Bearer, or a browser's password."""
    if token is None:
        return False
    given = [request.headers.get(TOKEN_HEADER, "")]
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(rest.strip())
    elif scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(rest.strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            decoded = ""
        given.append(decoded.partition(":")[2])
    # Digests have one length, and compare_digest one duration.
    wanted = _digest(token)
    return any([hmac.compare_digest(_digest(each), wanted) for each in given])  # noqa: C419


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_near(request: HttpRequest) -> bool:
    """Whether a request comes from this machine, or from an address of ``INTERNAL_IPS``.

    What a proxy passed on comes from nowhere near: whoever asked it has another address.
    """
    if any(name in request.META for name in _FORWARDED):
        return False
    address = request.META.get("REMOTE_ADDR") or ""
    if address in settings.INTERNAL_IPS:
        return True
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def may_see(request: HttpRequest, token: str | None) -> bool:
    """Whether whoever asks may see figures: near and in DEBUG, or with the token."""
    return has_token(request, token) or (bool(settings.DEBUG) and is_near(request))
