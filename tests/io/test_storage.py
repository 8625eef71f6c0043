"""Folders of this machine and of stores through one set of functions."""

import subprocess
import sys
import threading
import time
import uuid
import zipfile
from pathlib import Path

import pytest

from vostool.errors import StoreError, UsageError
from vostool.io import storage
from vostool.io.listing import (
    entries,
    files_below,
    folders,
    is_folder,
    missing_files,
    missing_folders,
    sizes,
)
from vostool.io.readahead import Ahead
from vostool.io.storage import (
    base_name,
    create,
    each_at_once,
    is_remote,
    is_url,
    place,
    read_bytes,
    read_text,
    remove,
    require_writable,
    resolved,
    same,
    staged,
    staged_file,
    write_bytes,
)


@pytest.fixture(params=["here", "store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return an empty folder of this machine, or one of fsspec's store in memory."""
    if request.param == "here":
        return tmp_path
    return place(f"memory://{uuid.uuid4().hex}", listed=False)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://bucket/DAVIS", True),
        ("zip::s3://bucket/d.zip", True),
        ("https://server/x", True),
        ("C:\\data", False),
        ("folder:clips", False),
        ("/data/DAVIS", False),
        ("a/b://c", False),
    ],
)
def test_urls_are_told_from_paths(text: str, url: bool) -> None:
    assert is_url(text) is url
    if not url:
        assert place(text) == Path(text)
        assert not is_remote(place(text))


def test_a_file_url_is_a_path_of_this_machine(tmp_path: Path) -> None:
    assert place(f"file://{tmp_path}/with%20blank") == tmp_path / "with blank"


def test_what_is_written_is_read(folder: Path) -> None:
    write_bytes(folder / "a/b.txt", b"one\r\ntwo")
    assert read_bytes(folder / "a/b.txt") == b"one\r\ntwo"
    assert read_text(folder / "a/b.txt") == "one\ntwo"
    write_bytes(folder / "a/b.txt", b"other")
    assert read_bytes(folder / "a/b.txt") == b"other"
    with pytest.raises(FileNotFoundError):
        read_bytes(folder / "a/c.txt")


def test_listings(folder: Path) -> None:
    for name in ("b/2.png", "b/1.png", "b/sub/x", "a/y"):
        write_bytes(folder / name, name.encode())
    assert sorted((e.path.name, e.is_dir) for e in entries(folder / "b")) == [
        ("1.png", False),
        ("2.png", False),
        ("sub", True),
    ]
    assert entries(folder / "nowhere") == []
    assert entries(folder / "a/y") == []
    assert [path.name for path in folders(folder)] == ["a", "b"]
    assert is_folder(folder / "b")
    assert not is_folder(folder / "nowhere")
    assert missing_files(folder / "b", ["1.png", "sub", "0.png"]) == ["sub", "0.png"]
    assert missing_folders(folder, ["b", "b/sub", "c", "b/1.png"]) == ["c", "b/1.png"]
    assert files_below(folder) == {"b/2.png": 7, "b/1.png": 7, "b/sub/x": 7, "a/y": 3}
    assert files_below(folder / "nowhere") == {}
    assert sizes([folder / "b/1.png", folder / "a/y"]) == [7, 3]


def test_only_one_creates(folder: Path) -> None:
    assert create(folder / "x/.lock", b"first")
    assert not create(folder / "x/.lock", b"second")
    assert read_bytes(folder / "x/.lock") == b"first"


def test_removing(folder: Path) -> None:
    write_bytes(folder / "a/b/c", b"")
    write_bytes(folder / "a/d", b"")
    remove(folder / "a/b")
    assert list(files_below(folder)) == ["a/d"]
    remove(folder / "a/d")
    assert files_below(folder) == {}


def test_staged_files_are_there_when_all_went_well(folder: Path) -> None:
    target = folder / "masks"
    storage.make_folder(target)
    with staged(target) as local:
        assert not is_remote(local)
        for number in range(40):
            (local / f"{number}.png").write_bytes(bytes([number]))
        (local / "sub").mkdir()
        (local / "sub/x").write_bytes(b"x")
    found = files_below(target)
    assert len(found) == 41
    assert read_bytes(target / "39.png") == bytes([39])
    with staged_file(folder / "pictures/one.png") as path:
        path.write_bytes(b"png")
    assert files_below(folder / "pictures") == {"one.png": 3}


