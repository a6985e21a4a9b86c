"""What files of the repository say of each other, and must not say."""

from __future__ import annotations

import re

import pytest

from config import settings


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt", "package-lock.json"])
def test_lock_files_name_no_registry(name: str) -> None:
    """Whoever installs says where from: a mirror, a cache, or the public registry."""
    text = (settings.BASE_DIR / name).read_text()
    # where a package asks for money says nothing of where it comes from
    assert "://" not in re.sub(r'"funding": (\{[^}]*\}|\[[^\]]*\])', "", text)


def test_every_variable_is_in_the_table_and_the_other_way_round() -> None:
    files = ("config/settings.py", "deploy/cluster/programs.py")
    source = "".join((settings.BASE_DIR / file).read_text() for file in files)
    readers = "text|numbers?|flag|words|addresses|port|port_range|url|readable_file"
    read = set(re.findall(rf'\b(?:{readers})\(\s*"([A-Z_]+)"', source))
    table = re.findall(r"^\| (`[A-Z].*?) \|", (settings.BASE_DIR / "README.md").read_text(), re.MULTILINE)
    documented = {name for cell in table for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert documented == read
