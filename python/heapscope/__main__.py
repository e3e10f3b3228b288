"""``python -m heapscope`` is the command line."""

from __future__ import annotations

import sys

# `python -m` puts the current directory first: a file there named like a module of the standard
# library must not be what the command line imports.
if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
    del sys.path[0]

from heapscope.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
