"""The local AWS."""
