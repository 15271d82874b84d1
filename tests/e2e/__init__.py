"""The main job, end to end: a copy of the repository, the real engine, the local AWS."""
