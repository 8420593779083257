"""SNS, wired: topics, the channels that bring their messages, and the links in those."""

import contextlib
from pathlib import Path

from penstock.clock import Clock
from penstock.config import Config
from penstock.services.logs import Logs
from penstock.services.sns import Sns
from penstock.services.sns.attempt import Channel
from penstock.services.sns.deliveries import Deliveries
from penstock.services.sns.http_channel import HttpChannel
from penstock.services.sns.links import Links
from penstock.services.sns.signing import Signer
from penstock.services.sns.smtp_channel import SmtpChannel, relay
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher


class Notifications:
    """SNS of one server; make it, `start`, `close`. `keys` is the directory of its signing key."""

    def __init__(
        self,
        config: Config,
        keys: Path,
        database: Database,
        logs: Logs,
        clock: Clock,
        cipher: Cipher,
    ) -> None:
        self.sns = Sns(
            database,
            clock,
            config.account_id,
            config.region,
            sends_mail=config.smtp_url is not None,
            cipher=cipher,
        )
        signer = Signer(keys, clock)
        self._http = HttpChannel(signer, config.link_url, config.port)
        self._mail = _mail_channel(config, signer)
        channels: dict[str, Channel] = {"http": self._http, "https": self._http}
        if self._mail is not None:
            channels |= {"email": self._mail, "email-json": self._mail}
        self._deliveries = Deliveries(database, self.sns, logs, clock, channels)
        self.links = Links(self.sns, signer)

    async def start(self) -> None:
        """Bring what was accepted."""
        await self._deliveries.start()

    async def close(self) -> None:
        """Stop; what is under way is brought again after the next `start`."""
        async with contextlib.AsyncExitStack() as ending:
            if self._mail is not None:
                ending.callback(self._mail.close)
            ending.push_async_callback(self._http.close)
            ending.push_async_callback(self._deliveries.close)


def _mail_channel(config: Config, signer: Signer) -> SmtpChannel | None:
    if config.smtp_url is None:
        return None
    through = relay(config.smtp_url, config.smtp_from, config.smtp_password)
    return SmtpChannel(through, signer, config.link_url)
