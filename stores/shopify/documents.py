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

SUBSCRIPTIONS = """\
query Subs($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri name apiVersion { handle } createdAt updatedAt }
  }
}
"""

UNSUBSCRIBE = """\
mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}
"""

PIXEL = "query Pixel { webPixel { id } }\n"

PIXEL_CREATE = """\
mutation CreatePixel($webPixel: WebPixelInput!) {
  webPixelCreate(webPixel: $webPixel) { userErrors { code message } }
}
"""

PIXEL_UPDATE = """\
mutation UpdatePixel($id: ID!, $webPixel: WebPixelInput!) {
  webPixelUpdate(id: $id, webPixel: $webPixel) { userErrors { code message } }
}
"""

PIXEL_DELETE = """\
mutation DeletePixel($id: ID!) {
  webPixelDelete(id: $id) { userErrors { code message } }
}
"""

_MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_ADDRESS = "{ firstName lastName city province provinceCode zip country countryCodeV2 phone }"
_LINES = f"""\
lineItems(first: 50, after: $lines) {{
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    id quantity sku isGiftCard
    product {{ legacyResourceId }}
    variant {{ legacyResourceId }}
    sellingPlan {{ sellingPlanId }}
    originalUnitPriceSet {_MONEY}
    discountAllocations {{ allocatedAmountSet {_MONEY} }}
  }}
}}"""

# What a webhook's body says of an order, as far as this API knows it: there is no user agent.
ORDERS_UPDATED = f"""\
query OrdersUpdated($first: Int!, $after: String, $q: String!, $lines: String) {{
  orders(first: $first, after: $after, query: $q, sortKey: UPDATED_AT, reverse: false) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      legacyResourceId id name confirmationNumber cartToken checkoutToken
      createdAt processedAt updatedAt cancelledAt
      test sourceName tags paymentGatewayNames
      app {{ id }}
      displayFinancialStatus displayFulfillmentStatus
      fulfillments(first: 20) {{ status displayStatus }}
      clientIp customerLocale email phone currencyCode presentmentCurrencyCode taxesIncluded
      totalPriceSet {_MONEY}
      subtotalPriceSet {_MONEY}
      totalTaxSet {_MONEY}
      totalShippingPriceSet {_MONEY}
      totalTipReceivedSet {_MONEY}
      totalRefundedSet {_MONEY}
      originalTotalDutiesSet {_MONEY}
      originalTotalAdditionalFeesSet {_MONEY}
      totalCashRoundingAdjustment {{ paymentSet {_MONEY} }}
      customAttributes {{ key value }}
      customer {{
        id firstName lastName
        defaultEmailAddress {{ emailAddress }}
        defaultPhoneNumber {{ phoneNumber }}
        defaultAddress {_ADDRESS}
      }}
      billingAddress {_ADDRESS}
      shippingAddress {_ADDRESS}
      customerJourneySummary {{
        lastVisit {{ landingPage referrerUrl }}
        firstVisit {{ landingPage referrerUrl }}
      }}
      shippingLines(first: 5) {{
        nodes {{
          title isRemoved
          originalPriceSet {_MONEY}
          discountAllocations {{ allocatedAmountSet {_MONEY} }}
          taxLines {{ priceSet {_MONEY} }}
        }}
      }}
      {_LINES}
    }}
  }}
}}
"""

ORDERS_COUNT = """\
query OrdersCount($q: String) {
  ordersCount(query: $q, limit: null) { count precision }
}
"""

MORE_LINES = f"""\
query MoreLines($id: ID!, $lines: String) {{
  order(id: $id) {{ {_LINES} }}
}}
"""
