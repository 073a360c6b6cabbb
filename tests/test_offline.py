"""What conftest.py promises, here and in processes started here: no GPU, data or network."""

import socket
import subprocess
import sys

import pytest
import torch

from googlenet_lib.data import find_cifar10
from googlenet_lib.errors import UsageError

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


def python(code):
    """Return the lines that a Python process started from here prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    ).stdout.splitlines()


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: socket.socket().connect(("192.0.2.1", 80)),  # reserved: nobody answers there
        lambda: socket.socket().connect_ex(("192.0.2.1", 80)),
        lambda: socket.create_connection(("example.org", 80)),
    ],
)
def test_no_way_out_of_this_process(attempt):
    with pytest.raises(OSError, match="the tests run without a network"):
        attempt()


def test_subprocess_reaches_itself_and_nothing_else():
    loopback, *refused = python(BOTH_WAYS)
    assert loopback == "loopback works"
    assert len(refused) == 3
    assert all("the tests run without a network" in line for line in refused)


def test_no_gpu_and_one_thread():
    assert not torch.cuda.is_available()
    assert torch.get_num_threads() == 1
    code = "import torch; print(torch.cuda.is_available(), torch.get_num_threads())"
    assert python(code) == ["False 1"]


def test_no_cifar10():
    with pytest.raises(UsageError, match="CIFAR-10 was not found"):
        find_cifar10()
