"""A real Debian tree on this host: built once, cached, and used through throw-away overlays."""
