"""Structured logs on standard output, each line with the ids of the story it belongs to."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog

from adapters.settings import LogFormat, Settings
from domain.kernel.context import current_context


def configure_logs(settings: Settings) -> None:
    """Route structlog and the standard library's loggers to one format on standard output."""
    shared: list[structlog.typing.Processor] = [
        _story,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_json)
        if settings.log_format is LogFormat.JSON
        # Plain tracebacks: local variables hold people's data.
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last], foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # Statements, keep-alives and the like: useful once, noise for ever.
    for chatty in ("asyncio", "httpx", "httpcore", "mail.log", "alembic", "faststream"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _story(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    context = current_context()
    for name, value in (
        ("tenant_id", context.tenant_id),
        ("correlation_id", context.correlation_id),
        ("request_id", context.request_id),
    ):
        if value is not None:
            line.setdefault(name, value)
    return line


def _json(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()
