import assert from "node:assert/strict";
import { test } from "node:test";
import { webhookUrls } from "./endpoints";

const cases: [name: string, endpoint: Parameters<typeof webhookUrls>[0], want: string[]][] = [
  [
    "any host",
    [{ prefix: "/api/webhooks/", listen: [":8080"], tls: false }],
    ["http://console.test:8080/api/webhooks/a"],
  ],
  [
    "a name, and the port of https",
    [{ prefix: "/h/", listen: [":443"], hosts: ["hooks.test"], tls: true }],
    ["https://hooks.test/h/a"],
  ],
  [
    "the port of http",
    [{ prefix: "/h/", listen: [":80"], hosts: ["hooks.test"], tls: false }],
    ["http://hooks.test/h/a"],
  ],
  [
    "one address of the machine",
    [{ prefix: "/h/", listen: ["127.0.0.1:9000"], tls: false }],
    ["http://127.0.0.1:9000/h/a"],
  ],
  [
    "all addresses, in numbers",
    [{ prefix: "/h/", listen: ["[::]:9000"], tls: false }],
    ["http://console.test:9000/h/a"],
  ],
  ["a socket has no address", [{ prefix: "/h/", listen: ["unix//run/caddy.sock"], tls: false }], []],
  [
    "names come first, patterns last",
    [
      { prefix: "/h/", listen: [":80"], tls: false },
      { prefix: "/h/", listen: [":80"], hosts: ["*.hooks.test", "hooks.test"], tls: false },
    ],
    ["http://hooks.test/h/a", "http://console.test/h/a", "http://*.hooks.test/h/a"],
  ],
];
for (const [name, endpoints, want] of cases) {
  test(`addresses of webhooks: ${name}`, () =>
    assert.deepEqual(webhookUrls(endpoints, "a", "console.test"), want));
}
