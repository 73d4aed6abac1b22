"""The pages, one module each, read top to bottom: load, then lay out."""
