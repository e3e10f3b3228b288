"""The report's page: built before a wheel, checked by `lint`, tested by `test`."""

from __future__ import annotations

import pathlib
import shutil

from tools.house.environments import Environment
from tools.house.interpreters import Interpreter
from tools.house.layout import REPORTS
from tools.house.process import Problem, step
from tools.house.results import Result, from_junit
from tools.page import build_page

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_node(interpreter: Interpreter) -> pathlib.Path:
    """The directory of a fitting node: the system's, else PyPI's in an environment of its own."""
    found = build_page.system_node()
    if found is None:
        environment = Environment("node", interpreter).install("node")
        found = build_page.wheel_node(environment.python)
    if found is None:
        raise Problem("no Node 20.19, 22.12 or later, and PyPI's did not install.", 2)
    return found


def build(interpreter: Interpreter) -> None:
    """Brings python/heapscope/report/template.html up to web/."""
    if build_page.is_current():
        return
    with step("building the report's page"):
        try:
            build_page.build(lambda: find_node(interpreter))
        except build_page.PageProblem as problem:
            raise Problem(str(problem)) from None


def lint_command(interpreter: Interpreter) -> tuple[list[str], dict[str, str]]:
    """What checks format, lints and types of web/ and tests/web; its environment."""
    return _script(interpreter, "lint")


def format_command(interpreter: Interpreter) -> tuple[list[str], dict[str, str]]:
    """What writes the format that lint asks for; its environment."""
    return _script(interpreter, "format")


def _script(interpreter: Interpreter, name: str) -> tuple[list[str], dict[str, str]]:
    node = find_node(interpreter)
    try:
        build_page.install_packages(node)
    except build_page.PageProblem as problem:
        raise Problem(str(problem)) from None
    prefix = f"--prefix={build_page.WEB}"
    command = [*build_page.npm_command(node), prefix, "run", "--silent", name]
    return command, build_page.node_environment(node)


def clean() -> None:
    """Removes the built page and npm's packages."""
    build_page.TEMPLATE.unlink(missing_ok=True)
    shutil.rmtree(build_page.WEB / "node_modules", ignore_errors=True)


def browser() -> str | None:
    """The system's Chromium."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def test(interpreter: Interpreter) -> list[Result]:
    """Unit tests of the page's parts, then the whole page in Chromium where there is one."""
    build(interpreter)
    REPORTS.mkdir(parents=True, exist_ok=True)
    results = [_vitest(interpreter, "web: units", "test", {})]
    chromium = browser()
    if chromium is None:
        note = "skipped: there is no Chromium; install it with: sudo apt-get install chromium"
        return [*results, Result("web: Chromium", skipped=1, note=note)]
    extra = {"HEAPSCOPE_CHROMIUM": chromium}
    return [*results, _vitest(interpreter, "web: Chromium", "test:browser", extra)]


def _vitest(interpreter: Interpreter, title: str, script: str, extra: dict[str, str]) -> Result:
    command, environment = _script(interpreter, script)
    report = REPORTS / f"vitest-{script.replace(':', '-')}.xml"
    options = ["--", "--reporter=dot", "--reporter=junit", f"--outputFile.junit={report}"]
    return from_junit(title, command, report, options, {**environment, **extra})
