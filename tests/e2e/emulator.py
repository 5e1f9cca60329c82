"""MiniStack: a cloud that is not Tarry's, in a process of its own, on loopback.

``python -m tests.e2e.emulator`` runs one until Ctrl-C, and prints the variables that lead to it.
"""

import datetime
import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.cloud import Cloud, others

ROOT = Path(__file__).parents[2]

TOOLS = ROOT / ".venv-e2e/bin"
"""MiniStack and the AWS CLI; ``make e2e`` installs them apart from Tarry, which the Lambdas must not find there."""

ACCOUNT = "123456789012"
REGION = "eu-west-1"

_PATIENCE = 60.0


class MiniStack:
    """Runs until ``stop``. It enforces the roles' policies, and speaks HTTPS, since the queues refuse plain HTTP."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "ministack.log"
        self._folder = folder
        port = _free_port()
        self.url = f"https://localhost:{port}"
        self.certificate, key = _certificate(folder)
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [TOOLS / "ministack"],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "TMPDIR": str(folder),
                    "AUTH": "true",
                    "AWS_SECRET_ACCESS_KEY": "e2e",
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(port),
                    "LAMBDA_EXECUTOR": "local",
                    "MINISTACK_REGION": REGION,
                    "USE_SSL": "1",
                    "MINISTACK_SSL_CERT": str(self.certificate),
                    "MINISTACK_SSL_KEY": str(key),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the Lambdas' processes end with it
            )
        self._wait(port)

    @property
    def environment(self) -> dict[str, str]:
        """By which the AWS CLI, the CDK and boto3 speak to it, and to nothing else."""
        return others() | self.variables

    @property
    def variables(self) -> dict[str, str]:
        """The variables that lead to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,  # twelve digits are the account
            "AWS_SECRET_ACCESS_KEY": "e2e",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CA_BUNDLE": str(self.certificate),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
        }

    def cloud(self) -> Cloud:
        """The cloud that it gives."""
        return Cloud.of(self.environment)

    def stop(self) -> None:
        """Ends it and the Lambdas."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def wait(self) -> None:
        """Waits until it ends by itself."""
        self._process.wait()

    def _wait(self, port: int) -> None:
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(f"https://localhost:{port}/_ministack/health", timeout=5, context=trusting)
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"MiniStack did not come up:\n{self.log.read_text()}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "localhost.crt", folder / "localhost.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret


def main() -> None:
    """Run MiniStack until Ctrl-C, or until it is terminated. A shell's background job ignores Ctrl-C by default."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        server = MiniStack(Path(folder))
        lines = [f"export {name}={value}\n" for name, value in server.variables.items()]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
        try:
            with suppress(KeyboardInterrupt):
                server.wait()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
