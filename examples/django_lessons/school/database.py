"""Which database: SQLite in a file, or PostgreSQL where a URL says so."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit


def database(url: str | None, file: Path) -> dict[str, object]:
    """Return an entry of DATABASES.

    ``postgres://USER:PASSWORD@HOST:PORT/NAME`` is PostgreSQL (it needs ``pip install psycopg``),
    ``sqlite:///FILE`` another file; without a URL it is `file`.
    """
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": file}
    parts = urlsplit(url)
    name = unquote(parts.path[1:])
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL: {parts.scheme}: is neither postgres: nor sqlite:")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
    }