def test_nothing_is_sent_of_what_failed() -> None:
    folder = place(f"memory://{uuid.uuid4().hex}")

    def fail(local: Path) -> None:
        (local / "a").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), staged(folder) as local:
        fail(local)
    with pytest.raises(KeyboardInterrupt), staged_file(folder / "a") as path:
        fail(path.parent)
    assert files_below(folder) == {}
    assert not local.exists()


def test_places_are_compared(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert same(tmp_path / "a", tmp_path / "link")
    store = place("memory://bucket/a")
    assert same(store, place("memory://bucket/a/"))
    assert not same(store, tmp_path / "a")
    assert not same(store, place("memory://bucket/b"))
    assert resolved(store) is store
    assert resolved(tmp_path / "link") == tmp_path / "a"


def test_names_of_folders(tmp_path: Path) -> None:
    assert base_name(tmp_path / "a" / "..") == tmp_path.name
    assert base_name(place("memory://bucket/clips/")) == "clips"
    assert base_name(place("s3://bucket")) == base_name(place("s3://bucket/")) == "bucket"
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("set/x", "")
    assert base_name(place(f"zip://set::file://{tmp_path}/d.zip")) == "set"


def test_calls_wait_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=10)

    def work(number: int) -> int:
        together.wait()
        return number

    assert each_at_once(work, range(8)) == list(range(8))
    assert each_at_once(str, range(3), remote=False) == ["0", "1", "2"]


def test_ahead_gives_every_file_in_any_order(folder: Path) -> None:
    paths = [folder / f"{number:03d}" for number in range(100)]
    for path in paths:
        write_bytes(path, path.name.encode())
    order = [*paths[50:], *paths[:50], paths[3]]
    with Ahead(paths) as ahead:
        assert [ahead.read(path) for path in order] == [path.name.encode() for path in order]
        with pytest.raises(FileNotFoundError):
            ahead.read(folder / "absent")


def test_nothing_is_under_way_between_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    from vostool.io import readahead as module

    folder = place(f"memory://{uuid.uuid4().hex}")
    paths = [folder / str(number) for number in range(100)]
    for path in paths:
        write_bytes(path, path.name.encode())
    under_way = 0
    lock = threading.Lock()

    def slow(path: Path) -> bytes:
        nonlocal under_way
        with lock:
            under_way += 1
        time.sleep(0.01)
        data = read_bytes(path)
        with lock:
            under_way -= 1
        return data

    monkeypatch.setattr(module, "read_bytes", slow)
    begun = time.perf_counter()
    with Ahead(paths, bursts=True) as ahead:
        for path in paths:
            assert ahead.read(path) == path.name.encode()
            assert under_way == 0
    assert time.perf_counter() - begun < 100 * 0.01 / 2


def test_reading_ahead_hides_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    folder = place(f"memory://{uuid.uuid4().hex}")
    paths = [folder / str(number) for number in range(64)]
    for path in paths:
        write_bytes(path, b"mask")
    real = MemoryFileSystem.cat_file

    def slow(self: object, *args: object, **options: object) -> bytes:
        time.sleep(0.03)
        return real(self, *args, **options)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", slow)
    begun = time.perf_counter()
    with Ahead(paths) as ahead:
        for path in paths:
            ahead.read(path)
    assert time.perf_counter() - begun < 64 * 0.03 / 3


def test_a_zip_is_read_and_not_written(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"set/{number}", str(number))
    folder = place(f"zip://set::file://{tmp_path}/d.zip")
    assert sorted(int(e.path.name) for e in entries(folder)) == list(range(20))
    paths = [folder / str(number) for number in range(20)]
    with Ahead(paths) as ahead:
        assert [ahead.read(path) for path in paths] == [str(n).encode() for n in range(20)]
    assert sizes(paths)[10] == 2
    with pytest.raises(UsageError, match="can only be read"):
        write_bytes(folder / "new", b"")


@pytest.mark.parametrize("url", ["http://server/x", "https://server/x"])
def test_servers_take_no_files(url: str) -> None:
    with pytest.raises(UsageError, match="can only be read"):
        require_writable(place(url))
    require_writable(Path("anywhere"))
    require_writable(place("memory://anywhere"))


def test_an_unknown_protocol_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="nosuch://x/y is no folder that can be opened"):
        place("nosuch://x/y")


def test_caches_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be used by several threads"):
        place("filecache::s3://bucket/x")


def test_absent_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(UsageError, match="one more package: pip install gcsfs"):
        place("gs://bucket/x")
    monkeypatch.setitem(sys.modules, "upath", None)
    monkeypatch.setattr("vostool.errors.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'vostool\[remote\]'"):
        place("s3://bucket/x")


