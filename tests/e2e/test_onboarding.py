"""An organisation comes in: over HTTP, through the event bus and Temporal, into PostgreSQL, the lake and a mailbox."""

from conftest import STORY, Stack, Tenant, until


class TestOnboarding:
    async def test_leaves_exactly_one_of_everything(self, stack: Stack) -> None:
        tenant = await stack.tenant(ownerEmail="katherine@example.com")

        subscriptions = await tenant.get("/v1/billing/platform-subscriptions")
        dashboards = await tenant.get("/v1/analytics/dashboards")
        deliveries = await tenant.get("/v1/notifications/deliveries")
        mails = [mail for mail in stack.mailbox.mails() if "katherine@example.com" in mail["to"]]
        assert [item["status"] for item in subscriptions["items"]] == ["active"]
        assert [item["isDefault"] for item in dashboards["items"]] == [True]
        assert [item["status"] for item in deliveries["items"]] == ["sent"]
        assert [mail["deliveries"] for mail in mails] == [1]

    async def test_is_told_by_the_event_stream_in_order(self, tenant: Tenant) -> None:
        events = await tenant.get("/v1/bus/events", correlationId=tenant.onboarding_id)

        assert STORY == [event["type"] for event in reversed(events["items"])]

    async def test_reaches_the_projection(self, tenant: Tenant) -> None:
        async def counted() -> bool:
            counts = await tenant.get("/v1/analytics/event-counts")
            return 6 == sum(int(count["count"]) for count in counts)

        await until(counted, what="six counted events")
