from __future__ import annotations

import gc

from streaming.garbage import keep_what_is_loaded


def test_what_is_loaded_is_collected_no_more() -> None:
    loaded = len(gc.get_objects())
    try:
        keep_what_is_loaded()
        assert len(gc.get_objects()) < loaded / 100
    finally:
        gc.unfreeze()
