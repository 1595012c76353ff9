"""The OpenAPI document of the API, made once for all tests of a process."""

from __future__ import annotations

from adapters.settings import Settings
from api.app import ROUTERS, directory_of
from api.openapi import document

DOCUMENT = document(directory_of(*ROUTERS), Settings())
