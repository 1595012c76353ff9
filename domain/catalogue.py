"""Every event of every module, in one catalogue."""

from domain.analytics import events as analytics
from domain.automation import events as automation
from domain.billing import catalogue_events as billing_catalogue
from domain.billing import (
    clock_events,
    coupon_events,
    credit_events,
    credit_note_events,
    dunning_events,
    invoice_events,
    payment_events,
    revenue_events,
    usage_events,
    webhook_events,
)
from domain.billing import events as billing
from domain.bus.catalogue import Catalogue
from domain.cad import events as cad
from domain.collaboration import events as collaboration
from domain.compression import events as compression
from domain.gateway import events as gateway
from domain.notifications import events as notifications
from domain.security import (
    breach_events,
    elevation_events,
    erasure_events,
    key_events,
    oauth_events,
    risk_events,
    subject_events,
    threat_events,
)
from domain.security import events as security
from domain.spatial import events as spatial

CATALOGUE = Catalogue.of(
    analytics,
    automation,
    billing,
    billing_catalogue,
    invoice_events,
    payment_events,
    revenue_events,
    dunning_events,
    clock_events,
    usage_events,
    webhook_events,
    coupon_events,
    credit_events,
    credit_note_events,
    cad,
    collaboration,
    compression,
    gateway,
    notifications,
    elevation_events,
    erasure_events,
    breach_events,
    risk_events,
    subject_events,
    key_events,
    threat_events,
    oauth_events,
    security,
    spatial,
)
