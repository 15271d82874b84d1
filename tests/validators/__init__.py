"""Rendered files, judged by the programs that will read them, in a real Debian tree."""
