"""What heapy calls types: those that module types names by that name, builtins by their own."""

from __future__ import annotations

_SHORT = {"function": "function", "module": "module"}

__all__ = ["heapy_name", "plain_name"]


def _names() -> dict[str, str]:
    # Loaded here: a program that only takes snapshots and saves them does without.
    import builtins
    import types

    named = {
        value.__name__: f"types.{name}"
        for name, value in sorted(vars(types).items())
        if isinstance(value, type) and value.__module__ == "builtins"
    }
    return {**named, **{name: name for name in vars(builtins)}, **_SHORT}


def heapy_name(kind: str) -> str:
    """Write a kind as heapy does.

    Examples
    --------
    >>> heapy_name("code"), heapy_name("dict of type"), heapy_name("dict (no owner)")
    ('types.CodeType', 'dict of type', 'dict (no owner)')
    """
    if kind.startswith("dict of "):
        return "dict of " + heapy_name(kind[len("dict of ") :])
    known = _names().get(kind)
    if known is not None:
        return known
    return f"builtins.{kind}" if kind.replace("_", "a").replace("-", "a").isalnum() else kind


def plain_name(kind: str) -> str:
    """Undo `heapy_name`: the name that the type has.

    Examples
    --------
    >>> plain_name("types.CodeType"), plain_name("dict"), plain_name("builtins.PyCapsule")
    ('code', 'dict', 'PyCapsule')
    """
    import types

    module, _, name = kind.partition(".")
    if module == "types":
        value = getattr(types, name, None)
        if isinstance(value, type) and value.__module__ == "builtins":
            return value.__name__
    return name if module == "builtins" and name else kind
