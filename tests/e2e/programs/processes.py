# mypy: ignore-errors
"""Has work done by other processes; argument: how they are made."""

import multiprocessing
import subprocess
import sys


def work(number):
    return sum(len(bytearray(number * 1_000)) for _ in range(100))


if __name__ == "__main__":
    way = sys.argv[1]
    if way == "subprocess":
        code = "print(len([bytearray(1000) for _ in range(1000)]))"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    else:
        with multiprocessing.get_context(way).Pool(2) as pool:
            print(pool.map(work, range(20)))
