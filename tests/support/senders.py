"""Senders: providers as a hook meets them, each with a secret, signing what it reports."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import digest as hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

TOPIC = "arn:aws:sns:eu-west-1:123456789012:messages"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abc.pem"


@dataclass(frozen=True)
class Sent:
    """What a provider would send by POST; the body may be spoilt behind its signature."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


class SendGrid:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.secret = b64encode(der).decode()

    def sends(self, body: Any, *, at: datetime | None = None) -> Sent:
        """Events, or bytes as they are."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        timestamp = str(unix(at))
        signature = self._key.sign(timestamp.encode() + raw, ec.ECDSA(SHA256()))
        return Sent(
            raw,
            {
                "Content-Type": "application/json",
                "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            },
        )


class Mailgun:
    secret = "key-of-mailgun"

    def sends(self, event: Any, *, at: datetime | None = None, token: str | None = None) -> Sent:
        timestamp, token = str(unix(at)), token or uuid4().hex + uuid4().hex[:18]
        signature = hmac(self.secret.encode(), (timestamp + token).encode(), sha256).hex()
        signed = {"timestamp": timestamp, "token": token, "signature": signature}
        body = {"signature": signed, "event-data": event}
        return Sent(orjson.dumps(body), {"Content-Type": "application/json"})


class Ses:
    """SNS with a certificate of its own; `fetched` is what was asked of Amazon's servers."""

    secret = TOPIC

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, SHA256())
        )
        self._pem = certificate.public_bytes(Encoding.PEM)
        self.fetched: list[str] = []

    async def fetch(self, address: str) -> bytes:
        self.fetched.append(address)
        return self._pem

    def sends(
        self,
        event: Any,
        *,
        kind: str = "Notification",
        at: datetime | None = None,
        version: str = "2",
        changes: Mapping[str, str] | None = None,
    ) -> Sent:
        """`changes` are of the envelope, and signed with it."""
        stamp = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        envelope = {
            "Type": kind,
            "MessageId": str(uuid4()),
            "TopicArn": TOPIC,
            "Message": event if isinstance(event, str) else orjson.dumps(event).decode(),
            "Timestamp": stamp,
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
            **(changes or {}),
        }
        if kind == "Notification":
            names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        else:
            envelope.setdefault("Token", "2336412f37")
            envelope.setdefault(
                "SubscribeURL", "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
            )
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn"]
            names.append("Type")
        signed = "".join(f"{one}\n{envelope[one]}\n" for one in names if one in envelope)
        algorithm = SHA1() if version == "1" else SHA256()  # noqa: S303  Amazon's.
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), algorithm)
        envelope["Signature"] = b64encode(signature).decode()
        return Sent(orjson.dumps(envelope), {"Content-Type": "text/plain; charset=UTF-8"})


class Postmark:
    secret = "password-of-postmark"

    def sends(self, event: Any) -> Sent:
        credentials = b64encode(f"trackside:{self.secret}".encode()).decode()
        body = event if isinstance(event, bytes) else orjson.dumps(event)
        return Sent(body, {"Authorization": f"Basic {credentials}"})


class Twilio:
    """`url` is the hook's public address."""

    secret = "auth-token-of-twilio"

    def __init__(self, url: str) -> None:
        self.url = url

    def sends(self, form: dict[str, str], *, communication: str | None = None) -> Sent:
        query = urlencode({"communication": communication}) if communication else ""
        url = f"{self.url}?{query}" if query else self.url
        body = urlencode(form).encode()
        fields = sorted(parse_qsl(body.decode(), keep_blank_values=True))
        signed = url + "".join(name + value for name, value in fields)
        signature = b64encode(hmac(self.secret.encode(), signed.encode(), "sha1")).decode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature,
        }
        return Sent(body, headers, query)


class WhatsApp:
    secret = "app-secret-of-whatsapp"

    def sends(self, *statuses: Any, **value: Any) -> Sent:
        held = {"messaging_product": "whatsapp", "statuses": list(statuses), **value}
        entry = {"id": "1", "changes": [{"field": "messages", "value": held}]}
        body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
        return self.signs(body)

    def signs(self, body: bytes) -> Sent:
        signature = hmac(self.secret.encode(), body, sha256).hex()
        return Sent(body, {"X-Hub-Signature-256": f"sha256={signature}"})


class Standard:
    secret = "whsec_" + b64encode(b"a secret of twenty-four b").decode()

    def sends(self, event: Any, *, name: str | None = None, at: datetime | None = None) -> Sent:
        body = event if isinstance(event, bytes) else orjson.dumps(event)
        name, when = name or f"msg_{uuid4().hex}", at or datetime.now(UTC)
        return Sent(
            body,
            {
                "webhook-id": name,
                "webhook-timestamp": str(unix(when)),
                "webhook-signature": Webhook(self.secret).sign(name, when, body.decode()),
            },
        )


def unix(at: datetime | None = None) -> int:
    return int((at or datetime.now(UTC)).timestamp())


def hook_event(kind: str, communication: str | None = "mail-1", **changes: Any) -> dict[str, Any]:
    """SendGrid's of a message, with ids of its own."""
    return {
        "email": "ada@example.org",
        "timestamp": unix(),
        "event": kind,
        "sg_event_id": uuid4().hex,
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "communication": communication,
        **changes,
    }
