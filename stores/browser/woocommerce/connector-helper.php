<?php
/**
 * Plugin Name: Connector helper
 * Description: Notes on each order whether its buyer lets Meta be told, and the ids by which Meta knows their browser, so that Connector reports it lawfully and completely.
 * Version: 1.0.0
 * Requires at least: 6.2
 * Requires PHP: 7.4
 * Requires Plugins: woocommerce
 * License: Apache-2.0
 *
 * The shop keeps everything itself: it stands on the order, and travels with the shop's own webhook.
 */

namespace Connector;

if (!defined('ABSPATH')) {
    exit;
}

const BROWSER_ID = '/^fb\.[0-2]\.[0-9]{10,13}\.[A-Za-z0-9_.-]{1,300}$/';
const GRANTED = 'granted';
const DENIED = 'denied';
const NOT_GIVEN = 'not_given';

/** What connector-settings.php beside this file says: the pixels that this plug-in tells, if any. */
function settings(): array
{
    $file = __DIR__ . '/connector-settings.php';
    return (is_readable($file) ? include $file : []) + ['shop' => '', 'pixels' => [], 'pixel_url' => ''];
}

function cookie(string $name): string
{
    $value = isset($_COOKIE[$name]) && is_string($_COOKIE[$name]) ? wp_unslash($_COOKIE[$name]) : '';
    return substr($value, 0, 500);
}

/** The buyer's answer by each plug-in that asks for it, by the name of its cookie. */
function answers(): array
{
    $found = [];
    foreach (['wp_consent_marketing', 'cmplz_marketing', 'cmplz_rt_marketing'] as $name) {
        if (in_array($said = cookie($name), ['allow', 'deny'], true)) {
            $found[$name] = $said === 'allow' ? GRANTED : DENIED;
        }
    }
    $said = cookie('cookieyes-consent');
    if (strpos($said, 'action:yes') !== false && preg_match('/advertisement:(yes|no)/', $said, $match)) {
        $found['cookieyes-consent'] = $match[1] === 'yes' ? GRANTED : DENIED;
    }
    return $found;
}

/** Whether the shop asks before it lets anybody be told: then no answer is no yes. */
function shop_asks(): bool
{
    if (function_exists('wp_get_consent_type') && ($type = wp_get_consent_type())) {
        return $type === 'optin';
    }
    return defined('cmplz_version') || defined('CKY_APP_URL') || defined('CLI_VERSION');
}

/** The buyer's word: granted, denied, not_given, or '' where the shop asks nobody. */
function marketing(array $answers): string
{
    if (in_array(DENIED, $answers, true)) {
        return DENIED;
    }
    return $answers ? GRANTED : (shop_asks() ? NOT_GIVEN : '');
}

/** Write on the order what this request's browser says; saving it is the caller's. */
function note($order): void
{
    $word = marketing($answers = answers());
    keep($order, $word, (string) array_search($word, $answers, true), cookie('_fbp'), cookie('_fbc'));
}

function keep($order, string $word, string $by, string $fbp, string $fbc): void
{
    $order->update_meta_data('_capi_collected', '1');
    if ($word !== '') {
        $order->update_meta_data('_capi_consent_marketing', $word);
        $order->update_meta_data('_capi_consent_said', gmdate('Y-m-d\TH:i:s\Z') . ' ' . $by);
    }
    foreach (['_fbp' => $fbp, '_fbc' => $fbc] as $name => $id) {
        if ($word === DENIED || $word === NOT_GIVEN) {
            $order->delete_meta_data($name);
        } elseif (preg_match(BROWSER_ID, $id)) {
            $order->update_meta_data($name, $id);
        }
    }
}

/** What the browser says after the checkout: only who has the order's key may say it. */
function listen($request)
{
    $said = function (string $name) use ($request): string {
        return is_scalar($value = $request->get_param($name)) ? (string) $value : '';
    };
    $order = wc_get_order(absint($said('order')));
    $word = $said('marketing');
    if (!$order || !hash_equals($order->get_order_key(), $said('key'))) {
        return new \WP_Error('not_found', 'There is no such order.', ['status' => 404]);
    }
    if (!in_array($word, [GRANTED, DENIED], true)) {
        return new \WP_Error('bad_word', 'marketing must be granted or denied.', ['status' => 400]);
    }
    if ($word !== $order->get_meta('_capi_consent_marketing')) {
        keep($order, $word, 'thank-you page', $said('fbp'), $said('fbc'));
        $order->save(); // and so the shop's webhook tells of it
    }
    return new \WP_REST_Response(null, 204);
}

