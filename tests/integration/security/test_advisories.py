"""Where known vulnerabilities are looked up: files as OSV publishes them, and a server that speaks its API."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import served
from fakes.osv import FakeOsv
from starlette.responses import JSONResponse, Response

from adapters.security.advisories import OsvFiles, OsvServer, advisory_source
from domain.security.risk_errors import AdvisoriesUnavailable, AdvisoriesUnreadable
from domain.security.risk_ports import Advisories, AdvisorySource
from domain.security.vulnerabilities import Component

LEFTPAD = [Component(name="leftpad", version="1.0")]


def osv(id_: str, name: str = "leftpad", modified: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"id": id_, "modified": modified, "affected": [{"package": {"ecosystem": "PyPI", "name": name}}]}


async def asked(source: AdvisorySource, components: list[Component] = LEFTPAD) -> Advisories:
    beats: list[object] = []
    return await source.advisories(components, heartbeat=beats.append)


class TestFiles:
    @pytest.mark.parametrize("kind", ["one.json", "list.json", "lines.jsonl", "all.zip", "folder"])
    async def test_are_read_as_osv_publishes_them(self, tmp_path: Path, kind: str) -> None:
        path, records = tmp_path / kind, [osv("A"), osv("B", "another"), osv("C", modified="2026-05-01T00:00:00Z")]
        if kind == "one.json":
            records = records[:1]
            path.write_text(json.dumps(records[0]))
        elif kind == "list.json":
            path.write_text(json.dumps(records))
        elif kind == "lines.jsonl":
            path.write_text("".join(f"{json.dumps(each)}\n" for each in records))
        elif kind == "all.zip":
            with zipfile.ZipFile(path, "w") as archive:
                for each in records:
                    archive.writestr(f"{each['id']}.json", json.dumps(each))
        else:
            (path / "deeper").mkdir(parents=True)
            for each in records:
                (path / "deeper" / f"{each['id']}.json").write_text(json.dumps(each))

        told = await asked(OsvFiles(path))

        ours = [each["id"] for each in records if each["id"] != "B"]
        assert (len(records), ours) == (told.read, [each.id for each in told.records])
        assert told.newest_at is not None
        assert str(path) == told.source

    async def test_that_are_not_there_say_nothing(self, tmp_path: Path) -> None:
        told = await asked(advisory_source("", tmp_path / "none"))

        assert (0, None, False) == (told.read, told.newest_at, told.told)

    async def test_that_somebody_named_have_to_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(AdvisoriesUnreadable, match="there is no"):
            await asked(advisory_source(str(tmp_path / "none"), tmp_path))

    @pytest.mark.parametrize("content", [b"{", b"[{]", b'{"id": "X"}', b'["text"]', b"\xff\xfe"])
    async def test_that_are_something_else_are_refused_by_name(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "bad.json").write_bytes(content)

        with pytest.raises(AdvisoriesUnreadable, match=r"bad\.json|record"):
            await asked(OsvFiles(tmp_path))


class TestServer:
    async def test_is_asked_about_every_component_to_the_last_page(self) -> None:
        told = FakeOsv([*(osv(f"L-{number}") for number in range(5)), osv("R-1", "rightpad"), osv("X-1", "other")])
        ours = [*LEFTPAD, Component(name="rightpad", version="3"), Component(name="clean", version="1")]

        async with served(told.application()) as url:
            answer = await asked(advisory_source(url, Path("unused")), ours)

        assert ["L-0", "L-1", "L-2", "L-3", "L-4", "R-1"] == [each.id for each in answer.records]
        assert url == answer.source

    async def test_that_is_down_or_talks_nonsense_is_named(self) -> None:
        fake = FakeOsv([])
        async with served(fake.application()) as url:
            fake.broken = JSONResponse({"code": 14}, status_code=503)
            with pytest.raises(AdvisoriesUnavailable, match="503"):
                await asked(OsvServer(url))
            shapes: list[Any] = [None, "x", {"vulns": [{}]}, {"vulns": [{"id": None}]}, {"vulns": [{"id": "a\x00b"}]}]
            answers = [JSONResponse({"results": [shape]}) for shape in shapes]
            for broken in (JSONResponse({"results": []}), JSONResponse([]), Response("<html>"), *answers):
                fake.broken = broken
                with pytest.raises(AdvisoriesUnreadable):
                    await asked(OsvServer(url))
        with pytest.raises(AdvisoriesUnavailable):
            await asked(OsvServer(url))
