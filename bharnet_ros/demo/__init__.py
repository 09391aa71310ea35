"""`make demo`: the whole product at work, watched and judged."""
