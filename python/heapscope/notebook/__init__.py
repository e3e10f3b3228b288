"""What ``%load_ext heapscope`` gives an IPython session or a Jupyter notebook.

IPython is imported by the extension only: whoever can load it has it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Add ``%memit``, ``%mprun`` and ``%%heapscope`` to a session, as ``%load_ext`` asks."""
    from heapscope.notebook.magics import Magics

    magics = Magics(shell)
    for name in Magics.NAMES:
        shell.register_magic_function(getattr(magics, name), "line_cell", name)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away again, as ``%unload_ext`` asks."""
    from heapscope.notebook.magics import Magics

    for kind in shell.magics_manager.magics.values():
        for name in Magics.NAMES:
            kind.pop(name, None)
