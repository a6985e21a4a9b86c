"""FLV and Enhanced RTMP media (pure): tag bodies, files, AMF0, and their way into tracks and access units.

Sources: Adobe Flash Video File Format Specification 10.1 (FLV), Action Message Format AMF 0, and Enhanced RTMP v2
(Veovera). Both RTMP messages and ffmpeg's FLV pipes carry these bytes.
"""
