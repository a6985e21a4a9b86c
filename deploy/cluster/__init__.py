"""`make cluster`: the topology of many machines, as processes of one: three hosts, their databases, the edge."""
