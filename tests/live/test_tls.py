"""rediss://, with certificates made for the test."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from promptops.errors import StoreUnreachable
from promptops.live.records import Head
from promptops.live.store import CLIENT
from tests.conftest import Opener
from tests.deployments import deploy
from tests.servers import REDIS, Server, free_port, start_cluster

OPENSSL = shutil.which("openssl")


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority, and a certificate for 127.0.0.1 that both sides show."""

    ca: Path
    cert: Path
    key: Path

    @property
    def options(self) -> list[str]:
        """Of a server that wants to see one too."""
        files = ("--tls-cert-file", self.cert, "--tls-key-file", self.key)
        return [*map(str, files), "--tls-ca-cert-file", str(self.ca), "--tls-auth-clients", "yes"]

    @property
    def query(self) -> str:
        return f"ca={self.ca}&cert={self.cert}&key={self.key}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if OPENSSL is None:
        pytest.skip("NOT RUN: there is no openssl to make certificates")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        command = [OPENSSL or "", *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    name = ("-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE")
    openssl(*new, "-keyout", "key.pem", "-out", "cert.pem", *name, *signed)
    return Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


@pytest.fixture
def tls_port(certificates: Certificates) -> Iterator[int]:
    """Of a Redis that speaks TLS there."""
    port = free_port()
    server = tls_server(certificates, port)
    yield port
    server.close()


def tls_server(
    certificates: Certificates, port: int, more: Sequence[str] = (), config: str = ""
) -> Server:
    if REDIS is None:
        pytest.skip("NOT RUN: there is no redis-server, and Valkey's wheel has no TLS")
    server = Server(REDIS, ["--tls-port", str(port), *certificates.options, *more], config)
    try:
        return server.start()
    except AssertionError:
        log = server.log()
        server.close()
        if "TLS" in log:
            pytest.skip("NOT RUN: this redis-server was built without TLS")
        raise


def test_a_store_over_tls(tls_port: int, certificates: Certificates, opened: Opener) -> None:
    store = opened(f"rediss://127.0.0.1:{tls_port}?{certificates.query}")
    listener = store.listen()
    assert deploy(store, greeter="Hello") == Head(1, 1)
    assert listener.wait(5)
    listener.close()


def test_a_server_of_unknown_authority_and_a_client_without_certificate_are_refused(
    tls_port: int, certificates: Certificates, opened: Opener
) -> None:
    for query in ("", f"?ca={certificates.ca}", f"?ca={certificates.cert}"):
        with pytest.raises(StoreUnreachable):
            opened(f"rediss://127.0.0.1:{tls_port}{query}", timeouts=CLIENT).read()
    other_name = opened(f"rediss://localhost:{tls_port}?{certificates.query}", timeouts=CLIENT)
    with pytest.raises(StoreUnreachable, match=r"certificate.*files of ca=, cert= and key= in it"):
        other_name.read()


def test_sentinels_and_their_primary_over_tls(
    tls_port: int, certificates: Certificates, opened: Opener
) -> None:
    port = free_port()
    config = f"sentinel monitor main 127.0.0.1 {tls_port} 1\n"
    sentinel = tls_server(certificates, port, ["--sentinel", "--tls-replication", "yes"], config)
    try:
        url = f"rediss+sentinel://127.0.0.1:{port}/main?{certificates.query}"
        store = opened(url)
        assert deploy(store, greeter="Hello") == Head(1, 1)
    finally:
        sentinel.close()


def test_a_cluster_over_tls(certificates: Certificates, opened: Opener, tls_port: int) -> None:
    assert REDIS is not None
    port = free_port()
    options = ["--tls-port", str(port), "--tls-cluster", "yes", *certificates.options]
    server = start_cluster(REDIS, options)
    try:
        store = opened(f"rediss+cluster://127.0.0.1:{port}?{certificates.query}")
        assert deploy(store, greeter="Hello") == Head(1, 1)
    finally:
        server.close()
