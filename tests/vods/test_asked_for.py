"""What dispatchers look for every few seconds, among all the videos that there are."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from vods.archiving import overlooked
from vods.models import Clip
from vods.workflows import asked_for

GROWING = r"Seq Scan on (streaming_broadcast|vods_\w+)"
SMALL = "vods_recall"
"""Holds who waits at the moment."""


@pytest.fixture
def reluctant(db: None) -> None:
    """PostgreSQL reads a whole table only where there is no other way."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def read_whole(queries: list[dict[str, str]]) -> set[str]:
    """The tables that these queries would read from end to end."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            found |= set(re.findall(GROWING, "\n".join(line for (line,) in cursor.fetchall())))
    return found - {SMALL}


def test_it_is_found_without_looking_at_all_of_them(reluctant: None) -> None:
    now = timezone.now()
    with CaptureQueriesContext(connection) as seen:
        list(asked_for(now=now))
        list(overlooked(now=now))
        list(Clip.objects.watchable().for_cards()[:20])
    assert len(seen) > 8
    assert read_whole(seen.captured_queries) == set()
