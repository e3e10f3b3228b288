"""``python3 -m tools.house VERB``: one verb of the Makefile.

Runs under any Python 3.7 so far as to find a newer one: keep this file free of newer syntax.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

if sys.version_info < (3, 10):  # noqa: UP036 - the machine's python3 may well be older
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    newer = [shutil.which("python3." + minor) for minor in ("14", "13", "12", "11", "10")]
    newer += [str(path) for path in pyenv.glob("versions/3.1[0-4].*/bin/python")]
    for candidate in filter(None, newer):
        os.execv(candidate, [candidate, "-m", "tools.house", *sys.argv[1:]])
    sys.exit("make: CPython 3.10 or newer is needed and none was found: install python3.")

from tools.house import verbs

sys.exit(verbs.main(sys.argv[1:]))
