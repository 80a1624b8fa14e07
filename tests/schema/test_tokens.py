"""Tokens: making, listing and revoking them by the public schema on both databases."""

import asyncio
from typing import Any

import pytest

from resolvers import tokens as resolver
from resolvers.token_secrets import hash_of
from schema import schema
from server.auth import Access
from store import tables, tokens
from store.types import DAY, SECOND
from store.words import Scope
from tests.schema.conftest import Api
from tests.support.factories import NOW, a_workspace

CREATE = """mutation ($input: CreateTokenInput!) { createToken(input: $input) { secret
    token { id name email scopes createdAt expiresAt lastUsedAt revokedAt }
    userErrors { code field message } } }"""
REVOKE = """mutation ($id: ID!) { revokeToken(id: $id) {
    removed userErrors { code field message } } }"""
TOKENS = "{ tokens { id name email scopes createdAt expiresAt lastUsedAt revokedAt } }"


@pytest.fixture
def admin(api: Api) -> Api:
    return Api(api.workspace, (Scope.ADMIN,))


async def create(api: Api, **given: Any) -> dict[str, Any]:
    asked = {"name": "crm", "scopes": ["READ"], **given}
    payload: dict[str, Any] = (await api.ask(CREATE, input=asked))["createToken"]
    return payload


async def revoke(api: Api, token_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.ask(REVOKE, id=token_id))["revokeToken"]
    return payload


async def listed(api: Api) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await api.ask(TOKENS))["tokens"]
    return nodes


def access(api: Api, now: int = NOW) -> Access:
    return Access(api.workspace.database, lambda: now)


async def test_a_token_is_made_and_opens_the_workspace_with_its_scopes(admin: Api) -> None:
    made = await create(
        admin,
        name="Übersicht",
        email="ada@example.org",
        scopes=["OPERATE", "READ", "READ"],
        expiresAt="2026-12-24T00:00:00Z",
    )

    viewer = await access(admin).viewer(made["secret"])

    assert made["userErrors"] == []
    assert made["token"] == {
        "id": made["token"]["id"],
        "name": "Übersicht",
        "email": "ada@example.org",
        "scopes": ["READ", "OPERATE"],
        "createdAt": "2026-11-22T00:00:00Z",
        "expiresAt": "2026-12-24T00:00:00Z",
        "lastUsedAt": None,
        "revokedAt": None,
    }
    assert viewer is not None
    assert (viewer.workspace_id, viewer.token_name) == (admin.workspace.id, "Übersicht")
    assert viewer.scopes == {Scope.READ, Scope.OPERATE}


async def test_the_secret_is_shown_once_and_only_its_hash_is_kept(admin: Api) -> None:
    made = await create(admin)

    (row,) = await admin.workspace.rows(tables.tokens)
    said = str(await listed(admin))

    assert made["secret"] not in said
    assert row["secret_hash"] == hash_of(made["secret"])
    assert made["secret"] not in str(row)


async def test_good_tokens_are_listed_before_those_that_ended(admin: Api) -> None:
    short = await create(admin, name="short", expiresAt="2026-11-22T00:00:01Z")
    gone = await create(admin, name="gone")
    await create(admin, name="old")
    await create(admin, name="new")
    await revoke(admin, gone["token"]["id"])

    later = Api(admin.workspace, (Scope.ADMIN,), now=NOW + SECOND)
    found = await listed(later)

    assert [one["name"] for one in found] == ["new", "old", "gone", "short"]
    assert found[2]["revokedAt"] == "2026-11-22T00:00:00Z"
    assert found[3] == short["token"]


async def test_a_revoked_token_opens_nothing_any_more(admin: Api) -> None:
    made = await create(admin)

    done = await revoke(admin, made["token"]["id"])

    assert done == {"removed": True, "userErrors": []}
    assert await access(admin).viewer(made["secret"]) is None


async def test_revoking_twice_says_that_it_is_gone(admin: Api) -> None:
    made = await create(admin)
    await revoke(admin, made["token"]["id"])

    again = await revoke(admin, made["token"]["id"])

    assert again["removed"] is False
    assert [one["code"] for one in again["userErrors"]] == ["NOT_FOUND"]


async def test_the_last_token_that_may_do_everything_stays(admin: Api) -> None:
    one = await create(admin, name="one", scopes=["ADMIN"])
    other = await create(admin, name="other", scopes=["ADMIN", "READ"])
    await create(admin, name="ends", scopes=["ADMIN"], expiresAt="2026-11-22T00:00:01Z")
    later = Api(admin.workspace, (Scope.ADMIN,), now=NOW + SECOND)

    first = await revoke(later, one["token"]["id"])
    last = await revoke(later, other["token"]["id"])

    assert first["removed"] is True
    assert last["removed"] is False
    (error,) = last["userErrors"]
    assert (error["code"], error["field"]) == ("CONFLICT", ["id"])
    assert "createToken" in error["message"]
    assert await access(later, NOW + SECOND).viewer(other["secret"]) is not None


