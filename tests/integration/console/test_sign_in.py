"""Signing in proves who somebody is, and nothing that only looks like it does."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from deploy.local import provider
from deploy.local.provider import Asked, DevelopmentProvider, NotHereError
from deploy.local.stack import Stack
from services.console.app import build
from shared.clock import MovableClock
from shared.settings import Settings
from tests.stack import settings_of
from tests.support.console import ADDRESS, Browser

if TYPE_CHECKING:
    from services.console.site import Console

START = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)


async def people() -> Mapping[str, Any]:
    """The program of a campus of two."""
    roles = [{"name": "triager", "campus": "NORTH"}]
    staff = [{"staff_id": each, "name": each.title(), "roles": roles} for each in ("uma", "bea")]
    return {"campuses": [{"campus": "NORTH", "name": "North"}], "staff": staff}


class Place:
    """A console with a provider, and browsers before it."""

    def __init__(self, settings: Settings) -> None:
        self.clock = MovableClock(START)
        self.service = build(settings, self.clock)
        self.console: Console = self.service.api.state.console
        self.sign_in = provider.build(settings, self.clock, people)
        self.console.provider.transport = httpx.ASGITransport(app=self.sign_in)

    def browser(self) -> Browser:
        """Open a browser with no cookies."""
        return Browser(self.service.api, self.sign_in)

    @property
    def hostile(self) -> DevelopmentProvider:
        """The provider, to be made to say something else."""
        return self.sign_in.routes[0].endpoint.__self__  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(scope="module")
def own(stack: Stack, own_databases: str) -> Settings:
    """Settings on this module's own databases; nothing here goes near Kafka."""
    return settings_of(stack, own_databases, "none.")


@pytest.fixture
async def place(own: Settings) -> AsyncIterator[Place]:
    made = Place(own)
    yield made
    assert made.service.close is not None
    await made.service.close()


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/me")).status_code == httpx.codes.OK


async def test_a_session_is_a_cookie_that_no_script_and_no_other_site_gets(place: Place) -> None:
    browser = place.browser()
    answer = await browser.sign_in("uma", back="/me")
    assert answer.headers["location"] == "/me"
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("caselight="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = await browser.get("/me")
    assert "Uma" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_over_https_the_cookie_belongs_to_this_host_alone(own: Settings) -> None:
    place = Place(own.model_copy(update={"console_url": "https://console.example.edu"}))
    browser = place.browser()
    browser.client.base_url = httpx.URL("https://console.example.edu")
    answer = await browser.sign_in("uma")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-caselight="))
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    await place.service.close()  # type: ignore[misc]


async def test_a_session_that_somebody_planted_is_not_the_one_a_sign_in_begins(place: Place) -> None:
    attacker, victim = place.browser(), place.browser()
    await attacker.sign_in("bea")
    planted = attacker.client.cookies["caselight"]
    victim.client.cookies.set("caselight", planted, domain="console.test")
    await victim.sign_in("uma")
    begun = next(each.value for each in victim.client.cookies.jar if each.name == "caselight" and each.value != planted)
    assert begun
    assert not await is_signed_in(attacker)


@pytest.mark.parametrize(
    "back",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\thttps://evil.example",
     "/%0d%0aSet-Cookie:x", "evil", "https:evil.example", "///evil.example", "/a\\..\\b", "/" + "x" * 3000],
)  # fmt: skip
async def test_a_sign_in_leads_to_a_page_of_ours_and_nowhere_else(place: Place, back: str) -> None:
    browser = place.browser()
    asked = await browser.get(f"/sign-in?{urlencode({'back': back})}")
    answer = await browser.get(await browser.pick(asked.headers["location"], "uma"))
    location = answer.headers["location"]
    assert location == "/" or (location.startswith("/%0d") and "\n" not in location)


async def test_the_way_back_works_once_and_in_the_browser_that_began(place: Place) -> None:
    browser, other = place.browser(), place.browser()
    asked = await browser.get("/sign-in")
    back = await browser.pick(asked.headers["location"], "uma")
    assert (await other.get(back)).status_code == httpx.codes.BAD_REQUEST
    assert (await browser.get(back)).status_code == httpx.codes.SEE_OTHER
    assert (await browser.get(back)).status_code == httpx.codes.BAD_REQUEST


