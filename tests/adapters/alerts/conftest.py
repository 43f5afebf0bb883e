"""A real mail server and a real web server on 127.0.0.1, and something to tell."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from batuta.ports.alerts import Telling

NOW = 1_767_225_600_000


@pytest.fixture
def telling():
    return Telling(
        id="r1/do/0/charge/sla/breached",
        title="demo/order:1.0.0: charge (/do/0/charge) has broken its SLA",
        text="charge has broken its SLA.\n\nrun  r1",
        event={"specversion": "1.0", "id": "e1", "type": "io.batuta.sla.breached.v1"},
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for localhost, in a file with its key, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    began = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(path)
    return serves, ssl.create_default_context(cafile=str(path))


class MailServer:
    """Takes mail as RFC 5321 has it; `refuse` answers a command with something else."""

    def __init__(self, serves):
        self.serves = serves
        self.port = 0
        self.taken = []
        self.logins = []
        self.refuse = {}
        self.said = []

    async def serve(self, reader, writer):
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client is gone
        finally:
            writer.close()

    async def _serve(self, reader, writer):
        async def answer(text):
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        envelope = {}
        await answer("220 localhost ready")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            self.said.append(verb)
            if verb in self.refuse:
                await answer(self.refuse[verb])
            elif verb == "EHLO":
                await answer("250-localhost\r\n250-AUTH PLAIN\r\n250 STARTTLS")
            elif verb == "STARTTLS":
                await answer("220 go ahead")
                await writer.start_tls(self.serves)
            elif verb == "AUTH":
                self.logins.append(b64decode(line.split()[2]).split(b"\0")[1:])
                await answer("235 welcome")
            elif verb == "DATA":
                await answer("354 end with .")
                text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                self.taken.append((envelope["MAIL"][-1], envelope["RCPT"], text))
                await answer("250 taken")
            else:
                envelope.setdefault(verb, []).append(line.partition("<")[2].rstrip(">"))
                await answer("221 bye" if verb == "QUIT" else "250 ok")
                if verb == "QUIT":
                    return


@asynccontextmanager
async def running(mail, **options):
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0, **options)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()


@pytest.fixture
async def mail(certificate):
    """A mail server that offers STARTTLS."""
    async with running(MailServer(certificate[0])) as server:
        yield server


@pytest.fixture
async def mail_over_tls(certificate):
    """A mail server that speaks TLS from the first byte on."""
    async with running(MailServer(certificate[0]), ssl=certificate[0]) as server:
        yield server


class WebServer:
    """Takes one request per connection, and answers with `status`."""

    def __init__(self):
        self.status = 202
        self.taken = []
        self.url = ""

    async def serve(self, reader, writer):
        line = (await reader.readline()).decode()
        headers = {}
        while (text := (await reader.readline()).decode().strip()) != "":
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers["content-length"]))
        self.taken.append((line.split()[:2], headers, body))
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def web():
    local = WebServer()
    server = await asyncio.start_server(local.serve, "127.0.0.1", 0)
    local.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/alerts?x=1"
    yield local
    server.close()