async def test_two_who_revoke_the_last_two_at_once_leave_one(admin: Api) -> None:
    made = [await create(admin, name=name, scopes=["ADMIN"]) for name in "ab"]

    async def alone(token_id: str) -> bool:
        # Operations on one context would share its loaders.
        done = await revoke(Api(admin.workspace, (Scope.ADMIN,)), token_id)
        return bool(done["removed"])

    removed = await asyncio.gather(*(alone(one["token"]["id"]) for one in made))

    assert sorted(removed) == [False, True]


@pytest.mark.parametrize(
    ("given", "code", "field", "said"),
    [
        ({"name": "  "}, "INVALID", "name", "blank"),
        ({"name": "x" * 201}, "TOO_LONG", "name", "201"),
        ({"name": "a\0b"}, "INVALID", "name", "null character"),
        ({"scopes": []}, "EMPTY_SELECTION", "scopes", "at least one"),
        ({"email": "ada"}, "INVALID", "email", '"ada"'),
        ({"expiresAt": "tomorrow"}, "INVALID", "expiresAt", "'tomorrow'"),
        ({"expiresAt": "2026-11-22T00:00:00Z"}, "INVALID", "expiresAt", "has passed"),
        ({"expiresAt": "1970-01-01T00:00:00Z"}, "INVALID", "expiresAt", "has passed"),
    ],
)
async def test_a_token_that_makes_no_sense_is_refused(
    admin: Api, given: dict[str, Any], code: str, field: str, said: str
) -> None:
    refused = await create(admin, **given)

    (error,) = refused["userErrors"]
    assert (refused["token"], refused["secret"]) == (None, None)
    assert (error["code"], error["field"]) == (code, [field])
    assert said in error["message"]
    assert await admin.workspace.rows(tables.tokens) == []


async def test_past_the_most_that_a_workspace_may_have_none_is_made(admin: Api) -> None:
    async with admin.workspace.database.write() as connection:
        for number in range(resolver.AT_MOST):
            await tokens.create(
                connection,
                admin.workspace.id,
                name="t",
                email=None,
                scopes=[Scope.READ],
                secret_hash=bytes([number % 256, number // 256]),
                now=NOW,
                expires_at=NOW + DAY,
            )

    refused = await create(admin)
    made = await create(Api(admin.workspace, (Scope.ADMIN,), now=NOW + DAY))

    assert [one["code"] for one in refused["userErrors"]] == ["TOO_MANY"]
    assert made["userErrors"] == []


async def test_who_made_and_who_revoked_a_token_is_kept_without_its_name(admin: Api) -> None:
    made = await create(admin, name="Ada Lovelace", email="ada@example.org")
    await revoke(admin, made["token"]["id"])
    await revoke(admin, made["token"]["id"])

    kept = await admin.workspace.rows(tables.audit_log)

    own = made["token"]["id"].removeprefix("tok_")
    assert [(one["action"], one["by"], one["affected"], one["detail"]) for one in kept] == [
        ("createToken", "Shop", 1, {"token": own, "scopes": ["READ"]}),
        ("revokeToken", "Shop", 1, {"token": own}),
    ]


async def test_tokens_of_another_workspace_are_neither_seen_nor_revoked(admin: Api) -> None:
    made = await create(admin)
    neighbour = Api(await a_workspace(admin.workspace.database), (Scope.ADMIN,))

    done = await revoke(neighbour, made["token"]["id"])

    assert await listed(neighbour) == []
    assert [one["code"] for one in done["userErrors"]] == ["NOT_FOUND"]
    assert await access(admin).viewer(made["secret"]) is not None


@pytest.mark.parametrize(
    "document",
    [
        "{ tokens { id } }",
        'mutation { createToken(input: {name: "x", scopes: [READ]}) { secret } }',
        f'mutation {{ revokeToken(id: "tok_{"0" * 32}") {{ removed }} }}',
    ],
)
async def test_tokens_are_for_who_administrates(api: Api, document: str) -> None:
    result = await schema.execute(document, context_value=api.context)

    assert "scope admin" in str(result)


async def test_an_id_of_something_else_is_told(admin: Api) -> None:
    message = await admin.refused(REVOKE, id="job_" + "0" * 32)

    assert "tok_" in message
