import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { TraceSink } from "../../provider/http/call";
import { isClass, isServiceError, isUnknownOutcome } from "../../provider/http/errors";
import {
  CMDLET,
  CountedTokens,
  failureOf,
  pipelineTo,
  READ,
  type Reply,
  type Service,
  startService,
  WRITE,
  within,
} from "./service";

const running: Service[] = [];

async function serve(...replies: Parameters<typeof startService>): Promise<Service> {
  const service = await startService(...replies);
  running.push(service);
  return service;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
});

const OK: Reply = { status: 200, body: { value: [] } };

describe("a request", () => {
  it("carries the token, ids and names of the package", async () => {
    const service = await serve({ status: 200, body: { value: [1] }, headers: { "request-id": "r-1" } });
    const answer = await pipelineTo(service.origin).send(CMDLET, within(60_000));
    expect(answer).toMatchObject({ status: 200, body: { value: [1] }, requestId: "r-1" });
    const [asked] = service.asked;
    expect(asked?.method).toBe("POST");
    expect(asked?.url).toBe(CMDLET.path);
    expect(JSON.parse(asked?.body ?? "")).toEqual(CMDLET.body);
    expect(asked?.headers).toMatchObject({
      authorization: "Bearer token-1",
      "x-cmdletname": "Get-Mailbox",
      accept: "application/json",
      "content-type": "application/json; charset=utf-8",
      "user-agent": expect.stringMatching(/^pulumi-mailboxes\/\d/),
      "x-clientapplication": expect.stringMatching(/^pulumi-mailboxes\/\d/),
      "client-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "connection-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it("has a new client-request-id each time and one connection-id for the process", async () => {
    const service = await serve(OK);
    const pipeline = pipelineTo(service.origin);
    await pipeline.send(CMDLET, within(60_000));
    await pipelineTo(service.origin).send(CMDLET, within(60_000));
    const [first, second] = service.asked;
    expect(first?.headers["client-request-id"]).not.toBe(second?.headers["client-request-id"]);
    expect(first?.headers["connection-id"]).toBe(second?.headers["connection-id"]);
  });

  it.each([
    "/v1.0/users?$filter=mail%20eq%20'a%2Bb@contoso.com'&$select=id",
    "/v1.0/users?$select=id,mail&$select=id&$orderby=mail",
    "/v1.0/users?next=https://graph.microsoft.com/v1.0/users",
    "/api/data/v9.2/mailboxes?$filter=emailaddress%20eq%20'O''Neil@contoso.com'",
  ])("reaches the server exactly as written: %s", async (path) => {
    const service = await serve(OK);
    await pipelineTo(service.origin).send({ ...READ, path }, within(60_000));
    expect(service.asked[0]?.url).toBe(path.replaceAll("'", "%27"));
  });

  it("follows a nextLink of the same host, also by Microsoft's name for it, and no other", async () => {
    const service = await serve(OK);
    const pipeline = pipelineTo(service.origin);
    await pipeline.send({ ...READ, path: `${service.origin}/v1.0/users?$skiptoken=a` }, within(60_000));
    await pipeline.send({ ...READ, path: "https://graph.microsoft.com/v1.0/users?$skiptoken=b" }, within(60_000));
    expect(service.asked.map(({ url }) => url)).toEqual(["/v1.0/users?$skiptoken=a", "/v1.0/users?$skiptoken=b"]);
    const error = await failureOf(
      pipeline.send({ ...READ, path: "https://contoso.example/v1.0/users" }, within(60_000)),
    );
    expect(error.message).toMatch(/contoso\.example.*not followed/);
  });

  it("goes to the environment that a Dataverse call names, with a token for it", async () => {
    const [configured, named] = [await serve(OK), await serve(OK)];
    const tokens = new CountedTokens();
    const call = { ...READ, service: "dataverse" as const, path: "/api/data/v9.2/mailboxes", base: named.origin };
    await pipelineTo(configured.origin, { tokens }).send(call, within(60_000));
    expect([configured.asked.length, named.asked.length]).toEqual([0, 1]);
    expect(tokens.options[0]?.environmentUrl).toBe(named.origin);
  });

  it("hands on an empty body as undefined and text as text", async () => {
    const service = await serve(
      { status: 204 },
      { status: 200, body: "42", headers: { "content-type": "text/plain" } },
      { status: 200, body: "" },
    );
    const pipeline = pipelineTo(service.origin);
    expect((await pipeline.send(READ, within(60_000))).body).toBeUndefined();
    expect((await pipeline.send(READ, within(60_000))).body).toBe("42");
    expect((await pipeline.send(WRITE, within(60_000))).body).toBeUndefined();
  });
});

describe("a read", () => {
  it.each<[string, Reply]>([
    ["500", { status: 500, body: { error: { code: "generalException", message: "no" } } }],
    ["502 with a page of HTML", { status: 502, body: "<html><body>Bad gateway</body></html>" }],
    ["503 without Retry-After", { status: 503 }],
    ["504", { status: 504 }],
    ["408", { status: 408 }],
    ["429 without Retry-After", { status: 429 }],
    ["429 with a fraction of a second", { status: 429, headers: { "retry-after": "0.03" } }],
    ["a connection that breaks", "close"],
  ])("is repeated after %s", async (_name, reply) => {
    const service = await serve(reply, reply, OK);
    await pipelineTo(service.origin).send(READ, within(60_000));
    expect(service.asked).toHaveLength(3);
  });

  it("is repeated after an answer of Exchange that is no JSON, or cannot be decompressed", async () => {
    const service = await serve(
      { status: 200, body: "Something went wrong" },
      { status: 200, body: gzipSync("{}").subarray(0, 8), headers: { "content-encoding": "gzip" } },
      { status: 200, body: "not gzip at all", headers: { "content-encoding": "gzip" } },
      OK,
    );
    await pipelineTo(service.origin).send(CMDLET, within(60_000));
    expect(service.asked).toHaveLength(4);
  });

  it("ends with the service's words when it stays broken", async () => {
    const service = await serve({ status: 503, body: { error: { code: "serviceNotAvailable", message: "Busy." } } });
    const error = await failureOf(pipelineTo(service.origin).send(READ, within(60_000)));
    expect(error).toMatchObject({ name: "GraphError", status: 503, class: "transient", outcomeUnknown: false });
    expect(error.message).toMatch(/^reading ada@contoso\.com: Microsoft Graph: Busy \[serviceNotAvailable\]/);
    expect(service.asked).toHaveLength(4);
  });

  it("is not repeated when the service has said no", async () => {
    const service = await serve({ status: 404, body: { error: { code: "Request_ResourceNotFound", message: "No." } } });
    const error = await failureOf(pipelineTo(service.origin).send(READ, within(60_000)));
    expect(isClass(error, "notFound")).toBe(true);
    expect(service.asked).toHaveLength(1);
  });

  it("gives up waiting for an answer, and tries again", async () => {
    const service = await serve({ ...OK, after: 600_000 }, OK);
    const pipeline = pipelineTo(service.origin, { timeouts: { read: 500 } });
    await pipeline.send(READ, within(60_000));
    expect(service.asked).toHaveLength(2);
  });

  it("is ended at once by a cancelled deployment", async () => {
    const cancel = new AbortController();
    const service = await serve(() => {
      cancel.abort();
      return { ...OK, after: 600_000 };
    });
    const error = await failureOf(pipelineTo(service.origin).send(READ, within(60_000, cancel.signal)));
    expect(error.name).toBe("CancelledError");
  });
});

describe("a write", () => {
  it.each<[string, Reply]>([
    ["429", { status: 429, headers: { "retry-after": "0.02" } }],
    ["429 without Retry-After", { status: 429 }],
    ["503 with Retry-After", { status: 503, headers: { "retry-after": "0" } }],
    [
      "the limit for the tenant in plain text",
      {
        status: 400,
        body: "You have reached the maximum number of concurrent requests per tenant. Please wait and try again",
      },
    ],
    [
      "the same under a status of success",
      { status: 200, body: "You have reached the maximum number of concurrent requests per tenant." },
    ],
  ])("is repeated after %s, which proves that nothing happened", async (_name, reply) => {
    const service = await serve(reply, OK);
    await pipelineTo(service.origin).send(WRITE, within(60_000));
    expect(service.asked).toHaveLength(2);
  });

  it.each<[string, Reply]>([
    ["500", { status: 500, body: "" }],
    ["502", { status: 502, body: "<html>Bad gateway</html>" }],
    ["503 without Retry-After", { status: 503 }],
    ["504", { status: 504, headers: { "retry-after": "1" } }],
    ["408", { status: 408 }],
    ["a connection that breaks", "close"],
    ["a success that is no JSON", { status: 200, body: "Something went wrong" }],
    ["a success that cannot be decompressed", { status: 200, body: "x", headers: { "content-encoding": "gzip" } }],
    [
      "half of a dual write",
      {
        status: 400,
        headers: { "x-exceptiontype": "UnableToWriteToAadException" },
        body: {
          error: { code: "BadRequest", message: "An Azure Active Directory call was made to keep object in sync." },
        },
      },
    ],
  ])("is sent once and has an unknown outcome after %s", async (_name, reply) => {
    const service = await serve(reply, OK);
    const error = await failureOf(pipelineTo(service.origin).send(WRITE, within(60_000)));
    expect(isUnknownOutcome(error)).toBe(true);
    expect(error.outcomeUnknown).toBe(true);
    expect(error.message).toMatch(/^creating support@contoso\.com: .*\(request .*may or may not have taken effect/);
    expect(service.asked).toHaveLength(1);
  });

  it("keeps the answer as the cause of an unknown outcome", async () => {
    const service = await serve({ status: 500, body: { error: { code: "InternalServerError", message: "Oops." } } });
    const error = await failureOf(pipelineTo(service.origin).send(WRITE, within(60_000)));
    expect(isServiceError(error.cause)).toBe(true);
    expect(error.cause).toMatchObject({ status: 500, words: "Oops.", outcomeUnknown: true });
  });

  it("has an unknown outcome when no answer comes in time", async () => {
    const service = await serve({ ...OK, after: 600_000 });
    const pipeline = pipelineTo(service.origin, { timeouts: { write: 500 } });
    expect(isUnknownOutcome(await failureOf(pipeline.send(WRITE, within(60_000))))).toBe(true);
    expect(service.asked).toHaveLength(1);
  });

  it("is refused for certain when Exchange names the reason under a 500", async () => {
    const message =
      "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|Couldn't find it.";
    const service = await serve({
      status: 500,
      body: { error: { code: "InternalServerError", message: "Error executing cmdlet", details: [{ message }] } },
    });
    const error = await failureOf(pipelineTo(service.origin).send(WRITE, within(60_000)));
    expect(error).toMatchObject({ name: "ExchangeError", class: "notFound", outcomeUnknown: false, code: "Ex6F9304" });
  });

  it("that was sent is left to finish when the deployment is cancelled", async () => {
    const cancel = new AbortController();
    const service = await serve(() => {
      cancel.abort();
      return { ...OK, after: 50 };
    });
    const answer = await pipelineTo(service.origin).send(WRITE, within(60_000, cancel.signal));
    expect(answer.status).toBe(200);
  });

  it("is not sent at all once the deployment is cancelled, or its time is over", async () => {
    const service = await serve(OK);
    const pipeline = pipelineTo(service.origin);
    expect((await failureOf(pipeline.send(WRITE, within(60_000, AbortSignal.abort())))).name).toBe("CancelledError");
    expect((await failureOf(pipeline.send(WRITE, within(-1)))).name).toBe("TimeoutError");
    expect(service.asked).toHaveLength(0);
  });
});

describe("a host that cannot be reached", () => {
  /** Nobody listens below port 1024 who has not been told to; a port that was free a moment ago may be another test's by now. */
  const origin = "http://127.0.0.1:2";

  it("is named with the setting that chose it, for reads and writes, and the outcome is known", async () => {
    const error = await failureOf(pipelineTo(origin).send(WRITE, within(60_000)));
    expect(error.name).toBe("UnreachableError");
    expect(error.message).toContain(`${new URL(origin).host} cannot be reached (ECONNREFUSED)`);
    expect(error.message).toContain("mailboxes:endpoints (exchange)");
    const local = await failureOf(pipelineTo(origin, { isLocal: true }).send(READ, within(60_000)));
    expect(local.message).toContain("mailboxes:localTenant");
    const environment = await failureOf(pipelineTo(origin).send({ ...READ, service: "dataverse" }, within(60_000)));
    expect(environment.message).toContain("mailboxes:environmentUrl");
  });

  it("has its name looked up", async () => {
    const error = await failureOf(pipelineTo("http://local-tenant.invalid").send(READ, within(60_000)));
    expect(error.message).toMatch(/local-tenant\.invalid cannot be reached \((ENOTFOUND|EAI_AGAIN)\)/);
  });

  it("that answers with a redirect is an error", async () => {
    const service = await serve({ status: 302, headers: { location: "https://contoso.example/" } });
    const error = await failureOf(pipelineTo(service.origin).send(READ, within(60_000)));
    expect(error.message).toMatch(/redirect \(HTTP 302\)/);
  });
});

describe("the time that is left", () => {
  it("bounds patience: a Retry-After beyond it fails at once, with the service's words", async () => {
    const service = await serve({
      status: 429,
      headers: { "retry-after": "600" },
      body: { error: { message: "Slow." } },
    });
    const started = Date.now();
    const error = await failureOf(pipelineTo(service.origin).send(READ, within(30_000)));
    expect(error).toMatchObject({ class: "throttled", retryAfter: 600_000 });
    expect(Date.now() - started).toBeLessThan(5000);
  });

  it("bounds throttling without a hint", async () => {
    const bounds = within(60_000);
    const service = await serve(() => {
      if (service.asked.length === 3) {
        bounds.deadline = Date.now();
      }
      return { status: 429 };
    });
    const error = await failureOf(pipelineTo(service.origin).send(WRITE, bounds));
    expect(error).toMatchObject({ class: "throttled", outcomeUnknown: false });
    expect(service.asked).toHaveLength(3);
  });
});

describe("a token that is refused", () => {
  it("is renewed once, also for a write", async () => {
    const service = await serve({ status: 401 }, OK);
    await pipelineTo(service.origin).send(WRITE, within(60_000));
    expect(service.asked.map(({ headers }) => headers.authorization)).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  it("fails after the second time, with what to do", async () => {
    const service = await serve({ status: 401 });
    const error = await failureOf(pipelineTo(service.origin).send(WRITE, within(60_000)));
    expect(error).toMatchObject({ name: "ExchangeError", class: "unauthenticated", status: 401 });
    expect(error.message).toContain("Exchange.ManageAsApp");
    expect(service.asked).toHaveLength(2);
  });
});

describe("the pace", () => {
  const slow: Reply = { status: 200, body: {}, after: 100 };

  it.each([
    ["Exchange, as configured", CMDLET, { exchange: 2 }, 2],
    ["Exchange, by default", CMDLET, {}, 10],
    ["Outlook's part of Graph", { ...READ, path: "/v1.0/users/x/mailboxSettings" }, {}, 4],
    ["inbox rules", { ...READ, path: "/v1.0/users/x/mailFolders/inbox/messageRules?$top=5" }, {}, 4],
    ["the directory", { ...READ, path: "/v1.0/users/mailboxSettings@contoso.com" }, {}, 8],
    ["Dataverse", { ...READ, service: "dataverse" as const }, {}, 8],
  ])("of %s keeps to its ceiling", async (_name, call, ceilings, most) => {
    const service = await serve(slow);
    const pipeline = pipelineTo(service.origin, { ceilings });
    await Promise.all(Array.from({ length: 40 }, () => pipeline.send(call, within(60_000))));
    expect(service.asked).toHaveLength(40);
    expect(service.mostAtOnce()).toBe(most);
  });

  it("serves in order of arrival", async () => {
    const service = await serve({ status: 200, body: {}, after: 2 });
    const pipeline = pipelineTo(service.origin, { ceilings: { graph: 1 } });
    const paths = Array.from({ length: 8 }, (_, index) => `/v1.0/users/${index}`);
    await Promise.all(paths.map((path) => pipeline.send({ ...READ, path }, within(60_000))));
    expect(service.asked.map(({ url }) => url)).toEqual(paths);
  });

  /** A service that answers the first request with a demand for silence, and when it has done so. */
  async function silencing(seconds: string) {
    const service = await serve((asked) =>
      service.asked.length === 1
        ? { status: 429, headers: { "retry-after": seconds } }
        : { status: 200, body: { at: asked.at } },
    );
    let told = (): void => {};
    const isRefused = new Promise<void>((resolve) => {
      told = resolve;
    });
    // The halt begins right after the trace is told.
    return { service, isRefused, pipeline: pipelineTo(service.origin, { trace: () => setImmediate(told) }) };
  }

  it("halts for a whole service that asks for silence", async () => {
    const { service, isRefused, pipeline } = await silencing("0.3");
    const first = pipeline.send(CMDLET, within(60_000));
    await isRefused;
    await Promise.all([first, pipeline.send(CMDLET, within(60_000))]);
    const [refused, ...later] = service.asked;
    expect(later).toHaveLength(2);
    for (const { at } of later) {
      expect(at - (refused?.at ?? 0)).toBeGreaterThanOrEqual(290);
    }
  });

  it("halts for no other service", async () => {
    const { service, isRefused, pipeline } = await silencing("600");
    const cancel = new AbortController();
    const refused = failureOf(pipeline.send(CMDLET, within(3_600_000, cancel.signal)));
    await isRefused;
    const halted = failureOf(pipeline.send(CMDLET, within(3_600_000, cancel.signal)));
    await pipeline.send(READ, within(60_000));
    cancel.abort();
    expect([(await refused).name, (await halted).name]).toEqual(["CancelledError", "CancelledError"]);
    expect(service.asked.map(({ url }) => url)).toEqual([CMDLET.path, READ.path]);
  });

  it("heeds a budget that is used up", async () => {
    const reset = new Date(Date.now() + 400).toISOString();
    const service = await serve(
      { status: 200, body: {}, headers: { "rate-limit-remaining": "0", "rate-limit-reset": reset } },
      OK,
    );
    const pipeline = pipelineTo(service.origin);
    await pipeline.send(CMDLET, within(60_000));
    await pipeline.send(CMDLET, within(60_000));
    expect(service.asked[1]?.at).toBeGreaterThanOrEqual(Date.parse(reset) - 5);
  });

  it("lets go of a call that is cancelled in the queue", async () => {
    const service = await serve({ status: 200, body: {}, after: 100 });
    const pipeline = pipelineTo(service.origin, { ceilings: { exchange: 1 } });
    const cancel = new AbortController();
    const first = pipeline.send(CMDLET, within(60_000));
    const queued = failureOf(pipeline.send(WRITE, within(60_000, cancel.signal)));
    const last = pipeline.send(CMDLET, within(60_000));
    cancel.abort();
    expect((await queued).name).toBe("CancelledError");
    await Promise.all([first, last]);
    expect(service.asked).toHaveLength(2);
  });

  it("does not hold a place while a call waits before its next attempt", async () => {
    const service = await serve((asked) =>
      asked.url.endsWith("slow") && service.asked.length === 1 ? { status: 503 } : { status: 200, body: {} },
    );
    const pipeline = pipelineTo(service.origin, {
      ceilings: { graph: 1 },
      retry: { transient: { first: 200, longest: 200, attempts: 3 } },
    });
    const slowOne = pipeline.send({ ...READ, path: "/v1.0/slow" }, within(60_000));
    const quickOne = pipeline.send({ ...READ, path: "/v1.0/quick" }, within(60_000));
    await quickOne;
    expect(service.asked.map(({ url }) => url)).toEqual(["/v1.0/slow", "/v1.0/quick"]);
    await slowOne;
  });

  it("slows down after a request that Exchange held back, and tells of it", async () => {
    const warnings = ["Micro delay applied. Actual delayed: 400 msecs, Enforced: True"];
    const service = await serve({ status: 200, body: { value: [], "@adminapi.warnings": warnings } }, OK);
    const lines: Parameters<TraceSink>[0][] = [];
    const pipeline = pipelineTo(service.origin, { trace: (line) => lines.push(line) });
    await pipeline.send(CMDLET, within(60_000));
    await pipeline.send(CMDLET, within(60_000));
    const [first, second] = service.asked.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(390);
    expect(lines.map(({ delayed }) => delayed)).toEqual([400, undefined]);
  });
});

it("a refusal of NUL bytes that calls itself compressed is a refusal", async () => {
  const service = await serve({ status: 403, body: Buffer.alloc(336), headers: { "content-encoding": "gzip" } });
  const error = await failureOf(pipelineTo(service.origin).send(WRITE, within(60_000)));
  expect(error).toMatchObject({ class: "forbidden", status: 403, outcomeUnknown: false });
  expect(service.asked).toHaveLength(1);
});

describe("the trace", () => {
  it("tells of every attempt without bodies or secrets", async () => {
    const service = await serve({ status: 503 }, { status: 200, body: {}, headers: { "request-id": "r-2" } });
    const lines: Parameters<TraceSink>[0][] = [];
    const pipeline = pipelineTo(service.origin, { trace: (line) => lines.push(line) });
    const body = { username: "crm", password: "correct horse battery" };
    await pipeline.send({ ...READ, method: "PATCH", body }, within(60_000));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ service: "graph", kind: "read", method: "PATCH", attempt: 1, status: 503 });
    expect(lines[1]).toMatchObject({ attempt: 2, status: 200, requestId: "r-2", duration: expect.any(Number) });
    expect(JSON.stringify(lines)).not.toMatch(/correct horse|token-1|Bearer/);
  });

  it("is appended to the file that MAILBOXES_TRACE names", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mailboxes-trace-"));
    process.env.MAILBOXES_TRACE = join(folder, "trace.jsonl");
    try {
      const service = await serve(OK);
      await pipelineTo(service.origin).send(CMDLET, within(60_000));
      const [line] = readFileSync(join(folder, "trace.jsonl"), "utf8").trim().split("\n");
      expect(JSON.parse(line ?? "")).toMatchObject({ cmdlet: "Get-Mailbox", status: 200, attempt: 1 });
    } finally {
      delete process.env.MAILBOXES_TRACE;
      rmSync(folder, { recursive: true });
    }
  });

  it("tells why there was no answer", async () => {
    const service = await serve("close");
    const lines: Parameters<TraceSink>[0][] = [];
    await failureOf(pipelineTo(service.origin, { trace: (line) => lines.push(line) }).send(WRITE, within(60_000)));
    expect(lines[0]?.failure).toMatch(/^broken /);
  });
});

it("takes a secret of the request out of the service's answer", async () => {
  const service = await serve({
    status: 400,
    body: { error: { code: "0x80040265", message: "bad value hunter2hunter2" } },
  });
  const call = { ...READ, service: "dataverse" as const, kind: "write" as const, method: "PATCH" as const };
  const error = await failureOf(
    pipelineTo(service.origin).send({ ...call, body: { password: "hunter2hunter2" } }, within(60_000)),
  );
  expect(error.message).toContain("bad value [secret]");
});
