// Events as providers send them. Each has new ids and the time of now, so that a second one is not taken for
// a duplicate.

export interface Sample {
  readonly id: string;
  readonly title: string;
  /** The signature scheme of its provider. */
  readonly scheme?: string;
  make(now: number): { headers: [string, string][]; body: string };
}

const hex = (length: number): string =>
  [...crypto.getRandomValues(new Uint8Array(length / 2))]
    .map((b) => b.toString(16).padStart(2, "0"))
    .join("");
/** crypto.randomUUID is missing on pages of plain http. */
export const uuid = (): string => hex(32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const word = (length: number, from = letters): string =>
  [...crypto.getRandomValues(new Uint8Array(length))].map((b) => from[b % from.length]).join("");
const digits = (length: number): string => "1" + word(length - 1, "0123456789");
const seconds = (now: number): number => Math.floor(now / 1000);
const iso = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
const text = (value: unknown): string => JSON.stringify(value, null, 2);

const user = (login: string, id: number) => ({
  login,
  id,
  type: "User",
  html_url: `https://github.com/${login}`,
  site_admin: false,
});
const repository = {
  id: 81234567,
  name: "shop",
  full_name: "acme/shop",
  private: true,
  owner: user("acme", 4512345),
  html_url: "https://github.com/acme/shop",
  description: "The web shop",
  default_branch: "main",
  language: "Go",
  open_issues_count: 7,
  clone_url: "https://github.com/acme/shop.git",
};
const gitHub = (event: string): [string, string][] => [
  ["User-Agent", "GitHub-Hookshot/5a2b1c7"],
  ["X-GitHub-Event", event],
  ["X-GitHub-Delivery", uuid()],
  ["X-GitHub-Hook-ID", "512340987"],
];
const ada = { name: "Ada Lovelace", email: "ada@example.com", username: "ada" };

function push(now: number): { headers: [string, string][]; body: string } {
  const [before, after] = [hex(40), hex(40)];
  const commit = {
    id: after,
    tree_id: hex(40),
    distinct: true,
    message: "checkout: round prices to cents (#418)",
    timestamp: iso(now - 42_000),
    url: `https://github.com/acme/shop/commit/${after}`,
    author: ada,
    committer: { name: "GitHub", email: "noreply@github.com", username: "web-flow" },
    added: [],
    removed: [],
    modified: ["checkout/price.go", "checkout/price_test.go"],
  };
  return {
    headers: gitHub("push"),
    body: text({
      ref: "refs/heads/main",
      before,
      after,
      created: false,
      deleted: false,
      forced: false,
      base_ref: null,
      compare: `https://github.com/acme/shop/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
      repository,
      pusher: { name: "ada", email: "ada@example.com" },
      sender: user("ada", 1815),
      commits: [commit],
      head_commit: commit,
    }),
  };
}

function pullRequest(now: number): { headers: [string, string][]; body: string } {
  const number = 419;
  return {
    headers: gitHub("pull_request"),
    body: text({
      action: "opened",
      number,
      pull_request: {
        id: 1698765432,
        number,
        state: "open",
        locked: false,
        title: "Show the delivery date in the cart",
        user: user("grace", 1906),
        body: "Closes #402.\n\nThe date comes from the carrier, and is cached for an hour.",
        draft: false,
        merged: false,
        mergeable: null,
        html_url: `https://github.com/acme/shop/pull/${number}`,
        created_at: iso(now),
        updated_at: iso(now),
        labels: [{ id: 208045946, name: "cart", color: "0e8a16" }],
        head: { label: "acme:delivery-date", ref: "delivery-date", sha: hex(40) },
        base: { label: "acme:main", ref: "main", sha: hex(40) },
        commits: 3,
        additions: 142,
        deletions: 17,
        changed_files: 6,
      },
      repository,
      sender: user("grace", 1906),
    }),
  };
}

function payment(now: number): { headers: [string, string][]; body: string } {
  const created = seconds(now);
  return {
    headers: [["User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"]],
    body: text({
      id: `evt_3${word(23)}`,
      object: "event",
      api_version: "2025-03-31.basil",
      created,
      data: {
        object: {
          id: `pi_3${word(23)}`,
          object: "payment_intent",
          amount: 4990,
          amount_capturable: 0,
          amount_received: 4990,
          capture_method: "automatic_async",
          client_secret: null,
          confirmation_method: "automatic",
          created: created - 9,
          currency: "eur",
          customer: `cus_${word(14)}`,
          description: "Order 1042",
          latest_charge: `ch_3${word(23)}`,
          livemode: false,
          metadata: { order_id: "1042", channel: "web" },
          payment_method: `pm_1${word(23)}`,
          payment_method_types: ["card", "link"],
          receipt_email: "ada@example.com",
          status: "succeeded",
          last_payment_error: null,
        },
      },
      livemode: false,
      pending_webhooks: 1,
      request: { id: `req_${word(14)}`, idempotency_key: uuid() },
      type: "payment_intent.succeeded",
    }),
  };
}

