"""The waterfall of one trace: where the time and the money went."""
