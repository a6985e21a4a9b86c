"""The capacity simulator: a synthetic day of broadcasts and viewers on the code that places live ones. Pure."""
