"""Downloads from local servers that are slow, broken, wrong or gone."""

import bz2
import gzip
import hashlib
import io
import itertools
import lzma
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from samples import take_as_official, write_cifar10_batches, write_class_folders
from tqdm import tqdm

from googlenet_lib import download as module
from googlenet_lib.data import find_cifar10, load
from googlenet_lib.download import (
    CIFAR10_FILES,
    CIFAR10_PLACES,
    Patience,
    download,
    download_archive,
    unpack,
)
from googlenet_lib.errors import UsageError

CONTENT = random.Random(0).randbytes(60_000)
OTHER = random.Random(1).randbytes(60_000)
QUICK = Patience(floor=0, window=0.4, timeout=60, reconnects=8, pause=0.01)
CHOOSY = replace(QUICK, floor=100_000)
ROOT = Path(__file__).parents[1]

# Rates are measured here over fractions of a second: a machine that stalls looks like a slow server
pytestmark = pytest.mark.flaky(reruns=3)


def md5(content):
    return hashlib.md5(content).hexdigest()


# ---- the servers ---------------------------------------------------------------------------------


@dataclass
class Ways:
    """How a server behaves. `cuts` are the bytes that each connection brings before its end."""

    content: bytes = CONTENT
    rate: float = 0  # bytes per second; 0 is as fast as it goes
    cuts: tuple[int, ...] = ()
    ranges: bool = True
    status: int = 0
    kind: str = "application/gzip"
    headers: tuple[tuple[str, str], ...] = ()  # instead of Content-Length and Content-Range
    redirect: str = ""
    hang: str = ""  # "answer": no headers come; "body": nothing after the cut


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, ways = self.server, self.server.ways
        self.close_connection = True
        asked = self.headers["Range"]
        server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and ways.ranges else 0
        size = len(ways.content)
        if ways.hang == "answer":
            server.done.wait()
            return
        if ways.redirect:
            self.answer(302, [("Location", ways.redirect), ("Content-Length", "0")])
            return
        if start >= size:
            self.answer(416, [("Content-Range", f"bytes */{size}"), ("Content-Length", "0")])
            return
        partial = asked and ways.ranges
        headers = [("Content-Length", str(size - start))]
        if partial:
            headers.append(("Content-Range", f"bytes {start}-{size - 1}/{size}"))
        self.answer(ways.status or (206 if partial else 200), ways.headers or headers)
        body = ways.content[start:]
        cut = next(server.cuts, None)
        with suppress(OSError):
            self.send(body if cut is None else body[:cut], ways.rate)
            if ways.hang == "body":
                server.done.wait()

    def answer(self, status, headers):
        self.send_response(status)
        self.send_header("Content-Type", self.server.ways.kind)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def send(self, body, rate):
        step = 1000 if rate else 10_000
        for position in range(0, len(body), step):
            piece = body[position : position + step]
            if rate:
                time.sleep(len(piece) / rate)
            self.wfile.write(piece)
            self.server.sent += len(piece)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ways):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ways, self.cuts = ways, iter(ways.cuts)
        self.asked, self.sent = [], 0
        self.done = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/files/payload.bin"

    def handle_error(self, *_):  # a client that goes away is part of the tests
        pass


@pytest.fixture
def serve():
    """Start a server; its url, what was asked of it, and how many bytes it sent."""
    started = []

    def start(**ways):
        server = Server(Ways(**ways))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.done.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "payload.bin"


def get(target, *servers, patience=QUICK, content=CONTENT):
    """Download `content` from the servers, or addresses, and check what came."""
    places = [getattr(server, "url", server) for server in servers]
    assert download(places, target, md5=md5(content), size=len(content), patience=patience)
    assert target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def fails(target, *servers, patience=QUICK):
    """What is said when no place works."""
    with pytest.raises(UsageError) as error:
        get(target, *servers, patience=patience)
    assert not target.exists()
    return str(error.value)


def part_of(target, content=b""):
    part = target.with_name(target.name + ".part")
    if content:
        part.write_bytes(content)
    return part


# ---- places that work ----------------------------------------------------------------------------


def test_good_place(target, serve):
    good, unused = serve(), serve()
    get(target.parent / "new" / "folders" / target.name, good, unused)
    assert (good.asked, good.sent, unused.asked) == ([None], len(CONTENT), [])


