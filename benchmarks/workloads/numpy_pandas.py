"""Array arithmetic with temporaries of 2.4 MB, small arrays in a loop, a group-by and a merge."""

from __future__ import annotations

import measure

ROUNDS = 28
LONG = 300_000
ROWS = 100_000
SMALL_ARRAYS = 2_500


def setup() -> None:
    import pandas

    pandas.DataFrame({"k": [1, 1], "x": [1.0, 2.0]}).groupby("k").agg({"x": "mean"})


def work(rounds: int) -> None:
    import numpy
    import pandas

    generator = numpy.random.default_rng(0)
    a = generator.random(LONG)
    b = generator.random(LONG)
    frame = pandas.DataFrame(
        {
            "k": generator.integers(0, 500, ROWS),
            "x": generator.random(ROWS),
            "y": generator.random(ROWS),
        }
    )
    total = 0.0
    for _ in range(rounds):
        total += float((a * b + numpy.sqrt(a) - b / (a + 1.0)).sum())
        for _ in range(SMALL_ARRAYS):
            ones = numpy.ones(64)
            total += (ones * 2 + 1)[0]
        grouped = frame.groupby("k").agg({"x": "mean", "y": "sum"})
        merged = frame[frame.x > 0.5].merge(grouped, left_on="k", right_index=True)
        total += float((merged.x_x + merged.y_y).sum())
    assert total > 0


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)
