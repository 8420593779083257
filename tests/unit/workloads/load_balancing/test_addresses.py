"""An address for each load balancer, and a port where another has it."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pytest

from penstock.aws.errors import ServiceError
from penstock.workloads.load_balancing import addresses
from penstock.workloads.load_balancing.addresses import own_address, stand_in


def test_an_address_belongs_to_its_load_balancer() -> None:
    assert own_address("arn:one", ()) == own_address("arn:one", ())
    found = {own_address(f"arn:{number}", ()) for number in range(200)}
    assert len(found) > 195
    for address in found:
        assert IPv4Address(address) in IPv4Network("127.0.0.0/8")
        assert 64 <= int(address.split(".")[1]) <= 250
        assert int(address.split(".")[3]) not in {0, 255}


def test_a_taken_address_is_not_given_again() -> None:
    taken: list[str] = []
    for _ in range(50):
        taken.append(own_address("arn:one", taken))
    assert len(set(taken)) == 50


def _free(monkeypatch: pytest.MonkeyPatch, is_free: Callable[[str, int], bool]) -> None:
    monkeypatch.setattr(addresses, "is_free", is_free)


def test_a_stand_in_is_the_same_while_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, lambda address, port: True)
    chosen = stand_in("arn:one", "192.0.2.7", 80, ())
    assert 8000 <= chosen <= 8999
    assert stand_in("arn:one", "192.0.2.7", 80, ()) == chosen
    assert stand_in("arn:one", "192.0.2.7", 80, {chosen}) == 8000 + (chosen - 7999) % 1000
    _free(monkeypatch, lambda address, port: port != chosen)
    assert stand_in("arn:one", "192.0.2.7", 80, ()) == 8000 + (chosen - 7999) % 1000


def test_without_a_free_port_there_is_no_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, lambda address, port: False)
    with pytest.raises(ServiceError, match=r"free port of 192\.0\.2\.7 from 8000 to 8999"):
        stand_in("arn:one", "192.0.2.7", 80, ())
