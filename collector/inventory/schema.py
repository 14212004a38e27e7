"""The shape of inventory.yaml, as pydantic models: the border where outside data becomes typed.

Scalars arrive as text. Unknown keys are refused; `load` turns pydantic's errors into places with near misses.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from collector.inventory import units
from collector.model import Reference

Kind = Literal["env", "file", "command", "systemd", "keyring", "prompt", "literal"]
PLATFORMS = {
    "cisco_ios": "cisco_ios",
    "ios": "cisco_ios",
    "cisco.ios.ios": "cisco_ios",
    "cisco_xe": "cisco_xe",
    "cisco_iosxe": "cisco_xe",
    "iosxe": "cisco_xe",
    "ios-xe": "cisco_xe",
    "ios_xe": "cisco_xe",
}
_HOST = re.compile(r"(?!-)[A-Za-z0-9._-]{1,253}|\[?[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,32})?\]?")
_NAME = re.compile(r"[^\s/\\\x00-\x1f]{1,200}")


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"0|[1-9]\d{0,9}", value):
        raise ValueError(f"{value!r} is no whole number in plain digits")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"\d{1,9}(?:\.\d+)?", value):
        raise ValueError(f"{value!r} is no number")
    return value


def _truth(value: Any) -> Any:
    if isinstance(value, str):
        if value not in {"true", "false"}:
            raise ValueError(f"{value!r} is neither true nor false")
        return value == "true"
    return value


def _duration(value: Any) -> Any:
    return units.duration(value) if isinstance(value, str) else value


def _list(value: Any) -> Any:
    return [] if value is None else value


def _map(value: Any) -> Any:
    return {} if value is None else value


def _moment(value: Any) -> Any:
    """A day, or a time with its offset: a time without one would mean another hour on another host."""
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date: write 2027-01-31 or 2027-01-31T22:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no offset: write {value}+01:00, or Z for UTC")
    return moment


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Moment = Annotated[date | datetime, BeforeValidator(_moment)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class ReferenceModel(Strict):
    """A secret by reference: exactly one of the keys."""

    env: str | None = None
    file: str | None = None
    command: str | None = None
    systemd: str | None = None
    keyring: str | None = None
    prompt: Truth | None = None

    @model_validator(mode="after")
    def _one(self) -> ReferenceModel:
        if len(self.given) != 1:
            raise ValueError("give exactly one of env, file, command, systemd, keyring, prompt")
        return self

    @property
    def given(self) -> dict[str, Any]:
        """The keys that were set."""
        return {key: value for key, value in self.model_dump().items() if value not in {None, False}}

    def to_reference(self) -> Reference:
        """The noun that travels to the session."""
        kind, value = next(iter(self.given.items()))
        assert kind in get_args(Kind)
        return Reference(kind=cast("Kind", kind), value="" if kind == "prompt" else str(value))


def _no_literal(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - pydantic wants ValueError
            "a secret does not stand here; say where it is: {env: NAME}, {file: PATH} or {command: ...}"
        )
    return value


def _user(value: Any) -> Any:
    return {"literal": value} if isinstance(value, str) else value


class UserModel(ReferenceModel):
    """A user name may stand as it is: it is no secret, and inventories made by other tools have it."""

    literal: str | None = None


Secret = Annotated[ReferenceModel, BeforeValidator(_no_literal)]
User = Annotated[UserModel, BeforeValidator(_user)]


class SshModel(Strict):
    """`ssh:` settings."""

    host_key: Literal["accept-new", "strict"] | None = None
    known_hosts: str | None = None
    profile: Literal["modern", "legacy"] | None = None
    jump: str | None = None
    keys: str | None = None
    config_file: str | None = None

    @field_validator("jump")
    @classmethod
    def _jump(cls, value: str | None) -> str | None:
        user, at, bare = (value or "x").rpartition("@")
        if at and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", user):  # not shown: it may be a password
            raise ValueError("before the @ stands a user of letters, digits, `.`, `_`, `-`: [user@]host[:port]")
        if not _HOST.fullmatch(bare.rpartition(":")[0] if bare.count(":") == 1 else bare):
            raise ValueError(f"{value!r} is neither a host name nor an address")
        return value


class TimeoutModel(Strict):
    """`timeout:` budgets, in seconds or with a unit."""

    connect: Duration | None = None
    command: Duration | None = None
    device: Duration | None = None


class LayerModel(Strict):
    """What a host, a group and the defaults have in common (Nornir's keys)."""

    hostname: str | None = None
    platform: str | None = None
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = None
    username: User | None = None
    password: Secret | None = None
    secret: Secret | None = None
    ssh: Annotated[SshModel, BeforeValidator(_map)] = SshModel()
    timeout: Annotated[TimeoutModel, BeforeValidator(_map)] = TimeoutModel()
    data: Annotated[dict[str, Any], BeforeValidator(_map)] = {}

    @field_validator("platform")
    @classmethod
    def _platform(cls, value: str | None) -> str | None:
        if value is not None and value not in PLATFORMS:
            raise ValueError(f"{value!r} is no platform of ours: cisco_ios or cisco_xe")
        return PLATFORMS[value] if value is not None else None

    @field_validator("hostname")
    @classmethod
    def _hostname(cls, value: str | None) -> str | None:
        if value is not None and not _HOST.fullmatch(value):
            raise ValueError(f"{value!r} is neither a host name nor an address")
        return value.strip("[]") if value else value


class GroupModel(LayerModel):
    """A group; may stand in further groups."""

    groups: Annotated[list[str], BeforeValidator(_list)] = []


class HostModel(GroupModel):
    """A router."""


class DefaultsModel(LayerModel):
    """`defaults:`."""

    logins_per_second: Annotated[Number, Field(gt=0, le=1000)] | None = None


def _sized(value: Any) -> Any:
    return units.size(value) if isinstance(value, str) else value


def _share(value: Any) -> Any:
    return units.fraction(value) if isinstance(value, str) else value


def _per_hour(value: Any) -> Any:
    return units.rate(value, per="h") if isinstance(value, str) else value


def _per_day(value: Any) -> Any:
    return int(units.rate(value, per="day")) if isinstance(value, str) else value


class ThresholdsModel(Strict):
    """`policy.thresholds`: every knob of the decision table."""

    persistent_span: Duration | None = None
    pending_age: Duration | None = None
    active_window: Duration | None = None
    relook_after: Duration | None = None
    recurring_min: Whole | None = None
    recurring_warn: Annotated[int, BeforeValidator(_per_day)] | None = None
    lifetime_tolerance: Annotated[float, BeforeValidator(_share)] | None = None
    scan_same_spi_sources: Whole | None = None
    scan_same_spi_window: Duration | None = None
    scan_sources: Whole | None = None
    counter_noise: Annotated[float, BeforeValidator(_per_hour)] | None = None
    counter_runs: Whole | None = None
    frequent_spis: Annotated[int, BeforeValidator(_per_day)] | None = None
    frequent_peers: Whole | None = None
    failover_window: Duration | None = None
    join_guard: Duration | None = None
    join_max_age: Duration | None = None
    resolved_max_age: Duration | None = None
    dpd_many_peers: Whole | None = None
    full_log_max: Annotated[int, BeforeValidator(_sized)] | None = None
    cpu_guard: Annotated[Whole, Field(ge=1, le=101)] | None = None
    close_runs: Annotated[Whole, Field(ge=1)] | None = None
    retention: Duration | None = None


def _begin(moment: date | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


class MuteModel(Strict):
    """One mute or maintenance window: somebody answers for it, and it ends."""

    rule: str | None = None
    peer: str | None = None
    device: str | None = None
    reason: Annotated[str, Field(min_length=3)]
    owner: Annotated[str, Field(min_length=1)]
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment

    @model_validator(mode="after")
    def _aimed(self) -> MuteModel:
        if not (self.rule or self.peer or self.device):
            raise ValueError("name a rule, a peer or a device; a mute for everything is refused")
        if self.since is not None and _begin(self.since) > _begin(self.until):
            raise ValueError("ends before it begins")
        return self


class PolicyModel(Strict):
    """`policy:`."""

    fail_on: Literal["error", "warning", "note", "never"] = "error"
    thresholds: Annotated[ThresholdsModel, BeforeValidator(_map)] = ThresholdsModel()
    levels: Annotated[dict[str, Literal["error", "warning", "note", "off"]], BeforeValidator(_map)] = {}
    mutes: Annotated[list[MuteModel], BeforeValidator(_list)] = []
    site_rules: str | None = None


class InventoryModel(Strict):
    """The whole file."""

    version: Literal["1"] = "1"
    defaults: Annotated[DefaultsModel, BeforeValidator(_map)] = DefaultsModel()
    groups: Annotated[dict[str, Annotated[GroupModel, BeforeValidator(_map)]], BeforeValidator(_map)] = {}
    hosts: Annotated[dict[str, Annotated[HostModel, BeforeValidator(_map)]], BeforeValidator(_map)] = {}
    policy: Annotated[PolicyModel, BeforeValidator(_map)] = PolicyModel()
    sinks: Annotated[dict[str, dict[str, Any]], BeforeValidator(_map)] = {}
    include: Annotated[list[dict[str, Any]], BeforeValidator(_list)] = []

    @field_validator("hosts", "groups")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not _NAME.fullmatch(name) or name.startswith("-"):
                raise ValueError(f"{name!r} is no usable name: no blanks, slashes or leading dash")
        return value
