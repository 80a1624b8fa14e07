"""`POST /imports?status=LEAD`: a contact list as the body, however large; answers with the job."""

from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from resolvers import contact_imports, jobs
from resolvers.context import Context, Forbidden
from schema import ids
from schema.inputs.limits import Refused, idempotency_key
from schema.scalars import write_instant
from server import errors, origins
from server.auth import bearer
from server.bodies import drain
from server.services import Services
from store import rows
from store.refusals import Refusal
from store.types import Id
from store.want import want
from store.words import ContactStatus, ErrorCode

_STATUSES = ", ".join(ContactStatus)
_CLAIMS = {"true": True, "false": False}
_PARAMETERS = frozenset(["status", "dryRun", "idempotencyKey"])
_SHOWN = want(["id", "kind", "state", "done", "total", "created_by", "created_at"])


class _Wrong(Exception):
    """The request cannot be meant."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


class ImportRoute:
    """For scope operate: 202 with the job, or 422 with userErrors (413: the file is too large)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, request: Request) -> Response:
        chunks = request.stream()
        try:
            done = await self._hand_in(request, chunks)
        except ClientDisconnect:
            return Response(status_code=499)
        except _Wrong as wrong:
            await drain(chunks)
            body = {"errors": [errors.coded(wrong.code, str(wrong))]}
            return _json(wrong.status, body, **wrong.headers)
        except Exception as error:  # noqa: BLE001  The last place that can answer in words.
            return _json(500, {"errors": [errors.fault(error)]})
        if isinstance(done, Refusal):
            await drain(chunks)
            status = 413 if done.code is ErrorCode.FILE_TOO_LARGE else 422
            refusal = {"message": done.message, "code": done.code, "field": done.field}
            return _json(status, {"userErrors": [refusal]}, Connection="close")
        return _json(202, done)

    async def _hand_in(self, request: Request, chunks: Any) -> dict[str, Any] | Refusal:
        token = bearer(request.headers.get("authorization"))
        viewer = await self._services.access.viewer(token)
        if viewer is None:
            message = "Send a valid token: Authorization: Bearer ts_…"
            raise _Wrong(401, "UNAUTHENTICATED", message, **{"WWW-Authenticate": "Bearer"})
        if not origins.is_welcome(request, self._services.settings):
            message = "Pages of this origin may not write here: see TRACKSIDE_ALLOWED_ORIGINS."
            raise _Wrong(403, "FORBIDDEN", message)
        _check_body(request)
        status, is_dry_run, key = _asked(request)
        context = self._services.context(viewer)
        try:
            done = await contact_imports.hand_in(
                context, chunks, status, is_dry_run=is_dry_run, idempotency_key=key
            )
        except Forbidden as forbidden:
            raise _Wrong(403, "FORBIDDEN", str(forbidden)) from None
        return done if isinstance(done, Refusal) else await _shown(context, done)


def _check_body(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("multipart/form-data", "application/json"):
        message = f"Send the file itself as the body, as text/csv and not {kind}."
        raise _Wrong(415, "BAD_REQUEST", message)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise _Wrong(415, "BAD_REQUEST", f"Send the file as it is, not as {encoding[:40]}.")


def _asked(request: Request) -> tuple[ContactStatus, bool, str | None]:
    query = request.query_params
    unknown = sorted(set(query) - _PARAMETERS)
    if unknown:
        raise _Wrong(
            400,
            "BAD_USER_INPUT",
            f"{unknown[0][:40]!r} is not known here: there are {', '.join(sorted(_PARAMETERS))}.",
        )
    try:
        status = ContactStatus(query.get("status", ""))
    except ValueError:
        message = f"status is {query.get('status')!r}: write ?status= and one of {_STATUSES}."
        raise _Wrong(400, "BAD_USER_INPUT", message) from None
    is_dry_run = _CLAIMS.get(query.get("dryRun", "false"))
    if is_dry_run is None:
        message = f"dryRun is {query['dryRun'][:40]!r}: write true or false."
        raise _Wrong(400, "BAD_USER_INPUT", message)
    try:
        return status, is_dry_run, idempotency_key(query.get("idempotencyKey"))
    except Refused as refused:
        raise _Wrong(400, "BAD_USER_INPUT", str(refused)) from None


async def _shown(context: Context, job_id: Id) -> dict[str, Any]:
    job: rows.Job = (await jobs.changed(context, [job_id], _SHOWN))[job_id]
    return {
        "id": ids.of(ids.JOB)(job),
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "createdBy": job.created_by,
        "createdAt": write_instant(job.created_at),
    }


def _json(status: int, body: dict[str, Any], **headers: str) -> Response:
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json; charset=utf-8",
        headers={"Cache-Control": "no-store", **headers},
    )
