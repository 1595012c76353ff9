"""What an onboarding's events say about its steps."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.automation.ids import OnboardingId
from domain.automation.model import Onboarding, OnboardingStatus, StepState, steps_told_by, what_happens_next
from domain.bus.event import START, EventId, EventMetadata, RecordedEvent
from domain.kernel.ids import TenantId

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CREATED, PROVISIONED = "billing.subscription.created", "security.tenant.provisioned"
DASHBOARD, SENT = "analytics.dashboard.created", "notification.sent"
CANCELED, DEPROVISIONED = "billing.subscription.canceled", "security.tenant.deprovisioned"


def onboarding(**changes: object) -> Onboarding:
    facts: dict[str, object] = {
        "id": OnboardingId.of(UUID(int=1)),
        "tenant_id": TenantId.of(UUID(int=2)),
        "workflow_id": "w",
        "organisation": "Org",
        "owner_name": "Ada",
        "owner_email": "ada@example.com",
        "plan_code": "pro",
        "locale": "en",
        "timezone": "UTC",
        "status": OnboardingStatus.RUNNING,
        "requested_at": NOON,
    }
    return Onboarding.model_validate(facts | changes)


def story(*types: str) -> list[RecordedEvent]:
    return [
        RecordedEvent(
            id=EventId.of(UUID(int=number)),
            type=type_,
            version="1.0.0",
            timestamp=NOON + timedelta(seconds=number),
            source="test",
            tenant_id=None,
            user_id=None,
            subject="s",
            data={},
            metadata=EventMetadata(),
            position=START,
        )
        for number, type_ in enumerate(types)
    ]


class TestSteps:
    @pytest.mark.parametrize(
        ("events", "changes", "states"),
        [
            ([], {}, ["running", "pending", "pending", "pending"]),
            ([CREATED], {}, ["done", "running", "pending", "pending"]),
            ([CREATED, PROVISIONED, DASHBOARD, SENT], {"status": "completed"}, ["done"] * 4),
            (
                [CREATED, PROVISIONED],
                {"cancel_requested_at": NOON},
                ["compensating", "compensating", "skipped", "skipped"],
            ),
            (
                [CREATED, PROVISIONED, DEPROVISIONED],
                {"cancel_requested_at": NOON},
                ["compensating", "compensated", "skipped", "skipped"],
            ),
            (
                [CREATED, CANCELED],
                {"status": "compensated", "failed_step": "security.provision_tenant"},
                ["compensated", "failed", "skipped", "skipped"],
            ),
        ],
        ids=["just begun", "first done", "all done", "cancelled", "half undone", "failed at the second"],
    )
    def test_are_told_by_the_events(
        self, events: list[str], changes: dict[str, object], states: list[StepState]
    ) -> None:
        assert states == [step.state for step in steps_told_by(story(*events), onboarding(**changes))]

    @pytest.mark.parametrize(
        ("events", "changes", "words"),
        [
            ([CREATED], {}, "security.provision_tenant runs"),
            ([CREATED, PROVISIONED], {"cancel_requested_at": NOON}, "security.provision_tenant is undone next"),
            ([CREATED, PROVISIONED, DASHBOARD, SENT], {}, "being closed"),
            ([], {"status": "completed"}, "is onboarded"),
            ([], {"status": "compensated"}, "has been undone"),
        ],
        ids=["running", "undoing", "closing", "completed", "compensated"],
    )
    def test_say_what_happens_next(self, events: list[str], changes: dict[str, object], words: str) -> None:
        subject = onboarding(**changes)

        assert words in what_happens_next(subject, steps_told_by(story(*events), subject))
