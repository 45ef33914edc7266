// Connector: tells the shop's own server connection what this browser knows of a checkout, and whether
// the buyer lets it be told. Without their yes it keeps nothing in the browser and tells no more than
// that there is none. It sets a cookie only where it is the shop's one Meta pixel, and never keeps the
// checkout waiting.
async function connector({ analytics, browser, init, customerPrivacy, settings }) {
  const REMEMBERED = 'connector_checkout';
  const LANDING = 'connector_landing';
  const KEPT_FOR = 7 * 24 * 3600 * 1000; // as long as Meta takes a purchase
  const PAUSES = [1000, 4000, 15000];
  const PAID_LATER = ['manualPayment', 'deferred']; // the money has yet to come, if it ever does

  let privacy = init.customerPrivacy || {};
  let answered = false; // whether the buyer has used the shop's banner, in this page
  let page = '';
  let checkout = null;

  const wait = (pause) => new Promise((resolve) => setTimeout(resolve, pause));

  function words() {
    const yes = privacy.marketingAllowed === true;
    return {
      marketing: yes ? 'granted' : answered ? 'denied' : 'not_given',
      sale_of_data: privacy.saleOfDataAllowed === false ? 'denied' : '',
    };
  }

  async function cookie(name) {
    return (await browser.cookie.get(name)) || '';
  }

  // The click on an advertisement, in the form that Meta's own pixel gives it.
  async function click(landing) {
    const found = /[?&]fbclid=([A-Za-z0-9_-]+)/.exec(landing);
    return (await cookie('_fbc')) || (found ? `fb.1.${Date.now()}.${found[1]}` : '');
  }

  async function browserId() {
    const known = await cookie('_fbp');
    if (known || !settings.pixels.length) return known;
    const made = `fb.1.${Date.now()}.${Math.floor(Math.random() * 2 ** 31)}`;
    await browser.cookie.set(`_fbp=${made}; path=/; max-age=7776000; secure; samesite=lax`);
    return made;
  }

  async function rememberPage() {
    if (privacy.marketingAllowed !== true || !page) return;
    if (!(await browser.sessionStorage.getItem(LANDING))) {
      await browser.sessionStorage.setItem(LANDING, page.slice(0, 2000));
    }
    await browserId();
  }

  async function rememberedCheckout() {
    try {
      const known = JSON.parse((await browser.localStorage.getItem(REMEMBERED)) || 'null');
      return known && Date.now() - known.since < KEPT_FOR ? known : null;
    } catch (broken) {
      return null;
    }
  }

  async function forget() {
    await browser.localStorage.removeItem(REMEMBERED);
    await browser.sessionStorage.removeItem(LANDING);
    if (settings.pixels.length) await browser.cookie.set('_fbp=; path=/; max-age=0');
  }

  function eventId(template) {
    const ids = { shop: settings.shop, order_id: checkout.order_id, checkout_token: checkout.token };
    const missing = (template.match(/\w+(?=})/g) || []).some((name) => !ids[name]);
    return missing ? '' : template.replace(/{(\w+)}/g, (field, name) => ids[name]);
  }

  // https://developers.facebook.com/docs/meta-pixel/implementation/conversion-tracking
  function tellPixels(known) {
    if (privacy.saleOfDataAllowed === false || !checkout.paid || !(checkout.value > 0)) return false;
    const told = settings.pixels.map((pixel) => ({ ...pixel, id: eventId(pixel.event_id) }));
    told.filter((pixel) => pixel.id).forEach((pixel) => {
      const query = new URLSearchParams({
        id: pixel.pixel, ev: 'Purchase', eid: pixel.id, dl: settings.shop_url, ts: String(Date.now()),
        'cd[value]': String(checkout.value), 'cd[currency]': checkout.currency,
        'cd[order_id]': checkout.order_id, fbp: known.fbp, fbc: known.fbc,
      });
      fetch(`${settings.pixel_url}?${query}`, { mode: 'no-cors', keepalive: true }).catch(() => {});
    });
    return told.some((pixel) => pixel.id);
  }

  async function post(said, pauses) {
    let answer;
    try {
      // As plain text, so that the browser need not ask first whether it may.
      answer = await fetch(settings.collect, {
        method: 'POST', keepalive: true, credentials: 'omit',
        headers: { 'Content-Type': 'text/plain' }, body: JSON.stringify(said),
      });
    } catch (offline) {
      answer = { status: 503 };
    }
    if ((answer.status === 429 || answer.status >= 500) && pauses.length) {
      await wait(pauses[0]);
      await post(said, pauses.slice(1));
    }
  }

  async function tell() {
    const said = { checkout: checkout.token, at: Date.now(), ...words() };
    if (said.marketing === 'granted') {
      const landing = (await browser.sessionStorage.getItem(LANDING)) || '';
      said.fbp = await browserId();
      said.fbc = await click(landing);
      said.user_agent = checkout.user_agent;
      said.page = landing.split('?')[0];
      said.event_id = checkout.event_id;
      said.purchased = checkout.purchased || tellPixels(said);
      checkout.purchased = said.purchased;
      await browser.localStorage.setItem(REMEMBERED, JSON.stringify(checkout));
    } else {
      await forget();
    }
    await post(said, PAUSES);
  }

  analytics.subscribe('page_viewed', async (event) => {
    page = event.context.document.location.href;
    await rememberPage();
  });

  analytics.subscribe('checkout_completed', async (event) => {
    const completed = event.data.checkout;
    if (!completed || !completed.token) return;
    const order = String((completed.order && completed.order.id) || '');
    checkout = {
      token: completed.token, since: Date.now(), event_id: event.id,
      order_id: (/(\d+)$/.exec(order) || ['', ''])[1],
      user_agent: event.context.navigator.userAgent,
      value: completed.totalPrice && Number(completed.totalPrice.amount),
      currency: completed.currencyCode,
      paid: !(completed.transactions || []).some(
        ({ paymentMethod }) => paymentMethod && PAID_LATER.includes(paymentMethod.type),
      ),
    };
    await tell();
  });

  if (customerPrivacy && customerPrivacy.subscribe) {
    customerPrivacy.subscribe('visitorConsentCollected', async (event) => {
      privacy = event.customerPrivacy || {};
      answered = true;
      checkout = checkout || (await rememberedCheckout());
      await rememberPage();
      if (checkout) await tell();
    });
  }
}
