import { register } from '@shopify/web-pixels-extension';

register(({ analytics, browser, init, customerPrivacy, settings }) => {
  connector({
    analytics, browser, init, customerPrivacy, settings: JSON.parse(settings.connector),
  });
});
