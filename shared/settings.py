"""Everything that may differ between two installations, read from `CASELIGHT_*` once, at start."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url

# The services that own data and take part in the stream of events; the console is the staff's window on them.
OWNERS = ("program", "intake", "cases", "notifications", "analytics")
SERVICES = (*OWNERS, "console")
DatabaseRole = Literal["migrator", "api", "worker"]

_FIRST_PORT = 8101


class Settings(BaseSettings):
    """Settings of one process. Unset ones suit the local stack; secrets have no default outside development."""

    model_config = SettingsConfigDict(env_prefix="CASELIGHT_", extra="ignore", frozen=True)

    environment: Literal["development", "test", "production"] = "development"

    postgres_url: str = Field(default="", description="postgresql://user:password@host:port/postgres")
    database_prefix: str = "caselight_"
    database_password: str = Field(default="caselight", description="password of the roles <service>_api and the like")

    kafka_bootstrap: str = ""
    topic_prefix: str = "caselight."
    partitions: int = 12
    kafka_session_timeout_ms: int = 2000
    kafka_heartbeat_ms: int = 300
    kafka_compression: Literal["lz4"] | None = None
    batch_size: int = 500

    redis_url: str = ""

    state: Path = Path(".local")
    feeds: Path | None = Field(default=None, description="folder with a folder for each feed of files; unset: in state")
    signing_key: Path | None = Field(default=None, description="PEM private key the console mints tokens with")
    verify_keys: Path | None = Field(default=None, description="JWK set that tokens are verified against")
    issuer: str = "https://caselight.local"
    master_key: Path | None = Field(default=None, description="file with 32 bytes in base64 that wraps campus keys")
    administrators: str = Field(default="", description="subject ids that may change the program before it has staff")

    smtp_url: str = "smtp://127.0.0.1:2525"
    mail_from: str = "caselight@localhost"
    public_url: str = Field(default="", description="address people reach notifications at; empty: its local port")
    console_url: str = Field(default="", description="address of the staff console; empty: messages link to none")
    program_url: str = ""
    intake_url: str = ""
    cases_url: str = ""
    notifications_url: str = ""
    analytics_url: str = ""

    referrers_url: str = Field(default="", description="address the public form is reached at; empty: intake's own")

    oidc_issuer: str = Field(default="", description="address of the provider that people sign in with")
    oidc_client_id: str = "caselight-console"
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scope: str = "openid profile"
    oidc_algorithms: str = Field(default="RS256 PS256 ES256 EdDSA Ed25519", description="signatures taken of id tokens")
    session_idle_minutes: float = 30.0
    session_hours: float = Field(default=12.0, description="how long a sign-in lasts at most")

    log_level: str = "INFO"
    crash_at: str = Field(default="", description="name of a crash point to die at; tests only")

    def port(self, service: str) -> int:
        """Return the port a service listens on when its own variable does not say otherwise."""
        return _FIRST_PORT + SERVICES.index(service)

    def url(self, service: str) -> str:
        """Return the address at which the console reaches a service, or (of the console) at which people reach it."""
        return (getattr(self, f"{service}_url") or f"http://127.0.0.1:{self.port(service)}").rstrip("/")

    @property
    def referrers_at(self) -> str:
        """Return the address at which people without a sign-in reach the public form and their own page."""
        return (self.referrers_url or self.url("intake")).rstrip("/")

    def database_url(self, service: str, role: DatabaseRole) -> URL:
        """Return where `service` keeps its rows, signed in as one of its roles."""
        return make_url(self.postgres_url).set(
            drivername="postgresql+asyncpg",
            username=f"{service}_{role}",
            password=self.database_password,
            database=f"{self.database_prefix}{service}",
        )

    def topic(self, name: str) -> str:
        """Return the full name of a topic, such as `caselight.referrals`."""
        return f"{self.topic_prefix}{name}"
