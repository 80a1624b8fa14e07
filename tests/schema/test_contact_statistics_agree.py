"""Contact statistics agree with lists: each number is the totalCount of the list that it names."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from store.words import ContactStatus, Scope
from tests.schema.conftest import Api
from tests.support.factories import a_journey, a_workspace, entered

NAMES = ("ada", "bob", "cy", "dee")
LISTS = {
    "total": {},
    "leads": {"status": ["LEAD"]},
    "customers": {"status": ["CUSTOMER"]},
    "lost": {"status": ["LOST"]},
    "none": {"status": ["NONE"]},
    "convertedCustomers": {"isConverted": True},
}
FILTERS: list[dict[str, Any]] = [
    {},
    {"search": "ada"},
    {"source": ["REGISTERED"], "not": {"search": "bob"}},
    {"or": [{"isConverted": True}, {"status": ["LOST", "NONE"]}]},
    {"interactedOrImportedWithin": {"last": "HOURS_24"}},
]
VARIABLES = ", ".join(f"${name}: ContactFilter" for name in LISTS)
COUNTS = "\n".join(f"{name}: contacts(filter: ${name}) {{ ...N }}" for name in LISTS)
DOCUMENT = f"""query ($filter: ContactFilter, {VARIABLES}) {{
    contactStatistics(filter: $filter) {{ {" ".join(LISTS)} }}
    {COUNTS}
}}
fragment N on ContactConnection {{ totalCount {{ value precision }} }}
"""
PUT = """mutation ($contacts: [ContactInput!]!) { upsertContacts(input: {contacts: $contacts}) {
    results { contact { id } error { code } } } }"""
MOVE = """mutation ($ids: [ID!]!, $to: ContactStatus!) { changeContactStatus(
    input: {contacts: {ids: $ids}, to: $to}) { userErrors { message } } }"""
DELETE = """mutation ($ids: [ID!]!, $mode: DeletionMode!) { deleteContacts(
    input: {contacts: {ids: $ids}, mode: $mode}) { undoToken userErrors { message } } }"""
RESTORE = """mutation ($token: ID!) { restoreContacts(input: {undoToken: $token}) {
    restored userErrors { code } } }"""

names = st.sampled_from(NAMES)
some = st.lists(names, min_size=1, max_size=3, unique=True)
statuses = st.sampled_from([one.value for one in ContactStatus])
changes = st.one_of(
    st.tuples(st.just("put"), names, statuses),
    st.tuples(st.just("move"), some, statuses),
    st.tuples(st.just("delete"), some, st.sampled_from(["DELETE", "DELETE", "ERASE"])),
    st.tuples(st.just("restore"), st.integers(0, 3), st.none()),
    st.tuples(st.just("enter"), names, st.none()),
)


class People:
    """Contacts by name, as those who change them know them."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: dict[str, str] = {}
        self.tokens: list[str] = []

    async def change(self, kind: str, what: Any, to: Any) -> None:
        match kind:
            case "put":
                contact = {"externalUsername": what, "status": to}
                data = await self.api.ask(PUT, contacts=[contact])
                (result,) = data["upsertContacts"]["results"]
                if result["contact"]:
                    self.ids[what] = result["contact"]["id"]
            case "move" if self._known(what):
                await self.api.ask(MOVE, ids=self._known(what), to=to)
            case "delete" if self._known(what):
                data = await self.api.ask(DELETE, ids=self._known(what), mode=to)
                if data["deleteContacts"]["undoToken"]:
                    self.tokens.append(data["deleteContacts"]["undoToken"])
            case "restore" if what < len(self.tokens):
                await self.api.ask(RESTORE, token=self.tokens[what])
            case "enter":
                entry = f"{what} {len(self.tokens)}"
                await self.api.workspace.record(entered(entry, what))

    def _known(self, wanted: list[str]) -> list[str]:
        return [self.ids[one] for one in wanted if one in self.ids]


# Shrinking would take minutes: a history is short, and printed with what failed.
@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=st.lists(changes, min_size=5, max_size=20))
async def test_every_number_is_the_count_of_its_list_whatever_was_changed(
    api: Api, history: list[tuple[str, Any, Any]]
) -> None:
    workspace = await a_workspace(api.workspace.database)
    await a_journey(workspace)
    people = People(Api(workspace, (Scope.READ, Scope.OPERATE, Scope.INTEGRATE)))

    for change in history:
        await people.change(*change)

    for asked in FILTERS:
        lists = {name: {"and": [asked, one]} for name, one in LISTS.items()}
        data = await people.api.ask(DOCUMENT, filter=asked, **lists)
        counted = {name: data[name]["totalCount"] for name in LISTS}
        assert {one["precision"] for one in counted.values()} == {"EXACT"}
        assert data["contactStatistics"] == {name: one["value"] for name, one in counted.items()}
