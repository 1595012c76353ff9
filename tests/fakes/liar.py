"""An OpenID Connect provider whose tokens are as a test wants them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import RSAKey

from adapters.kernel.clock import utc_now

KEY = RSAKey.generate_key(2048, {"kid": "theirs"})


@dataclass
class Liar:
    """A provider whose tokens are as a test wants them."""

    url: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    asked: dict[str, list[str]] = field(default_factory=dict)
    nonce: str = ""

    def application(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def told() -> dict[str, str]:
            names = {"authorization_endpoint": "a", "token_endpoint": "t", "jwks_uri": "j", "userinfo_endpoint": "u"}
            return {"issuer": self.url, **{name: f"{self.url}/{path}" for name, path in names.items()}}

        @app.get("/j")
        async def jwks() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/t")
        async def token(request: Request) -> dict[str, Any]:
            self.asked = parse_qs((await request.body()).decode())
            now = int(utc_now().timestamp())
            claims = {"iss": self.url, "aud": "us", "sub": "7", "exp": now + 60, "nonce": self.nonce, **self.changes}
            claims = {name: value for name, value in claims.items() if value is not None}
            return {"access_token": "x", "id_token": jwt.encode({"alg": "RS256", "kid": "theirs"}, claims, KEY)}

        @app.get("/u")
        async def userinfo() -> dict[str, Any]:
            return self.userinfo

        return app
