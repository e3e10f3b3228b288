"""What the full screens have in common. Loads Textual: imported by their apps only."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

__all__ = ["FullScreen"]


class FullScreen(App[None]):
    """A file, full screen, in the terminal's own colours; a line of keys is below.

    Parameters
    ----------
    name : str
        What the file is called.
    """

    ENABLE_COMMAND_PALETTE = False
    DEFAULT_CSS = """
    Screen { layout: vertical; }
    #keys { height: 1; text-style: dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", "quit")]

    def __init__(self, name: str) -> None:
        super().__init__(ansi_color=True)
        self._file_name = name
        self.theme = "ansi-dark"  # the terminal's own colours, light ones too
