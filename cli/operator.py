"""The operator's API key: made once, kept in a file that only the owner can read."""

from __future__ import annotations

import os

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import connect
from adapters.security.postgres import PostgresSecurityUnitOfWork
from adapters.settings import Settings
from cli.environment import operator_key_path
from domain.kernel.context import Actor, ActorKind, Context, within
from domain.kernel.permissions import Scope
from domain.security.ids import ApiKeyId
from domain.security.service import create_api_key
from domain.security.tokens import SECRET_BYTES


async def make_operator_key(settings: Settings, label: str) -> str:
    """A new operator key; the only time its secret is seen."""
    async with connect(settings.postgres_dsn.get_secret_value(), size=2, application="harborgrid-cli") as database:
        with within(Context(actor=Actor(kind=ActorKind.OPERATOR, id="cli"))):
            made = await database.run(
                None,
                lambda session: create_api_key(
                    PostgresSecurityUnitOfWork(session),
                    None,
                    key_id=new_id(ApiKeyId),
                    label=label,
                    scopes=(Scope.OPERATOR,),
                    expires_at=None,
                    randomness=os.urandom(SECRET_BYTES),
                    now=utc_now(),
                ),
            )
    return made.secret


async def ensure_operator_key(settings: Settings) -> str:
    """The operator key of this data directory, made on first use."""
    path = operator_key_path(settings)
    if not path.exists():
        secret = await make_operator_key(settings, "harborgrid up")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret + "\n")
    return path.read_text().strip()
