"""Connector channels: over which channels each provider sends."""

from store.refusals import Refusal
from store.words import Channel, ErrorCode, Provider

_SENDS_OVER: dict[Provider, tuple[Channel, ...]] = {
    Provider.SENDGRID: (Channel.EMAIL,),
    Provider.MAILGUN: (Channel.EMAIL,),
    Provider.SES: (Channel.EMAIL,),
    Provider.POSTMARK: (Channel.EMAIL,),
    Provider.TWILIO: (Channel.SMS, Channel.IVR, Channel.WHATSAPP),
    Provider.WHATSAPP: (Channel.WHATSAPP,),
    Provider.STANDARD: tuple(Channel),
}


def settle(provider: Provider, asked: Channel | None) -> Channel | Refusal | None:
    """The channel of a provider's connector: the one asked for, else its only one, else any."""
    channels = _SENDS_OVER[provider]
    if asked is None:
        return channels[0] if len(channels) == 1 else None
    if asked in channels:
        return asked
    remedy = "leave channel out" if len(channels) == 1 else "name one of these, or none for all"
    return Refusal(
        ErrorCode.INVALID,
        f"{provider} sends over {', '.join(channels)}, not over {asked}: {remedy}.",
        ("channel",),
    )
