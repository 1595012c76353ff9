"""A server with OSV's API, as its documentation has it."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class FakeOsv:
    """OSV's API as its documentation has it: batches of queries, pages by token, records one by one."""

    def __init__(self, records: list[dict[str, Any]], *, page: int = 2) -> None:
        self.records, self.page = {each["id"]: each for each in records}, page
        self.broken: Response | None = None

    async def querybatch(self, request: Request) -> Response:
        """POST /v1/querybatch."""
        if self.broken is not None:
            return self.broken
        queries = (await request.json())["queries"]
        return JSONResponse({"results": [self._result(each) for each in queries]})

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        name = query["package"]["purl"].removeprefix("pkg:pypi/").partition("@")[0]
        about = [key for key, each in self.records.items() if each["affected"][0]["package"]["name"] == name]
        start = int(query.get("page_token", 0))
        page = [{"id": each, "modified": self.records[each]["modified"]} for each in about[start : start + self.page]]
        more = {"next_page_token": str(start + self.page)} if start + self.page < len(about) else {}
        return {"vulns": page, **more} if page else {}

    async def vulnerability(self, request: Request) -> Response:
        """GET /v1/vulns/{id}."""
        return JSONResponse(self.records[request.path_params["id"]])

    def application(self) -> Starlette:
        """To be served."""
        return Starlette(
            routes=[
                Route("/v1/querybatch", self.querybatch, methods=["POST"]),
                Route("/v1/vulns/{id}", self.vulnerability),
            ]
        )
