"""The processes: deterministic, and they read like the business."""
