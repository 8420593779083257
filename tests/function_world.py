"""Functions as the composition root makes them, without the server around them."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from penstock.clock import utc_now
from penstock.services.iam import Iam
from penstock.services.logs import Logs
from penstock.services.sts import Sts
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.storage.blobs import Blobs
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.log_files import LogFiles
from penstock.storage.migrate import all_tables
from penstock.workloads.functions.function import Function, reference
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocations import Invocations
from penstock.workloads.functions.package import zipped
from tests.identities import make_role, statement

PLACE: Any = {"account_id": "123456789012", "region": "us-east-1"}


@dataclass
class FunctionWorld:
    """One server's functions. A second one on the same directory is a restart."""

    directory: Path
    most_memory_mb: int = 4096
    database: Database = field(init=False)

    def open(self) -> "FunctionWorld":
        self.database = Database.open(self.directory / "penstock.db")
        all_tables().create_all(self.database.engine)
        cipher = Cipher.open(self.directory / "key")
        self.iam = Iam(self.database, cipher, "123456789012", utc_now)
        self.sts = Sts(self.iam)
        self.logs = Logs(self.database, LogFiles(self.directory / "logs"), utc_now, **PLACE)
        self.credentials = TaskCredentials(self.database, self.sts, utc_now)
        self.functions = Functions(
            self.database, Blobs(self.directory / "functions"), cipher, self.sts, utc_now, **PLACE
        )
        self.invocations = Invocations(
            self.database, self.functions, self.logs, cipher, utc_now,
            lambda attempts: 0.01 if attempts < 3 else None, most_memory_mb=self.most_memory_mb,
        )  # fmt: skip
        return self

    async def close(self) -> None:
        await self.invocations.close()
        await self.logs.close()
        self.database.close()

    async def make(self, name: str = "worker", **fields: Any) -> Function:
        """Make a function, and the role that it runs as."""
        found = await self.iam.role_by_arn("arn:aws:iam::123456789012:role/worker")
        role = found.arn if found else await make_role(
            self.iam, utc_now, "worker", {"Service": "lambda.amazonaws.com"}, statement(["logs:*"])
        )  # fmt: skip
        given = {"runtime": "python3.12", "handler": "index.handler", "role": role, **fields}
        with TemporaryFile() as archive:
            archive.write(zipped({"index.py": b"def handler(event, context): ..."}))
            return await self.functions.create(name, archive, given, None, {})

    async def found(self, name: str = "worker") -> Function:
        function, _ = await self.functions.get(reference(name, PLACE))
        return function
