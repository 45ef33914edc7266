"""Pages of the admin, for a browser: the one that frames the app, the one that asks for consent, and
a stand-in for App Bridge that speaks with the first.

https://shopify.dev/docs/api/app-home
"""

import base64
import html
import json
import secrets
from urllib.parse import urlencode, urlsplit

from sandbox.shopify.world import Shop, World

Page = tuple[int, str, str]
HTML, SCRIPT = "text/html; charset=utf-8", "text/javascript; charset=utf-8"


def answer_admin(world: World, parts: list[str], query: dict[str, str]) -> Page | None:
    """A page of the admin, or None where the address is none of them."""
    match parts:
        case ["app-bridge.js"]:
            if wait := float(query.get("late", "0")):
                world.over.wait(wait)
            return 200, APP_BRIDGE, SCRIPT
        case ["store", handle, "apps", client_id, *path]:
            shop = world.shops.get(f"{handle}.myshopify.com")
            if shop is None or client_id != world.client_id or not shop.installed:
                return 404, "<h1>There is no such app here</h1>", HTML
            return 200, _framing(world, shop, "/".join(path)), HTML
        case [domain, "admin", "oauth", "authorize"] if domain in world.shops:
            return _consent(world, world.shops[domain], query)
    return None


def app_query(world: World, shop: Shop) -> dict[str, str]:
    """What the admin adds to the app's address."""
    place = base64.b64encode(f"admin.shopify.com/store/{shop.handle}".encode()).decode()
    query = {
        "embedded": "1",
        "host": place.rstrip("="),
        "id_token": world.session_token(shop.domain),
        "locale": "en",
        "session": secrets.token_hex(16),
        "shop": shop.domain,
        "timestamp": str(int(world.now())),
    }
    return world.signed(query)


def _framing(world: World, shop: Shop, path: str) -> str:
    address = f"{world.app_url}/{path}?{urlencode(app_query(world, shop))}"
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(world.app_url))
    return (
        FRAMING.replace("ADDRESS", html.escape(address))
        .replace("NAME", html.escape(shop.name))
        .replace("ORIGIN", json.dumps(origin))
        .replace("SHOP", json.dumps(shop.domain))
    )


def _consent(world: World, shop: Shop, query: dict[str, str]) -> Page:
    """The page on which the merchant installs a stand-alone app."""
    if query.get("client_id") != world.client_id or not query.get("state"):
        return 400, "<h1>Oauth error invalid_request</h1>", HTML
    redirect = query.get("redirect_uri", "")
    if not redirect.startswith(f"{world.app_url}/"):
        return 400, "<h1>Oauth error: the redirect_uri is not whitelisted</h1>", HTML
    code = secrets.token_hex(16)
    with world.lock:
        world.codes[code] = shop.domain
        shop.installed = True
        shop.scopes = [scope for scope in query.get("scope", "").split(",") if scope]
    place = base64.b64encode(f"{shop.domain}/admin".encode()).decode().rstrip("=")
    back = world.signed(
        {
            "code": code,
            "host": place,
            "shop": shop.domain,
            "state": query["state"],
            "timestamp": str(int(world.now())),
        }
    )
    target = html.escape(f"{redirect}?{urlencode(back)}")
    return 200, f'<h1>Install app</h1><a id="install" href="{target}">Install</a>', HTML


FRAMING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>NAME · Admin</title>
<style>body{margin:0;font:14px sans-serif}header{padding:8px 16px;background:#1a1a1a;color:#fff}
iframe{border:0;width:100%;height:calc(100vh - 64px)}#toast{min-height:1.2em;margin:0 16px}</style>
</head>
<body><header>NAME</header><p id="toast" role="status"></p>
<iframe id="app" name="app" title="App" src="ADDRESS"></iframe>
<script>
  addEventListener("message", async (event) => {
    const frame = document.getElementById("app");
    if (event.origin !== ORIGIN || event.source !== frame.contentWindow) return;
    if (event.data.ask === "token") {
      const answer = await fetch("/_sandbox/session-token?shop=" + encodeURIComponent(SHOP));
      const token = (await answer.json()).id_token;
      frame.contentWindow.postMessage({number: event.data.number, token}, ORIGIN);
    } else if (event.data.ask === "toast") {
      document.getElementById("toast").textContent = event.data.text;
    } else if (event.data.ask === "top") {
      location.assign(event.data.address);
    }
  });
</script></body></html>"""

# What the real one does for an app of many pages: tokens from the admin, `fetch` with the token, a
# second try after a 401, toasts, and the bounce page's way back.
APP_BRIDGE = """(() => {
  const script = document.currentScript;
  if (!script || script.async || script.defer || script.type === "module")
    throw new Error("App Bridge must be a plain script");
  const meta = document.querySelector('meta[name="shopify-api-key"]');
  if (!(script.dataset.apiKey || (meta && meta.content))) throw new Error("no API key");
  const waiting = new Map();
  let count = 0;
  addEventListener("message", (event) => {
    if (event.source !== parent || !waiting.has(event.data.number)) return;
    waiting.get(event.data.number)(event.data.token);
    waiting.delete(event.data.number);
  });
  const tell = (message) => parent.postMessage(message, "*");
  const idToken = () => new Promise((done) => {
    waiting.set(++count, done);
    tell({ask: "token", number: count});
  });
  window.shopify = {
    idToken,
    toast: {show: (text) => tell({ask: "toast", text})},
  };
  const plain = window.fetch;
  window.fetch = async (input, options = {}) => {
    const address = new URL(input instanceof Request ? input.url : input, location.href);
    if (address.origin !== location.origin) return plain(input, options);
    const withToken = async () => {
      const headers = new Headers(options.headers);
      if (!headers.has("Authorization")) headers.set("Authorization", `Bearer ${await idToken()}`);
      return plain(input, {...options, headers});
    };
    const answer = await withToken();
    const again = answer.status === 401
      && answer.headers.has("X-Shopify-Retry-Invalid-Session-Request");
    return again ? withToken() : answer;
  };
  const reload = new URL(location.href).searchParams.get("shopify-reload");
  if (reload) idToken().then((token) => {
    const target = new URL(reload, location.href);
    target.searchParams.set("id_token", token);
    if (target.origin === location.origin) location.replace(target);
  });
})();
"""
