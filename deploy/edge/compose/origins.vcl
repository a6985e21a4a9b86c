# Where Varnish asks in `docker-compose.yml`: the proxy, which knows the origins.
backend origins {
    .host = "edge";
    .port = "6082";
}
