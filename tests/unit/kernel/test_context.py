"""The context: carried along, put back, never shared between tasks."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.context import Actor, ActorKind, Context, current_context, within
from domain.kernel.ids import TenantId, UserId

relaxed = settings(deadline=None)

ids = st.none() | st.text(min_size=1)
contexts = st.builds(
    Context,
    tenant_id=st.none() | st.uuids().map(TenantId.of),
    user_id=st.none() | st.uuids().map(UserId.of),
    actor=st.builds(Actor, kind=st.sampled_from(ActorKind), id=st.text(min_size=1)),
    correlation_id=ids,
    causation_id=ids,
    request_id=ids,
    traceparent=ids,
)


class TestWithin:
    def test_outside_of_everything_nobody_acts(self) -> None:
        assert Context() == current_context()
        assert Actor(kind=ActorKind.SYSTEM, id="harborgrid") == current_context().actor

    @relaxed
    @given(contexts, contexts)
    def test_the_innermost_counts_and_the_outer_one_comes_back(self, outer: Context, inner: Context) -> None:
        with within(outer):
            with within(inner) as entered:
                assert inner == entered == current_context()
            assert outer == current_context()
        assert Context() == current_context()

    def test_an_error_puts_the_outer_one_back_too(self) -> None:
        with pytest.raises(ZeroDivisionError), within(Context(correlation_id="one")):
            1 / 0  # noqa: B018

        assert Context() == current_context()

    async def test_concurrent_tasks_do_not_see_each_other(self) -> None:
        async def story(name: str) -> str | None:
            with within(Context(correlation_id=name)):
                await asyncio.sleep(0)
                return current_context().correlation_id

        names = [f"story-{number}" for number in range(50)]

        assert names == await asyncio.gather(*map(story, names))

    async def test_a_task_inherits_the_story_it_was_started_in(self) -> None:
        async def correlation() -> str | None:
            return current_context().correlation_id

        with within(Context(correlation_id="one")):
            task = asyncio.ensure_future(correlation())

        assert await task == "one"


class TestContext:
    @relaxed
    @given(contexts)
    def test_travels_unchanged(self, context: Context) -> None:
        assert context == Context.model_validate_json(context.model_dump_json())

    def test_an_old_reader_ignores_what_a_newer_writer_added(self) -> None:
        assert Context(request_id="r") == Context.model_validate({"requestId": "r", "baggage": "new"})
