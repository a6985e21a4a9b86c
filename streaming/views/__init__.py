"""The pages of the streaming app. A view parses, calls one function and answers."""
