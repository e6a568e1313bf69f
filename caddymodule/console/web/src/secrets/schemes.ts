// What the page knows about signature schemes: who makes the secret, and where it goes.

export const schemes = [
  "flowtrux",
  "github",
  "stripe",
  "slack",
  "shopify",
  "standard-webhooks",
  "custom",
] as const;

interface About {
  name: string;
  /** The sender makes the secret, and shows it: it is not generated here. */
  given?: boolean;
  /** Where the secret goes, or comes from. */
  where: string;
}

const known: Record<string, About> = {
  flowtrux: { name: "FlowTrux", where: "Give it to the sender, who signs the body with it." },
  github: {
    name: "GitHub",
    where: "At GitHub it goes into the webhook's field Secret, with the content type application/json.",
  },
  stripe: {
    name: "Stripe",
    given: true,
    where: "Stripe shows it as the signing secret of the webhook endpoint: whsec_…",
  },
  slack: {
    name: "Slack",
    given: true,
    where: "Slack shows it as the signing secret in the basic information of the app.",
  },
  shopify: {
    name: "Shopify",
    given: true,
    where: "Shopify shows it below the webhooks, or as the client secret of the app.",
  },
  "standard-webhooks": {
    name: "Standard Webhooks",
    where: "Senders such as Svix take it, or show one of their own: whsec_…",
  },
  custom: { name: "Custom", where: "The sender needs the same secret." },
};

/** What is known about a scheme. One without a name is flowtrux. */
export const aboutScheme = (scheme = ""): About =>
  known[scheme || "flowtrux"] ?? { name: scheme, where: "The sender needs the same secret." };

/** The number of random bytes of a secret, as `caddy flowtrux secret set --generate` makes them. */
const randomBytes = 32;

/** Makes a random secret in the form that senders of the scheme take. */
export function newSecret(scheme: string): string {
  const b = crypto.getRandomValues(new Uint8Array(randomBytes));
  if (scheme === "standard-webhooks") return "whsec_" + btoa(String.fromCharCode(...b));
  return Array.from(b, (n) => n.toString(16).padStart(2, "0")).join("");
}

/** Returns what is wrong with a secret that was typed, or undefined. */
export function secretProblem(scheme: string, value: string): string | undefined {
  if (value === "") return "Paste or type the secret.";
  if (new TextEncoder().encode(value).length > 64 << 10) return "A secret has at most 64 KiB.";
  if (scheme === "standard-webhooks" && !isBase64(value)) {
    return "It is not base64, with or without whsec_ before it: the libraries of Standard Webhooks refuse it.";
  }
  return undefined;
}

/** Returns what is odd about a secret that may be meant so, or undefined. */
export function secretDoubt(value: string): string | undefined {
  if (/^\s|\s$/.test(value)) return "It begins or ends with a space, which is part of the secret.";
  if (value !== "" && value.length < 16) return "It is short. Anybody who guesses it can send webhooks.";
  return undefined;
}

function isBase64(value: string): boolean {
  const text = value.replace(/^(?:v1,)?whsec_/, "");
  return (
    text.length > 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/.test(text) &&
    (text.endsWith("=") ? text.length % 4 === 0 : text.length % 4 !== 1)
  );
}
