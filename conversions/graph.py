"""The only door to Meta: each request bounded in every direction, and an honest account of its end.

The connection is made first; then the caller is asked once more whether it may still send; then the
first byte leaves. So a failure before that is known to have told Meta nothing, and a worker that was
frozen and wakes up too late sends nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from purchases.meta.response import Answer, Outcome, TryLater, Unknown, read, read_object
from stores.deadline import shut_after
from stores.failpoints import failpoint

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
# Meta suggests 1.5 s and answers most within 0.6 s; a longer wait keeps "unknown" rare. The limits
# above are for each read; this one is for the whole, or a dripping answer would hold us for ever.
DEADLINE_SECONDS = 15.0
MOST_ANSWER_BYTES = 64 * 1024
NO_ANSWER = Answer()


class NoLongerAllowed(Exception):
    """The caller's lease or an event's cut-off passed before the first byte left."""


class GraphClient:
    """Posts events to the Graph API, and asks it questions; may be shared by threads."""

    def __init__(self, *, url: str, version: str, app_secret: str = "") -> None:
        self._url = f"{url}/{version}"
        self._app_secret = app_secret
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount(url, _Adapter(pool_maxsize=32))

    def __repr__(self) -> str:
        return f"<GraphClient {self._url}>"

    def post_events(
        self,
        *,
        pixel_id: str,
        access_token: str,
        body: bytes,
        sent: int,
        may_send: Callable[[], bool],
    ) -> tuple[Outcome, Answer]:
        """Post `sent` events as the JSON `body`; returns what the answer means, and what it said.

        `may_send` is asked after the connection stands and before the first byte. Raises nothing for
        what the network or Meta does. The token never stands in the URL, where logs would keep it.
        https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api
        """
        gate.arm(may_send)
        try:
            with self._request(
                "POST",
                f"{pixel_id}/events",
                access_token,
                data=self._with_proof(body, access_token),
                headers={"Content-Type": "application/json"},
            ) as response:
                failpoint("K13")
                answer = response.raw.read(MOST_ANSWER_BYTES, decode_content=False)
        except NoLongerAllowed:
            return TryLater(reason="no_longer_allowed", retry_after=None), NO_ANSWER
        except (requests.RequestException, HTTPError, OSError) as error:
            reason = f"network_{type(error).__name__.lower()}"[:64]
            if gate.opened:
                return Unknown(reason=reason), NO_ANSWER
            return TryLater(reason=reason, retry_after=None), NO_ANSWER
        finally:
            gate.disarm()
        return read(status=response.status_code, headers=response.headers, body=answer, sent=sent)

    def ask(self, path: str, *, access_token: str, **asked: str) -> tuple[dict[str, Any], str]:
        """GET `path` with the parameters `asked`: Meta's object, or {} and the reason why there is none.

        Raises nothing for what the network or Meta does.
        """
        if self._app_secret:
            asked["appsecret_proof"] = self._proof(access_token)
        gate.arm(lambda: True)
        try:
            with self._request("GET", path, access_token, params=asked) as response:
                answer = response.raw.read(MOST_ANSWER_BYTES, decode_content=False)
        except (requests.RequestException, HTTPError, OSError) as error:
            return {}, f"network_{type(error).__name__.lower()}"[:64]
        finally:
            gate.disarm()
        return read_object(status=response.status_code, headers=response.headers, body=answer)

    def _request(
        self, method: str, path: str, access_token: str, *, headers: Any = None, **sent: Any
    ) -> requests.Response:
        return self._session.request(
            method,
            f"{self._url}/{path}",
            headers={
                # Bytes, for a text that isn't Latin-1 would raise; what is no token, Meta says.
                "Authorization": f"Bearer {access_token}".encode(),
                "Accept-Encoding": "identity",  # an answer is never inflated
                **(headers or {}),
            },
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
            **sent,
        )

    def _with_proof(self, body: bytes, access_token: str) -> bytes:
        """The body with `appsecret_proof`, where the app asks for it."""
        if not self._app_secret:
            return body
        proof = self._proof(access_token)
        return f'{{"appsecret_proof":"{proof}",'.encode() + body[1:]

    def _proof(self, access_token: str) -> str:
        """https://developers.facebook.com/docs/graph-api/securing-requests."""
        return hmac.digest(self._app_secret.encode(), access_token.encode(), hashlib.sha256).hex()


class _Gate(threading.local):
    """Between a standing connection and its first byte, for the call of this thread."""

    may_send: Callable[[], bool] = staticmethod(lambda: False)
    opened = False
    watch: threading.Timer | None = None

    def arm(self, may_send: Callable[[], bool]) -> None:
        self.may_send, self.opened, self.watch = may_send, False, None

    def open(self, sock: socket.socket) -> None:
        if not self.may_send():
            raise NoLongerAllowed
        self.opened = True
        self.watch = shut_after(DEADLINE_SECONDS, sock)

    def disarm(self) -> None:
        if self.watch:
            self.watch.cancel()


gate = _Gate()


class _Gated:
    """Connects, asks the gate, then sends."""

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        gate.open(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]  # of the class beside it

    def endheaders(self: Any, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)  # type: ignore[misc]
        failpoint("K12")


class _HTTPConnection(_Gated, HTTPConnection):
    pass


class _HTTPSConnection(_Gated, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    """Pools of gated connections; never retries by itself."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _HTTPPool,
            "https": _HTTPSPool,
        }
