"""One module per HTTP door beside the pages."""
