"""Mail: one message for each act, threaded by the finding's key (In-Reply-To), so that a tracker's gateway can join."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage

from collector.errors import InventoryError
from collector.history.tickets import Act, Step
from collector.sinks.delivery import DeliveryError, Request, Settings, body, key_of, reference, summary


@dataclass(frozen=True, slots=True)
class EmailSink:
    """host, port (25), from, to; auth: {user, password}; starttls: true."""

    settings: Settings

    def requests(self, step: Step) -> tuple[Request, ...]:
        """The message as it will leave."""
        where = f"smtp://{self.settings.text('host')}:{self._port()}"
        return (Request(method="SMTP", url=where, body=self.message(step).as_string(), purpose=step.act.value),)

    def deliver(self, step: Step) -> str | None:
        """Hand it to the server. Raises DeliveryError."""
        message = self.message(step)
        try:
            with smtplib.SMTP(self.settings.text("host"), self._port(), timeout=20) as server:
                if self.settings.options.get("starttls") == "true":
                    server.starttls()
                auth = self.settings.options.get("auth")
                if isinstance(auth, dict):
                    place = f"sinks.{self.settings.name}.auth"
                    password = self.settings.secrets.resolve(reference(auth.get("password"), place), place)
                    server.login(str(auth.get("user")), password.reveal())
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"{self.settings.text('host')}: {type(error).__name__}") from None
        return key_of(step.finding)

    def message(self, step: Step) -> EmailMessage:
        """The message; header values are set through the library, which refuses line breaks."""
        message = EmailMessage()
        message["From"] = self._address("from")
        message["To"] = self._address("to")
        message["Subject"] = ("Re: " if step.act is not Act.CREATE else "") + summary(step)
        key = f"<{key_of(step.finding)}@spi-collector.invalid>"
        if step.act is Act.CREATE:
            message["Message-ID"] = key
        else:
            message["In-Reply-To"] = key
            message["References"] = key
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body(step, self.settings.bodies))
        return message

    def _address(self, key: str) -> MailAddress:
        text = self.settings.text(key)
        try:
            return MailAddress(addr_spec=text)
        except (ValueError, IndexError):
            raise InventoryError("is no mail address", place=f"sinks.{self.settings.name}.{key}") from None

    def _port(self) -> int:
        port = str(self.settings.options.get("port", "25"))
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise InventoryError("is no port", place=f"sinks.{self.settings.name}.port")
        return int(port)
