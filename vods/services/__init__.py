"""Every write of VODs, clips and their settings that people ask for. What durable steps write is in `vods.steps`."""
