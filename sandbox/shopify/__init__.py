"""Shopify's side of an app: tokens, the GraphQL Admin API and the admin that frames it."""
