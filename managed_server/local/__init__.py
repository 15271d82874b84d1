"""What runs on this machine alone: the local AWS, the local engine, the box."""
