"""The pages, the HTTP doors and the command."""
