// The campaign as a web service, as in `npx tsx server.ts`.
import { serve } from "inngest/node";
import { createServer } from "node:http";

import { inngest, onboarding } from "./onboarding.ts";

const server = createServer(serve({ client: inngest, functions: [onboarding] }));
server.listen(Number(process.env.PORT ?? 3000), () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
