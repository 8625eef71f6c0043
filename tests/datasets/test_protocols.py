"""Protocols are rows of one table."""

import pytest

from vostool.datasets.protocols import PROTOCOLS, protocol_named
from vostool.errors import UnknownNameError


def test_davis_is_the_official_rule() -> None:
    davis = protocol_named("davis")
    assert (davis.skip_first, davis.skip_last) == (True, True)
    assert davis.objects == "first_frame"


def test_after_first_keeps_every_object_and_the_last_frame() -> None:
    protocol = protocol_named("after_first")
    assert protocol.objects == "all"
    assert not protocol.skip_last


@pytest.mark.parametrize("name", PROTOCOLS)
def test_rows_are_found_by_their_name_and_explain_themselves(name: str) -> None:
    assert protocol_named(name).name == name
    assert protocol_named(name).summary


def test_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'davis'"):
        protocol_named("davs")


def test_unsupervised_counts_every_frame_and_takes_twenty_proposals() -> None:
    protocol = protocol_named("davis-unsupervised")
    assert (protocol.skip_first, protocol.skip_last) == (False, False)
    assert (protocol.proposals, protocol.ignore_void) == (20, True)


def test_only_pooled_is_pooled_and_merges() -> None:
    assert [p.name for p in PROTOCOLS.values() if p.pooled] == ["pooled"]
    assert [p.name for p in PROTOCOLS.values() if p.objects == "foreground"] == ["pooled"]
