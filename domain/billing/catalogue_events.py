"""What billing announces of the things it bills by: plans, meters and customers."""

from pydantic import AwareDatetime, Field, PositiveInt

from domain.billing.ids import CustomerId
from domain.bus.event import PERSONAL, Event, event


@event("billing.plan.published", version="1.0.0", source="billing", subject="plan_code", consumers=("analytics",))
class PlanPublished(Event):
    """There is a new version of a plan or add-on; subscriptions that are there keep the one they have."""

    plan_code: str = Field(min_length=1, examples=["pro"])
    plan_version: PositiveInt = Field(examples=[2])
    is_add_on: bool
    effective_from: AwareDatetime = Field(description="New subscriptions get it from then on.")


@event("billing.meter.added", version="1.0.0", source="billing", subject="meter_code", consumers=("analytics",))
class MeterAdded(Event):
    """Usage can be counted by a new meter."""

    meter_code: str = Field(min_length=1, examples=["traffic"])
    event_type: str = Field(examples=["storage.transferred"])
    aggregation: str = Field(examples=["sum"])


@event("billing.product.added", version="1.0.0", source="billing", subject="product_code", consumers=("analytics",))
class ProductAdded(Event):
    """A tenant has something new to sell, in plans and items."""

    product_code: str = Field(min_length=1, examples=["harbour-map"])


@event("billing.product.changed", version="1.0.0", source="billing", subject="product_code", consumers=("analytics",))
class ProductChanged(Event):
    """A product is called otherwise."""

    product_code: str = Field(min_length=1, examples=["harbour-map"])


@event("billing.item.added", version="1.0.0", source="billing", subject="item_code", consumers=("analytics",))
class ItemAdded(Event):
    """There is something new to sell once."""

    item_code: str = Field(min_length=1, examples=["training"])


@event("billing.item.changed", version="1.0.0", source="billing", subject="item_code", consumers=("analytics",))
class ItemChanged(Event):
    """What is sold once has another name or price from now on."""

    item_code: str = Field(min_length=1, examples=["training"])


@event("billing.customer.added", version="1.0.0", source="billing", subject="customer_id", consumers=("analytics",))
class CustomerAdded(Event):
    """A tenant has somebody new to sell to."""

    customer_id: CustomerId
    external_id: str | None = Field(default=None, description="What the tenant's systems call it.")
    name: str = Field(examples=["Initech"], json_schema_extra=PERSONAL)
    currency: str = Field(examples=["EUR"])
    timezone: str = Field(examples=["Europe/Berlin"])


@event("billing.customer.changed", version="1.0.0", source="billing", subject="customer_id", consumers=("analytics",))
class CustomerChanged(Event):
    """A customer's name, address or time zone is another."""

    customer_id: CustomerId
    name: str = Field(examples=["Initech"], json_schema_extra=PERSONAL)
    timezone: str = Field(examples=["Europe/Berlin"])
