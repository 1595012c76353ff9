"""The shared kernel: ids, money, context, errors, pages, clocks."""
