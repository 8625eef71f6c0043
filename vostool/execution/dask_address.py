"""Is it the address of a Dask scheduler, and does one answer there?"""

import re
import socket
import time
from contextlib import ExitStack
from typing import Any

from vostool.errors import UsageError
from vostool.execution.pools import LOCAL, Tls

_LENGTH, _GREETING = 8, 1 << 20  # bytes: the number that says how long the greeting is; its bound


def check_address(address: str, tls: Tls) -> None:
    """Refuse what is no address of a scheduler, and certificates that are not there.

    Raises:
        UsageError: it is none, or one is not.
    """
    if not re.fullmatch(r"(tcp|tls)://[^/\s]+:\d+", address):
        raise UsageError(
            f"--scheduler is tcp://HOST:PORT, tls://HOST:PORT or {LOCAL}, not {address}."
        )
    given = [path for path in (tls.ca, tls.cert, tls.key) if path is not None]
    for path in given:
        if not path.is_file():
            raise UsageError(f"{path} does not exist; it should be a certificate or key.")


def check_greeting(address: str, security: Any = None, patience: float = 10.0) -> None:
    """Refuse an address whose server does not begin as a scheduler does.

    A scheduler greets whoever connects: eight bytes that say how long the greeting is, then the
    greeting. Dask itself believes any length, and waits or fills the memory.

    Args:
        address: `tcp://HOST:PORT` or `tls://HOST:PORT`.
        security: of Dask, for `tls://`.
        patience: seconds within which somebody must listen, and then greet.

    Raises:
        OSError: nobody listens or greets in time.
        ValueError: the server is of another kind.
    """
    host, _, port = address.partition("://")[2].rpartition(":")
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = socket.create_connection((host.strip("[]"), int(port)), patience)
            break
        except ConnectionRefusedError:  # it may be starting
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    with ExitStack() as stack:
        stack.enter_context(connection)
        if security is not None:
            context = security.get_connection_args("client")["ssl_context"]
            connection = stack.enter_context(context.wrap_socket(connection, server_hostname=host))
        connection.settimeout(patience)
        start = b""
        while len(start) < _LENGTH and (more := connection.recv(_LENGTH - len(start))):
            start += more
    if len(start) < _LENGTH:
        raise ConnectionResetError("the server closed the connection")
    if not 0 < int.from_bytes(start, "little") < _GREETING:
        raise ValueError(f"the server begins with {start!r}, as no scheduler does")
