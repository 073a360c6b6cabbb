"""Downloads from local servers that are broken, wrong, silent or gone; archives that are unsafe."""

import gzip
import hashlib
import io
import random
import signal
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from samples import take_as_official, write_cifar10_batches, write_class_folders

from googlenet_lib.data import download as module
from googlenet_lib.data import find_cifar10, load
from googlenet_lib.data.download import CIFAR10_FILES, CIFAR10_PLACES, download_archive, unpack
from googlenet_lib.errors import UsageError

CONTENT = random.Random(0).randbytes(60_000)


def tar_with(*members, folder="set"):
    """A tar.gz as bytes; members are (name, content) or ready TarInfo objects."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


ARCHIVE = tar_with(("set/a.txt", CONTENT), ("set/extra.txt", b"e"), ("evil.txt", b"e"))
WHAT = {"md5": hashlib.md5(ARCHIVE).hexdigest(), "size": len(ARCHIVE)}


class Handler(BaseHTTPRequestHandler):
    """Answers as `server.way` says, with `server.content`."""

    def do_GET(self):
        server, way = self.server, self.server.way
        server.asked += 1
        content = bytes(len(server.content)) if way == "wrong" else server.content
        if way == "silent":
            server.done.wait()
            return
        self.send_response(404 if way == "gone" else 200)
        if way != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):
            if way in ("cut", "hang", "killed"):
                self.wfile.write(content[:20_000])
            if way in ("hang", "killed"):
                server.done.wait()
            while way == "endless":
                self.wfile.write(bytes(10_000))
                server.sent += 10_000
            if way not in ("cut", "hang", "killed"):
                self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    asked = sent = 0

    def __init__(self, way, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.way, self.content, self.done = way, content, threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/files/set.tar.gz"

    def handle_error(self, *_):  # a client that goes away is part of the tests
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start a server that behaves in some way."""
    started = []
    monkeypatch.setattr(module, "TIMEOUT", 0.2)

    def start(way="good", content=ARCHIVE):
        started.append(Server(way, content))
        threading.Thread(target=started[-1].serve_forever, args=(0.02,), daemon=True).start()
        return started[-1]

    yield start
    for server in started:
        server.done.set()
        server.shutdown()
        server.server_close()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def get(tmp_path, *servers):
    places = [getattr(server, "url", server) for server in servers]
    return download_archive(places, tmp_path / "set", ["a.txt"], **WHAT)


# ---- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("gone", "404"),
        ("silent", "timed out"),
        ("hang", "timed out"),
        ("cut", "IncompleteRead|bytes read|does not match"),
        ("wrong", "does not match"),
        ("endless", "holds more than the expected"),
    ],
)
def test_a_place_that_fails_is_left_for_the_next(tmp_path, serve, way, said):
    bad, good, unused = serve(way), serve(), serve()
    with pytest.raises(UsageError, match=said) as caught:
        get(tmp_path, bad, "http://127.0.0.1:9/set.tar.gz")
    for part in (bad.url, "127.0.0.1:9", "put it there by hand", str(tmp_path / "set.tar.gz")):
        assert part in str(caught.value)
    assert names(tmp_path) == []
    assert bad.sent < 100 * len(ARCHIVE)  # no more than is expected is kept, or read for long
    assert get(tmp_path, bad, good, unused) == tmp_path / "set"
    assert (tmp_path / "set" / "a.txt").read_bytes() == CONTENT
    assert (names(tmp_path), names(tmp_path / "set")) == (["set"], ["a.txt"])
    assert (good.asked, unused.asked) == (1, 0)
    get(tmp_path, good)
    assert good.asked == 1


@pytest.mark.parametrize("right", [True, False])
def test_archive_put_there_by_hand_is_used_and_stays(tmp_path, serve, right):
    (tmp_path / "set.tar.gz").write_bytes(ARCHIVE if right else ARCHIVE[:-9])
    gone, good = serve("gone"), serve()
    if not right:
        with pytest.raises(UsageError, match=r"set\.tar\.gz is another file: MD5"):
            get(tmp_path, gone)
    get(tmp_path, good)
    assert good.asked == (0 if right else 1)
    assert names(tmp_path) == ["set", "set.tar.gz"]


CALL = """
import sys
from pathlib import Path
from googlenet_lib.data.download import download_archive
place, folder, md5, size = sys.argv[1:]
download_archive([place], Path(folder), ["a.txt"], md5=md5, size=int(size))
"""


def test_a_killed_download_is_not_taken_for_whole_and_is_cleared_away(tmp_path, serve):
    """A second process waits for the first, and does its work once that is dead."""
    server, good = serve("killed"), serve()
    arguments = [server.url, str(tmp_path / "set"), WHAT["md5"], str(WHAT["size"])]
    with subprocess.Popen([sys.executable, "-c", CALL, *arguments]) as process:
        end = time.monotonic() + 60
        while not (server.asked and any(tmp_path.glob(".set.part/*"))):
            assert time.monotonic() < end
            time.sleep(0.01)
        second = threading.Thread(target=get, args=(tmp_path, good))
        second.start()
        assert good.asked == 0
        process.kill()
    second.join(60)
    assert names(tmp_path) == ["set"]
    assert (tmp_path / "set" / "a.txt").read_bytes() == CONTENT


