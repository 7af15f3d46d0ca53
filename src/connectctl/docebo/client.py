"""Access to one Docebo platform: its paths, its lists, its quirks; the modules beside this one are the areas."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectctl.docebo.endpoints import Paths, cut_base_url
from connectctl.docebo.forms import AwardForm, TrainingForm, award_form, training_form
from connectctl.docebo.parse import Place, envelope, kind, record
from connectctl.docebo.spec import MAX_DROPDOWN_ELEMENTS, MAX_PAGE_SIZE
from connectctl.docebo.token import TokenSource, cache_file, grant_of
from connectctl.errors import DataError, NotFound, Rejected, RemoteRefused, SettingInvalid
from connectctl.http.auth import BearerAuth
from connectctl.http.clock import SystemClock
from connectctl.http.pages import Page, walk
from connectctl.model import Clock

if TYPE_CHECKING:
    from connectctl.config.settings import ConnectionSettings
    from connectctl.http.session import Client, Params

log = logging.getLogger("connectctl.docebo")

T = TypeVar("T")
OnBad = Callable[[str], None]

SMALLEST_PAGE = 25
ZONE_DOUBT = timedelta(days=1)  # the platform may read `updated_from` in a zone of its own

_WITHOUT = (("cursor",), ("cursor", "assumed"))  # what is left out when a list refuses its first page

_GONE_WORDS = ("not found", "does not exist", "doesn't exist", "not exist", "no such", "unknown")


class FilterIgnored(Exception):
    """A list shows rows that `updated_from` should have left out: the platform does not know the parameter."""


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """A list to read: the endpoint, its parameters, and how a row becomes a record (None: not one of those wanted).

    `assumed` are parameters that no public document proves; a list that refuses them is read without.
    `strict`: the list decides what is taken away, so an empty answer that may be anything is not taken for "none".
    """

    endpoint: str
    row: Callable[[Mapping[str, Any]], T | None]
    params: Params
    names: Sequence[str] = ()  # keys that stand in for `items`
    assumed: Params = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """The next request of a list; every page has a number of its own, a cursor may stay the same."""

    number: int
    size: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The good rows of one page; `pages` is how many pages there are, as far as the first answers tell."""

    rows: Sequence[T]
    pages: int


