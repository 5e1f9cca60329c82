// The campaign as a Lambda: TarryStack(remote=lambda stack: [RemoteApp(id="shop", function=NodejsFunction(...))]).
import { serve } from "inngest/lambda";

import { inngest, onboarding } from "./onboarding.ts";

export const handler = serve({ client: inngest, functions: [onboarding] });
