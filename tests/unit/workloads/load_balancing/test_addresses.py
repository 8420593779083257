"""An address for each load balancer."""

from ipaddress import IPv4Address, IPv4Network

from penstock.workloads.load_balancing.addresses import own_address


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
