"""What automation announces (`workflow.*`): executions, approvals, and organisations being brought on board."""

from enum import StrEnum

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from domain.automation.ids import ApprovalId, AutomationId, ExecutionId, OnboardingId
from domain.bus.event import PERSONAL, Event, EventId, event
from domain.kernel.ids import TenantId, UserId


class TriggerKind(StrEnum):
    """What made an automation run."""

    EVENT = "event"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    MANUAL = "manual"


class ExecutionOutcome(StrEnum):
    """How an execution ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


class StepOutcome(StrEnum):
    """How a step ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


@event("workflow.triggered", version="1.0.0", source="automation", subject="automation_id", consumers=("analytics",))
class WorkflowTriggered(Event):
    """A trigger asked for an execution; it may still wait for a free slot."""

    automation_id: AutomationId
    automation_version: PositiveInt = Field(
        description="The published version that will run, whatever is published later.", examples=[3]
    )
    execution_id: ExecutionId
    trigger: TriggerKind
    trigger_name: str = Field(
        description="Event type, schedule name, webhook name, or the id of the person.",
        examples=["cad.document.saved"],
    )
    trigger_event_id: EventId | None = Field(default=None, description="The event that triggered it, if one did.")


@event(
    "workflow.execution.started", version="1.0.0", source="automation", subject="execution_id", consumers=("analytics",)
)
class ExecutionStarted(Event):
    """An execution left the queue and began its first step."""

    execution_id: ExecutionId
    automation_id: AutomationId
    automation_version: PositiveInt = Field(examples=[3])
    workflow_id: str = Field(
        description="Where operators find it in the Temporal UI.",
        examples=["ten_01h455vb4pex5vsknk084sn02q/automation/execution/exe_01h455vb4pex5vsknk084sn02q"],
    )
    parent_execution_id: ExecutionId | None = Field(
        default=None, description="The execution that called it as a sub-flow."
    )
    queued_ms: NonNegativeInt = Field(description="Waited since the trigger.", examples=[35])


@event(
    "workflow.step.completed",
    version="1.0.0",
    source="automation",
    subject="execution_id",
    consumers=("analytics", "billing"),
)
class StepCompleted(Event):
    """A step of an execution ended; metered for usage-based billing. Its inputs and outputs stay in the execution."""

    execution_id: ExecutionId
    automation_id: AutomationId
    step: str = Field(description="The step's name in the definition, unique within it.", examples=["convert_to_dxf"])
    iteration: NonNegativeInt = Field(description="Which pass of the surrounding loop; 0 outside loops.", examples=[0])
    action: str = Field(description="Address of the action it performed.", examples=["http.request"])
    outcome: StepOutcome
    attempts: NonNegativeInt = Field(description="How often the action was tried; 0 if it was skipped.", examples=[1])
    duration_ms: NonNegativeInt = Field(description="All attempts and the pauses between them.", examples=[420])
    error_code: str | None = Field(default=None, description="Code of the last error, if it failed.")


@event(
    "workflow.execution.completed",
    version="1.0.0",
    source="automation",
    subject="execution_id",
    consumers=("analytics", "notifications"),
)
class ExecutionCompleted(Event):
    """An execution ended, well or badly."""

    execution_id: ExecutionId
    automation_id: AutomationId
    automation_version: PositiveInt = Field(examples=[3])
    outcome: ExecutionOutcome
    duration_ms: NonNegativeInt = Field(
        description="Since it left the queue, waiting for people and timers included.", examples=[1830]
    )
    steps_completed: NonNegativeInt = Field(examples=[4])
    steps_compensated: NonNegativeInt = Field(description="Steps undone again after a failure.", examples=[0])
    failed_step: str | None = Field(default=None, description="The step that ended it, unless it succeeded.")
    error_code: str | None = Field(default=None, description="Code of that step's error.")


@event(
    "workflow.approval.requested",
    version="1.0.0",
    source="automation",
    subject="approval_id",
    consumers=("notifications", "collaboration"),
)
class ApprovalRequested(Event):
    """People are asked to decide, and an execution waits for them."""

    approval_id: ApprovalId
    execution_id: ExecutionId
    step: str = Field(description="The waiting step's name in the definition.", examples=["design_review"])
    title: str = Field(description="The question, in one line.", examples=["Release drawing A-113 to manufacturing?"])
    resource: str | None = Field(
        default=None,
        description="Id of the thing to decide about.",
        examples=["doc_01h455vb4pex5vsknk084sn02q"],
    )
    requested_by: UserId | None = Field(default=None, description="Null if no person started the execution.")
    approver_ids: tuple[UserId, ...] = Field(min_length=1, description="Who may decide.")
    required_approvals: PositiveInt = Field(description="How many of them must agree.", examples=[1])
    expires_at: AwareDatetime | None = Field(default=None, description="When the step gives up waiting; null: never.")


@event(
    "workflow.onboarding.requested",
    version="1.0.0",
    source="automation",
    subject="onboarding_id",
    consumers=("automation",),
)
class OnboardingRequested(Event):
    """An organisation asked to become a customer; the onboarding saga begins."""

    onboarding_id: OnboardingId
    tenant_id: TenantId
    organisation: str = Field(examples=["Fjord Engineering AS"])
    owner_name: str = Field(examples=["Ingrid Solberg"], json_schema_extra=PERSONAL)
    owner_email: str = Field(examples=["ingrid@fjord.example"], json_schema_extra=PERSONAL)
    plan_code: str = Field(examples=["pro"])
    locale: str = Field(description="BCP 47 language tag for messages to the owner.", examples=["nb-NO"])
    timezone: str = Field(description="IANA time zone of the billing periods.", examples=["Europe/Oslo"])


@event(
    "workflow.onboarding.cancel_requested",
    version="1.0.0",
    source="automation",
    subject="onboarding_id",
    consumers=("automation",),
)
class OnboardingCancelRequested(Event):
    """Someone asked to stop an onboarding under way and undo what it did."""

    onboarding_id: OnboardingId
    tenant_id: TenantId
    reason: str = Field(examples=["ordered twice"])


@event(
    "workflow.onboarding.completed",
    version="1.0.0",
    source="automation",
    subject="onboarding_id",
    consumers=("analytics", "notifications"),
)
class OnboardingCompleted(Event):
    """An organisation is on board: subscribed, provisioned, welcomed."""

    onboarding_id: OnboardingId
    tenant_id: TenantId


@event(
    "workflow.onboarding.compensated",
    version="1.0.0",
    source="automation",
    subject="onboarding_id",
    consumers=("analytics", "notifications"),
)
class OnboardingCompensated(Event):
    """An onboarding did not succeed, and everything it had done is undone."""

    onboarding_id: OnboardingId
    tenant_id: TenantId
    failed_step: str | None = Field(
        description="Address of the step that failed; null if it was canceled between steps.",
        examples=["security.provision_tenant"],
    )
    error_code: str = Field(examples=["security.tenant_exists"])
    reason: str = Field(examples=["The tenant exists already."])
