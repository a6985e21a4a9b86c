"""Measurements of the whole and of its parts: `make bench`. Each prints a table and writes JSON to `var/bench/`."""
