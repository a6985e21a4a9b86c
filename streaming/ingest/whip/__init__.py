"""WHIP: broadcasts from WebRTC encoders and browsers (RFC 9725).

    app -> session -> transport (aiortc: ICE, DTLS, SRTP)
              |            |
            door        receiver -> packets, pictures | sound -> publisher

H.264 is passed through as it comes, Opus is encoded once to AAC; from the publisher on it is RTMP's path.
"""