/** What the page of thanks tells its script. */
function thanks($order_id): void
{
    if (!($order = wc_get_order($order_id))) {
        return;
    }
    $ids = ['{shop}' => settings()['shop'], '{order_id}' => (string) $order->get_id()];
    $pixels = [];
    $is_paid = $order->get_date_paid() && $order->get_total() > 0; // not one that is to be paid on delivery
    foreach ($is_paid ? settings()['pixels'] : [] as $pixel) {
        $pixels[] = ['pixel' => $pixel['pixel'], 'id' => strtr($pixel['event_id'], $ids)];
    }
    print_script('connector-thanks', [
        'order' => $order->get_id(),
        'key' => $order->get_order_key(),
        'marketing' => marketing(answers()),
        'listen' => rest_url('connector/v1/visit'),
        'value' => (float) $order->get_total(),
        'currency' => $order->get_currency(),
        'pixels' => $pixels,
        'pixel_url' => settings()['pixel_url'],
        'shop_url' => home_url('/'),
    ], THANKS);
}

/** On every page, where this plug-in is the shop's one pixel: the id by which Meta knows the browser. */
function greet(): void
{
    if (settings()['pixels']) {
        print_script('connector-greeting', ['asks' => shop_asks()], GREETING);
    }
}

function print_script(string $name, array $said, string $script): void
{
    wp_register_script($name, '', [], null, true);
    wp_enqueue_script($name);
    wp_add_inline_script($name, '((said) => {' . $script . '})(' . wp_json_encode($said) . ');');
}

// A page may come out of a cache: what the buyer has answered is read where they are.
const GREETING = <<<'JS'
  const yes = /(?:wp_consent_marketing|cmplz_marketing)=allow|cookieyes-consent=[^;]*advertisement(?::|%3A)yes/;
  const no = /(?:wp_consent_marketing|cmplz_marketing)=deny|cookieyes-consent=[^;]*advertisement(?::|%3A)no/;
  const allowed = !no.test(document.cookie) && (!said.asks || yes.test(document.cookie));
  if (allowed && !/(?:^|; )_fbp=/.test(document.cookie)) {
    const made = `fb.1.${Date.now()}.${Math.floor(Math.random() * 2 ** 31)}`;
    document.cookie = `_fbp=${made}; path=/; max-age=7776000; samesite=lax`;
  }
JS;

const THANKS = <<<'JS'
  const cookie = (name) => (document.cookie.split('; ').find((one) => one.startsWith(`${name}=`)) || '').slice(name.length + 1);
  const told = `connector_told_${said.order}`;
  // https://developers.facebook.com/docs/meta-pixel/implementation/conversion-tracking
  function tellPixels() {
    if (localStorage.getItem(told)) return; // the page was loaded again
    if (said.pixels.length) localStorage.setItem(told, '1');
    said.pixels.forEach(({ pixel, id }) => {
      const query = new URLSearchParams({
        id: pixel, ev: 'Purchase', eid: id, dl: said.shop_url, ts: String(Date.now()),
        'cd[value]': String(said.value), 'cd[currency]': said.currency, 'cd[order_id]': String(said.order),
        fbp: cookie('_fbp'), fbc: cookie('_fbc'),
      });
      fetch(`${said.pixel_url}?${query}`, { mode: 'no-cors', keepalive: true }).catch(() => {});
    });
  }
  function hear(marketing) {
    const word = { order: said.order, key: said.key, marketing };
    if (marketing === 'granted') {
      tellPixels();
      Object.assign(word, { fbp: cookie('_fbp'), fbc: cookie('_fbc') });
    } else if (said.pixels.length) {
      document.cookie = '_fbp=; path=/; max-age=0';
    }
    fetch(said.listen, {
      method: 'POST', keepalive: true, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(word),
    }).catch(() => {});
  }
  if (said.marketing === 'granted' || said.marketing === '') tellPixels();
  // WP Consent API, Complianz and CookieYes, each with its own event.
  document.addEventListener('wp_listen_for_consent_change', ({ detail }) => {
    if (detail && detail.marketing) hear(detail.marketing === 'allow' ? 'granted' : 'denied');
  });
  document.addEventListener('cmplz_status_change', ({ detail }) => {
    if (detail && detail.category === 'marketing') hear(detail.value === 'allow' ? 'granted' : 'denied');
  });
  document.addEventListener('cookieyes_consent_update', ({ detail }) => {
    if (detail && detail.accepted) hear(detail.accepted.includes('advertisement') ? 'granted' : 'denied');
  });
JS;

// Both checkouts run inside the shopper's request, before the order is saved.
add_action('woocommerce_checkout_create_order', __NAMESPACE__ . '\note');
add_action('woocommerce_store_api_checkout_update_order_from_request', __NAMESPACE__ . '\note');
add_action('wp_enqueue_scripts', __NAMESPACE__ . '\greet');
add_action('woocommerce_thankyou', __NAMESPACE__ . '\thanks');
add_action('rest_api_init', function () {
    register_rest_route('connector/v1', '/visit', [
        'methods' => 'POST',
        'callback' => __NAMESPACE__ . '\listen',
        'permission_callback' => '__return_true', // the order's key is the permission
    ]);
});
add_action('before_woocommerce_init', function () {
    if (class_exists('\Automattic\WooCommerce\Utilities\FeaturesUtil')) {
        foreach (['custom_order_tables', 'cart_checkout_blocks'] as $feature) {
            \Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility($feature, __FILE__, true);
        }
    }
});