def test_file_that_is_there_is_not_downloaded(target, serve):
    target.write_bytes(CONTENT)
    good = serve()
    get(target, good)
    assert good.asked == []


def test_file_that_is_there_but_wrong_is_replaced(target, serve):
    target.write_bytes(OTHER)
    get(target, serve())


def test_length_need_not_be_told(target, serve):
    get(target, serve(headers=(("X-Length", "untold"),)))


def test_redirect_keeps_the_range(target, serve):
    good = serve()
    part_of(target, CONTENT[:1000])
    get(target, serve(redirect=good.url))
    assert good.asked == ["bytes=1000-"]


def test_progress_is_shown_from_where_it_goes_on(target, serve, monkeypatch):
    bars = []

    def bar(work, **options):
        bars.append(tqdm(work, file=io.StringIO(), mininterval=0, **options))
        return bars[-1]

    monkeypatch.setattr(module, "progress_bar", bar)
    part_of(target, CONTENT[:20_000])
    get(target, serve(cuts=(10_000,)))
    assert (bars[0].n, bars[0].total) == (len(CONTENT), len(CONTENT))
    shown = [int(percent) for percent in re.findall(r"(\d+)%", bars[0].fp.getvalue())]
    assert shown[0] == 0
    assert min(shown[1:]) > 33  # a third was there before
    assert shown[-1] == 100


# ---- slow places ---------------------------------------------------------------------------------


def test_slow_place_is_left_and_its_bytes_are_kept(target, serve, capsys):
    slow, good = serve(rate=20_000), serve()
    get(target, slow, good, patience=CHOOSY)
    (asked,) = good.asked
    kept = int(asked.removeprefix("bytes=").removesuffix("-"))
    assert 1000 <= kept <= 20_000
    assert good.sent == len(CONTENT) - kept
    assert slow.asked == [None]
    assert f"127.0.0.1:{slow.server_port} gave " in capsys.readouterr().out


def test_when_all_are_slow_the_fastest_brings_the_rest(target, serve, capsys):
    places = [serve(rate=rate) for rate in (15_000, 60_000, 30_000)]
    get(target, *places, patience=CHOOSY)
    assert [len(place.asked) for place in places] == [1, 2, 1]
    kept = int(places[1].asked[1].removeprefix("bytes=").removesuffix("-"))
    assert kept > 20_000
    assert "no place gives 100 kB/s; going on with the fastest" in capsys.readouterr().out


def test_slow_place_is_better_than_none(target, serve):
    slow = serve(rate=60_000)
    get(target, slow, serve(status=503), patience=CHOOSY)
    assert len(slow.asked) == 2


def test_place_above_the_floor_is_not_left(target, serve):
    """It sends in small pieces with pauses between them: the window averages over both."""
    first, second = serve(rate=400_000), serve()
    get(target, first, second, patience=replace(CHOOSY, window=0.05, floor=1_000))
    assert second.asked == []


# ---- connections that break ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_cut_at_random_bytes(target, serve, seed):
    cuts = tuple(random.Random(seed).randrange(1, 12_000) for _ in range(5))
    place = serve(cuts=cuts)
    get(target, place)
    starts = [f"bytes={start}-" for start in itertools.accumulate(cuts)]
    assert place.asked == [None, *starts]
    assert place.sent == len(CONTENT)


def test_cut_before_the_first_byte(target, serve):
    place = serve(cuts=(0, 0, 100))
    get(target, place)
    assert place.asked == [None, None, None, "bytes=100-"]


def test_cuts_are_counted(target, serve):
    place = serve(cuts=(10,) * 99)
    said = fails(target, place, patience=replace(QUICK, reconnects=3))
    assert f"{place.url} cut the connection 4 times" in said
    assert "40 bytes came and are kept" in said
    assert part_of(target).read_bytes() == CONTENT[:40]
    get(target, serve())


def test_after_too_many_cuts_the_next_goes_on(target, serve):
    good = serve()
    get(target, serve(cuts=(10,) * 99), good, patience=replace(QUICK, reconnects=3))
    assert good.asked == ["bytes=40-"]


@pytest.mark.parametrize("cuts", [(), (30_000, 10_000)])
def test_place_without_ranges_starts_again(target, serve, cuts):
    place = serve(ranges=False, cuts=cuts)
    part_of(target, CONTENT[:20_000])
    get(target, place)
    starts = [20_000, 30_000, 30_000] if cuts else [20_000]
    assert place.asked == [f"bytes={start}-" for start in starts]
    assert place.sent == sum(cuts) + len(CONTENT)


