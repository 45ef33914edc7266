"""What we ask the GraphQL Admin API, word for word; each was checked against the schema of 2026-10.

https://shopify.dev/docs/api/admin-graphql/2026-10
"""

SHOP_FACTS = """\
query ShopFacts {
  shop {
    id myshopifyDomain name email currencyCode ianaTimezone taxesIncluded
    primaryDomain { host }
    plan { publicDisplayName partnerDevelopment shopifyPlus }
  }
  currentAppInstallation { id accessScopes { handle } }
}
"""
