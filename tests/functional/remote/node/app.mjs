// The functions of the tests, by inngest 3 or 4, and `/bodies`: which bodies have run.
import { createServer } from "node:http";

import { functionsOf } from "./functions.mjs";

// One version a process: the two share a global, and get in each other's way.
const version = Number(process.env.SDK ?? 4);
const experimental = version === 4 ? await import("inngest-v4/experimental") : {};
const sdk = { ...(await import(`inngest-v${version}`)), ...experimental };
const adapter = process.env.ADAPTER ?? "node";
const { serve } = await import(`inngest-v${version}/${adapter}`);
const logger = { info() {}, debug() {}, warn() {}, error() {} };
const middleware = version === 4 ? [sdk.dependencyInjectionMiddleware({ mark: "!" })] : [];
const client = new sdk.Inngest({ id: `shop${version}`, logger, middleware });
const { functions: all, bodies } = functionsOf(sdk, version, client);
const functions = all.filter((each) => each.id() !== process.env.WITHOUT);
const served = serve({ client, functions, servePath: "/api/inngest" });

/** The adapters of web frameworks take a `Request`, and return a `Response`; Next.js has one handler for each method. */
async function bridged(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { method, headers } = request;
  const init = { method, headers, ...(parts.length ? { body: Buffer.concat(parts) } : {}) };
  const answer = await (served[method] ?? served)(new Request(`http://${headers.host}${request.url}`, init), {});
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
}

const handler = adapter === "node" ? served : bridged;

const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/bodies") return response.end(JSON.stringify(bodies));
  return path === "/api/inngest" ? handler(request, response) : response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume(); // it ends with the tests, also if these are killed
