"""The command line: serve, demo, work, migrate, token, recipients, import, export and others."""

import asyncio
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from resolvers.connector_secrets import MEANING
from schema import schema as api
from server import cli_contacts, cli_workspaces, logs, serving
from server import demo as demonstration
from server import simulate as partner
from server.app import core_schema
from server.services import Services
from server.serving import PortTaken
from server.settings import Settings, WrongSetting
from store import Conflict, DatabaseError
from store import migrate as bring_up_to_date
from store.folding import fold_email
from store.words import Channel, ContactColumn, ContactStatus, Provider, Scope

main = typer.Typer(
    help="The backend of customer journeys: a GraphQL API with live subscriptions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
token = typer.Typer(help="Tokens that open a workspace's data.", no_args_is_help=True)
main.add_typer(token, name="token")
recipients = typer.Typer(
    help="To whom a workspace's files may be mailed, besides each token's own address.",
    no_args_is_help=True,
)
main.add_typer(recipients, name="recipients")

connector = typer.Typer(help="Where providers report on messages.", no_args_is_help=True)
main.add_typer(connector, name="connector")

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Existing = Annotated[str, typer.Option("--workspace", help="The workspace's name.")]
Port = Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")]


@main.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help="How many processes.")] = 1,
) -> None:
    """Serve the API, the live operations screen and the tracked links."""
    with _plainly():
        settings = Settings.read(os.environ)
        if workers > 1 and settings.why_one_process:
            raise WrongSetting(f"{settings.why_one_process}, or --workers 1.")
        listening = serving.listen(host, port)
        url = serving.url_of(host, listening.getsockname()[1])
        os.environ.setdefault("TRACKSIDE_PUBLIC_URL", url)
        logs.configure(settings.profile)
        if not settings.is_production:
            asyncio.run(bring_up_to_date(settings.database_url))
        print(f"address: {url}", flush=True)
        _tell_outbox(settings)
        serving.run(listening, workers)


@main.command()
def demo(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve a sample workspace with simulated live traffic; prints an address and a token."""
    with _plainly():
        listening = serving.listen(host, port)
        url = serving.url_of(host, listening.getsockname()[1])
        os.environ.setdefault("TRACKSIDE_PUBLIC_URL", url)
        settings = Settings.read(os.environ)
        logs.configure(settings.profile)
        secret = demonstration.prepare(settings, _tell)
        _tell_outbox(settings)
        demonstration.run(listening, url, secret, _tell)


@main.command()
def work() -> None:
    """Do jobs and send webhooks, beside the servers, until SIGTERM or Ctrl-C."""
    with _plainly():
        settings = Settings.read(os.environ)
        logs.configure(settings.profile)
        asyncio.run(_work(settings))


@main.command()
def migrate() -> None:
    """Bring the database to the tables of this version."""
    with _plainly():
        asyncio.run(bring_up_to_date(Settings.read(os.environ).database_url))


@main.command("import")
def import_contacts(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV file of contacts."),
    ],
    workspace: Existing,
    status: Annotated[
        ContactStatus, typer.Option(case_sensitive=False, help="What new contacts become.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Where to write the rejected rows, with the reasons.")
    ] = None,
) -> None:
    """Make contacts of a CSV file with exactly the columns firstname,lastname,email."""
    asked = cli_contacts.Import(file, workspace, status, dry_run, rejected)
    _do(lambda settings: cli_contacts.import_list(settings, asked, _tell))


@main.command("export")
def export_contacts(
    workspace: Existing,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it, the standard output.")
    ] = None,
    column: Annotated[
        list[ContactColumn] | None,
        typer.Option(case_sensitive=False, help="A column; may be said again."),
    ] = None,
    status: Annotated[
        list[ContactStatus] | None,
        typer.Option(case_sensitive=False, help="Only such contacts; may be said again."),
    ] = None,
) -> None:
    """Write contacts as CSV."""
    asked = cli_contacts.Export(workspace, output, tuple(column or ()), tuple(status or ()))
    _do(lambda settings: cli_contacts.export_list(settings, asked, _tell))


@token.command("create")
def create_token(
    workspace: Annotated[str, typer.Option(help="Its name; made when it is new.")],
    scope: Annotated[str, typer.Option(help="Of read, operate, integrate, admin; with commas.")],
    name: Annotated[str, typer.Option(help="What the token is for, as logs show it.")] = "token",
    email: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
) -> None:
    """Make a token and print it alone. It is shown this once: only its hash is kept."""
    with _plainly():
        settings = Settings.read(os.environ)
        scopes = _scopes(scope)
        for option, value in (("--workspace", workspace), ("--name", name)):
            if not value.strip() or len(value) > _NAME_AT_MOST:
                raise WrongSetting(f"{option} takes 1 to {_NAME_AT_MOST} characters.")
        if email is not None and "@" not in email:
            raise WrongSetting(f"--email {email!r} is not an e-mail address.")
        print(asyncio.run(cli_workspaces.create_token(settings, workspace, name, email, scopes)))


@recipients.command("add")
def add_recipient(
    email: Annotated[str, typer.Argument(help="The address, alone.")], workspace: Existing
) -> None:
    """Allow an address; prints all that are allowed."""
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", email):
        _tell(f"{email!r} is not an e-mail address: write it alone, as a@b.c.")
        raise typer.Exit(1)
    _recipients(workspace, lambda known: [one for one in known if not _same(one, email)] + [email])


@recipients.command("remove")
def remove_recipient(
    email: Annotated[str, typer.Argument(help="One that is allowed.")], workspace: Existing
) -> None:
    """Allow an address no longer; prints those that still are."""

    def without(known: list[str]) -> list[str]:
        left = [one for one in known if not _same(one, email)]
        if len(left) == len(known):
            raise WrongSetting(f"{email!r} is not among the recipients of {workspace!r}.")
        return left

    _recipients(workspace, without)


@recipients.command("list")
def list_recipients(workspace: Existing) -> None:
    """Print the addresses that are allowed, a line each."""
    _recipients(workspace, lambda known: known)


@connector.command("create")
def create_connector(
    workspace: Existing,
    provider: Annotated[str, typer.Option(help=f"Of {', '.join(Provider)}.")],
    name: Annotated[str, typer.Option(help="What it is called, as the source of its reports.")],
    secret: Annotated[
        str,
        typer.Option(
            help="What the provider signs with. "
            + "; ".join(f"{k}: {v}" for k, v in MEANING.items())
        ),
    ],
    channel: Annotated[
        str | None,
        typer.Option(
            help="Of which messages it reports, as EMAIL or SMS; without it, of the provider's "
            "only channel, else of any."
        ),
    ] = None,
) -> None:
    """Take a provider's reports, and print the path of its hook alone."""
    with _plainly():
        settings = Settings.read(os.environ)
        if channel is not None and channel not in set(Channel):
            raise WrongSetting(f"There is no channel {channel!r}: there are {', '.join(Channel)}.")
        of = None if channel is None else Channel(channel)
        made = cli_workspaces.create_connector(settings, workspace, provider, name, secret, of)
        print(asyncio.run(made))


@main.command()
def currency(
    code: Annotated[str, typer.Argument(help="As ISO 4217 has it: EUR.")], workspace: Existing
) -> None:
    """Say in which currency a workspace's rewards are; their amounts stay as they are."""
    with _plainly():
        if not re.fullmatch("[A-Z]{3}", code):
            raise WrongSetting(f"{code!r} is no currency: write three capital letters, as EUR.")
        settings = Settings.read(os.environ)
        asyncio.run(cli_workspaces.set_currency(settings, workspace, code))


@main.command()
def schema() -> None:
    """Print the API's schema as SDL."""
    print(api.as_str())


@main.command()
def simulate(
    token: Annotated[str, typer.Option(envvar="TRACKSIDE_TOKEN", help="With scope integrate.")],
    url: Annotated[str, typer.Option(help="The server's address.")] = "http://127.0.0.1:8000",
    rate: Annotated[float, typer.Option(min=0.1, help="Events a second.")] = 20.0,
    duration: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds; without it, for ever.")
    ] = None,
    ends_with_parent: Annotated[bool, typer.Option("--ends-with-parent", hidden=True)] = False,
) -> None:
    """Live as a partner would: write through the public API, and follow the tracked links."""
    if ends_with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    raise typer.Exit(partner.main(url=url, token=token, rate=rate, duration=duration))


