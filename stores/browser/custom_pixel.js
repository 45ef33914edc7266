connector({
  analytics,
  browser,
  init,
  customerPrivacy: typeof customerPrivacy === 'undefined' ? api.customerPrivacy : customerPrivacy,
  settings: SETTINGS,
});
