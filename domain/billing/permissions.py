"""What can be allowed in billing."""

from domain.kernel.permissions import Permission, Scope

READ_PLATFORM_PLANS = Permission("billing.read_platform_plans", Scope.READ, "PlatformPlan")
QUOTE_PRICES = Permission("billing.quote_prices", Scope.READ, "PlatformPlan")
READ_PLATFORM_SUBSCRIPTIONS = Permission("billing.read_platform_subscriptions", Scope.READ, "PlatformSubscription")
READ_PLANS = Permission("billing.read_plans", Scope.READ, "Plan")
PUBLISH_PLAN = Permission("billing.publish_plan", Scope.WRITE, "Plan")
READ_METERS = Permission("billing.read_meters", Scope.READ, "Meter")
ADD_METER = Permission("billing.add_meter", Scope.WRITE, "Meter")
READ_CUSTOMERS = Permission("billing.read_customers", Scope.READ, "Customer")
ADD_CUSTOMER = Permission("billing.add_customer", Scope.WRITE, "Customer")
CHANGE_CUSTOMER = Permission("billing.change_customer", Scope.WRITE, "Customer")
READ_SUBSCRIPTIONS = Permission("billing.read_subscriptions", Scope.READ, "Subscription")
START_SUBSCRIPTION = Permission("billing.start_subscription", Scope.WRITE, "Subscription")
CHANGE_SUBSCRIPTION = Permission("billing.change_subscription", Scope.WRITE, "Subscription")
PAUSE_SUBSCRIPTION = Permission("billing.pause_subscription", Scope.WRITE, "Subscription")
CANCEL_SUBSCRIPTION = Permission("billing.cancel_subscription", Scope.WRITE, "Subscription")
REACTIVATE_SUBSCRIPTION = Permission("billing.reactivate_subscription", Scope.WRITE, "Subscription")
RECORD_USAGE = Permission("billing.record_usage", Scope.WRITE, "Usage")
VOID_USAGE = Permission("billing.void_usage", Scope.WRITE, "Usage")
READ_USAGE = Permission("billing.read_usage", Scope.READ, "Usage")
