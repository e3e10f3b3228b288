"""What memory_profiler gets wrong, as its issues tell: right figures are known by construction."""

import contextlib

MIB = 1 << 20
NUM = 20_000


class Person:
    def __init__(self, name):
        self.name = name


@profile  # noqa: F821
def issue_211():
    ps = []
    for i in range(NUM):
        ps.append(Person(str(i)))
    return ps


@profile  # noqa: F821
def issue_195(path):
    count = 0
    with open(path) as lines, open(path + ".out", "w") as out:
        for line in lines:
            out.write(line)
            count += 1
    return count


class Classifier:
    @profile  # noqa: F821
    def issue_234(self):
        self.names = {}
        for i in range(3):
            self.names[i] = bytes(MIB)
        self.size = 1
        self.done = True


@profile  # noqa: F821
def issue_236(zs):
    output = [0] * len(zs)
    for i in range(len(zs)):
        n = 0
        z = zs[i]
        while n < 3 and abs(z) < 2:
            z = z * z + 0.1
            n += 1
        output[i] = n
    return output


@profile  # noqa: F821
def issue_253():
    foos = [bytes(1000) for _ in range(10_000)]
    bars = [bytes(1000) for _ in range(10_000)]
    return foos, bars


@profile  # noqa: F821
def django_view(lessons):
    data = []
    for lesson in lessons:
        data.append(
            {
                "title": lesson.upper(),
                "datetime": lesson + "T00:00",
            }
        )
    return data


@profile  # noqa: F821
def temporary():
    return len(bytes(100 * MIB))


@profile  # noqa: F821
def inner(mebibytes):
    return bytes(mebibytes * MIB)


@profile  # noqa: F821
def nested():
    a = inner(10)
    b = inner(20)
    return a, b


@profile  # noqa: F821
def out_of_memory():
    kept = []
    for _ in range(20):
        kept.append(bytes(2 * MIB))
    kept.append(bytes(1 << 60))


@profile  # noqa: F821
def recursion(depth):
    block = bytes(5 * MIB)
    if depth:
        recursion(depth - 1)
    return len(block)


@profile  # noqa: F821
def generator():
    block = bytes(4 * MIB)
    yield block
    other = bytes(2 * MIB)
    yield other


def main(path):
    kept = [issue_211(), issue_195(path), Classifier(), issue_253()]
    kept[2].issue_234()
    kept.append(issue_236([0.5] * NUM))
    kept.append(django_view([f"lesson {i}" for i in range(NUM)]))
    temporary()
    kept.append(nested())
    with contextlib.suppress(MemoryError):
        out_of_memory()
    recursion(10)
    kept.append(list(generator()))


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
