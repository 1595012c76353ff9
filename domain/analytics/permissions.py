"""What can be allowed in analytics."""

from domain.kernel.permissions import Permission, Scope

READ_DASHBOARDS = Permission("analytics.read_dashboards", Scope.READ, "Dashboard")
RENAME_DASHBOARD = Permission("analytics.rename_dashboard", Scope.WRITE, "Dashboard")
READ_EVENT_COUNTS = Permission("analytics.read_event_counts", Scope.READ, "EventCount")