def test_refused_connection(target, serve):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/payload.bin"
    assert f"{url} gave no answer: " in fails(target, url)
    get(target, url, serve())


def test_connection_that_hangs(target, serve):
    """Once its queue is full, this one neither accepts nor refuses."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(busy.getsockname())
        began = time.monotonic()
        url = f"http://127.0.0.1:{busy.getsockname()[1]}/payload.bin"
        get(target, url, serve(), patience=replace(QUICK, timeout=0.3))
        assert 0.25 < time.monotonic() - began < 20
        for caller in callers:
            caller.close()


@pytest.mark.parametrize("hang", ["answer", "body"])
def test_place_that_falls_silent(target, serve, hang):
    silent, good = serve(hang=hang, cuts=(7_000, 0)), serve()
    began = time.monotonic()
    get(target, silent, good, patience=replace(QUICK, timeout=0.3))
    assert time.monotonic() - began < 20
    assert good.asked == [None if hang == "answer" else "bytes=7000-"]


# ---- places that hold something else -------------------------------------------------------------


def test_wrong_content(target, serve):
    wrong, good = serve(content=OTHER), serve()
    said = fails(target, wrong)
    assert f"{wrong.url} holds another file: MD5 {md5(OTHER)}, expected {md5(CONTENT)}" in said
    assert not part_of(target).exists()
    assert len(wrong.asked) == 1
    get(target, wrong, good)
    assert good.asked == [None]


def test_wrong_bytes_of_a_slow_place_do_not_spoil_the_next(target, serve):
    good = serve()
    get(target, serve(content=OTHER, rate=20_000), good, patience=CHOOSY)
    assert good.asked[0].startswith("bytes=")
    assert good.asked[1:] == [None]


@pytest.mark.parametrize("length", [1_000, len(CONTENT), len(CONTENT) + 1])
def test_part_of_another_file(target, serve, length):
    part_of(target, (OTHER * 2)[:length])
    get(target, serve())


def test_whole_part_needs_no_place(target):
    part_of(target, CONTENT)
    get(target, "http://127.0.0.1:9/payload.bin")


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!"])
@pytest.mark.parametrize("part", [b"", CONTENT[:5_000]])
def test_wrong_length_is_refused_before_a_byte_is_kept(target, serve, content, part):
    wrong, good = serve(content=content), serve()
    part_of(target, part)
    assert f"{wrong.url} holds {len(content):,} bytes, expected 60,000" in fails(target, wrong)
    assert part_of(target).exists() == bool(part)
    get(target, wrong, good)
    assert good.asked == ["bytes=5000-" if part else None]


def test_file_that_ends_before_the_part_does(target, serve):
    part_of(target, CONTENT[:5_000])
    short = serve(content=CONTENT[:1_000])
    assert "holds 1,000 bytes, expected 60,000" in fails(target, short)
    assert short.asked == ["bytes=5000-", None]


def test_web_page_with_status_200(target, serve):
    page = b"<html><body>Sign in to the network</body></html>"
    portal = serve(content=page, kind="text/html; charset=utf-8", ranges=False)
    good = serve()
    part_of(target, CONTENT[:5_000])
    assert f"{portal.url} sent a web page instead of the file" in fails(target, portal)
    get(target, portal, good)
    assert good.asked == ["bytes=5000-"]


def test_web_page_of_the_right_length(target, serve):
    assert "sent a web page" in fails(target, serve(content=OTHER, kind="text/html"))
    assert not part_of(target).exists()


def test_range_that_was_not_asked_for(target, serve):
    place = serve(headers=(("Content-Range", "bytes 0-59999/60000"),))
    part_of(target, CONTENT[:5_000])
    said = fails(target, place)
    assert "sent the range 'bytes 0-59999/60000'; 5000- was asked for" in said
    assert part_of(target).read_bytes() == CONTENT[:5_000]


@pytest.mark.parametrize("status", [404, 403, 500])
def test_error_status(target, serve, status):
    place, good = serve(status=status), serve()
    assert f"{place.url} answered {status} (" in fails(target, place)
    get(target, place, good)


def test_when_all_fail_one_message_says_why_and_what_to_do(target, serve):
    target.write_bytes(b"a mistake")
    places = [serve(status=404), serve(content=OTHER), serve(kind="text/html")]
    with pytest.raises(UsageError) as error:
        get(target, *places)
    lines = str(error.value).splitlines()
    assert lines[0] == "payload.bin (60,000 bytes) could not be downloaded:"
    assert lines[1].startswith(f"  {target} is another file: MD5 {md5(b'a mistake')}")
    assert [line.split()[0] for line in lines[2:5]] == [place.url for place in places]
    assert lines[5] == (
        "To put it there by hand, save what one of these addresses holds as "
        f"{target.absolute()} and call again"
    )
    assert len(lines) == 6
    assert [path.name for path in target.parent.iterdir()] == [target.name]


# ---- kills, disks, neighbours --------------------------------------------------------------------

CALL = """
import sys
from pathlib import Path
from googlenet_lib.download import Patience, download_archive
place, folder, md5, size = sys.argv[1:]
patience = Patience(floor=0, pause=0.01)
download_archive([place], Path(folder), ["a.txt"], md5=md5, size=int(size), patience=patience)
"""


def call(server, folder):
    """download_archive in a process of its own."""
    content = server.ways.content
    return subprocess.Popen(
        [sys.executable, "-c", CALL, server.url, folder, md5(content), str(len(content))],
        cwd=ROOT,
    )


def wait_until(condition, seconds=180):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def tar_with(*members, folder="set"):
    """A tar.gz as bytes; members are (name, content) or ready TarInfo objects."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        directory = tarfile.TarInfo(folder)
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVE = tar_with(("set/a.txt", CONTENT))
WHAT = {"md5": md5(ARCHIVE), "size": len(ARCHIVE), "patience": QUICK}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_killed_download_is_gone_on_with(tmp_path, serve):
    server, again = serve(content=ARCHIVE, rate=40_000), serve(content=ARCHIVE)
    part = tmp_path / "payload.bin.part"
    with call(server, tmp_path / "set") as process:
        wait_until(lambda: part.exists() and part.stat().st_size > 10_000)
        process.kill()
    kept = part.stat().st_size
    assert 10_000 < kept < len(ARCHIVE)
    download_archive([again.url], tmp_path / "set", ["a.txt"], **WHAT)
    assert again.asked == [f"bytes={kept}-"]
    assert again.sent == len(ARCHIVE) - kept
    assert (tmp_path / "set" / "a.txt").read_bytes() == CONTENT
    assert names(tmp_path) == ["set"]


