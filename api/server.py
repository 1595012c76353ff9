"""The API process: uvicorn on uvloop and httptools."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.container import open_container
from adapters.kernel.memory import settle
from adapters.settings import Settings
from adapters.telemetry.logs import configure_logs
from adapters.telemetry.tracing import tracing
from api.app import create_app


def main(settings: Settings) -> None:
    """The `harborgrid api` command: serve until SIGINT or SIGTERM, then finish what is being answered."""
    configure_logs(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn raises a signal again when it has served, which would kill us before spans are sent."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(told, self.handle_exit, told, None)
        yield


class WithCertificate(HttpToolsProtocol):
    """Tells the application of the client's certificate, as ASGI's TLS extension has it."""

    def connection_made(self, transport: Any) -> None:
        """Called when somebody has connected, and shaken hands."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self._tls: dict[str, dict[object, object]] | None = None
        if der:
            self._tls = {"tls": {"client_cert_chain": [ssl.DER_cert_to_PEM_cert(der)]}}

    def on_message_begin(self) -> None:
        """Called for each request."""
        super().on_message_begin()
        if self._tls is not None:
            self.scope["extensions"] = self._tls


def config_of(settings: Settings, app: Any) -> uvicorn.Config:
    """How uvicorn is to serve."""
    secure: dict[str, Any] = {}
    if settings.tls_certificate_file is not None:
        secure = {"ssl_certfile": settings.tls_certificate_file, "ssl_keyfile": settings.tls_key_file}
        if settings.tls_client_ca_file is not None:
            secure |= {"ssl_ca_certs": str(settings.tls_client_ca_file), "ssl_cert_reqs": ssl.CERT_OPTIONAL}
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=WithCertificate if secure else HttpToolsProtocol,
        access_log=False,
        log_config=None,
        server_header=False,
        # Forwarded headers are read where they are needed, from the proxies that settings name.
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        **secure,
    )


async def _serve(settings: Settings) -> None:
    with tracing(settings, "harborgrid-api"):
        async with open_container(settings, process="api") as container:
            app = create_app(container)
            settle()
            await _Server(config_of(settings, app)).serve()
