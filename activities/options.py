"""Patience has a few names: how long an activity may take, and how often it is tried."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType


class Patience(TypedDict, total=False):
    """Keyword arguments of `workflow.execute_activity`."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


class LocalPatience(TypedDict, total=False):
    """Keyword arguments of `workflow.execute_local_activity`."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


# A cancelled step is waited for: its effect must be settled before anything is undone.
_SETTLED = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED

OWN_DATABASE = Patience(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(hours=1),
    heartbeat_timeout=timedelta(seconds=4),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)),
    cancellation_type=_SETTLED,
)
"""Our own PostgreSQL: quick, and worth waiting for when it restarts."""

OWN_DATABASE_AT_ONCE = LocalPatience(
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)),
    cancellation_type=_SETTLED,
)
"""Our own PostgreSQL, within the workflow task: short, without a round trip to Temporal, repeated after a crash."""

EXTERNAL_CALL = Patience(
    start_to_close_timeout=timedelta(seconds=60),
    schedule_to_close_timeout=timedelta(minutes=15),
    heartbeat_timeout=timedelta(seconds=4),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
    cancellation_type=_SETTLED,
)
"""Somebody else's server: slow at times, down at others."""

PROVIDER_CALL = Patience(
    start_to_close_timeout=timedelta(seconds=90),
    heartbeat_timeout=timedelta(seconds=4),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
    cancellation_type=_SETTLED,
)
"""Money may move: whatever happens, the outcome has to become known, so there is no limit on attempts."""

COMPENSATION = Patience(
    start_to_close_timeout=timedelta(seconds=60),
    heartbeat_timeout=timedelta(seconds=4),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)),
    cancellation_type=_SETTLED,
)
"""What was done must be undone, however long it takes: no limit on attempts."""

LONG_COMPUTATION = Patience(
    start_to_close_timeout=timedelta(hours=2),
    schedule_to_close_timeout=timedelta(hours=24),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    cancellation_type=_SETTLED,
)
"""Reads a lot or computes long, and heartbeats its progress."""
