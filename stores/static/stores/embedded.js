// Inside Shopify's admin there are no cookies: a button's request goes with a session token, which
// App Bridge gets from the admin. App Bridge may come later than the page.
(() => {
  "use strict";
  const PATIENCE = 10000;

  const appBridge = () =>
    new Promise((found, missing) => {
      if (window.shopify) return found(window.shopify);
      const late = setTimeout(missing, PATIENCE);
      addEventListener(
        "load",
        () => {
          clearTimeout(late);
          if (window.shopify) found(window.shopify);
          else missing();
        },
        { once: true },
      );
      if (document.readyState === "complete") missing();
    });

  const trouble = (there) => {
    document.getElementById("trouble").hidden = !there;
  };

  // A form that is answered with a page: what it found out, or what is wrong with it.
  const shows = (status) => status === 200 || status === 422;
  const show = (page) => {
    const main = new DOMParser().parseFromString(page, "text/html").querySelector("main");
    document.querySelector("main").replaceWith(main);
    main.focus();
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const buttons = form.querySelectorAll("button");
    buttons.forEach((button) => (button.disabled = true));
    trouble(false);
    try {
      const bridge = await appBridge();
      const headers = { Authorization: `Bearer ${await bridge.idToken()}` };
      const answer = await fetch(form.action, { method: "POST", body, headers });
      if (answer.headers.get("Content-Type").startsWith("text/html") && shows(answer.status)) {
        return show(await answer.text());
      }
      if (!answer.ok) throw new Error(answer.status);
      const { go, told } = await answer.json();
      if (told) bridge.toast.show(told);
      location.assign(go);
    } catch {
      trouble(true);
      buttons.forEach((button) => (button.disabled = false));
    }
  });
})();
