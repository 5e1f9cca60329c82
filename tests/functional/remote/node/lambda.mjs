// The same functions as a Lambda, by `inngest/lambda`. A port plays Lambda's Invoke: the body is the event.
import { createServer } from "node:http";

import { functionsOf } from "./functions.mjs";

const version = Number(process.env.SDK ?? 4);
const sdk = await import(`inngest-v${version}`);
const { serve } = await import(`inngest-v${version}/lambda`);
const logger = { info() {}, debug() {}, warn() {}, error() {} };
const client = new sdk.Inngest({ id: `shop${version}`, logger });
const handler = serve({ client, functions: functionsOf(sdk, version, client).functions });

const server = createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  response.end(JSON.stringify(await handler(JSON.parse(text), {})));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
