"""Every permission of every module, by name."""

from domain.analytics import permissions as analytics
from domain.automation import permissions as automation
from domain.billing import permissions as billing
from domain.bus import permissions as bus
from domain.kernel.permissions import Permission
from domain.notifications import permissions as notifications
from domain.security import permissions as security

PERMISSIONS: dict[str, Permission] = {
    permission.name: permission
    for module in (analytics, automation, billing, bus, notifications, security)
    for permission in vars(module).values()
    if isinstance(permission, Permission)
}
