"""The parts of the stand-in for a WooCommerce shop; `sandbox/woocommerce_store.py` is its front."""
