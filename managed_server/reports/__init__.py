"""What people and machines read: tables and JSON, made from specs."""
