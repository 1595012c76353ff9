"""Renew the keys that tokens are signed with. A schedule starts it every hour."""

from temporalio import workflow

from activities.options import LONG_COMPUTATION
from activities.security import SecurityActivities
from domain.security.commands import RotateSigningKeys, SigningKeysRotated

SCHEDULE = "platform/security/rotate_signing_keys"


def workflow_id(run: str) -> str:
    """One run; the schedule's have names of their own."""
    return f"{SCHEDULE}/{run}"


@workflow.defn(name="security.rotate_signing_keys")
class RotateSigningKeysWorkflow:
    """One step. A second run finds the key that the first has introduced."""

    @workflow.run
    async def run(self, input: RotateSigningKeys) -> SigningKeysRotated:
        """Introduce what is due."""
        rotated = await workflow.execute_activity_method(
            SecurityActivities.rotate_signing_keys,
            input,
            summary="keys that have signed for a month",
            **LONG_COMPUTATION,
        )
        workflow.set_current_details(f"{len(rotated.introduced)} keys introduced")
        return rotated
