"""The network of one server instance: every sandbox is on it, and none reaches another.

A user-defined bridge with inter-container traffic off. Its gateway is an address of the
engine's host, where the server listens for Tasks.
"""

from penstock.containers.engine import Engine, EngineRefusal


class Network:
    """The instance's network, `penstock-<instance_id>`."""

    def __init__(self, engine: Engine, instance_id: str) -> None:
        self._engine = engine
        self._instance_id = instance_id

    @property
    def name(self) -> str:
        """The network's name on the engine."""
        return f"penstock-{self._instance_id}"

    async def ensure(self) -> str:
        """Make the network when it is absent; return its gateway's IPv4 address."""
        gateway = await self.gateway()
        if gateway is not None:
            return gateway
        body = {
            "Name": self.name,
            "Driver": "bridge",
            "CheckDuplicate": True,
            "Options": {"com.docker.network.bridge.enable_icc": "false"},
            "Labels": {"penstock.instance": self._instance_id},
        }
        try:
            await self._engine.json("POST", "networks/create", body=body)
        except EngineRefusal as refusal:
            if refusal.status != 409:  # another call was first
                raise
        gateway = await self.gateway()
        assert gateway is not None
        return gateway

    async def gateway(self) -> str | None:
        """Return the gateway's address, or None where the network is absent."""
        try:
            network = await self._engine.json("GET", f"networks/{self.name}")
        except EngineRefusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return str(network["IPAM"]["Config"][0]["Gateway"])

    async def remove(self) -> None:
        """Remove the network; nothing happens when it is absent."""
        try:
            await self._engine.json("DELETE", f"networks/{self.name}")
        except EngineRefusal as refusal:
            if refusal.status != 404:
                raise