function slack(now: number): { headers: [string, string][]; body: string } {
  const at = `${seconds(now)}.${digits(6)}`;
  const upper = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const [team, channel, sender] = [`T0${word(9, upper)}`, `C0${word(9, upper)}`, `U0${word(9, upper)}`];
  return {
    headers: [["User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)"]],
    body: text({
      token: "not used: requests are signed",
      team_id: team,
      api_app_id: `A0${word(9, upper)}`,
      event: {
        type: "app_mention",
        user: sender,
        text: "<@U0LAN0Z89> is the order 1042 on its way?",
        ts: at,
        client_msg_id: uuid(),
        team,
        channel,
        event_ts: at,
        blocks: [
          {
            type: "rich_text",
            block_id: word(5),
            elements: [
              {
                type: "rich_text_section",
                elements: [
                  { type: "user", user_id: "U0LAN0Z89" },
                  { type: "text", text: " is the order 1042 on its way?" },
                ],
              },
            ],
          },
        ],
      },
      type: "event_callback",
      event_id: `Ev0${word(8, upper)}`,
      event_time: seconds(now),
      authorizations: [
        {
          enterprise_id: null,
          team_id: team,
          user_id: "U0LAN0Z89",
          is_bot: true,
          is_enterprise_install: false,
        },
      ],
      is_ext_shared_channel: false,
    }),
  };
}

function order(now: number): { headers: [string, string][]; body: string } {
  const id = Number(digits(13));
  const address = {
    first_name: "Ada",
    last_name: "Lovelace",
    address1: "12 St James's Square",
    city: "London",
    zip: "SW1Y 4JH",
    country: "United Kingdom",
    country_code: "GB",
    phone: null,
  };
  const money = (amount: string) => ({
    shop_money: { amount, currency_code: "EUR" },
    presentment_money: { amount, currency_code: "EUR" },
  });
  const item = (sku: string, title: string, quantity: number, price: string) => ({
    id: Number(digits(14)),
    sku,
    title,
    name: title,
    quantity,
    price,
    price_set: money(price),
    product_id: Number(digits(13)),
    variant_id: Number(digits(14)),
    requires_shipping: true,
    taxable: true,
    grams: 350,
    vendor: "Acme",
    total_discount: "0.00",
  });
  return {
    headers: [
      ["X-Shopify-Topic", "orders/create"],
      ["X-Shopify-Shop-Domain", "acme-shop.myshopify.com"],
      ["X-Shopify-API-Version", "2025-07"],
      ["X-Shopify-Webhook-Id", uuid()],
      ["X-Shopify-Event-Id", uuid()],
      ["X-Shopify-Triggered-At", new Date(now).toISOString()],
    ],
    body: text({
      id,
      admin_graphql_api_id: `gid://shopify/Order/${id}`,
      name: "#1042",
      number: 42,
      order_number: 1042,
      created_at: iso(now),
      processed_at: iso(now),
      cancelled_at: null,
      currency: "EUR",
      financial_status: "paid",
      fulfillment_status: null,
      confirmed: true,
      test: false,
      email: "ada@example.com",
      note: null,
      tags: "",
      subtotal_price: "45.00",
      total_discounts: "0.00",
      total_tax: "8.55",
      total_price: "49.90",
      total_price_set: money("49.90"),
      customer: {
        id: Number(digits(13)),
        email: "ada@example.com",
        first_name: "Ada",
        last_name: "Lovelace",
        state: "enabled",
        verified_email: true,
        currency: "EUR",
      },
      billing_address: address,
      shipping_address: address,
      discount_codes: [],
      source_name: "web",
      line_items: [item("MUG-01", "Enamel mug", 2, "12.50"), item("TEE-M", "T-shirt, M", 1, "20.00")],
      shipping_lines: [
        {
          id: Number(digits(13)),
          title: "Standard",
          code: "STD",
          price: "4.90",
          price_set: money("4.90"),
          source: "shopify",
        },
      ],
    }),
  };
}

function plain(now: number): { headers: [string, string][]; body: string } {
  return {
    headers: [],
    body: text({
      event: "order_created",
      order_id: digits(5),
      created_at: iso(now),
      customer: { name: "Ada Lovelace", email: "ada@example.com" },
      items: [
        { sku: "MUG-01", quantity: 2, price: 12.5 },
        { sku: "TEE-M", quantity: 1, price: 20 },
      ],
      total: 45,
    }),
  };
}

export const samples: readonly Sample[] = [
  { id: "plain", title: "An order, plain", make: plain },
  { id: "github-push", title: "GitHub: push", scheme: "github", make: push },
  { id: "github-pull-request", title: "GitHub: pull_request", scheme: "github", make: pullRequest },
  { id: "stripe", title: "Stripe: payment_intent.succeeded", scheme: "stripe", make: payment },
  { id: "slack", title: "Slack: event_callback", scheme: "slack", make: slack },
  { id: "shopify", title: "Shopify: orders/create", scheme: "shopify", make: order },
];