def _do(work: Callable[[Settings], Coroutine[Any, Any, int]]) -> None:
    """Ends with the exit code of what is done."""
    with _plainly():
        code = asyncio.run(work(Settings.read(os.environ)))
    raise typer.Exit(code)


@contextmanager
def _plainly() -> Iterator[None]:
    """What the operator can put right is said in a sentence, without a trace."""
    try:
        yield
    except (WrongSetting, PortTaken) as error:
        _tell(str(error))
        raise typer.Exit(1) from None
    except DatabaseError as error:
        _tell(f"The database says: {error.orig}. Is TRACKSIDE_DATABASE_URL right?")
        raise typer.Exit(1) from None
    except Conflict as error:
        _tell(f"Others write to the same rows ({error.__cause__}): try again.")
        raise typer.Exit(1) from None
    except OSError as error:
        _tell(f"{error}: is the database running, and is TRACKSIDE_DATABASE_URL right?")
        raise typer.Exit(1) from None


_NAME_AT_MOST = 200


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _tell_outbox(settings: Settings) -> None:
    if settings.outbox_dir is not None:
        _tell(f"mails are kept in {settings.outbox_dir.resolve()}")


def _scopes(names: str) -> list[Scope]:
    try:
        return [Scope(name.strip().upper()) for name in names.split(",")]
    except ValueError:
        raise WrongSetting(
            f"--scope {names!r}: name some of read, operate, integrate and admin, with commas."
        ) from None


def _same(one: str, other: str) -> bool:
    return fold_email(one) == fold_email(other)


def _recipients(workspace: str, change: Callable[[list[str]], list[str]]) -> None:
    with _plainly():
        settings = Settings.read(os.environ)
        for one in asyncio.run(cli_workspaces.change_recipients(settings, workspace, change)):
            print(one)


async def _work(settings: Settings) -> None:
    if not settings.is_production:
        await bring_up_to_date(settings.database_url)
    services = Services.make(settings, core_schema())
    is_ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, is_ending.set)
    await services.start()
    _tell("working")
    await is_ending.wait()
    await services.stop()


def _end_with_parent() -> None:
    """The parent holds the other end of our input: when it is gone, however it went, so are we."""
    # Nothing is ever written. Not sys.stdin: its lock would be held when the interpreter ends.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
