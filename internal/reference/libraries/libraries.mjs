// Signs and verifies with the reference libraries. Reads one request per line from standard input, writes one result per line.
import { createInterface } from "node:readline";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

const libraries = { standardwebhooks: [Standard, "webhook-"], svix: [Svix, "svix-"] };

function sign({ library, secret, id, time, body }) {
  const [Webhook, prefix] = libraries[library];
  const signature = new Webhook(secret).sign(id, new Date(time * 1000), body);
  return { headers: { [prefix + "id"]: id, [prefix + "timestamp"]: String(time), [prefix + "signature"]: signature } };
}

function verify({ library, secret, headers, body }) {
  const [Webhook] = libraries[library];
  new Webhook(secret).verify(body, headers);
  return {};
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = request.headers ? verify(request) : sign(request);
  } catch (error) {
    answer = { error: String(error.message || error) };
  }
  console.log(JSON.stringify(answer));
}
