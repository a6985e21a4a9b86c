"""Who stands behind an address."""

import pytest

from accounts.addresses import owner_of


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("local", "local"),
    ],
)
def test_an_ipv6_subscriber_has_a_whole_network(address: str, owner: str) -> None:
    assert owner_of(address) == owner
