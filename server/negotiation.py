"""Negotiation: which type an Accept header asks for: one of two of JSON, or a stream of events."""

from starlette.datastructures import Headers

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
EVENT_STREAM = "text/event-stream"


def answer_type(headers: Headers) -> str:
    """The one preferred; the newer where both are welcome, or none is named (RFC 9110, 12.5.1)."""
    ranges = _ranges(headers.get("accept", ""))
    # At equal quality the one that is named wins over the one that */* lets in.
    if _preference(PLAIN_JSON, ranges) > _preference(GRAPHQL_JSON, ranges):
        return PLAIN_JSON
    return GRAPHQL_JSON


def prefers_events(headers: Headers) -> bool:
    """Whether a stream of events is asked for by its name, and JSON is not or less."""
    ranges = _ranges(headers.get("accept", ""))
    json = max(_preference(name, ranges) for name in (PLAIN_JSON, GRAPHQL_JSON))
    return (ranges.get(EVENT_STREAM, 0.0), 2) > json and accepts_events(headers)


def accepts_events(headers: Headers) -> bool:
    """Whether it is named at all: */* comes from clients that would wait for its end."""
    return _ranges(headers.get("accept", "")).get(EVENT_STREAM, 0.0) > 0


def _ranges(accept: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        found[name] = quality
    return found


def _preference(media_type: str, ranges: dict[str, float]) -> tuple[float, int]:
    for specificity, name in ((2, media_type), (1, "application/*"), (0, "*/*")):
        if ranges.get(name):
            return ranges[name], specificity
    return 0.0, 0
