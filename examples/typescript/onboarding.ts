// The mail campaign of ../onboarding.py, by the official Inngest SDK: a welcome first, then tips for an active user or
// a nudge after three silent days. It runs on Tarry as it is:
//
//     npm install inngest tsx
//     INNGEST_DEV=http://localhost:8787 npx tsx server.ts
//     tarry dev -u http://localhost:3000/api/inngest
//
//     tarry send app/account.created '{"userId": "u-1", "email": "ada@shop.test"}'
//     tarry send app/onboarding.completed '{"userId": "u-1", "email": "ada@shop.test"}'
import { Inngest } from "inngest";

export const inngest = new Inngest({ id: "shop" });

async function sendEmail(to: string, template: string): Promise<{ to: string; template: string }> {
  return { to, template }; // call your mail provider here
}

export const onboarding = inngest.createFunction(
  { id: "onboarding", triggers: [{ event: "app/account.created" }] },
  async ({ event, step }) => {
    const email: string = event.data.email;
    await step.run("send-welcome-email", () => sendEmail(email, "welcome"));

    const completed = await step.waitForEvent("wait-for-onboarding", {
      event: "app/onboarding.completed",
      if: "async.data.userId == event.data.userId",
      timeout: "3d",
    });
    if (completed === null) {
      await step.run("send-nudge-email", () => sendEmail(email, "nudge"));
      return "nudged";
    }
    await step.run("send-tips-email", () => sendEmail(email, "tips"));
    return "onboarded";
  },
);