def test_full_disk_and_folders_that_cannot_be_written_are_one_error(tmp_path, serve):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (25_000, limits[1]))
    try:
        with pytest.raises(UsageError, match="could not be downloaded"):
            get(tmp_path, serve())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert names(tmp_path) == []
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file cannot be written to: .*GOOGLENET_DATA"):
        get(tmp_path / "file", serve())


# ---- archives ------------------------------------------------------------------------------------


def linked(name, to, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def packed(kind, content, file_content=b""):
    """A member of that kind, and the file that it is about."""
    head = tarfile.TarInfo("head")
    head.type, head.size = kind, len(content)
    file = tarfile.TarInfo("set/a.txt")
    file.size = 1024
    blocks = (head.tobuf(tarfile.USTAR_FORMAT), content, file.tobuf(), file_content.ljust(1024))
    return gzip.compress(b"".join(b + bytes(-len(b) % 512) for b in blocks) + bytes(1024))


def sparse(*fields):
    """A file of 1 kB that says of itself that it is one of 900 MB, nearly all of it zeros."""
    lines = [f"GNU.sparse.{field}\n" for field in ("major=1", "minor=0", *fields)]
    records = "".join(f"{len(line) + 3} {line}" for line in lines).encode()
    return packed(b"x", records, b"1\n899999999\n1\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        ARCHIVE[:-2_000],
        tar_with(("set/b.txt", b"b")),
        tar_with(linked("set/a.txt", "/etc/passwd")),
        tar_with(linked("set/a.txt", "../../evil", tarfile.LNKTYPE)),
        tar_with(linked("set/a.txt", "", tarfile.FIFOTYPE)),
        tar_with(("set/a.txt", bytes(6_000_000))),
        tar_with(("set/b", bytes(6_000_000)), ("set/a.txt", b"a")),
        sparse("name=set/a.txt", "realsize=900000000"),
        sparse("realsize=1125899906842624"),
        packed(b"L", b"a" * 2_000_000),
        gzip.compress(packed(b"L", b"set/a.txt\0")[:512] * 3000),
    ],
    ids=range(13),
)
def test_archive_that_is_damaged_or_unsafe_leaves_nothing(tmp_path, monkeypatch, content):
    monkeypatch.setattr(module, "MOST_UNPACKED", 3_000_000)
    home = tmp_path / "home"
    home.mkdir()
    (home / "set.tar.gz").write_bytes(content)
    with pytest.raises(UsageError, match="could not be unpacked into"):
        unpack(home / "set.tar.gz", home / "set", ["a.txt"])
    assert names(home) == ["set.tar.gz"]
    assert names(tmp_path) == ["home"]


# ---- CIFAR-10 ------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where CIFAR-10 is looked for, and downloaded to."""
    monkeypatch.setenv("GOOGLENET_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cifar10_server(tmp_path, serve, monkeypatch):
    """A tiny archive in the form of the official one, served in its place."""
    batches = tmp_path / "source" / "cifar-10-batches-py"
    write_cifar10_batches(batches)
    take_as_official(monkeypatch, batches)
    for file in ("batches.meta", "readme.html"):
        (batches / file).write_text(file, encoding="utf-8")
    members = [(f"{batches.name}/{path.name}", path.read_bytes()) for path in batches.iterdir()]
    archive = tar_with(*members)
    server = serve(content=archive)
    monkeypatch.setattr(module, "CIFAR10_PLACES", (server.url,))
    monkeypatch.setattr(module, "CIFAR10_MD5", hashlib.md5(archive).hexdigest())
    monkeypatch.setattr(module, "CIFAR10_SIZE", len(archive))
    return server


def test_cifar10_is_downloaded_once_and_only_where_it_is_missing(home, cifar10_server):
    with pytest.raises(UsageError):
        find_cifar10()
    assert cifar10_server.asked == 0  # doctor looks, and downloads nothing
    first, second = load("cifar10"), load("cifar10")
    assert cifar10_server.asked == 1
    assert first.checksum == second.checksum == load(home.parent / "source").checksum
    assert names(home) == ["cifar-10-batches-py"]
    assert names(home / "cifar-10-batches-py") == sorted(CIFAR10_FILES)
    (home / "cifar-10-batches-py").rename(home.parent / "elsewhere")
    for side in ("train", "test"):
        write_class_folders(home / "cifar10" / side, count=5)
    assert load("cifar10").checksum != first.checksum
    assert cifar10_server.asked == 1


def test_cifar10_without_a_network_fails_at_once_and_leaves_nothing(home):
    began = time.monotonic()
    with pytest.raises(UsageError) as error:
        load("cifar10")
    assert time.monotonic() - began < 5
    text = str(error.value)
    for said in (*CIFAR10_PLACES, str(home / "cifar-10-python.tar.gz"), "--data digits"):
        assert said in text
    assert text.count("the tests run without a network") == len(CIFAR10_PLACES)
    assert names(home) == []
