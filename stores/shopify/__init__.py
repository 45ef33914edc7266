"""A Shopify shop and our app in it: who asks, what it has granted, and what its Admin API says."""
