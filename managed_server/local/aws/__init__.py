"""A local AWS: a moto server with the real AWS API shapes, its gaps cured, one process per state folder."""
