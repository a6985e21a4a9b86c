"""Pages about videos. A view parses, calls one function and answers."""
