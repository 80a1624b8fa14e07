"""The filter of the audit log."""

import strawberry

from schema.inputs.conditions import Budget, condition, frozen, inner, text, words
from schema.inputs.periods import PeriodInput
from store import filters


def _name(value: str, name: str, budget: Budget) -> str:
    budget.spend()
    return text(value, name)


def _names(value: list[str], name: str, budget: Budget) -> tuple[str, ...]:
    return tuple(text(one, name) for one in words(value, name, budget))


@strawberry.input(description="Which acts are meant: those for which all that is given holds.")
class AuditFilter:
    by: str | None = condition(
        _name,
        "Done by this one, exactly: the name of a token, command line, or trackside for what it "
        "does by itself.",
    )
    action: list[str] | None = condition(
        _names,
        "Any of these: a mutation's name such as stopCampaign, job for what a job came to, "
        "retention, or allowRecipients and setCurrency of the command line.",
    )
    within: PeriodInput | None = condition(inner, "Done in this period.")

    def frozen(self, budget: Budget) -> filters.AuditFilter:
        return frozen(self, filters.AuditFilter, budget)
