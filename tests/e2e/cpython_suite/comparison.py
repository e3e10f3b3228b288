"""Both sides of one module, tried again where they differ, and what is left of the difference."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cpython_suite import attempt
from cpython_suite.attempt import Attempt

_ATTEMPTS = 3  # of either side, before a difference counts


@dataclass
class Comparison:
    """The attempts of both sides.

    A test differs when no attempt of one side came to a verdict that the other side has seen: what
    fails now and then without the tracker may fail now and then with it.
    """

    module: str
    untracked: list[Attempt] = field(default_factory=list)
    recorded: list[Attempt] = field(default_factory=list)

    def differences(self) -> dict[str, str]:
        """Return what differs: a sentence with the failure's text by test id."""
        found = {}
        for name in _names(self.untracked) | _names(self.recorded):
            expected, got = _seen(self.untracked, name), _seen(self.recorded, name)
            if not expected & got:
                text = _detail(self.recorded, name) or _detail(self.untracked, name)
                found[name] = f"untracked {_list(expected)}, recorded {_list(got)}\n{text}"
        return found

    def verdicts(self) -> dict[str, str]:
        """Return the last untracked verdict of each test."""
        return {name: verdict for one in self.untracked for name, verdict in one.verdicts.items()}

    def unsteady(self) -> list[str]:
        """Return the tests whose verdict changed between attempts of one side."""
        names = _names(self.untracked) | _names(self.recorded)
        sides = (self.untracked, self.recorded)
        return sorted(name for name in names if any(len(_seen(side, name)) > 1 for side in sides))


def compare(module: str, directory: Path) -> Comparison:
    """Run a module on both sides at once, up to three times while they differ."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a script's job in the background we would pass that on, and the tests of Ctrl-C fail.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    result = Comparison(module)
    with ThreadPoolExecutor(2) as sides:
        for number in range(1, _ATTEMPTS + 1):
            place = directory / f"{module}-{number}"
            untracked = sides.submit(attempt.run, module, place / "untracked", recorded=False)
            recorded = sides.submit(attempt.run, module, place / "recorded", recorded=True)
            result.untracked.append(untracked.result())
            result.recorded.append(recorded.result())
            if not result.differences():
                break
    return result


def _names(side: list[Attempt]) -> set[str]:
    return {name for one in side for name in one.verdicts}


def _seen(side: list[Attempt], name: str) -> set[str]:
    return {one.verdicts.get(name, "not run") for one in side}


def _detail(side: list[Attempt], name: str) -> str:
    return next((one.details[name] for one in side if one.details.get(name)), "")


def _list(verdicts: set[str]) -> str:
    return "/".join(sorted(verdicts))
