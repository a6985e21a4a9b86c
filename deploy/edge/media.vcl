# The edge's cache: of any number of viewers who ask for the same, one asks the origin, and all wake with its answer.
# docs/edge.md says what was measured. `origins.vcl`, found by vcl_path, says where the origins are.
vcl 4.1;

import std;
include "origins.vcl";

sub vcl_recv {
    if (req.url == "/edge-cache") {
        return (synth(200));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Nothing here reads a cookie, and nobody's may make an answer theirs alone.
    unset req.http.Cookie;
    unset req.http.Authorization;
    # A token is the origin's to judge, each time: it expires, and what it opened may have become private.
    if (req.url ~ "[?&]token=") {
        return (pass);
    }
    # Films and sound to take away are asked for by few and fill the cache; the origin answers their ranges itself.
    if (req.url ~ "^/(vods|clips)/[^?]*\.(mp4|m4a)(\?|$)" && req.url !~ "/init-[0-9]+\.mp4") {
        return (pass);
    }
    # Whatever else stands in the query would only be a way past the cache.
    if (req.url ~ "\.m3u8\?") {
        set req.url = regsuball(req.url, "(?<=[?&])(?!_HLS_(?:msn|part|skip)=)[^&]*(?:&|$)", "");
        set req.url = std.querysort(regsub(req.url, "[?&]+$", ""));
    } else {
        set req.url = regsub(req.url, "\?.*$", "");
    }
    return (hash);
}

sub vcl_hash {
    # The same media whatever name the site was called by.
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_fetch {
    # A blocking reload waits three target durations, of 10 s at most.
    set bereq.first_byte_timeout = 32s;
    set bereq.between_bytes_timeout = 5s;
    set bereq.connect_timeout = 1s;
}

sub vcl_backend_response {
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (beresp.status == 400 || beresp.status == 404 || beresp.status == 503) {
        # Not yet, or no more: everyone who asks now hears the same, and soon somebody asks again.
        set beresp.ttl = 0.3s;
        return (deliver);
    }
    if (beresp.status != 200 || beresp.http.Cache-Control !~ "public") {
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
        return (deliver);
    }
    if (bereq.url ~ "^/streams/") {
        if (bereq.url ~ "\.(m3u8|mpd)") {
            set beresp.do_gzip = true;
            # stale-while-revalidate for playlists that nobody waits in: the next viewer need not wait for the origin.
            if (bereq.url !~ "_HLS_msn=") {
                set beresp.grace = 1s;
            }
        } elsif (bereq.url ~ "/[0-9]+\.[0-9]+\.m4s$") {
            # A part is asked for while it is new; then its segment is.
            set beresp.ttl = 60s;
        } elsif (beresp.ttl > 5m) {
            set beresp.ttl = 5m;
        }
        if (bereq.url ~ "\.jpg$") {
            set beresp.grace = 10s;
        }
    } elsif (bereq.url ~ "^/(vods|clips)/") {
        # The origin says for how long (s-maxage): what becomes private, or is deleted, must not live on here. What is
        # still there then is asked after (If-None-Match), not fetched again.
        set beresp.keep = 10m;
        if (bereq.url ~ "\.(m3u8|vtt)$") {
            set beresp.do_gzip = true;
        }
    }
    return (deliver);
}

sub vcl_backend_error {
    set beresp.status = 503;
    set beresp.http.Content-Type = "application/json";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.body = {"{"code":"origin_unavailable","message":"The origin can't be reached." }"};
    set beresp.ttl = 0.3s;
    return (deliver);
}

sub vcl_deliver {
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    set resp.http.X-Cache = "miss";
    if (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    }
}
