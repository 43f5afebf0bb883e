"""What happens when the network, or the server, misbehaves."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import socket
import ssl
import struct
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from batuta.adapters.callers.http import Allow, CheckedTransport, HttpCaller, HttpClient, Limits


async def hang(_request, _writer):
    await asyncio.Event().wait()


async def begin_and_hang(_request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    await writer.drain()
    await asyncio.Event().wait()


async def reset(_request, writer):
    option = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
    writer.transport.abort()


async def close(_request, writer):
    writer.close()


async def cut_short(_request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    await writer.drain()


async def speak_nonsense(_request, writer):
    writer.write(b"220 smtp.example ESMTP\r\n\r\n")
    await writer.drain()


async def stream_without_end(_request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        await writer.drain()


@pytest.fixture
def quick(secrets):
    """A caller whose calls may take a tenth of a second."""
    return HttpCaller(HttpClient(limits=Limits(total_s=0.1)), secrets)


@pytest.mark.parametrize("behaviour", [hang, begin_and_hang])
async def test_a_slow_answer_is_cut_at_the_total_deadline(quick, call, server, faulted, behaviour):
    server.raw = behaviour
    started = time.monotonic()
    fault = await faulted(quick(call(method="get", endpoint=server.url)))
    assert (fault.kind, fault.status) == ("timeout", 408)
    assert time.monotonic() - started < 20


async def test_the_deadline_of_the_call_is_kept(caller, call, server, faulted):
    server.raw = hang
    deadline_ms = int(time.time() * 1000) + 80
    fault = await faulted(caller(call(method="get", endpoint=server.url, deadline_ms=deadline_ms)))
    assert (fault.kind, fault.status) == ("timeout", 408)


async def test_nothing_is_sent_after_the_deadline(caller, call, server, faulted):
    fault = await faulted(caller(call(method="get", endpoint=server.url, deadline_ms=1)))
    assert (fault.kind, fault.status) == ("timeout", 408)
    assert server.received == []


async def test_a_connection_that_is_not_made_in_time_is_a_timeout(secrets, call, faulted):
    async def never(_host, _port):
        await asyncio.Event().wait()
        return []

    transport = CheckedTransport(Allow.local(), resolve=never)
    caller = HttpCaller(HttpClient(transport=transport, limits=Limits(connect_s=0.05)), secrets)
    fault = await faulted(caller(call(method="get", endpoint="http://slow.test/")))
    assert (fault.kind, fault.status) == ("timeout", 408)
    assert "no connection to slow.test" in fault.detail


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (reset, "connection reset"),
        (close, "disconnected"),
        (cut_short, "peer closed connection"),
        (speak_nonsense, "breaks HTTP"),
    ],
)
async def test_a_broken_exchange_is_a_communication_fault(get, server, faulted, behaviour, words):
    server.raw = behaviour
    fault = await faulted(get("/a"))
    assert (fault.kind, fault.status) == ("communication", 500)
    assert words in fault.detail
    assert f"GET {server.url}/a" in fault.detail


async def test_a_refused_connection_says_so(get, faulted):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fault = await faulted(get(f"http://127.0.0.1:{unused.getsockname()[1]}/"))
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "connection refused" in fault.detail


async def test_an_unknown_host_says_so(secrets, call, faulted):
    async def unknown(_host, _port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    transport = CheckedTransport(Allow.local(), resolve=unknown)
    caller = HttpCaller(HttpClient(transport=transport), secrets)
    fault = await faulted(caller(call(method="get", endpoint="http://nowhere.test/")))
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "nowhere.test is not found" in fault.detail


async def test_a_body_over_the_limit_is_refused_by_its_declared_length(get, server, reply, faulted):
    server.handler = lambda _: reply(200, b"x" * 10_000_000)
    fault = await faulted(get())
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "larger than 100000 bytes" in fault.detail


async def test_a_body_over_the_limit_is_cut_while_it_streams(get, server, faulted):
    server.raw = stream_without_end
    fault = await faulted(get())
    assert "larger than 100000 bytes" in fault.detail


async def test_a_gzip_bomb_is_cut_while_it_is_decompressed(get, server, reply, faulted):
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    server.handler = lambda _: reply(200, bomb, {"Content-Encoding": "gzip"})
    fault = await faulted(get())
    assert "larger than 100000 bytes" in fault.detail


async def test_a_body_that_is_not_what_its_encoding_says_is_a_fault(get, server, reply, faulted):
    server.handler = lambda _: reply(200, b"not gzip", {"Content-Encoding": "gzip"})
    fault = await faulted(get())
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "decompressed" in fault.detail


async def test_a_cancelled_call_leaves_the_client_usable(caller, call, server):
    arrived = asyncio.Event()

    async def arrive_and_hang(request, writer):
        arrived.set()
        await hang(request, writer)

    server.raw = arrive_and_hang
    pending = asyncio.ensure_future(caller(call(method="get", endpoint=server.url)))
    await arrived.wait()
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    server.raw = None
    assert await caller(call(method="get", endpoint=server.url)) == {"ok": True}


async def test_a_connection_is_used_again(get, server):
    await get()
    await get()
    assert len(server.received) == 2
    assert server.connections == 1


async def test_a_server_that_does_not_speak_tls_says_so(get, server, faulted):
    fault = await faulted(get(f"https://127.0.0.1:{server.port}/"))
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "TLS: " in fault.detail


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Server and client TLS contexts for the name service.test, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.test")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("service.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, private)
    return server_context, ssl.create_default_context(cafile=certificate)


@pytest.fixture
async def tls(certificate):
    """A TLS server, and the names that arrive in its handshakes."""
    names: list[str | None] = []
    server_context, _ = certificate

    def note(_socket, name, _context):
        names.append(name)

    server_context.sni_callback = note

    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
    yield server.sockets[0].getsockname()[1], names
    server.close()


async def to_loopback(_host, _port):
    return ["127.0.0.1"]


async def test_tls_sends_and_verifies_the_name_and_not_the_address(secrets, call, tls, certificate):
    port, names = tls
    transport = CheckedTransport(Allow.local(), resolve=to_loopback, ssl_context=certificate[1])
    client = HttpClient(transport=transport)
    endpoint = f"https://service.test:{port}/"
    assert await HttpCaller(client, secrets)(call(method="get", endpoint=endpoint)) == "ok"
    assert names == ["service.test"]
    await client.close()


@pytest.mark.parametrize(("host", "trusted"), [("other.test", True), ("service.test", False)])
async def test_an_untrusted_certificate_says_so(
    secrets, call, faulted, tls, certificate, host, trusted
):
    port, _ = tls
    context = certificate[1] if trusted else ssl.create_default_context()
    transport = CheckedTransport(Allow.local(), resolve=to_loopback, ssl_context=context)
    caller = HttpCaller(HttpClient(transport=transport), secrets)
    fault = await faulted(caller(call(method="get", endpoint=f"https://{host}:{port}/")))
    assert (fault.kind, fault.status) == ("communication", 500)
    assert "TLS: the certificate is not trusted" in fault.detail
