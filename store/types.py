"""Column types and ids: the same Python values on SQLite and on PostgreSQL."""

from decimal import Decimal
from typing import Any

import uuid_utils
from sqlalchemy import JSON, BigInteger, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

Id = bytes
"""A UUIDv7 (RFC 9562) as its 16 bytes: ordered by the millisecond in which it was made."""

Instant = int
"""A moment, in microseconds since 1970-01-01 UTC."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def new_id() -> Id:
    return uuid_utils.uuid7().bytes


class _Raw(UserDefinedType[bytes]):
    """A type whose bytes the driver takes and gives as they are."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.render_bind_cast = name != "BLOB"

    def get_col_spec(self, **_: Any) -> str:
        return self.name


class IdColumn(TypeDecorator[bytes]):
    """16 bytes: uuid on PostgreSQL (by the codec that database.py installs), BLOB on SQLite."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _Raw("UUID" if dialect.name == "postgresql" else "BLOB")


class BytesColumn(TypeDecorator[bytes]):
    """Bytes as they are: bytea on PostgreSQL, BLOB on SQLite."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _Raw("BYTEA" if dialect.name == "postgresql" else "BLOB")


InstantColumn = BigInteger
JsonColumn = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class MoneyColumn(TypeDecorator[Decimal]):
    """An exact decimal, kept as a whole number of millionths (SQLite's Numeric is a float)."""

    impl = BigInteger
    cache_ok = True
    scale = 6

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.scaleb(self.scale))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-self.scale)
