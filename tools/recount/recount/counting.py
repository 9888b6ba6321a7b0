"""What a topic comes to: every record is a new event, a duplicate, a conflict, or rejected."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from typing import NamedTuple

from .contract import Event, Rules, decode, refusal


class Place(NamedTuple):
    topic: str
    partition: int
    offset: int


class Record(NamedTuple):
    place: Place
    value: bytes | None
    headers: list | None
    timestamp_ms: int


class Known(NamedTuple):
    """What the database alone knows of records: whose hand let some in or kept some out."""

    admitted: Container[str] = ()
    """Keys of events that a redrive or a replay stored."""
    kept_out: Mapping[Place, str] = {}
    """Records that are events, and could not be written or were too old by then; by what they were rejected."""
    stored_at: Mapping[str, Place] = {}
    """Where the stored copy of an event lies, of those that a partition stored."""
    not_stored: Container[Place] = ()
    """Records of another payload than the stored copy of their event has, which may have left by now."""


class Count:
    """Counts records, each partition's in the order of its offsets."""

    def __init__(self, known: Known = Known()) -> None:
        self.events: dict[str, Event] = {}
        self.rejected: dict[Place, str] = {}
        self.records = 0
        self.expired: list[tuple[Place, Event]] = []
        """Events that were too old by then."""
        self.duplicates = 0
        self.conflicts = 0
        self.undecided: set[str] = set()
        """Keys with different payloads, where nobody says which of them is stored."""
        self._known = known
        self._places: dict[str, Place] = {}
        self._copies_elsewhere: dict[str, list[Place]] = {}
        self._admitted: list[Event] = []

    def add(self, records: Iterable[Record], rules_at: Callable[[Place], Rules]) -> None:
        known = self._known
        for place, value, headers, timestamp_ms in records:
            self.records += 1
            rules = rules_at(place)
            event = decode(value, rules)
            code = event if isinstance(event, str) else refusal(event, headers, timestamp_ms, rules)
            code = code or known.kept_out.get(place)
            if code is None:
                self._enter(place, event)
                continue
            self.rejected[place] = code
            if code == "expired" and isinstance(event, Event):
                self.expired.append((place, event))
            if known.admitted:
                widened = decode(value, rules, any_version=True)
                if isinstance(widened, Event) and widened.key in known.admitted:
                    self._admitted.append(widened)

    def close(self) -> None:
        """After the last record: what a redrive or a replay stored is the event, and the partitions' own are copies."""
        let_in: dict[str, set[Event]] = {}
        for event in self._admitted:
            let_in.setdefault(event.key, set()).add(event)
        for key, payloads in let_in.items():
            own = self.events.get(key)
            self.events[key] = event = min(payloads)
            if own is not None:
                self.duplicates += own == event
                self.conflicts += own != event
            if len(payloads) > 1:
                self.undecided.add(key)
            else:
                self.undecided.discard(key)
        self._admitted.clear()

    def _enter(self, place: Place, event: Event) -> None:
        first = self.events.get(event.key)
        if first is None:
            self._places[event.key] = place
            self.events[event.key] = event
        elif first == event:
            self.duplicates += 1
            if self._places[event.key][:2] != place[:2]:
                self._copies_elsewhere.setdefault(event.key, []).append(place)
        else:
            self.conflicts += 1
            self._decide(place, event)

    def _decide(self, place: Place, event: Event) -> None:
        """Within a partition the first copy wins; between two the one that was committed first."""
        if self._places[event.key][:2] == place[:2]:
            return
        stored = self._known.stored_at.get(event.key)
        refused = self._known.not_stored
        if stored is None and (self._places[event.key] in refused) != (place in refused):
            stored = self._places[event.key] if place in refused else place
        if stored == place:
            self._places[event.key] = place
            self._copies_elsewhere.pop(event.key, None)
            self.events[event.key] = event
        elif stored is None:
            self.undecided.add(event.key)

    def places(self, key: str) -> list[Place]:
        """Where its stored copy can lie: of equal ones in several partitions any may have been the first."""
        first = self._places.get(key)
        return [] if first is None else [first, *self._copies_elsewhere.get(key, ())]

    def rejected_by_code(self) -> Counter[str]:
        return Counter(self.rejected.values())
