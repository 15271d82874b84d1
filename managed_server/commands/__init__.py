"""Commands of ``managed`` that fill a module of their own, and what all of them share."""
