"""One process's part in the rooms: a subscription per room with local viewers, and what goes to each socket."""