WATCHED = """
import sys
from vostool.cli import cli
try:
    cli(sys.argv[1:], prog_name="vostool")
except SystemExit as end:
    assert not end.code, end.code
print("imported", [name for name in ("fsspec", "upath", "s3fs", "aiohttp") if name in sys.modules])
"""


@pytest.mark.parametrize("command", ["help", "run", "eval"])
def test_local_paths_never_pay(plain_folder, tmp_path: Path, command: str) -> None:
    root = plain_folder(names=("one",), frames=3)
    where = ["--dataset", f"folder:{root}"]
    given = {
        "help": ["--help"],
        "run": ["run", "copy_first", *where],
        "eval": ["eval", *where, "--tracker", "copy_first"],
    }[command]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "--home", str(tmp_path), *given],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported []"


# --- what goes wrong ---


class _Raising:
    """A store that answers every request with an exception."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        def call(*args: object, **options: object) -> None:
            raise self.error

        return call


def _of(module: str, name: str, *bases: type[BaseException]) -> type[Exception]:
    return type(name, bases or (Exception,), {"__module__": module})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (_of("botocore.exceptions", "NoCredentialsError")("Unable"), "there are no credentials"),
        (_of("google.auth.exceptions", "DefaultCredentialsError")("x"), "there are no credentials"),
        (_of("botocore.exceptions", "EndpointConnectionError")("no"), "cannot be reached"),
        (_of("aiohttp.client_exceptions", "ClientConnectorError", OSError)("no"), "cannot be re"),
        (ConnectionResetError("Connection lost"), "cannot be reached"),
        (_of("fsspec.exceptions", "FSTimeoutError", TimeoutError)(), "did not answer in time"),
        (_of("botocore.exceptions", "ReadTimeoutError")("Read timeout"), "did not answer in time"),
        (PermissionError("Access Denied"), "the store refuses (Access Denied)"),
        (_of("aiohttp", "ClientResponseError")("403, message='Forbidden'"), "the store refuses"),
        (FileNotFoundError("The specified bucket does not exist"), "there is no such bucket"),
        (OSError("Slow down"), "Slow down. What is finished is kept"),
    ],
)
def test_errors_of_stores_are_sentences(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    path = place("memory://bucket/frame.jpg")
    for module in ("vostool.io.storage", "vostool.io.listing"):
        monkeypatch.setattr(f"{module}.store_of", lambda path: (_Raising(error), "/frame.jpg"))
    for call in (read_bytes, entries, files_below, lambda path: write_bytes(path, b"")):
        with pytest.raises(StoreError) as raised:
            call(path)
        assert said in str(raised.value)
        assert str(raised.value).startswith("memory://bucket/frame.jpg")


def test_a_web_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Flaky:
        def __init__(self) -> None:
            self.asked = 0

        def cat_file(self, inside: str) -> bytes:
            self.asked += 1
            if self.asked < 3:
                raise ConnectionResetError("Connection lost")
            return b"frame"

    monkeypatch.setattr(storage, "_PAUSES", (0.0, 0.0))
    for url, tries in (("http://server/frame.jpg", 3), ("memory://bucket/frame.jpg", 1)):
        flaky = Flaky()
        path = place(url)
        monkeypatch.setattr(storage, "store_of", lambda path, flaky=flaky: (flaky, "/"))
        if tries == 3:
            assert read_bytes(path) == b"frame"
        else:
            with pytest.raises(StoreError, match="cannot be reached"):
                read_bytes(path)
        assert flaky.asked == tries


def test_a_store_that_cannot_refuse_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        def __init__(self) -> None:
            self.held: dict[str, bytes] = {}

        def pipe_file(self, inside: str, data: bytes, mode: str = "overwrite") -> None:
            if mode == "create":
                raise OSError("A header you provided implies functionality that is not implemented")
            self.held[inside] = data

        def exists(self, inside: str) -> bool:
            return inside in self.held

    plain = Plain()
    path = place("memory://bucket/.lock")
    monkeypatch.setattr(storage, "store_of", lambda path: (plain, "/.lock"))
    assert create(path, b"first")
    assert not create(path, b"second")
    assert plain.held == {"/.lock": b"first"}


def test_mistakes_in_code_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "store_of", lambda path: (_Raising(KeyError("x")), "/"))
    with pytest.raises(KeyError):
        read_bytes(place("memory://bucket/frame.jpg"))


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with pytest.raises(OSError, match="No space"):
            write_bytes(tmp_path / "run.json", b"{}")
    assert not list(tmp_path.iterdir())
