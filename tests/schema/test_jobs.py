"""Jobs: reading, following and cancelling them by the public schema on both databases."""

from typing import Any

from schema import schema
from store import jobs, tables
from store.types import Id, new_id
from store.words import JobKind, Scope
from tests.schema.conftest import Api
from tests.schema.working import PROGRESS, a_worker, finished
from tests.support.factories import NOW, a_workspace

CANCEL = """mutation ($id: ID!) { cancelJob(input: {id: $id}) {
    job { id state finishedAt } userErrors { code field } } }"""


async def a_job(
    api: Api, kind: JobKind | str = JobKind.BULK_RESTORE, at: int = 0, total: int | None = None
) -> str:
    """One that waits; of a restore it finds nothing to do."""
    job_id: Id = await api.workspace.database.transact(
        lambda connection: jobs.enqueue(
            connection,
            api.workspace.id,
            kind,
            {"stop": new_id().hex()},
            by="Shop",
            now=NOW + at,
            total=total,
        )
    )
    return f"job_{job_id.hex()}"


async def cancel(api: Api, job_id: str) -> dict[str, Any]:
    data = await api.ask(CANCEL, id=job_id)
    payload: dict[str, Any] = data["cancelJob"]
    return payload


async def test_a_job_says_what_it_is_and_how_far(api: Api) -> None:
    job_id = await a_job(api, total=7)

    data = await api.ask(
        """query ($id: ID!) { job(id: $id) { id kind state done total failureReason downloadUrl
            expiresAt createdBy createdAt startedAt finishedAt
            counts { created updated unchanged skipped failed } errors { nodes { row } } }
          node(id: $id) { id ... on Job { kind } } }""",
        id=job_id,
    )

    assert data == {
        "job": {
            "id": job_id,
            "kind": "BULK_RESTORE",
            "state": "QUEUED",
            "done": 0,
            "total": 7,
            "failureReason": None,
            "downloadUrl": None,
            "expiresAt": None,
            "createdBy": "Shop",
            "createdAt": "2026-11-22T00:00:00Z",
            "startedAt": None,
            "finishedAt": None,
            "counts": {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0},
            "errors": {"nodes": []},
        },
        "node": {"id": job_id, "kind": "BULK_RESTORE"},
    }


async def test_jobs_are_listed_by_kind_the_newest_first(api: Api) -> None:
    first = await a_job(api)
    second = await a_job(api, at=5)
    await a_job(api, JobKind.BULK_STOP)

    data = await api.ask(
        """{ jobs(first: 1, kind: [BULK_RESTORE]) { totalCount { value } nodes { id }
            pageInfo { hasNextPage endCursor } } all: jobs { totalCount { value } } }"""
    )
    rest = await api.ask(
        "query ($after: Cursor) { jobs(kind: [BULK_RESTORE], after: $after) { nodes { id } } }",
        after=data["jobs"]["pageInfo"]["endCursor"],
    )

    assert [one["id"] for one in data["jobs"]["nodes"]] == [second]
    assert [one["id"] for one in rest["jobs"]["nodes"]] == [first]
    assert (data["jobs"]["totalCount"], data["all"]["totalCount"]) == ({"value": 2}, {"value": 3})


async def test_the_rows_that_were_refused_belong_to_their_job(api: Api) -> None:
    mine, other = await a_job(api), await a_job(api, at=1)
    async with api.workspace.database.write() as connection:
        await connection.execute(
            tables.job_errors.insert(),
            [
                {
                    "workspace_id": api.workspace.id,
                    "job_id": bytes.fromhex(job_id[4:]),
                    "row": row,
                    "column": "email",
                    "value": "bob@",
                    "message": f"{job_id[-4:]} {row}",
                    "code": "INVALID",
                }
                for job_id in (mine, other)
                for row in (3, 1, 2)
            ],
        )

    data = await api.ask(
        """{ jobs { nodes { id errors(first: 2) { totalCount { value }
            nodes { row column value message code } pageInfo { endCursor hasNextPage } } } } }"""
    )

    pages = {one["id"]: one["errors"] for one in data["jobs"]["nodes"]}
    for job_id in (mine, other):
        assert pages[job_id]["totalCount"] == {"value": 3}
        assert pages[job_id]["nodes"] == [
            {
                "row": row,
                "column": "email",
                "value": "bob@",
                "message": f"{job_id[-4:]} {row}",
                "code": "INVALID",
            }
            for row in (1, 2)
        ]
    rest = await api.ask(
        """query ($id: ID!, $after: Cursor) { job(id: $id) {
            errors(after: $after) { nodes { row } } } }""",
        id=mine,
        after=pages[mine]["pageInfo"]["endCursor"],
    )
    assert rest["job"]["errors"]["nodes"] == [{"row": 3}]


async def test_a_job_that_waits_is_cancelled_at_once_and_twice_is_once(api: Api) -> None:
    job_id = await a_job(api)

    payloads = [await cancel(api, job_id), await cancel(api, job_id)]

    assert (
        payloads
        == [
            {
                "job": {"id": job_id, "state": "CANCELED", "finishedAt": "2026-11-22T00:00:00Z"},
                "userErrors": [],
            }
        ]
        * 2
    )


async def test_a_job_that_is_over_cannot_be_cancelled(api: Api) -> None:
    job_id = await a_job(api)
    async with a_worker(api):
        await finished(api, job_id)

    payload = await cancel(api, job_id)

    assert payload == {"job": None, "userErrors": [{"code": "JOB_FINISHED", "field": ["id"]}]}


async def test_a_job_of_another_workspace_is_neither_shown_nor_cancelled(api: Api) -> None:
    job_id = await a_job(api)
    stranger = Api(await a_workspace(api.workspace.database))

    payload = await cancel(stranger, job_id)
    shown = await stranger.ask(
        "query ($id: ID!) { job(id: $id) { id } node(id: $id) { id } jobs { nodes { id } } }",
        id=job_id,
    )

    assert payload == {"job": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    assert shown == {"job": None, "node": None, "jobs": {"nodes": []}}


async def test_what_only_keeps_a_lease_is_no_job_to_the_api(api: Api) -> None:
    hidden = await a_job(api, "WEBHOOK")

    shown = await api.ask(
        "query ($id: ID!) { job(id: $id) { id } node(id: $id) { id } jobs { nodes { id } } }",
        id=hidden,
    )

    assert shown == {"job": None, "node": None, "jobs": {"nodes": []}}
    assert (await cancel(api, hidden))["userErrors"][0]["code"] == "NOT_FOUND"


async def test_a_job_is_followed_to_its_end(api: Api) -> None:
    job_id = await a_job(api, total=0)

    async with a_worker(api):
        job = await finished(api, job_id)

    assert (job["state"], job["done"], job["total"]) == ("COMPLETED", 0, 0)


async def test_an_unknown_job_is_not_followed(api: Api) -> None:
    stream = await schema.subscribe(
        PROGRESS, {"id": f"job_{new_id().hex()}"}, context_value=api.context
    )

    results = [result async for result in stream]

    assert ["this workspace has no job" in str(one.errors) for one in results] == [True]


async def test_jobs_are_read_with_read_and_cancelled_with_operate(api: Api) -> None:
    job_id = await a_job(api)
    reader, writer = Api(api.workspace, (Scope.READ,)), Api(api.workspace, (Scope.INTEGRATE,))

    _, may_not_cancel = await reader.run(CANCEL, id=job_id)
    _, may_not_read = await writer.run("{ jobs { nodes { id } } }")

    assert "scope operate" in may_not_cancel[0].message
    assert "scope read" in may_not_read[0].message
