"""Where rooms live on the state Valkey: each call is a value, run by `streaming.bus.redis`."""
