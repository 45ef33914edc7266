// Keeps a page current while somebody looks at it: asks for it again, and puts in the parts that have
// changed. A part that somebody is at work in is left alone.
(() => {
  "use strict";
  const EVERY = 15000;

  const inUse = (part) =>
    part.contains(document.activeElement) ||
    part.contains(getSelection().isCollapsed ? null : getSelection().anchorNode) ||
    part.querySelector("details[open]");

  const look = async () => {
    if (document.hidden) return;
    // In Shopify's admin a request goes with a session token.
    const headers = window.shopify ? { Authorization: `Bearer ${await window.shopify.idToken()}` } : {};
    const answer = await fetch(location.href, { headers });
    if (answer.redirected) return location.reload(); // to the login, which has ended
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const news = page.getElementById(part.id);
      if (news && !inUse(part) && news.innerHTML !== part.innerHTML) part.replaceWith(news);
    }
  };

  // Without a network the page stays as it is, and the next look finds what was missed.
  const lookAgain = () => look().catch(() => {});
  setInterval(lookAgain, EVERY);
  document.addEventListener("visibilitychange", lookAgain);
})();
