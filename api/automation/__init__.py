"""Routes of onboardings."""