class Docebo:
    """One platform. Safe for many threads; fields are written one request at a time (docebo.md 4.4)."""

    def __init__(
        self,
        http: Client,
        *,
        paths: Paths | None = None,
        account: str = "docebo",
        zone: tzinfo | None = None,
        page_size: int = MAX_PAGE_SIZE,
        threads: int = 4,
        field_value: str = "auto",
        max_dropdown_elements: int = MAX_DROPDOWN_ELEMENTS,
        language: str = "english",
        token_http: Client | None = None,
        award_form: AwardForm | None = None,
        training_form: TrainingForm | None = None,
    ) -> None:
        self.http = http
        self.paths = paths or Paths()
        self.account = account
        self.zone: tzinfo = zone or ZoneInfo("UTC")
        self.page_size = page_size
        self.threads = threads
        self.field_value = field_value
        self.max_dropdown_elements = max_dropdown_elements
        self.language = language
        self.award_form = award_form or AwardForm()
        self.training_form = training_form or TrainingForm()
        self.writing = threading.Lock()
        self.refused: dict[str, tuple[str, ...]] = {}  # by endpoint: which extras of a list request it refuses
        self._token_http = token_http

    @property
    def calls(self) -> int:
        """Requests sent so far, for tokens too."""
        return self.http.calls + self.sign_ins

    @property
    def sign_ins(self) -> int:
        """How many of them were for tokens."""
        return self._token_http.calls if self._token_http else 0

    def close(self) -> None:
        self.http.close()
        if self._token_http:
            self._token_http.close()

    def place(self, method: str, endpoint: str, id: str | None = None) -> Place:
        """The request, as messages name it."""
        return Place(method, self.paths.path(endpoint, id), self.http.name)

    def one(self, endpoint: str, id: str | None = None, *, inner: Sequence[str] = ()) -> dict[str, Any]:
        """One object by GET."""
        place = self.place("GET", endpoint, id)
        return record(self.http.get(place.path), place, *inner)

    def stamp(self, moment: datetime) -> str:
        """A moment as Docebo's filters want it: `YYYY-MM-DD HH:MM:SS` in the platform's zone."""
        if moment.tzinfo is None:
            raise ValueError("a moment without a zone")
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def pages(self, *sources: Source[T], on_bad: OnBad | None = None) -> Iterator[Rows[T]]:
        """The pages of the first of the lists that exists (a 404 for its first page: the next is tried).

        A malformed row goes to `on_bad` with its place and what is wrong, the others go on. Raises BadAnswer for a
        malformed page, whose rows cannot be known to be complete.
        """
        missing: NotFound | None = None
        for source in sources:
            place = self.place("GET", source.endpoint)
            first = _Step(1, self.page_size)
            read = partial(self._page, source, place)
            listing = walk(read, first, where=f"GET {place.path}", connection=self.http.name)
            try:
                page = next(listing, None)
            except NotFound as error:
                missing = missing or error
                continue
            number = 0
            while page is not None:
                number += 1
                pages = page.pages or (number + 1 if page.next is not None else number)
                yield Rows(self._rows(source, page.items, place, number, on_bad), pages)
                page = next(listing, None)
            return
        if missing is not None:
            raise missing

    def walk(self, *sources: Source[T], on_bad: OnBad | None = None) -> Iterator[T]:
        """The rows of `pages`."""
        for page in self.pages(*sources, on_bad=on_bad):
            yield from page.rows

    def _page(self, source: Source[T], place: Place, step: _Step) -> Page:
        try:
            answer = self._ask(source, place, step)
        except Rejected as error:
            if not _page_too_large(error) or step.size <= SMALLEST_PAGE or step.size % 2:
                raise
            self.page_size = step.size // 2
            return self._page(source, place, _Step(2 * step.number - 1, step.size // 2))  # the same row is its first
        listing = envelope(answer, place, step.number, source.names)
        if source.strict and listing.bare and not listing.items:
            raise place.bad("an empty list without data.items")
        # A full page of a list that does not say whether it ends is not taken for the whole.
        more = listing.more or (not listing.told and len(listing.items) >= step.size)
        following = _Step(step.number + 1, step.size, listing.cursor or step.cursor) if more else None
        return Page(listing.items, following, listing.pages)

    def _ask(self, source: Source[T], place: Place, step: _Step) -> Any:
        """One page; a first page that is refused is asked for again without what the list may not know."""
        known = self.refused.get(source.endpoint, ())
        extras = {
            # The cursor keeps the result the same while data changes between the pages (docebo.md 2.4).
            "cursor": {"cursor": step.cursor} if step.cursor else {"get_cursor": 1},
            "assumed": dict(source.assumed),
        }
        ways = [known]
        if step.number == 1:
            ways += [way for way in _WITHOUT if set(way) > set(known) and ("assumed" not in way or source.assumed)]
        refusal: Rejected | None = None
        for way in ways:
            paging: dict[str, Any] = {"page": step.number, "page_size": step.size}
            for name, values in extras.items():
                paging |= {} if name in way else values
            try:
                answer = self.http.get(place.path, {**source.params, **paging})
            except Rejected as error:
                if error.status not in (400, 422) or _page_too_large(error):
                    raise
                refusal = refusal or error
                continue
            self.refused[source.endpoint] = way
            return answer
        raise refusal or place.bad("no way to ask for it")

    def _rows(self, source: Source[T], items: Sequence[Any], place: Place, page: int, on_bad: OnBad | None) -> list[T]:
        rows = []
        for number, item in enumerate(items, 1):
            try:
                if not isinstance(item, dict):
                    raise DataError(f"it is {kind(item)}, not an object")
                row = source.row(item)
            except DataError as error:
                (on_bad or _log_bad)(f"Docebo GET {place.path}, page {page}, row {number}: {error.message}")
                continue
            if row is not None:
                rows.append(row)
        return rows


def _log_bad(description: str) -> None:
    log.warning("%s", description)


def says_missing(error: RemoteRefused) -> bool:
    """Whether a refusal means that there is no such thing; older platforms say 400 for that (docebo.md 3.2)."""
    if isinstance(error, NotFound):
        return True
    return error.status in (200, 400) and any(word in error.detail.lower() for word in _GONE_WORDS)


def _page_too_large(error: Rejected) -> bool:
    words = error.detail.lower().replace(" ", "_")
    return error.status == 413 or (error.status == 400 and ("page_size" in words or "pagesize" in words))


def make_client(settings: ConnectionSettings, clock: Clock | None = None) -> Docebo:
    """The client of a configured connection; nothing is sent yet. Raises ConfigError for what is missing or wrong."""
    from connectctl.http.session import Client

    clock = clock or SystemClock()
    base_url = cut_base_url(settings.require("base_url"))
    paths = Paths(settings.paths)
    grant = grant_of(settings, base_url)
    token_http = Client(
        settings.kind,
        base_url,
        limits=settings.limits,
        threads=1,
        timeout=settings.timeout,
        clock=clock,
    )
    cache = cache_file(settings.data_dir, settings.account)
    tokens = TokenSource(token_http, paths.path("token"), grant, clock, cache)
    http = Client(
        settings.kind,
        base_url,
        auth=BearerAuth(tokens.fetch, clock),
        threads=settings.threads,
        timeout=settings.timeout,
        clock=clock,
        limiter=token_http.limiter,  # sign-ins count, too
    )
    return Docebo(
        http,
        paths=paths,
        account=settings.account,
        zone=_zone(settings),
        page_size=int(settings.get("page_size") or MAX_PAGE_SIZE),
        threads=settings.threads,
        field_value=settings.get("field_value") or "auto",
        max_dropdown_elements=int(settings.get("max_dropdown_elements") or MAX_DROPDOWN_ELEMENTS),
        language=settings.get("language") or "english",
        token_http=token_http,
        award_form=award_form(settings),
        training_form=training_form(settings),
    )


def whoami(docebo: Docebo) -> str:
    """Who we are on the platform: the cheapest authenticated call (docebo.md 3.5)."""
    caller = docebo.one("whoami", inner=("user_data",))
    name = next((str(caller[key]) for key in ("username", "userid", "email", "id", "user_id") if caller.get(key)), "?")
    level = caller.get("user_level") or caller.get("level")
    return name + (f" ({level})" if isinstance(level, str | int) else "")


def _zone(settings: ConnectionSettings) -> tzinfo:
    name = settings.get("timezone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingInvalid(
            f"timezone of the connection {settings.kind} is not a known time zone: {name[:60]!r}.",
            hint=f"connectctl connection set {settings.kind} timezone",
        ) from None
