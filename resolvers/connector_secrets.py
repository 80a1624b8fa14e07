"""Connector secrets: what each provider signs with, and whether a text can be that."""

import re
from base64 import b64decode
from binascii import Error as NotBase64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from store.words import Provider

_AT_MOST = 1_000
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)

MEANING: dict[Provider, str] = {
    Provider.SENDGRID: "the verification key of the signed event webhook, base64 DER",
    Provider.MAILGUN: "the HTTP webhook signing key",
    Provider.SES: "the ARN of the SNS topic that SES publishes to",
    Provider.POSTMARK: "the password of the basic authentication in the webhook's settings",
    Provider.TWILIO: "the account's auth token",
    Provider.WHATSAPP: "the app secret",
    Provider.STANDARD: "the symmetric secret of Standard Webhooks, whsec_ and base64",
}


def problem(provider: Provider, secret: str) -> str | None:
    """What is wrong with a provider's secret, in words which do not hold it; None when nothing is.

    As each provider's documentation has it, which its module in server/hooks names.
    """
    can_be_meant = bool(secret) and len(secret) <= _AT_MOST and secret.isprintable()
    if can_be_meant:
        match provider:
            case Provider.SENDGRID:
                can_be_meant = _is_key(secret)
            case Provider.SES:
                can_be_meant = _TOPIC.fullmatch(secret) is not None
            case Provider.STANDARD:
                can_be_meant = _is_standard(secret)
    return None if can_be_meant else f"For {provider} the secret is {MEANING[provider]}."


def sendgrid_key(secret: str) -> EllipticCurvePublicKey:
    """The key on P-256 that the text holds; raises ValueError."""
    try:
        key = load_der_public_key(b64decode(secret, validate=True))
    except (NotBase64, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("This is no public key on the curve P-256.")
    return key


def _is_key(secret: str) -> bool:
    try:
        sendgrid_key(secret)
    except ValueError:
        return False
    return True


def _is_standard(secret: str) -> bool:
    text = secret.removeprefix("whsec_")
    try:
        return len(b64decode(text + "=" * (-len(text) % 4), validate=True)) > 0
    except NotBase64:
        return False
