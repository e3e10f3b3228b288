"""What the middleware costs: processor time of a request, over the same site without it.

Each mode runs in a process of its own, on a copy of examples/django_lessons; medians of
interleaved rounds.

Examples
--------
``python benchmarks/django/run.py``            measures in this interpreter, prints the table
``python benchmarks/django/run.py --write``    and puts it into docs/django.md
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
EXAMPLE = TREE / "examples" / "django_lessons"
PAGE = TREE / "docs" / "django.md"
BEGIN, END = "<!-- measured by benchmarks/django/run.py -->", "<!-- end -->"
PLACES = {"/departments/": 300, "/lessons/7/": 300, "/lessons/joined/": 8}
MODES: dict[str, dict[str, object] | None] = {
    "without the middleware": None,
    "not enabled": {},
    "enabled, `LINES: False`": {"ENABLED": True, "LINES": False, "CENSUS_EVERY": 0},
    "enabled": {"ENABLED": True, "CENSUS_EVERY": 0},
    # CENSUS
}


def ask(mode: str) -> None:
    """In the measured process: print the seconds of a request of each place."""
    import django
    from django.conf import settings

    chosen = MODES[mode]
    if chosen is None:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "heapscope" not in name]
    else:
        settings.HEAPSCOPE = {**chosen, "LOG": False} if chosen else {}
    django.setup()
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    seconds = {}
    for place, times in PLACES.items():
        for _ in range(5):
            client.get(place)
        started = time.process_time()
        for _ in range(times):
            client.get(place)
        seconds[place] = (time.process_time() - started) / times
    print(json.dumps(seconds))


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds by mode and place."""
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        project = Path(name) / "site"
        shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("*.sqlite3"))
        for words in (["migrate", "-v0"], ["seed"]):
            subprocess.run([sys.executable, "manage.py", *words], cwd=project, check=True)
        variables = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "school.settings",
            "PYTHONPATH": str(project),
        }
        for _ in range(rounds):
            for mode in MODES:
                command = [sys.executable, __file__, "--mode", mode]
                ended = subprocess.run(
                    command, cwd=project, env=variables, check=True, stdout=subprocess.PIPE
                )
                for place, seconds in json.loads(ended.stdout).items():
                    found.setdefault((mode, place), []).append(seconds)
    return {
        mode: {place: statistics.median(found[mode, place]) for place in PLACES} for mode in MODES
    }


def table(seconds: dict[str, dict[str, float]]) -> str:
    base = seconds["without the middleware"]
    rows = [["CPU of a request", *(f"`{place}`" for place in PLACES)], ["---"] * 4]
    for mode, each in seconds.items():
        ratios = [each[place] / base[place] for place in PLACES]
        rows.append([mode, *(f"{ratio:.2f}x" for ratio in ratios)])
    rows[2][1:] = [f"{base[place] * 1000:.2f} ms" for place in PLACES]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/django.md")
    parser.add_argument("--mode", choices=MODES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.mode:
        ask(options.mode)
        return 0
    text = table(measure(options.rounds))
    print(text)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
