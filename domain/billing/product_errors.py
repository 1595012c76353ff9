"""Refusals about products and items."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class ProductNotFound(NotFound):
    """There is no product with this code."""

    code = "billing.product_not_found"
    hint = "GET /v1/billing/products lists the products."


class ProductUnknown(Invalid):
    """A plan, an item or a coupon names a product that is not there."""

    code = "billing.product_unknown"
    hint = "Add it first with POST /v1/billing/products."


class ProductExists(Conflict):
    """There is a product with this code already."""

    code = "billing.product_exists"
    hint = "Change the one that is there, or choose another code."


class ItemNotFound(NotFound):
    """There is no item with this code."""

    code = "billing.item_not_found"
    hint = "GET /v1/billing/items lists the items."


class ItemUnknown(Invalid):
    """A line names an item that is not there, or that has no price in the customer's currency; see details."""

    code = "billing.item_unknown"
    hint = (
        "GET /v1/billing/items lists the items with their prices; a line may also have a name and a price of its own."
    )


class ItemExists(Conflict):
    """There is an item with this code already."""

    code = "billing.item_exists"
    hint = "Change the one that is there, or choose another code."


class LineInvalid(Invalid):
    """A line is for an item or has a name and a unit price of its own, and its period ends after it begins."""

    code = "billing.line_invalid"
    hint = "Give `item`, or `name` and `unitPrice`; give both ends of the period or none."
