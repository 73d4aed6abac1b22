"""`make drill`: kill the engine where it hurts most, and count what was lost or doubled."""
