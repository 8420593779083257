"""Which shared volume a name means: what is removed is never another cluster's."""

import pytest

from penstock.cli.refusal import Refusal
from penstock.cli.volume import chosen
from penstock.containers.shared_volumes import SharedVolume

DEV, PROD = (SharedVolume("data", name, f"engine-{name}", "") for name in ("dev", "prod"))


def test_a_name_that_one_cluster_has_is_enough() -> None:
    assert chosen([DEV], "data", None) == DEV


def test_a_name_that_several_have_needs_the_cluster() -> None:
    with pytest.raises(Refusal, match="give --cluster: dev, prod"):
        chosen([DEV, PROD], "data", None)
    assert chosen([DEV, PROD], "data", "prod") == PROD


def test_an_unknown_volume_is_told_with_those_there_are() -> None:
    with pytest.raises(Refusal, match=r"no shared volume is called x; volumes: data \(dev\)"):
        chosen([DEV], "x", None)
    with pytest.raises(Refusal, match="no shared volume"):
        chosen([DEV], "data", "prod")
