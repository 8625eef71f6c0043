"""A Dask cluster whose connections are encrypted, with certificates made for the test."""

import datetime
import ipaddress
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vostool.datasets import synthetic

distributed = pytest.importorskip("distributed")
x509 = pytest.importorskip("cryptography.x509")

pytestmark = pytest.mark.slow


class Authority:
    """Signs certificates for this machine."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = _key()
        self.ca = self.folder / "ca.pem"
        self._write(self.ca, self._signed(self.name, self.key, ca=True))

    def pair(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        from cryptography.hazmat.primitives import serialization

        key = _key()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        cert_path, key_path = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self._write(cert_path, self._signed(subject, key, ca=False))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return cert_path, key_path

    def _signed(self, subject, key, *, ca: bool):
        from cryptography.hazmat.primitives import hashes

        now = datetime.datetime.now(datetime.UTC)
        local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([local]), critical=False)
            .add_extension(key_id, critical=False)
            .add_extension(by, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    @staticmethod
    def _write(path: Path, certificate) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        path.write_bytes(certificate.public_bytes(Encoding.PEM))


def _key():
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="module")
def encrypted(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a scheduler and a worker that speak tls only; yields the address."""
    folder = tmp_path_factory.mktemp("cluster")
    cert, key = authority.pair("cluster")
    files = ("--tls-ca-file", authority.ca, "--tls-cert", cert, "--tls-key", key)
    found = folder / "scheduler.json"
    kinds = {
        "scheduler": ("--host", "tls://127.0.0.1:0", "--scheduler-file", found),
        "worker": ("--scheduler-file", found, "--no-nanny", "--nthreads", "1"),
    }
    processes = []
    for kind, options in kinds.items():
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard"]
        with (folder / f"{kind}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [*command, *map(str, options), *map(str, files)],
                    stdout=log, stderr=log, cwd=folder,
                )
            )  # fmt: skip
        deadline = time.monotonic() + 60
        ready = b"Registered to" if kind == "worker" else b"Scheduler at"
        while ready not in (folder / f"{kind}.log").read_bytes() or not found.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield f"tls://127.0.0.1:{found.read_text().split('tls://127.0.0.1:')[1].split(chr(34))[0]}"
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.make(tmp_path_factory.mktemp("data") / "clips", size=(64, 64), frames=4)


def arguments(clips: Path, address: str, authority: Authority) -> tuple[object, ...]:
    cert, key = authority.pair("client")
    return (
        *("run", "copy_first", "--dataset", f"folder:{clips}", "--scheduler", address),
        *("--tls-ca-file", authority.ca, "--tls-cert", cert, "--tls-key", key),
    )


def test_an_encrypted_connection(cli, clips, encrypted, authority, tmp_path):
    done = cli(*arguments(clips, encrypted, authority))
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "results/folder-clips/copy_first").glob("masks/*/*.png"))) == 48


def test_certificates_from_the_configuration_of_dask(cli, clips, encrypted, authority):
    import dask

    cert, key = authority.pair("configured")
    tls = {"ca-file": authority.ca, "client.cert": cert, "client.key": key}
    with dask.config.set({f"distributed.comm.tls.{k}": str(path) for k, path in tls.items()}):
        done = cli(*arguments(clips, encrypted, authority)[:6])
    assert done.exit_code == 0, done.output


def test_no_certificates(cli, clips, encrypted, authority):
    done = cli(*arguments(clips, encrypted, authority)[:6])
    assert done.exit_code == 2
    assert "needs certificates: give --tls-ca-file, --tls-cert and --tls-key" in done.output


def test_certificates_of_somebody_else(cli, clips, encrypted, tmp_path):
    import dask

    stranger = Authority(tmp_path, "stranger")
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        done = cli(*arguments(clips, encrypted, stranger))
    assert done.exit_code == 2
    assert f"No scheduler answers at {encrypted}" in done.output
    assert "signed by the same authority" in done.output


def test_without_tls_there_is_no_way_in(cli, clips, encrypted):
    import dask

    plain = encrypted.replace("tls://", "tcp://")
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        done = cli("run", "copy_first", "--dataset", f"folder:{clips}", "--scheduler", plain)
    assert done.exit_code == 2
    assert f"No scheduler answers at {plain}" in done.output


def test_a_key_that_is_none(cli, clips, authority, tmp_path):
    (tmp_path / "key.pem").write_text("no key")
    given = arguments(clips, "tls://127.0.0.1:9", authority)[:-1]
    done = cli(*given, tmp_path / "key.pem")
    assert done.exit_code == 2
    assert "cannot be used" in done.output
    absent = cli(*given, tmp_path / "nowhere.pem")
    assert absent.exit_code == 2
    assert "nowhere.pem does not exist" in absent.output


def test_certificates_are_for_tls(cli, clips, authority):
    done = cli(*arguments(clips, "tcp://127.0.0.1:9", authority))
    assert done.exit_code == 2
    assert "Certificates are for --scheduler tls://HOST:PORT" in done.output
