"""What players load of VODs and clips: `/vods/<id>/…` and `/clips/<id>/…`, routed before Django as live playback is."""
