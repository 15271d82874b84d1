"""Managed servers with an enhanced SLA, derived from one stack file per customer."""
