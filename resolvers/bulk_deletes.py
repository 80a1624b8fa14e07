"""Bulk deletes: the jobs that delete contacts, and that erase them."""

from resolvers import contact_deletions, contact_erasures
from resolvers.work import Run, Work
from resolvers.written_files import WrittenFiles
from store.erasure_keys import Keyring


def runs(keyring: Keyring, files: WrittenFiles) -> Run:
    async def run(work: Work) -> None:
        if "erasure" in work.claim.input:
            await contact_erasures.run(work, keyring, files)
        else:
            await contact_deletions.run(work)

    return run
