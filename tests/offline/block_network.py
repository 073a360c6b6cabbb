"""No connection leaves this machine: importing this makes the attempt an error.

Loopback and Unix sockets work on, since notebook kernels talk through them.
"""

import errno
import ipaddress
import socket


class NetworkBlocked(OSError):
    """What a network that is down raises, too: code meant to work offline goes on."""

    def __init__(self, host: object) -> None:
        super().__init__(errno.ENETUNREACH, f"the tests run without a network; {host!r} was wanted")


def is_local(host: object) -> bool:
    """True for this machine under its names and addresses; no name is looked up."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def guarded_connection(connect):
    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            raise NetworkBlocked(address[0])
        return connect(self, address)

    return guarded


def guarded_look_up(getaddrinfo):
    def guarded(host, *args, **kwargs):
        if not is_local(host):
            raise NetworkBlocked(host)
        return getaddrinfo(host, *args, **kwargs)

    return guarded


# socket.create_connection goes through both
socket.socket.connect = guarded_connection(socket.socket.connect)
socket.socket.connect_ex = guarded_connection(socket.socket.connect_ex)
socket.getaddrinfo = guarded_look_up(socket.getaddrinfo)
