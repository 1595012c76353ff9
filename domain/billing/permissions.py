"""What can be allowed in billing."""

from domain.kernel.permissions import Permission, Scope

READ_PLANS = Permission("billing.read_plans", Scope.READ, "Plan")
QUOTE_PRICES = Permission("billing.quote_prices", Scope.READ, "Plan")
READ_SUBSCRIPTIONS = Permission("billing.read_subscriptions", Scope.READ, "Subscription")
