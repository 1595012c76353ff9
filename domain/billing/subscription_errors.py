"""Refusals about customers' subscriptions."""

from domain.kernel.errors import Conflict, Invalid


class PlanNotForSale(Invalid):
    """New subscriptions cannot take this plan or add-on any more."""

    code = "billing.plan_not_for_sale"
    hint = "Choose a plan whose version in force has forSale true; GET /v1/billing/plans lists them."


class CurrencyNotOffered(Invalid):
    """The plan or add-on has no price in the customer's currency."""

    code = "billing.currency_not_offered"
    hint = "Publish a version with prices in this currency, or choose another plan."


class AddOnDoesNotFit(Invalid):
    """A subscription is one plan, and add-ons that are billed at the plan's interval; see details."""

    code = "billing.add_on_does_not_fit"
    hint = "Name a plan as planCode, and as addOns those with isAddOn true and the same interval and intervalCount."


class OverrideInvalid(Invalid):
    """A price was given for a charge that the plan does not have, or that cannot be priced so."""

    code = "billing.override_invalid"
    hint = "Use the codes of the plan's charges; a percentage is for charges that the plan has a percentage for."


class SubscriptionInstantInvalid(Invalid):
    """This cannot be asked for at that instant; see details for what is possible."""

    code = "billing.subscription_instant_invalid"
    hint = "Choose an instant between those named in details."


class SubscriptionStepNotPossible(Conflict):
    """A subscription that stands so cannot do this."""

    code = "billing.subscription_step_not_possible"
    hint = "Read the subscription again: its status says what is possible, and `next` what it will do by itself."


class ProrationInClosedPeriod(Conflict):
    """A change cannot reach back behind the running period, or behind the change before it."""

    code = "billing.proration_in_closed_period"
    hint = "Choose an effectiveAt between the instants named in details, or leave it out."
