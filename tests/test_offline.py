"""What conftest.py promises, here and in processes started here: no GPU, data or network."""

import os
import socket
import subprocess
import sys

import matplotlib
import pytest
import torch

from googlenet_lib.data import find_cifar10
from googlenet_lib.errors import UsageError

OUTSIDE = ("192.0.2.1", 80)  # reserved for documentation: nobody answers there
ATTEMPTS = [
    lambda: socket.socket().connect(OUTSIDE),
    lambda: socket.socket().connect_ex(OUTSIDE),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    lambda: socket.create_connection(OUTSIDE),
    lambda: socket.create_connection(("example.org", 80)),
    lambda: socket.getaddrinfo("example.org", 80),
]
BOTH_WAYS = """
import socket, urllib.request
server = socket.create_server(("127.0.0.1", 0))
with socket.create_connection(("localhost", server.getsockname()[1]), timeout=10):
    print("loopback works")
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=10),
    lambda: socket.socket().connect_ex(("192.0.2.1", 80)),
    lambda: urllib.request.urlopen("https://example.org", timeout=10),
):
    try:
        attempt()
    except OSError as error:
        print(error)
"""


def python(code, **environment):
    """What a Python process started from here prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    ).stdout.splitlines()


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_way_out_of_this_process(attempt):
    with pytest.raises(OSError, match="the tests run without a network"):
        attempt()


def test_loopback_works_here():
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1]), timeout=10).close()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_unix_sockets_work_here():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        one.sendall(b"hello")
        assert other.recv(5) == b"hello"


def test_subprocess_reaches_itself_and_nothing_else():
    loopback, *refused = python(BOTH_WAYS)
    assert loopback == "loopback works"
    assert len(refused) == 3
    assert all("the tests run without a network" in line for line in refused)


def test_sitecustomize_that_stood_there_before_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('still here')", encoding="utf-8")
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)])
    assert python("print('then this')", PYTHONPATH=path) == ["still here", "then this"]


def test_no_gpu_and_one_thread():
    assert not torch.cuda.is_available()
    assert torch.get_num_threads() == 1
    code = "import torch; print(torch.cuda.is_available(), torch.get_num_threads())"
    assert python(code) == ["False 1"]


def test_no_cifar10():
    with pytest.raises(UsageError, match="CIFAR-10 was not found"):
        find_cifar10()


def test_figures_open_no_window_here_and_are_shown_by_kernels():
    assert matplotlib.get_backend().lower() == "agg"
    assert "MPLBACKEND" not in os.environ
