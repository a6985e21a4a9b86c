"""What `bench.chat` measures against what: servers of one room, and the sockets that listen to them."""
