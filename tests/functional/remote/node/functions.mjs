// The functions of the tests, which both versions of the SDK can serve.

const bodies = [];
/** Notes that a body runs; returns how often it has run for this run. */
function ran(runId, name) {
  bodies.push({ runId, name });
  return bodies.filter((each) => each.runId === runId && each.name === name).length;
}

const DAY = 24 * 3600 * 1000;

export function functionsOf(sdk, version, client) {
  const { NonRetriableError, RetryAfterError } = sdk;
  const make = (config, triggers, handler) =>
    version === 3
      ? client.createFunction(config, triggers, handler)
      : client.createFunction({ ...config, triggers }, handler);
  const on = (event) => [{ event }];

  const drip = make({ id: "drip" }, on("shop/signed.up"), async ({ event, step, runId }) => {
    await step.run("send welcome", async () => ran(runId, "welcome"));
    const waited = { event: "shop/confirmed", timeout: event.data.timeout ?? "2d", if: "async.data.email == event.data.email" };
    if (await step.waitForEvent("first", waited)) return { outcome: "at once" };
    await step.run("send reminder", async () => ran(runId, "reminder"));
    const late = await step.waitForEvent("second", waited);
    return { outcome: late ? "late" : "never", via: late?.data.via ?? null };
  });

  const parallel = make({ id: "parallel" }, on("shop/parallel"), async ({ event, step, runId }) => {
    const [a, b, answer] = await Promise.all([
      step.run("a", async () => ran(runId, "a") && "A"),
      step.run("b", async () => ran(runId, "b") && "B"),
      step.waitForEvent("answer", { event: "shop/answer", timeout: "1h", match: "data.order" }),
    ]);
    const last = await step.run("last", async () => a + b);
    return { last, answer: answer?.data ?? null, order: event.data.order };
  });

  const race = make({ id: "race" }, on("shop/race"), async ({ event, step }) => {
    const winner = await Promise.race([
      step.waitForEvent("paid", { event: "shop/paid", timeout: event.data.deadline ?? "1d" }).then((each) => (each ? "paid" : "none")),
      step.sleep("patience", "1h").then(() => "slept"),
    ]);
    return await step.run("note", async () => winner);
  });

  const pack = make({ id: "pack" }, on("shop/pack"), async ({ event, step }) => {
    return { packed: await step.run("pack", async () => event.data.box * 2) };
  });

  const invokes = make({ id: "invokes" }, on("shop/invokes"), async ({ event, step }) => {
    const packed = await step.invoke("pack it", { function: pack, data: { box: event.data.box } });
    await step.sendEvent("tell", { name: "shop/told", data: packed });
    return packed;
  });

  const told = make({ id: "told" }, on("shop/told"), async ({ event }) => event.data);

  const retries = make({ id: "retries", retries: 3 }, on("shop/retries"), async ({ step, runId }) => {
    return await step.run("flaky", async () => {
      const n = ran(runId, "flaky");
      if (n < 3) throw new TypeError(`not yet: ${n}`);
      return n;
    });
  });

  const caught = make({ id: "caught" }, on("shop/caught"), async ({ step, runId }) => {
    try {
      await step.run("hopeless", async () => {
        ran(runId, "hopeless");
        throw new NonRetriableError("card is stolen");
      });
    } catch (error) {
      return { caught: error.message };
    }
  });

  const later = make({ id: "later" }, on("shop/later"), async ({ step, runId }) => {
    return await step.run("busy", async () => {
      if (ran(runId, "busy") === 1) throw new RetryAfterError("busy", "2h");
      return "done";
    });
  });

  const fails = make(
    {
      id: "fails",
      retries: 1,
      onFailure: async ({ event, error, step }) => {
        return await step.run("report", async () => ({
          about: event.data.function_id,
          order: event.data.event.data.order,
          message: error.message,
        }));
      },
    },
    on("shop/fails"),
    async ({ step, runId }) => {
      await step.run("fine", async () => ran(runId, "fine"));
      throw new Error(`out of order ${ran(runId, "throws")}`);
    },
  );

  const cancelled = make(
    { id: "cancelled", cancelOn: [{ event: "shop/withdrawn", if: "async.data.order == event.data.order" }] },
    on("shop/cancelled"),
    async ({ step, runId }) => {
      await step.sleep("long", "5d");
      return await step.run("never", async () => ran(runId, "never"));
    },
  );

  const loop = make({ id: "loop" }, on("shop/loop"), async ({ step }) => {
    const sum = [];
    for (let n = 0; n < 3; n++) sum.push(await step.run("turn", async () => n * 10));
    return sum;
  });

  const until = make({ id: "until" }, on("shop/until"), async ({ event, step }) => {
    await step.sleepUntil("day", new Date(event.ts + DAY));
    return "slept";
  });

  const big = make({ id: "big" }, on("shop/big"), async ({ event, step }) => {
    let size = 0;
    for (let n = 0; n < event.data.megabytes; n++) {
      const text = await step.run(`part ${n}`, async () => "x".repeat(1_000_000));
      size += text.length;
    }
    return size;
  });

  // The event of a cron has no `id`, by which it could be cancelled.
  const cancelOn = [{ event: "shop/stopped", if: "async.data.id == event.data.id" }];
  const nightly = make({ id: "nightly", cancelOn }, [{ cron: "TZ=Europe/Berlin 0 3 * * *" }], async ({ event, step }) => {
    return await step.run("work", async () => event.name);
  });

  const narrow = make({ id: "narrow", concurrency: { limit: 1, key: "event.data.customer" } }, on("shop/narrow"), async ({
    step,
    runId,
  }) => {
    await step.run("work", async () => ran(runId, "narrow"));
    return "done";
  });

  const signal = make({ id: "signal" }, on("shop/signal"), async ({ event, step }) => {
    const got = await step.waitForSignal("approve", { signal: `approve/${event.data.order}`, timeout: "1d" });
    return got?.data ?? "nothing";
  });

  // The reply to a request is sent while the step that requests it still runs.
  const asks = make({ id: "asks" }, on("shop/asks"), async ({ event, step }) => {
    await step.run("ask", async () => {
      await client.send({ name: "shop/replied", data: { order: event.data.order } });
    });
    const reply = await step.waitForEvent("reply", { event: "shop/replied", timeout: "1h", match: "data.order" });
    return reply ? "answered" : "missed";
  });

  const fetches = make({ id: "fetches" }, on("shop/fetches"), async ({ event, step }) => {
    const answer = await step.ai.infer("model", {
      model: { url: event.data.url, authKey: "secret", format: "openai-chat", headers: {}, options: {} },
      body: { ask: "how many?" },
    });
    return answer;
  });

  // A request that the server makes in the app's place.
  const calls = make({ id: "calls", retries: 2 }, on("shop/calls"), async ({ event, step }) => {
    const { url, ...init } = event.data;
    const answer = await step.fetch(url, init);
    const headers = Object.fromEntries(answer.headers);
    return { status: answer.status, seen: headers["x-seen"] ?? null, text: await answer.text() };
  });

  const keyed = make({ id: "keyed" }, on("shop/keyed"), async ({ event, step }) => {
    const authKey = `sk-very-secret${event.data.after}`;
    const model = { url: `${event.data.url}?key=sk-very-secret`, authKey, format: "openai-chat", headers: {}, options: {} };
    return await step.ai.infer("model", { model, body: {} });
  });

  const pages = make({ id: "pages" }, on("shop/pages"), async ({ event, step }) => {
    const several = await Promise.all(event.data.urls.map((url) => step.fetch(url)));
    return await Promise.all(several.map((each) => each.text()));
  });

  const approves = make({ id: "approves" }, on("shop/approves"), async ({ event, step }) => {
    return await step.run("send", async () => {
      const sent = await client.sendSignal({ signal: `approve/${event.data.order}`, data: { by: "bert" } });
      return sent.runId ?? null;
    });
  });

  const limited = make(
    { id: "limited", rateLimit: { limit: 1, period: "1h", key: "event.data.customer" } },
    on("shop/limited"),
    async ({ event }) => event.data.n,
  );

  const throttled = make({ id: "throttled", throttle: { limit: 1, period: "1h" } }, on("shop/throttled"), async () => 1);

  const batched = make(
    { id: "batched", batchEvents: { maxSize: 3, timeout: "10s" } },
    on("shop/batched"),
    async ({ events }) => events.map((each) => each.data.n),
  );

  // What the starting event lacks is null, as on the original.
  const lenient = make({ id: "lenient" }, on("shop/lenient"), async ({ step }) => {
    const opts = { event: "shop/kind", timeout: "1d", if: "async.data.kind != event.data.kind" };
    return ((await step.waitForEvent("kind", opts)) ?? { data: "none" }).data;
  });

  // A text that is cut in the middle of a character.
  const cuts = make({ id: "cuts" }, on("shop/cuts"), async ({ step }) => {
    const half = await step.run("cut", async () => "😀".slice(0, 1));
    return await step.run("code", async () => half.charCodeAt(0).toString(16));
  });

  const asksFor = make({ id: "asks-for" }, on("shop/asks.for"), async ({ event, step }) => {
    return await step.waitForEvent("it", { event: "shop/it", timeout: "1d", if: event.data.condition });
  });

  const counts = make({ id: "counts" }, on("shop/counts"), async ({ event, step }) => {
    for (let n = 0; n < event.data.steps; n++) await step.run(`step ${n}`, async () => n);
  });

  const mendable = make({ id: "mendable", retries: 0 }, on("shop/mendable"), async ({ step, runId }) => {
    await step.run("fine", async () => ran(runId, "fine"));
    return await step.run("broken", async () => {
      if (ran(runId, "broken") === 1) throw new Error("not mended yet");
      return "mended";
    });
  });

  const slow = make({ id: "slow", retries: 0 }, on("shop/slow"), async ({ event, step }) => {
    return await step.run("slow", async () => {
      await new Promise((wake) => setTimeout(wake, event.data.ms));
      return "slept";
    });
  });

  // What apps have beside steps: several triggers, lists of events, a logger, `attempt`, and middleware.
  const both = make(
    { id: "both" },
    [{ event: "shop/one" }, { event: "shop/two", if: "event.data.n > 1" }],
    async ({ event, step, logger, attempt, runId }) => {
      logger.info("begins");
      const sent = await step.sendEvent("tell", [1, 2].map((n) => ({ name: "shop/heard", data: { n, by: event.name } })));
      return { sent: sent.ids.length, attempt, isRun: runId.length > 0 };
    },
  );

  const wraps = make({ id: "wraps" }, on("shop/wraps"), async ({ step, mark }) => {
    return await step.ai.wrap("model", async (text) => `${text}${mark}`, "hello");
  });

  const debounced = make({ id: "debounced", debounce: { period: "1m" } }, on("shop/debounced"), async ({ event }) => event.data.n);
  const single = make({ id: "single", singleton: { mode: "skip", key: "event.data.k" } }, on("shop/single"), async ({ event, step }) => {
    await step.sleep("long", "1h");
    return event.data.n;
  });
  const once = make({ id: "once", idempotency: "event.data.order" }, on("shop/once"), async ({ event }) => event.data.n);
  const hurried = make({ id: "hurried", timeouts: { finish: "1h" } }, on("shop/hurried"), async ({ step }) => {
    await step.sleep("long", "2h");
  });
  const urgent = make(
    { id: "urgent", concurrency: 1, priority: { run: "event.data.urgent ? 100 : 0" } },
    on("shop/urgent"),
    async ({ event }) => event.data.n,
  );
  const more = [both, wraps, debounced, single, once, hurried, urgent];

  if (version === 4) {
    const { group, realtime, staticSchema } = sdk;
    more.push(
      make({ id: "grouped" }, on("shop/grouped"), async ({ step, runId }) => {
        const branch = (name) => step.run(name, async () => ran(runId, name) && name);
        return await group.parallel(async () => Promise.race([branch("a"), branch("b")]));
      }),
      make({ id: "published", retries: 0 }, on("shop/published"), async ({ step }) => {
        const channel = realtime.channel({ name: "orders", topics: { state: { schema: staticSchema() } } });
        await step.realtime.publish("tell", channel.state, { is: "paid" });
      }),
      make({ id: "defers", retries: 0 }, on("shop/defers"), async ({ defer }) => {
        defer("later", { function: sdk.createDefer(client, { id: "deferred" }, async () => 1), data: {} });
        return "done";
      }),
    );
  }

  const first = [drip, parallel, race, pack, invokes, told, retries, caught, later, fails, cancelled, loop, until, big];
  return { functions: [...first, ...more, nightly, narrow, signal, asks, fetches, calls, keyed, pages, approves, limited, throttled, batched, lenient, cuts, asksFor, counts, mendable, slow], bodies };
}
