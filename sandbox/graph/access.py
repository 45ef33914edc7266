"""Who may speak: API versions, tokens by state, the app secret proof, datasets and their grants.

The first four checks of a request, in this order.
"""

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.graph.errors import Refusal

# The day each version ends, from https://developers.facebook.com/docs/graph-api/changelog
# (read 2026-11); the newest has no end yet. Anything else is unknown or long gone.
VERSIONS: dict[str, datetime | None] = {
    "v20.0": datetime(2026, 9, 24, tzinfo=UTC),
    "v21.0": datetime(2027, 1, 21, tzinfo=UTC),
    "v22.0": datetime(2027, 5, 20, tzinfo=UTC),
    "v23.0": datetime(2027, 10, 8, tzinfo=UTC),
    "v24.0": datetime(2028, 2, 18, tzinfo=UTC),
    "v25.0": datetime(2028, 7, 29, tzinfo=UTC),
    "v26.0": None,
}
NEWEST_VERSION = "v26.0"

# What a token in this state gets; the last two only once the dataset is known (check 4).
TOKEN_STATES: dict[str, str | None] = {
    "valid": None,
    "unknown": "token_unknown",
    "expired": "token_expired",
    "revoked": "token_revoked",
    "checkpointed": "token_checkpointed",
    "password": "token_password",
    "unconfirmed": "token_unconfirmed",
    "wrong_business": "token_wrong_business",
    "session": "token_session",
    "no_permission": "no_permission",
    "app_not_allowed": "app_not_allowed",
}
PERMISSION_STATES = ("no_permission", "app_not_allowed")


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token the sandbox knows; `expires_at` in Unix seconds, 0 = never."""

    value: str = field(repr=False)
    state: str = "valid"
    expires_at: float = 0
    app_secret: str | None = field(default=None, repr=False)
    proof_required: bool = False

    def state_at(self, now: float) -> str:
        """The state at `now`: a valid token expires by itself."""
        if self.state == "valid" and 0 < self.expires_at <= now:
            return "expired"
        return self.state


@dataclass(kw_only=True)
class Dataset:
    """A dataset (pixel), the tokens it is granted to, the WhatsApp accounts linked to it."""

    id: str
    name: str
    tokens: set[str] = field(default_factory=set, repr=False)
    whatsapp_accounts: tuple[str, ...] = ()


class Access:
    """The tokens and datasets set up so far; `open` welcomes tokens and datasets never seen."""

    def __init__(self, *, open: bool) -> None:
        self.open = open
        self.datasets: dict[str, Dataset] = {}
        self._tokens: dict[str, Token] = {}

    def admit_token(self, value: str | None, *, now: float) -> Token:
        """Check 2. Raises Refusal for a token that is missing, unknown or no longer valid."""
        token = self.token(value)
        state = token.state_at(now) if token else "unknown"
        kind = TOKEN_STATES[state]
        if token is None or (kind is not None and state not in PERMISSION_STATES):
            raise Refusal(kind or "token_unknown")
        return token

    def admit_dataset(self, dataset_id: str, *, token: Token, now: float) -> Dataset:
        """Check 4. Raises Refusal for a dataset unknown or not granted, and for a barred app."""
        dataset = self.datasets.get(dataset_id)
        if dataset is None and self.open and dataset_id.isdecimal():
            dataset = Dataset(id=dataset_id, name=f"Dataset {dataset_id}", tokens={token.value})
        elif dataset is None or token.value not in dataset.tokens:
            raise Refusal("not_there", object=dataset_id)
        if (state := token.state_at(now)) in PERMISSION_STATES:
            raise Refusal(TOKEN_STATES[state] or state)
        return dataset

    def token(self, value: str | None) -> Token | None:
        """The token of that value, if the sandbox knows it (or is open)."""
        if not value:
            return None
        return self._tokens.get(value) or (Token(value=value) if self.open else None)

    def put_token(self, value: str, **changes: Any) -> Token:
        """Add a token, or change the named fields of one. Raises ValueError for no such state."""
        token = replace(self._tokens.get(value) or Token(value=value), **changes)
        if token.state not in TOKEN_STATES:
            raise ValueError(f"token state {token.state!r}: use one of {', '.join(TOKEN_STATES)}")
        self._tokens[value] = token
        return token

    def put_dataset(
        self,
        dataset_id: str,
        *,
        name: str | None = None,
        tokens: tuple[str, ...] = (),
        whatsapp_accounts: tuple[str, ...] = (),
    ) -> Dataset:
        """Add a dataset, or grant it to more tokens; tokens not seen before become valid ones."""
        dataset = self.datasets.setdefault(
            dataset_id, Dataset(id=dataset_id, name=f"Dataset {dataset_id}")
        )
        dataset.name = name or dataset.name
        dataset.whatsapp_accounts += tuple(whatsapp_accounts)
        for value in tokens:
            self._tokens.setdefault(value, Token(value=value))
            dataset.tokens.add(value)
        return dataset


def admit_version(version: str, *, now: float) -> None:
    """Check 1. Raises Refusal for a version that is unknown or has ended at `now`."""
    end = VERSIONS.get(version)
    if version not in VERSIONS or (end is not None and now >= end.timestamp()):
        raise Refusal("version_unknown")


def admit_proof(proof: str | None, *, token: Token) -> None:
    """Check 3: hex HMAC-SHA256 of the token under the app's secret, where the app wants it.

    A proof for a token whose app secret the sandbox was not told cannot be judged, and passes.
    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    if proof is None:
        if token.proof_required:
            raise Refusal("proof_invalid")
        return
    if token.app_secret is None:
        return
    expected = hmac.new(token.app_secret.encode(), token.value.encode(), hashlib.sha256)
    if not hmac.compare_digest(expected.hexdigest().encode(), proof.encode()):
        raise Refusal("proof_invalid")
