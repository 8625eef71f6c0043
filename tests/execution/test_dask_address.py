"""Servers that are no scheduler are told before Dask believes them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vostool.execution.dask_address import check_greeting


@contextmanager
def server(says: bytes) -> Iterator[str]:
    """Say something to whoever connects, and leave the connection open unless it is nothing."""
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            kept.append(connection)  # before it speaks: the test may end on its first byte
            connection.sendall(says)
            if not says:
                connection.close()

        threading.Thread(target=greet, daemon=True).start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    for connection in kept:
        connection.close()


def test_a_scheduler_begins_with_the_length_of_its_greeting():
    with server((330).to_bytes(8, "little") + b"...") as address:
        check_greeting(address, patience=5)


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH", b"HTTP/1.1 400", bytes(8), b"\xff" * 8])
def test_what_begins_otherwise_is_none(says):
    with server(says) as address, pytest.raises(ValueError, match="as no scheduler does"):
        check_greeting(address, patience=5)


def test_a_server_that_says_nothing_is_waited_for_within_bounds():
    with server(b"abc") as address, pytest.raises(TimeoutError):
        check_greeting(address, patience=0.3)


def test_a_server_that_closes():
    with server(b"") as address, pytest.raises(ConnectionResetError):
        check_greeting(address, patience=5)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(ConnectionRefusedError):
        check_greeting(address, patience=0.3)
