"""Refusals about threats and bans."""

from domain.kernel.errors import Conflict, Forbidden, NotFound


class ThreatNotFound(NotFound):
    """There is no such threat for this caller."""

    code = "security.threat_not_found"
    hint = "GET /v1/security/threats lists them."


class ThreatNotOpen(Conflict):
    """This threat was dealt with already."""

    code = "security.threat_not_open"
    hint = "GET /v1/security/threats shows where it stands."


class DetectionRuleNotFound(NotFound):
    """This tenant has no such detection rule of its own."""

    code = "security.detection_rule_not_found"
    hint = "GET /v1/security/detection-rules lists them; those that are built in cannot be deleted."


class DetectionRuleExists(Conflict):
    """There is a detection rule with this id already."""

    code = "security.detection_rule_exists"
    hint = "Delete that one first, or give this one an id of its own (a random UUID)."


class TooManyDetectionRules(Conflict):
    """A tenant can have so many detection rules, and no more."""

    code = "security.too_many_detection_rules"
    hint = "Delete some that you do not need any more."


class NetworkBanNotFound(NotFound):
    """There is no such ban that this caller could lift."""

    code = "security.network_ban_not_found"
    hint = "GET /v1/security/network-bans lists them; bans of the whole platform are the operator's."


class NetworkBanned(Forbidden):
    """Nobody new may sign in from this network for a while: somebody there has attacked accounts."""

    code = "security.network_banned"
    hint = "Wait until the instant in details, sign in from another network, or ask an administrator to lift the ban."
