<?php
/**
 * As much of WordPress and WooCommerce as a plug-in meets that notes things on orders: hooks, both
 * checkouts, the page of thanks, the REST API. Orders are JSON files. For `php -S`, on loopback only.
 */

define('ABSPATH', __DIR__ . '/');
$hooks = [];
$scripts = [];
$routes = [];

function add_action(string $name, callable $callback): void
{
    $GLOBALS['hooks'][$name][] = $callback;
}

function do_action(string $name, ...$values): void
{
    foreach ($GLOBALS['hooks'][$name] ?? [] as $callback) {
        $callback(...array_slice($values, 0, 1)); // one, unless more are asked for
    }
}

function wp_unslash(string $value): string
{
    return stripslashes($value);
}

function absint($value): int
{
    return abs((int) $value);
}

function wp_json_encode($value): string
{
    return json_encode($value);
}

function home_url(string $path): string
{
    return 'http://' . $_SERVER['HTTP_HOST'] . $path;
}

function rest_url(string $path): string
{
    return home_url('/wp-json/' . $path);
}

function wp_register_script(string $name): void
{
    $GLOBALS['scripts'][$name] = '';
}

function wp_enqueue_script(string $name): void
{
}

function wp_add_inline_script(string $name, string $script): void
{
    $GLOBALS['scripts'][$name] .= $script;
}

function register_rest_route(string $space, string $path, array $route): void
{
    $GLOBALS['routes']["/wp-json/$space$path"] = $route;
}

if (getenv('CONSENT_TYPE')) {
    function wp_get_consent_type(): string // WP Consent API
    {
        return getenv('CONSENT_TYPE');
    }
}

class WP_Error
{
    public array $answer;

    public function __construct(string $code, string $message, array $data)
    {
        $this->answer = [$data['status'], ['code' => $code, 'message' => $message, 'data' => $data]];
    }
}

class WP_REST_Response
{
    public array $answer;

    public function __construct($data, int $status)
    {
        $this->answer = [$status, $data];
    }
}

class WP_REST_Request
{
    private array $parameters;

    public function __construct(string $body)
    {
        $this->parameters = json_decode($body, true) ?: [];
    }

    public function get_param(string $name)
    {
        return $this->parameters[$name] ?? null;
    }
}

class WC_Order
{
    private array $order;

    public function __construct(array $order)
    {
        $this->order = $order;
    }

    public function get_id(): int
    {
        return $this->order['id'];
    }

    public function get_order_key(): string
    {
        return $this->order['order_key'];
    }

    public function get_total(): string
    {
        return $this->order['total'];
    }

    public function get_currency(): string
    {
        return $this->order['currency'];
    }

    public function get_date_paid()
    {
        return $this->order['date_paid'];
    }

    public function get_meta(string $name)
    {
        return $this->order['meta'][$name] ?? '';
    }

    public function update_meta_data(string $name, string $value): void
    {
        $this->order['meta'][$name] = $value;
    }

    public function delete_meta_data(string $name): void
    {
        unset($this->order['meta'][$name]);
    }

    public function save(): void
    {
        // Whole at once: somebody may be reading it.
        $file = order_file($this->order['id']);
        file_put_contents("$file.new", json_encode($this->order));
        rename("$file.new", $file);
    }
}

function order_file(int $id): string
{
    return getenv('ORDERS') . "/$id.json";
}

function wc_get_order($id)
{
    $file = order_file((int) $id);
    return is_readable($file) ? new WC_Order(json_decode(file_get_contents($file), true)) : false;
}

/** The order that a checkout makes: what it is was written down beforehand, by whoever runs this. */
function made_order(int $id): WC_Order
{
    return new WC_Order(json_decode(file_get_contents(getenv('ORDERS') . "/$id.cart"), true) + ['meta' => []]);
}

function page(string $body): void
{
    do_action('wp_enqueue_scripts');
    echo "<!DOCTYPE html><html lang=\"en\"><title>A sandbox shop</title><h1>A sandbox shop</h1>$body";
    foreach ($GLOBALS['scripts'] as $script) {
        echo "<script>$script</script>";
    }
}

require getenv('PLUGIN');
do_action('before_woocommerce_init');
do_action('rest_api_init');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if ($path === '/favicon.ico') {
    http_response_code(404);
} elseif (isset($routes[$path]) && $_SERVER['REQUEST_METHOD'] === $routes[$path]['methods']) {
    $answer = $routes[$path]['callback'](new WP_REST_Request(file_get_contents('php://input')))->answer;
    http_response_code($answer[0]);
    header('Content-Type: application/json');
    echo $answer[1] === null ? '' : json_encode($answer[1]);
} elseif ($path === '/checkout/' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    $order = made_order((int) $_POST['order']);
    do_action('woocommerce_checkout_create_order', $order, $_POST);
    $order->save();
    header('Location: /order-received/' . $order->get_id() . '/', true, 303);
} elseif ($path === '/wp-json/wc/store/v1/checkout') {
    $request = new WP_REST_Request(file_get_contents('php://input'));
    $order = made_order((int) $request->get_param('order'));
    do_action('woocommerce_store_api_checkout_update_order_from_request', $order, $request);
    $order->save();
    header('Content-Type: application/json');
    echo json_encode(['order_id' => $order->get_id()]);
} elseif (preg_match('#^/order-received/(\d+)/$#', $path, $match)) {
    do_action('woocommerce_thankyou', (int) $match[1]);
    page('<p>Thank you.</p>');
} else {
    page('<form method="post" action="/checkout/"><input name="order"><button>Buy</button></form>');
}
