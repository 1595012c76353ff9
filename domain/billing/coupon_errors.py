"""Refusals about coupons."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class CouponNotFound(NotFound):
    """There is no coupon with this code."""

    code = "billing.coupon_not_found"
    hint = "GET /v1/billing/coupons lists the coupons."


class CouponUnknown(Invalid):
    """The coupon to redeem is not there."""

    code = "billing.coupon_unknown"
    hint = "GET /v1/billing/coupons lists the coupons."


class CouponExists(Conflict):
    """There is a coupon with this code already."""

    code = "billing.coupon_exists"
    hint = "Change the one that is there, or choose another code."


class CouponNotRedeemable(Conflict):
    """Its time is over, it is used up or retired, or not for this customer; see details."""

    code = "billing.coupon_not_redeemable"
    hint = "details say why; a customer can redeem a coupon once."


class CouponRedemptionNotFound(NotFound):
    """There is no such redemption."""

    code = "billing.coupon_redemption_not_found"
    hint = "GET /v1/billing/coupon-redemptions lists them."
