"""Negotiation: which of two JSON types an Accept header asks for."""

from starlette.datastructures import Headers

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"


def answer_type(headers: Headers) -> str:
    """The one preferred; the newer where both are welcome, or none is named (RFC 9110, 12.5.1)."""
    ranges = _ranges(headers.get("accept", ""))
    # At equal quality the one that is named wins over the one that */* lets in.
    if _preference(PLAIN_JSON, ranges) > _preference(GRAPHQL_JSON, ranges):
        return PLAIN_JSON
    return GRAPHQL_JSON


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
