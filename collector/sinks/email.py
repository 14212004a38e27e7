"""Mail: one message for each act, threaded by the finding's key (In-Reply-To), so that a tracker's gateway can join."""

from __future__ import annotations

import smtplib
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from collector.errors import InventoryError
from collector.history.tickets import Act, Step
from collector.session.secrets import Secret
from collector.sinks.delivery import DeliveryError, Request, Settings, body, key_of, mark_of, reference, summary
from collector.sinks.transport import WHOLE_SECONDS, cut, within

SECONDS = 20


class _Server(smtplib.SMTP):
    """A connection that is known to its watch before it greets."""

    def __init__(self, host: str, port: int, watched: list[smtplib.SMTP]) -> None:
        self.sock = None
        watched.append(self)
        super().__init__(host, port, timeout=SECONDS)


@dataclass(frozen=True, slots=True)
class EmailSink:
    """host, port (25), from, to; starttls: true, ca_file; auth: {user, password}, over TLS only."""

    settings: Settings

    def requests(self, step: Step) -> tuple[Request, ...]:
        """The message as it will leave."""
        where = f"smtp://{self.settings.text('host')}:{self._port()}"
        return (Request(method="SMTP", url=where, body=self.message(step).as_string(), purpose=step.act.value),)

    def deliver(self, step: Step) -> str | None:
        """Hand it to the server. Raises DeliveryError."""
        message = self.message(step)
        message["Date"] = format_datetime(datetime.now(UTC))  # noqa: TID251 - the time of sending
        host, tls, login = self.settings.text("host"), self._tls(), self._login()
        watched: list[smtplib.SMTP] = []
        late = threading.Event()

        def end() -> None:
            late.set()
            for server in watched:
                cut(server.sock)

        try:
            with within(WHOLE_SECONDS, end), _Server(host, self._port(), watched) as server:
                if tls is not None:
                    server.starttls(context=tls)
                if login is not None:
                    server.login(login[0], login[1].reveal())
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise DeliveryError(
                f"{host} refuses the recipient ({', '.join(map(str, sorted(codes)))})", final=min(codes) >= 500
            ) from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"{host} answers {error.smtp_code} ({type(error).__name__})", stop=True) from None
        except (OSError, smtplib.SMTPException) as error:
            what = f"took longer than {WHOLE_SECONDS:g} s" if late.is_set() else type(error).__name__
            raise DeliveryError(f"{host}: {what}", stop=True) from None
        return key_of(step.finding)

    def _tls(self) -> ssl.SSLContext | None:
        """The server's certificate is verified, by `ca_file` where given."""
        wanted = self.settings.options.get("starttls", "false")
        if wanted not in {"true", "false"}:
            raise InventoryError("is neither true nor false", place=f"sinks.{self.settings.name}.starttls")
        if wanted == "false":
            return None
        authority = self.settings.options.get("ca_file")
        try:
            return ssl.create_default_context(cafile=str(Path(str(authority)).expanduser()) if authority else None)
        except OSError as error:
            raise InventoryError(f"cannot be used: {error}", place=f"sinks.{self.settings.name}.ca_file") from None

    def _login(self) -> tuple[str, Secret] | None:
        auth = self.settings.options.get("auth")
        place = f"sinks.{self.settings.name}.auth"
        if auth is None:
            return None
        if not isinstance(auth, dict) or not isinstance(auth.get("user"), str):
            raise InventoryError("wants {user: NAME, password: {env: NAME}}", place=place)
        if self.settings.options.get("starttls") != "true":
            raise InventoryError("a password goes over TLS only: set `starttls: true`", place=place)
        return auth["user"], self.settings.secrets.resolve(reference(auth.get("password"), place), place)

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
            message["Message-ID"] = f"<{mark_of(step)}@spi-collector.invalid>"
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
