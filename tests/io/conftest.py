"""An S3-compatible server and a plain web server on loopback, for tests that use them for real."""

import functools
import http.server
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from vostool.io.storage import place, write_bytes


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Serve S3 from memory and return its address; credentials for it are in the environment."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    yield names["AWS_ENDPOINT_URL"]
    server.stop()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def bucket(s3_server: str) -> str:
    """Return the URL of a new, empty bucket."""
    import boto3

    name = f"bucket-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


@pytest.fixture
def upload() -> Callable[[Path, str], str]:
    """Return a function that copies a folder to a URL and returns the URL."""

    def send(folder: Path, url: str) -> str:
        target = place(url, listed=False)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                write_bytes(target / path.relative_to(folder).as_posix(), path.read_bytes())
        return url

    return send


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder with index pages, and remembers what it was asked for."""

    asked: list[str]

    def log_message(self, format: str, *args: object) -> None:
        self.asked.append(f"{self.command} {self.path}")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve `tmp_path` by http and return the address, and the requests as they come."""
    asked: list[str] = []
    handler = type("Handler", (Quiet,), {"asked": asked})
    place_of = functools.partial(handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), place_of) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def does(cli: Callable[..., Result]) -> Callable[..., str]:
    """Return a function that runs `vostool ARGS`, which must succeed, and returns what it says."""

    def run(*arguments: object) -> str:
        done = cli(*arguments)
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    return run


@pytest.fixture
def refuses(cli: Callable[..., Result]) -> Callable[..., str]:
    """Return a function that runs `vostool ARGS`, which must end with a sentence; returns it."""

    def run(*arguments: object) -> str:
        done = cli(*arguments)
        assert done.exit_code == 2, done.output
        return " ".join(done.output.split())

    return run