def test_second_process_waits_for_the_first(tmp_path, serve, capsys):
    server = serve(content=ARCHIVE, rate=40_000)
    with call(server, tmp_path / "set") as first:
        wait_until(lambda: server.sent > 1_000)
        download_archive([server.url], tmp_path / "set", ["a.txt"], **WHAT)
        assert first.wait(timeout=180) == 0
    assert server.asked == [None]
    said = f"waiting for process {first.pid} on {socket.gethostname()}, which is getting set"
    assert said in capsys.readouterr().out
    assert (tmp_path / "set" / "a.txt").read_bytes() == CONTENT
    assert names(tmp_path) == ["set"]


@pytest.fixture
def small_disk():
    """Files can grow to 25,000 bytes, the last write being cut short as on a full disk."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def release():
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    resource.setrlimit(resource.RLIMIT_FSIZE, (25_000, limits[1]))
    yield release
    release()
    signal.signal(signal.SIGXFSZ, before)


def test_full_disk_keeps_what_came(target, serve, small_disk):
    place = serve()
    said = fails(target, place, place)
    assert "payload.bin.part could not be written further than 25,000 bytes: " in said
    assert "make room and call again" in said
    assert part_of(target).read_bytes() == CONTENT[:25_000]
    small_disk()
    get(target, place)
    assert place.asked == [None, "bytes=25000-"]


def test_full_disk_while_unpacking_keeps_the_archive(tmp_path, serve, small_disk):
    archive = tar_with(("set/a.txt", bytes(50_000)))
    places = [serve(content=archive).url]
    what = {"md5": md5(archive), "size": len(archive), "patience": QUICK}
    with pytest.raises(UsageError, match=r"could not be unpacked .*make room.*archive is kept"):
        download_archive(places, tmp_path / "set", ["a.txt"], **what)
    assert (tmp_path / "payload.bin").read_bytes() == archive
    small_disk()
    download_archive(places, tmp_path / "set", ["a.txt"], **what)
    assert (tmp_path / "set" / "a.txt").read_bytes() == bytes(50_000)
    assert names(tmp_path) == ["set"]


def test_killed_while_unpacking_leaves_no_archive_for_ever(tmp_path, serve, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    place = serve(content=ARCHIVE)
    with monkeypatch.context() as patch:
        patch.setattr(module, "unpack", killed)
        with pytest.raises(KeyboardInterrupt):
            download_archive([place.url], tmp_path / "set", ["a.txt"], **WHAT)
    assert (tmp_path / "payload.bin").is_file()
    download_archive([place.url], tmp_path / "set", ["a.txt"], **WHAT)
    assert (place.asked, names(tmp_path)) == ([None], ["set"])


def test_folder_that_cannot_be_written(tmp_path, serve):
    (tmp_path / "file").touch()
    place = serve()
    with pytest.raises(UsageError, match=r"file cannot be written to: .*GOOGLENET_DATA"):
        get(tmp_path / "file" / "payload.bin", place)
    assert place.asked == []


# ---- archives ------------------------------------------------------------------------------------


def archive_in(folder, *members):
    folder.mkdir(exist_ok=True)
    (folder / "set.tar.gz").write_bytes(tar_with(*members))
    return folder / "set.tar.gz"


def linked(name, to, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def test_only_the_expected_files_are_unpacked(tmp_path):
    archive = archive_in(
        tmp_path, ("set/a.txt", b"a"), ("set/extra.txt", b"e"), ("set/deep/a.txt", b"d")
    )
    left = tmp_path / ".set.unpacking"  # by a process that was killed
    left.mkdir()
    (left / "half.txt").touch()
    unpack(archive, tmp_path / "set", ["a.txt"])
    assert names(tmp_path / "set") == ["a.txt"]
    assert (tmp_path / "set" / "a.txt").read_bytes() == b"a"
    assert names(tmp_path) == ["set", "set.tar.gz"]


@pytest.mark.parametrize(
    "evil",
    [
        ("../evil", b"e"),
        ("set/../../evil", b"e"),
        ("/evil", b"e"),
        ("other/evil", b"e"),
        ("evil", b"e"),
        linked("set/evil", "/etc/passwd"),
        linked("set/a.txt", "../../evil"),
        linked("set/evil", "../evil", tarfile.LNKTYPE),
        linked("set/evil", "", tarfile.FIFOTYPE),
        linked("set/evil", "", tarfile.CHRTYPE),
    ],
    ids=lambda evil: str(getattr(evil, "type", evil[0] if isinstance(evil, tuple) else evil)),
)
def test_archive_that_reaches_outside_is_refused(tmp_path, evil):
    home = tmp_path / "home"
    archive = archive_in(home, ("set/a.txt", b"a"), evil)
    with pytest.raises(UsageError, match=r"set.tar.gz was refused: .*(outside of set/|neither)"):
        unpack(archive, home / "set", ["a.txt"])
    assert names(home) == ["set.tar.gz"]
    assert names(tmp_path) == ["home"]


def test_archive_without_an_expected_file(tmp_path):
    archive = archive_in(tmp_path, ("set/a.txt", b"a"))
    with pytest.raises(UsageError, match=r"lacks b\.txt, c\.txt"):
        unpack(archive, tmp_path / "set", ["c.txt", "a.txt", "b.txt"])
    assert names(tmp_path) == ["set.tar.gz"]


def packed(kind, content, file_content=b""):
    """A member of that kind, and the file that it is about."""
    head = tarfile.TarInfo("head")
    head.type, head.size = kind, len(content)
    file = tarfile.TarInfo("set/a.txt")
    file.size = 1024
    blocks = (head.tobuf(tarfile.USTAR_FORMAT), content, file.tobuf(), file_content.ljust(1024))
    return gzip.compress(b"".join(b + bytes(-len(b) % 512) for b in blocks) + bytes(1024))


SPARSE = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n37 GNU.sparse.realsize=1125899906842624\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        ARCHIVE[:-2_000],
        ARCHIVE[:9_000] + bytes(9) + ARCHIVE[9_009:],
        lzma.compress(gzip.decompress(ARCHIVE)),
        bz2.compress(gzip.decompress(ARCHIVE))[:-20],
        packed(b"x", SPARSE),
        packed(b"x", bytes(3_000_000)),
        packed(b"L", b"a" * 3_000_000),
        packed(b"x", b"9" * 100_000 + b"=x"),
        packed(b"S", b""),
        gzip.compress(packed(b"L", b"set/a.txt\0")[:512] * 3000),
    ],
    ids=range(12),
)
def test_damaged_archive(tmp_path, content):
    (tmp_path / "set.tar.gz").write_bytes(content)
    with pytest.raises(UsageError, match=r"could not be unpacked into|was refused"):
        unpack(tmp_path / "set.tar.gz", tmp_path / "set", ["a.txt"])
    assert names(tmp_path) == ["set.tar.gz"]


def test_no_more_is_unpacked_than_is_expected(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_UNPACKED", 3_000_000)
    for members in ((("set/a.txt", bytes(6_000_000)),), (("set/b", bytes(6_000_000)),)):
        archive = archive_in(tmp_path, *members, ("set/a.txt", b"a"))
        assert archive.stat().st_size < 10_000
        with pytest.raises(UsageError, match="it holds more than 3,000,000 bytes"):
            unpack(archive, tmp_path / "set", ["a.txt"])
        assert names(tmp_path) == ["set.tar.gz"]


def test_sparse_file_is_not_written_out(tmp_path):
    fields = ("major=1", "minor=0", "name=set/a.txt", "realsize=900000000")
    lines = [f"GNU.sparse.{field}\n" for field in fields]
    records = "".join(f"{len(line) + 3} {line}" for line in lines).encode()
    (tmp_path / "set.tar.gz").write_bytes(packed(b"x", records, b"1\n899999999\n1\n"))
    with pytest.raises(UsageError, match=r"'set/a\.txt' is neither a file nor a folder"):
        unpack(tmp_path / "set.tar.gz", tmp_path / "set", ["a.txt"])
    assert names(tmp_path) == ["set.tar.gz"]


def test_archive_put_there_by_hand_is_used_and_stays(tmp_path, serve):
    (tmp_path / "payload.bin").write_bytes(ARCHIVE)
    server = serve(content=ARCHIVE)
    assert download_archive([server.url], tmp_path / "set", ["a.txt"], **WHAT) == tmp_path / "set"
    assert server.asked == []
    assert names(tmp_path) == ["payload.bin", "set"]


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
        (batches / file).write_text(file)
    members = [(f"{batches.name}/{path.name}", path.read_bytes()) for path in batches.iterdir()]
    archive = tar_with(*members, folder=batches.name)
    server = serve(content=archive)
    monkeypatch.setattr(module, "CIFAR10_PLACES", (server.url,))
    monkeypatch.setattr(module, "CIFAR10_MD5", md5(archive))
    monkeypatch.setattr(module, "CIFAR10_SIZE", len(archive))
    return server


def test_cifar10_is_downloaded_once(home, cifar10_server):
    with pytest.raises(UsageError):
        find_cifar10()
    assert cifar10_server.asked == []  # doctor looks, and downloads nothing
    first, second = load("cifar10"), load("cifar10")
    assert cifar10_server.asked == [None]
    assert first.name == "CIFAR-10"
    assert first.checksum == second.checksum == load(home.parent / "source").checksum
    assert names(home) == ["cifar-10-batches-py"]
    assert names(home / "cifar-10-batches-py") == sorted(CIFAR10_FILES)


def test_cifar10_that_is_here_is_not_downloaded(home, cifar10_server):
    write_class_folders(home / "cifar10" / "train", count=5)
    write_class_folders(home / "cifar10" / "test")
    load("cifar10")
    assert cifar10_server.asked == []


def test_cifar10_without_a_network_fails_at_once_and_leaves_nothing(home):
    began = time.monotonic()
    with pytest.raises(UsageError) as error:
        load("cifar10")
    assert time.monotonic() - began < 2
    text = str(error.value)
    assert all(place in text for place in CIFAR10_PLACES)
    assert text.count("the tests run without a network") == len(CIFAR10_PLACES)
    assert str(home / "cifar-10-python.tar.gz") in text
    assert "--data digits" in text
    assert names(home) == []


def test_home_server_of_cifar10_comes_last():
    assert "cs.toronto.edu" in CIFAR10_PLACES[-1]
    assert len({os.path.basename(place) for place in CIFAR10_PLACES}) == 1  # noqa: PTH119
