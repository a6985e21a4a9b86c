"""What `make run` is made of: the embedded engines and the supervisor. The tests use the same engines."""
