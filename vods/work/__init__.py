"""What the steps of durable workflows do, one kind a file; see `vods.steps`."""
