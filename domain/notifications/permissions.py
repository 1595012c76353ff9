"""What can be allowed in notifications."""

from domain.kernel.permissions import Permission, Scope

READ_DELIVERIES = Permission("notifications.read_deliveries", Scope.READ, "Delivery")
