"""The curl examples: each is taken as its provider's request would be."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.server.hooks.conftest import House, a_house
from tests.support.senders import TOPIC, Standard

EXAMPLES = Path(__file__).parent.parent.parent / "client-examples" / "partner" / "hooks"


@pytest.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    missing = [name for name in ("curl", "openssl") if shutil.which(name) is None]
    assert not missing, f"These examples need {missing}: apt-get install {' '.join(missing)}"
    async with a_house(sqlite_url) as house:
        await house.announce()
        await house.announce("chat-1", channel="WHATSAPP")
        yield house


async def run(
    house: House, name: str, path: str, message: str = "mail-1", **environment: str
) -> str:
    """What the script prints."""
    process = await asyncio.create_subprocess_exec(
        EXAMPLES / f"{name}.sh",
        message,
        env={**os.environ, "HOOK": house.serving.url + path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    return printed.decode()


def openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("name", "secret", "kind"),
    [
        ("mailgun", "a signing key", "DELIVERED"),
        ("postmark", "a password", "DELIVERED"),
        ("twilio", "an auth token", "DELIVERED"),
        ("whatsapp", "an app secret", "DELIVERED"),
        ("standard", Standard.secret, "IMPRESSION"),
    ],
)
async def test_an_event_is_taken(house: House, name: str, secret: str, kind: str) -> None:
    path = await house.connect(name, secret)
    public_url = house.serving.services.settings.public_url
    message = "chat-1" if name == "whatsapp" else "mail-1"

    printed = await run(house, name, path, message, SECRET=secret, PUBLIC_URL=public_url)

    assert printed == "200\n"
    assert await house.kinds(message) == [kind]


async def test_sendgrids_event_is_taken_by_its_key(house: House, tmp_path: Path) -> None:
    key, public = str(tmp_path / "key.pem"), str(tmp_path / "public.der")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    openssl("ec", "-in", key, "-pubout", "-outform", "DER", "-out", public)
    secret = openssl("base64", "-A", "-in", public).decode()
    path = await house.connect("sendgrid", secret)

    printed = await run(house, "sendgrid", path, KEY=key)

    assert printed == "200\n"
    assert await house.kinds() == ["DELIVERED"]


async def test_what_sns_sent_is_taken(house: House, tmp_path: Path) -> None:
    path = await house.connect("ses", TOPIC)
    mail = {
        "messageId": "ses-1",
        "timestamp": datetime.now(UTC).isoformat(),
        "tags": {"communication": ["mail-1"]},
    }
    notification = tmp_path / "notification.json"
    notification.write_bytes(house.ses.sends({"eventType": "Send", "mail": mail}).body)

    printed = await run(house, "ses", path, NOTIFICATION=str(notification))

    assert printed == "200\n"
    assert await house.kinds() == ["SENT"]


async def test_a_wrong_secret_is_refused(house: House) -> None:
    path = await house.connect("mailgun", "a signing key")

    assert await run(house, "mailgun", path, SECRET="another") == "401\n"
