"""Job listing: the workspace's jobs, chosen by their kinds."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from schema.connections import Listed
from schema.enums import JobKind
from schema.fields import NEEDS, Needs
from schema.inputs.conditions import Budget, words
from schema.listing import LISTING, ListField
from schema.paging import argument, forward_arguments
from schema.types.job import ALL
from store import filters


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The argument kind, as a filter."""

    kinds: list[Any]

    def frozen(self, budget: Budget) -> filters.JobFilter:
        return filters.JobFilter(kind=words(self.kinds, "kind", budget))


class JobListField(ListField):
    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Awaitable[Listed]:
        kinds = kwargs.pop("kind", None)
        asked = kwargs if kinds is None else {**kwargs, "filter": _Kinds(kinds)}
        return super().get_result(source, info, args, asked)


def job_listing(description: str) -> Any:
    field = JobListField(metadata={LISTING: ALL, NEEDS: Needs()}, description=description)
    field.arguments = [
        *forward_arguments(),
        argument("kind", list[JobKind] | None, "Only jobs of these kinds; 1 to 100 values."),
    ]
    return field
