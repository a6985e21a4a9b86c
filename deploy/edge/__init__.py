"""What stands in front: TLS, HTTP/2 and a cache. `haproxy.cfg` and `media.vcl` are it; docs/edge.md explains them."""
