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


class Count:
    """Counts records, each partition's in the order of its offsets."""

    def __init__(self, known: Known = Known()) -> None:
        self.events: dict[str, Event] = {}
        self.rejected: dict[Place, str] = {}
        self.duplicates = 0
        self.conflicts = 0
        self.undecided: set[str] = set()
        """Keys with different payloads in different partitions, where nobody says which was committed first."""
        self._known = known
        self._places: dict[str, Place] = {}
        self._admitted: list[tuple[Place, Event]] = []

    def add(self, records: Iterable[Record], rules_at: Callable[[Place], Rules]) -> None:
        known = self._known
        for place, value, headers, timestamp_ms in records:
            rules = rules_at(place)
            event = decode(value, rules)
            code = event if isinstance(event, str) else refusal(event, headers, timestamp_ms, rules)
            code = code or known.kept_out.get(place)
            if code is None:
                self._enter(place, event)
                continue
            self.rejected[place] = code
            if known.admitted:
                widened = decode(value, rules, any_version=True)
                if isinstance(widened, Event) and widened.key in known.admitted:
                    self._admitted.append((place, widened))

    def close(self) -> None:
        """After the last record: what was let in later counts where nothing else is its event."""
        for place, event in self._admitted:
            if event.key not in self.events:
                self._places[event.key] = place
                self.events[event.key] = event
        self._admitted.clear()

    def _enter(self, place: Place, event: Event) -> None:
        first = self.events.get(event.key)
        if first is None:
            self._places[event.key] = place
            self.events[event.key] = event
        elif first == event:
            self.duplicates += 1
        else:
            self.conflicts += 1
            self._decide(place, event)

    def _decide(self, place: Place, event: Event) -> None:
        """Within a partition the first copy wins; between two the one that was committed first."""
        if self._places[event.key][:2] == place[:2]:
            return
        stored = self._known.stored_at.get(event.key)
        if stored == place:
            self._places[event.key] = place
            self.events[event.key] = event
        elif stored is None:
            self.undecided.add(event.key)

    def rejected_by_code(self) -> Counter[str]:
        return Counter(self.rejected.values())
