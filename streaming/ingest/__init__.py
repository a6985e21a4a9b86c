"""Ingest: sockets, encoders and the broadcasts they feed."""
