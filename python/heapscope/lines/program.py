# ruff: noqa: PTH100, PTH123
# Pathlib is not loaded into a program that does not use it.
"""What `heapscope lines` does inside the program, before its first line.

The builtin ``profile`` is injected, and the code that was asked for by file, module or function is
counted as it is met. The variable ``HEAPSCOPE_LINES`` holds the request: words between unit
separators, ``all``, ``-pMODULE`` and ``-fFUNCTION``.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "HEAPSCOPE_LINES"
MARKED = "profiled:"  # metadata: LINE:FILE of a function that was marked
PARTIAL = "profiled in part:"  # a file of which only the functions that are asked for are shown
_SEPARATOR = "\x1f"
_WITHOUT_FILE = ("<string>", "<stdin>")  # -c and -, but also what anybody gives to exec
_MOST_SOURCE = 16 << 20


def request(*, everything: bool, modules: Iterable[str], functions: Iterable[str]) -> str:
    """Write what is asked for as the value of the variable."""
    words = ["all"] if everything else []
    words += [f"-p{module}" for module in modules]
    words += [f"-f{function}" for function in functions]
    return _SEPARATOR.join(words)


def stamps(output: str) -> str:
    """Write the request for a program whose functions note when they begin and end."""
    return f"stamps{output}"


def begin(value: str) -> None:
    """Set up what a request asks for; tracking has begun."""
    import builtins

    from heapscope import _tracker, profiling

    if value.startswith("stamps"):
        _stamp(value.removeprefix("stamps"))
        return
    profiling.collecting = True
    builtins.profile = profiling.profile  # type: ignore[attr-defined]
    words = [word for word in value.split(_SEPARATOR) if word]
    if words:
        _tracker.profile_everything(Wanted(words))


def _stamp(output: str) -> None:
    """Inject memory_profiler's other decorator; what it noted is written at the program's end."""
    import atexit
    import builtins

    from heapscope.lines.stamps import TimeStamper

    stamper = TimeStamper()
    builtins.profile = stamper  # type: ignore[attr-defined]

    def write() -> None:
        if not output:
            stamper.show_results()
            return
        with open(output, "a", encoding="utf-8", errors="backslashreplace") as file:
            stamper.show_results(file)

    atexit.register(write)


class Wanted:
    """Whether the code of a file is asked for.

    Parameters
    ----------
    words : list of str
        As in the request.
    """

    def __init__(self, words: list[str]) -> None:
        self._all = "all" in words
        self._modules = [word[2:] for word in words if word.startswith("-p")]
        self._functions = [split_name(word[2:]) for word in words if word.startswith("-f")]
        self._known: dict[str, bool] = {}

    def __call__(self, file: str) -> bool:
        """Tell, for the ``co_filename`` of the code that runs in the frame that asks."""
        if file in _WITHOUT_FILE:
            if sys._getframe(1).f_globals.get("__name__") != "__main__":
                return False
            if not self._all and self._functions:
                _mark_partial(file)
            return self._all or bool(self._functions)
        answer = self._known.get(file)
        if answer is None:
            try:
                answer = self._look(file)
            except Exception:  # a name that no file has, a module that is none
                answer = False
            self._known[file] = answer
        return answer

    def _look(self, file: str) -> bool:
        if self._all and is_main(file):
            return True
        if any(is_of_module(file, module) for module in self._modules):
            return True
        named = any(
            (not module or is_of_module(file, module) or _ends_like(file, module))
            and _defines(file, name.rpartition(".")[2])
            for module, name in self._functions
        )
        if named:
            _mark_partial(file)
        return named


def _mark_partial(file: str) -> None:
    from heapscope import _tracker

    _tracker.set_metadata(PARTIAL + file, "")


def split_name(function: str) -> tuple[str, str]:
    """Split ``MODULE:NAME`` or ``FILE.py:NAME``; the first is empty where there is none.

    Examples
    --------
    >>> split_name("json.decoder:JSONDecoder.decode"), split_name("fit")
    (('json.decoder', 'JSONDecoder.decode'), ('', 'fit'))
    """
    module, _, name = function.rpartition(":")
    return module, name


def is_main(file: str) -> bool:
    """Whether a file is the program's: the script, or the module that ``-m`` runs."""
    main = getattr(sys.modules.get("__main__"), "__dict__", {})
    own = main.get("__file__")
    return own is not None and (file == own or (not file.startswith("<") and _same(file, own)))


def is_of_module(file: str, module: str) -> bool:
    """Whether a file is a loaded module's, or below a loaded package."""
    if module == "__main__":
        return is_main(file)
    found = getattr(sys.modules.get(module), "__dict__", None)
    if found is None:
        main = getattr(sys.modules.get("__main__"), "__dict__", {})
        name = getattr(main.get("__spec__"), "name", None)
        return name in (module, f"{module}.__main__") and is_main(file)
    own = found.get("__file__") or getattr(found.get("__spec__"), "origin", None)
    if own is not None and (file == own or _same(file, own)):
        return True
    path = os.path.abspath(file)
    places = [os.path.abspath(place) for place in found.get("__path__") or ()]
    return any(path.startswith(place + os.sep) for place in places)


def _ends_like(file: str, name: str) -> bool:
    return name.endswith(".py") and (file == name or file.endswith("/" + name.lstrip("./")))


def _same(file: str, other: str) -> bool:
    return os.path.abspath(file) == os.path.abspath(other)


def _defines(file: str, name: str) -> bool:
    """Whether a file's text has a definition of that name."""
    if file.startswith("<"):
        return False
    with open(file, "rb") as source:
        text = source.read(_MOST_SOURCE)
    name_ = name.encode()
    start = text.find(name_)
    while start >= 0:
        before = text[max(start - 200, 0) : start].rstrip(b" \t\\\r\n")
        if before.endswith((b"def", b"class")) or name.startswith("<"):
            return True
        start = text.find(name_, start + 1)
    return name.startswith("<")
