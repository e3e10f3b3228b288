"""The verb `export`: where its file goes, what it refuses, and that nothing is half written."""

from __future__ import annotations

import gzip
import io
import json
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import heapscope
from heapscope.exporters import FORMATS, HEAP_FORMATS, export_to

pytestmark = pytest.mark.one_version

FILES = {name: each for name, each in FORMATS.items() if each.write_tables is None}
PROGRAM = "kept = [bytearray(90_000) for _ in range(9)]\nimport json\n"


def run(directory: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "heapscope", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("recorded")
    (directory / "work.py").write_text(PROGRAM)
    done = run(directory, "run", "-q", "-o", "work.hscope", "work.py")
    assert done.returncode == 0, done.stderr
    return directory / "work.hscope"


@pytest.fixture
def place(recorded: Path, tmp_path: Path) -> Path:
    (tmp_path / "work.hscope").write_bytes(recorded.read_bytes())
    return tmp_path


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode()
    assert text.count("\n") == 1, text
    assert text.startswith("heapscope: ")
    return text


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_after_the_capture_and_never_replaced_unasked(
    place: Path, name: str
) -> None:
    done = run(place, "export", "work.hscope", "--format", name)
    assert done.returncode == 0, done.stderr
    path = place / ("work" + FORMATS[name].suffix)
    assert sorted(os.listdir(place)) == sorted(["work.hscope", path.name])
    assert done.stdout.decode().startswith(f"{path.name}  ")
    first = path.read_bytes()
    path.write_bytes(b"mine")
    refused = run(place, "export", "work.hscope", "--format", name)
    assert refused.returncode == 2
    assert "--force" in one_line(refused)
    assert path.read_bytes() == b"mine"
    forced = run(place, "export", "work.hscope", "--format", name, "--force", "-q")
    assert (forced.returncode, forced.stdout, forced.stderr) == (0, b"", b"")
    assert path.read_bytes() == first  # the same capture gives the same bytes


def test_stdout_and_a_name_that_ends_in_gz_give_the_same_document(place: Path) -> None:
    shown = run(place, "export", "work.hscope", "--format", "json", "-o", "-")
    done = run(place, "export", "work.hscope", "--format", "json", "-o", "a.json.gz")
    assert shown.returncode == done.returncode == 0
    assert json.loads(shown.stdout)["schema"] == "heapscope/export/1"
    assert gzip.decompress((place / "a.json.gz").read_bytes()) == shown.stdout
    assert shown.stderr == b""


def test_a_binary_format_is_not_written_to_a_terminal(place: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "heapscope", "export", "work.hscope", "--format", "pprof"]
    done = subprocess.run(
        [*command, "-o", "-"], cwd=place, stdout=theirs, stderr=subprocess.PIPE, timeout=60
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"terminal" in done.stderr


def test_a_reader_that_goes_away_is_no_error(place: Path) -> None:
    words = "export work.hscope --format csv -o -"
    command = f"{sys.executable} -m heapscope {words} | head -c 100 | wc -c"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=place, capture_output=True, timeout=60
    )
    assert done.stdout.strip() == b"100"
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "colour"], "invalid choice"),
        ([], "--format"),
        (["--format", "pprof", "--metric", "temporary"], "cannot hold the metric"),
        (["--format", "tracemalloc", "--metric", "count"], "cannot hold the metric"),
        (["--format", "csv", "-o", "work.hscope", "--force"], "is the capture"),
        (["--format", "csv", "-o", "no/such/place.csv"], "No such file"),
        (["--format", "csv", "-o", "/dev/full", "--force"], "no regular file"),
    ],
)
def test_wrong_usage_is_one_line(place: Path, arguments: list[str], words: str) -> None:
    before = (place / "work.hscope").read_bytes()
    done = run(place, "export", "work.hscope", *arguments)
    assert done.returncode == 2
    assert words in one_line(done)
    assert os.listdir(place) == ["work.hscope"]
    assert (place / "work.hscope").read_bytes() == before


def test_help_lists_the_formats(place: Path) -> None:
    done = run(place, "export", "--help")
    assert done.returncode == 0
    text = done.stdout.decode()
    for name, each in FORMATS.items():
        assert f"  {name} " in text
        assert each.description in text


def test_a_full_disk_leaves_nothing(place: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = run(place, "export", "work.hscope", "--format", "json", preexec_fn=limit)
    assert done.returncode == 2
    assert "cannot write" in one_line(done)
    assert os.listdir(place) == ["work.hscope"]


@pytest.mark.parametrize("content", [b"", b"no capture", b"HSCOPES\n" + bytes(50)])
def test_what_is_no_capture_is_one_line_and_no_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.hscope").write_bytes(content)
    for name in FORMATS:
        done = run(tmp_path, "export", "bad.hscope", "--format", name)
        assert done.returncode == 2
        assert "bad.hscope" in one_line(done)
        assert os.listdir(tmp_path) == ["bad.hscope"]


def test_a_damaged_capture_is_exported_as_far_as_it_goes(tmp_path: Path) -> None:
    program = tmp_path / "work.py"
    program.write_text(
        "import sys\nfrom heapscope import _tracker\n_tracker.start(sys.argv[1])\n" + PROGRAM
    )
    path = tmp_path / "cut.hscope"
    subprocess.run([sys.executable, str(program), str(path)], check=True, timeout=60)
    os.truncate(path, os.path.getsize(path) * 2 // 3)
    for name in FILES:
        done = run(tmp_path, "export", "cut.hscope", "--format", name)
        assert done.returncode == 3
        assert "is damaged" in one_line(done)
        assert (tmp_path / ("cut" + FORMATS[name].suffix)).stat().st_size > 0
    document = json.loads((tmp_path / "cut.json").read_text())
    assert document["summary"]["damage"] == heapscope.Capture(path).damage


def test_the_api_writes_the_same_and_refuses_the_same(place: Path) -> None:
    capture = heapscope.Capture(place / "work.hscope")
    path = capture.export("csv")
    assert path == str(place / "work.csv")
    with pytest.raises(heapscope.HeapscopeError, match="exists"):
        capture.export("csv")
    with pytest.raises(heapscope.HeapscopeError, match="no such format"):
        capture.export("colour", force=True)
    with pytest.raises(heapscope.HeapscopeError, match="is the capture"):
        capture.export("csv", place / "work.hscope", force=True)
    stream = io.BytesIO()
    export_to(capture._capture, "csv", stream)
    assert stream.getvalue() == Path(path).read_bytes()
    assert (
        Path(capture.export("csv", place / "other", force=True)).read_bytes() == stream.getvalue()
    )


def test_what_the_receiver_raises_ends_the_export(place: Path) -> None:
    capture = heapscope.Capture(place / "work.hscope")

    def refuse(piece: bytes) -> None:
        raise KeyError(len(piece))

    for each in FILES.values():
        assert each.write is not None
        with pytest.raises(KeyError):
            each.write(capture._capture, refuse, "peak")


def test_the_manual_lists_the_formats() -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "export.md").read_text()
    rows = [line for line in manual.splitlines() if line.startswith("| `")]
    assert rows == [
        *(f"| `{name}` | `{it.suffix}` | {it.description} |" for name, it in FORMATS.items()),
        *(f"| `{name}` | `{it.suffix}` | {it.description} |" for name, it in HEAP_FORMATS.items()),
    ]
