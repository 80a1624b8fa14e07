"""Reward transactions: reading the ledger of contacts' rewards."""

from resolvers.reading import Reader
from store import rows
from store.entities import REWARD_TRANSACTION
from store.filters import RewardTransactionFilter

_transactions: Reader[rows.RewardTransaction, RewardTransactionFilter] = Reader(REWARD_TRANSACTION)

page = _transactions.page
pages = _transactions.pages
count = _transactions.count