async def test_a_way_back_that_took_too_long_is_over(place: Place) -> None:
    browser = place.browser()
    asked = await browser.get("/sign-in")
    back = await browser.pick(asked.headers["location"], "uma")
    place.clock.move(timedelta(minutes=16))
    assert (await browser.get(back)).status_code == httpx.codes.BAD_REQUEST


async def test_another_state_is_refused(place: Place) -> None:
    browser = place.browser()
    asked = await browser.get("/sign-in")
    back = httpx.URL(await browser.pick(asked.headers["location"], "uma")).copy_set_param("state", "made-up")
    assert (await browser.get(str(back))).status_code == httpx.codes.BAD_REQUEST


async def test_a_code_of_another_provider_is_not_sent_to_ours(place: Place) -> None:
    browser = place.browser()
    asked = await browser.get("/sign-in")
    back = httpx.URL(await browser.pick(asked.headers["location"], "uma")).copy_set_param("iss", "http://other.test")
    assert (await browser.get(str(back))).status_code == httpx.codes.BAD_REQUEST


Forge = Callable[[DevelopmentProvider, Asked], str]


def signed(**changes: object) -> Forge:
    """Make a token of the provider with some claims otherwise; None leaves one out."""

    def forge(made: DevelopmentProvider, asked: Asked) -> str:
        good = jwt.decode(DevelopmentProvider.id_token(made, asked), made.key, algorithms=["ES256"]).claims
        claims = {name: value for name, value in (good | changes).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": made.key.kid}, claims, made.key, algorithms=["ES256"])

    return forge


def with_the_secret(made: DevelopmentProvider, asked: Asked) -> str:
    """Sign with what client and provider share, as if that were a key."""
    claims = jwt.decode(DevelopmentProvider.id_token(made, asked), made.key, algorithms=["ES256"]).claims
    key = OctKey.import_key(made.client_secret.ljust(32, "x"))
    return jwt.encode({"alg": "HS256", "kid": made.key.kid}, claims, key, algorithms=["HS256"])


def unsigned(made: DevelopmentProvider, asked: Asked) -> str:
    """Leave the signature out."""
    _, claims, _ = DevelopmentProvider.id_token(made, asked).split(".")
    return f"eyJhbGciOiJub25lIn0.{claims}."


def by_a_stranger(made: DevelopmentProvider, asked: Asked) -> str:
    """Sign with a key that nobody published."""
    claims = jwt.decode(DevelopmentProvider.id_token(made, asked), made.key, algorithms=["ES256"]).claims
    key = ECKey.generate_key("P-256", {"kid": "stranger"})
    return jwt.encode({"alg": "ES256", "kid": "stranger"}, claims, key, algorithms=["ES256"])


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(signed(nonce="another"), id="nonce"),
        pytest.param(signed(nonce=None), id="no nonce"),
        pytest.param(signed(aud="another-client"), id="audience"),
        pytest.param(signed(aud=["caselight-console", "other"]), id="two audiences, not authorized"),
        pytest.param(signed(iss="http://other.test"), id="issuer"),
        pytest.param(signed(exp=int(START.timestamp()) - 60), id="expired"),
        pytest.param(signed(sub=None), id="no subject"),
        pytest.param(signed(sub="service:console"), id="a service"),
        pytest.param(signed(sub="../uma"), id="no subject of ours"),
        pytest.param(with_the_secret, id="algorithm"),
        pytest.param(unsigned, id="no algorithm"),
        pytest.param(by_a_stranger, id="key"),
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_begins_no_session(
    place: Place, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = place.hostile
    monkeypatch.setattr(hostile, "id_token", lambda asked: forge(hostile, asked))
    browser = place.browser()
    answer = await browser.sign_in("uma")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert not await is_signed_in(browser)


async def test_a_session_ends_when_it_was_left_alone_and_after_its_longest_time(place: Place) -> None:
    browser = place.browser()
    await browser.sign_in("uma")
    for _ in range(25):
        place.clock.move(timedelta(minutes=29))
        if not await is_signed_in(browser):
            break
    assert place.clock.now() - START > timedelta(hours=12)

    await browser.sign_in("uma")
    place.clock.move(timedelta(minutes=31))
    assert not await is_signed_in(browser)


async def test_a_page_that_looks_after_itself_keeps_no_session_alive(place: Place) -> None:
    browser = place.browser()
    await browser.sign_in("uma")
    for _ in range(4):
        place.clock.move(timedelta(minutes=10))
        await browser.get("/me", headers={"X-Caselight-Live": "1"})
    assert not await is_signed_in(browser)


async def test_signing_out_ends_the_session_wherever_its_cookie_went(place: Place) -> None:
    browser, copy = place.browser(), place.browser()
    await browser.sign_in("uma")
    copy.client.cookies.set("caselight", browser.client.cookies["caselight"], domain="console.test")
    assert await is_signed_in(copy)
    assert (await browser.send("/me", "/sign-out")).headers["location"] == "/signed-out"
    assert not await is_signed_in(copy)


async def test_a_form_from_elsewhere_is_refused(place: Place) -> None:
    uma, bea = place.browser(), place.browser()
    await uma.sign_in("uma")
    await bea.sign_in("bea")
    of_bea = await bea.send("/me", "/me/keys", {"keys": "off"})
    assert of_bea.status_code == httpx.codes.SEE_OTHER
    token = of_bea.request.content.decode().split("csrf=")[1].split("&")[0]

    assert (await uma.client.post("/me/keys", data={"keys": "off"})).status_code == httpx.codes.FORBIDDEN
    stolen = await uma.client.post("/me/keys", data={"keys": "off", "csrf": token})
    assert stolen.status_code == httpx.codes.FORBIDDEN
    cross = await uma.send("/me", "/me/keys", {"keys": "off"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == httpx.codes.FORBIDDEN
    assert "Switch keys off" in (await uma.get("/me")).text


async def test_text_typed_while_the_session_ended_is_kept_for_its_writer_alone(place: Place, own: Settings) -> None:
    uma, bea = place.browser(), place.browser()
    await uma.sign_in("uma")
    page = (await uma.get("/me")).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    place.clock.move(timedelta(hours=1))
    typed = "She told me about the roof, and that her brother does not know. I promised to call at six."

    ended = await uma.client.post("/me/keys", data={"csrf": csrf, "form_key": "k", "note": typed, "keys": "off"})
    assert ended.status_code == httpx.codes.UNAUTHORIZED
    assert "What you typed is kept" in ended.text
    back = ended.text.split('href="/sign-in?back=')[1].split('"')[0]

    await bea.sign_in("bea")
    assert (await bea.get(back)).status_code == httpx.codes.NOT_FOUND
    answer = await uma.sign_in("uma", back=back)
    kept = await uma.get(answer.headers["location"])
    assert typed in kept.text
    sent = await uma.send(answer.headers["location"], "/me/keys", {"note": typed, "keys": "off"})
    assert sent.status_code == httpx.codes.SEE_OTHER
    async with place.console.database.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT set_config('caselight.actor', 'service:console', false)")
        rows = await connection.exec_driver_sql("SELECT * FROM drafts")
        assert typed.encode() not in repr(rows.all()).encode()


async def test_a_form_of_nobody_leaves_nothing_behind(place: Place) -> None:
    ended = await place.browser().client.post("/me/keys", data={"note": "x"})
    assert ended.status_code == httpx.codes.UNAUTHORIZED
    assert "What you typed is kept" not in ended.text


async def test_saved_filters_show_to_whoever_saved_them(place: Place) -> None:
    uma, bea = place.browser(), place.browser()
    await uma.sign_in("uma")
    await bea.sign_in("bea")
    saved = await uma.send("/me", "/filters", {"path": "/pages", "query": "state=ended", "name": "Over and done"})
    assert saved.headers["location"] == "/pages?state=ended"
    assert "Over and done" in (await uma.get("/me")).text
    assert "Over and done" not in (await bea.get("/me")).text


async def test_the_provider_of_development_does_not_start_in_production(own: Settings) -> None:
    with pytest.raises(NotHereError):
        provider.build(own.model_copy(update={"environment": "production"}), MovableClock(START), people)


async def test_nothing_that_was_asked_or_typed_reaches_the_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    browser = place.browser()
    await browser.sign_in("uma", back="/me?note=Brightwater")
    await browser.get("/me?note=Brightwater")
    await browser.send("/me", "/me/keys", {"keys": "off", "note": "Brightwater"})
    ours = [record for record in caplog.records if record.name.startswith("caselight")]
    assert ours
    assert "Brightwater" not in "".join(f"{record.getMessage()} {record.__dict__}" for record in ours)
    assert ADDRESS not in "".join(str(record.__dict__) for record in ours)
