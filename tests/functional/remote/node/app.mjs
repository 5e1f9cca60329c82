// The functions of the tests, by inngest 3 or 4, and `/bodies`: which bodies have run.
import { createServer } from "node:http";

import { functionsOf } from "./functions.mjs";

// One version a process: the two share a global, and get in each other's way.
const version = Number(process.env.SDK ?? 4);
const sdk = await import(`inngest-v${version}`);
const { serve } = await import(`inngest-v${version}/node`);
const logger = { info() {}, debug() {}, warn() {}, error() {} };
const client = new sdk.Inngest({ id: `shop${version}`, logger });
const { functions: all, bodies } = functionsOf(sdk, version, client);
const functions = all.filter((each) => each.id() !== process.env.WITHOUT);
const handler = serve({ client, functions, servePath: "/api/inngest" });

const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/bodies") return response.end(JSON.stringify(bodies));
  return path === "/api/inngest" ? handler(request, response) : response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume(); // it ends with the tests, also if these are killed
