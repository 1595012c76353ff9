"""The examples in docs/api.md work as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import Stack, Tenant

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.+?)```\n```http\n(.+?)```", TEXT, re.DOTALL)


class TestExamples:
    def test_are_all_followed_by_their_answer(self) -> None:
        assert len(EXAMPLES) == TEXT.count("```sh") == TEXT.count("curl ")

    @pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
    async def test_are_answered_as_the_page_says(self, stack: Stack, tenant: Tenant) -> None:
        known = {
            "PATH": os.environ["PATH"],
            "URL": stack.url,
            "OPERATOR_KEY": stack.operator_key,
            "TENANT_KEY": tenant.api_key,
            "DASHBOARD": (await tenant.get("/v1/analytics/dashboards"))["items"][0]["id"],
        }
        for command, told in EXAMPLES:
            process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE, env=known)
            printed = (await process.communicate())[0].decode()

            head, _, body = printed.partition("\r\n\r\n")
            told_head, _, told_body = told.partition("\n\n")
            assert head.split()[1] == told_head.split()[1], printed
            assert _names(told_head) <= _names(head), command
            assert re.findall(r'"code":"[^"]+"', body) == re.findall(r'"code":"[^"]+"', told_body), command
            assert set(re.findall(r'"(\w+)":', told_body)) <= set(re.findall(r'"(\w+)":', body)), command


def _names(head: str) -> set[str]:
    return {line.partition(":")[0].lower() for line in head.splitlines()[1:]}
