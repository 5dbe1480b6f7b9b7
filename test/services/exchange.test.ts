import type { CallContext } from "../../provider/http/call";
import { filterLiteral } from "../../provider/http/json";
import { addAndRemove, Exchange } from "../../provider/services/exchange";
import { Mailboxes } from "../../provider/services/mailboxes";
import { type Asked, failureOf, pipelineTo, type Reply, type Service, startService, within } from "../http/service";

const tenant = "10ca17e4-a000-4000-8000-000000000001";
const services: Service[] = [];

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

type Body = Record<string, unknown>;
interface Batch {
  requests: { id: string; url: string; headers: Record<string, string>; body: Body }[];
}

async function exchangeTo(answer: (asked: Asked) => Reply): Promise<{ exchange: Exchange; asked: Asked[] }> {
  const service = await startService(answer);
  services.push(service);
  const bounds = (): CallContext => within(60_000);
  const exchange = new Exchange(pipelineTo(service.origin), () => Promise.resolve(tenant), bounds);
  return { exchange, asked: service.asked };
}

const bodyOf = (asked: Asked) => JSON.parse(asked.body) as Body & Batch;
const isBatch = (asked: Asked) => asked.url.endsWith("/$batch");
const identityOf = (body: Body) =>
  String(((body.CmdletInput as Body).Parameters as Body).Identity ?? (body.CmdletInput as Body).CmdletName);

const row = (identity: string) => ({ ExternalDirectoryObjectId: identity, Identity: identity });

/** Answers each cmdlet with one row that names its identity; by `inner` for one of a batch. */
function echoing(inner: (identity: string) => { status: number; body: unknown } | undefined = () => undefined) {
  return (asked: Asked): Reply => {
    const body = bodyOf(asked);
    if (!isBatch(asked)) {
      return { status: 200, body: { value: [row(identityOf(body))] } };
    }
    const responses = body.requests.map((request) => {
      const identity = identityOf(request.body);
      return { id: request.id, ...(inner(identity) ?? { status: 200, body: { value: [row(identity)] } }) };
    });
    return { status: 200, body: { responses: responses.reverse() } };
  };
}

const get = (Identity: string, select?: readonly string[]) => ({
  name: "Get-Mailbox",
  parameters: { Identity },
  action: `reading ${Identity}`,
  ...(select === undefined ? {} : { select }),
});

const notFound = {
  status: 404,
  body: {
    error: {
      code: "NotFound",
      message:
        "Ex1|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|couldn't be found on server",
    },
  },
};

describe("reads", () => {
  test("asked for at the same time travel together, ten at a time, equal ones once", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    const identities = Array.from({ length: 24 }, (_, index) => `m${index}`);
    const outputs = await Promise.all([...identities, ...identities].map((identity) => exchange.read(get(identity))));
    expect(outputs.map(({ rows }) => rows[0]?.Identity)).toEqual([...identities, ...identities]);
    expect(asked.map((one) => (isBatch(one) ? bodyOf(one).requests.length : 1)).sort()).toEqual([10, 10, 4].sort());
  });

  test("that are equal but for their selection are two", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    await Promise.all([exchange.read(get("a", ["Name"])), exchange.read(get("a", ["Alias"])), exchange.read(get("a"))]);
    const urls = asked.flatMap((one) => bodyOf(one).requests.map(({ url }) => url));
    expect(urls.map((url) => url.split("?")[1])).toEqual(["$select=Name", "$select=Alias", undefined]);
  });

  test("alone are no batch, and one after the other are asked again", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    await exchange.read(get("a"));
    await exchange.read(get("a"));
    expect(asked.map(isBatch)).toEqual([false, false]);
    expect(asked.map(({ url }) => url)).toEqual(Array(2).fill(`/adminapi/beta/${tenant}/InvokeCommand`));
    expect(asked[0]?.headers["x-cmdletname"]).toBe("Get-Mailbox");
  });

  test("of a batch go on after one that fails, and fail alone", async () => {
    const { exchange, asked } = await exchangeTo(echoing((identity) => (identity === "gone" ? notFound : undefined)));
    const [a, gone, b] = await Promise.allSettled(["a", "gone", "b"].map((identity) => exchange.read(get(identity))));
    expect([a?.status, gone?.status, b?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((gone as PromiseRejectedResult).reason).toMatchObject({ class: "notFound", action: "reading gone" });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.prefer).toContain("odata.continue-on-error");
  });

  test("that somebody waits for are not held up by what is read ahead", async () => {
    const isEarly = (asked: Asked) =>
      isBatch(asked) && bodyOf(asked).requests.every((request) => identityOf(request.body).startsWith("early"));
    // An answer that does not come while the test lasts.
    const { exchange, asked } = await exchangeTo((one) =>
      isEarly(one) ? { status: 200, body: {}, after: 10 * 60_000 } : echoing()(one),
    );
    for (let number = 1; number <= 60; number += 1) {
      exchange.expect({ ...get(`early${number}`), ahead: `early${number}` });
    }
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => exchange.read({ ...get(`asked${index}`), ahead: `asked${index}` })),
    );
    for (const name of ["one", "two", "three"]) {
      expect((await exchange.read(get(name))).rows[0]?.Identity).toBe(name);
    }
    expect(asked.filter(isEarly).length).toBeGreaterThanOrEqual(1);
    const early = () =>
      asked
        .flatMap((one) => (isBatch(one) ? bodyOf(one).requests : []))
        .map(({ body }) => identityOf(body))
        .filter((name) => name.startsWith("early"));
    const before = early();
    expect(before.length).toBeLessThanOrEqual(20);
    // Whoever asks for some of them lets others be read ahead, though nothing has landed.
    for (const name of before.slice(0, 16)) {
      exchange.read({ ...get(name), ahead: name }).catch(() => undefined);
    }
    while (early().length === before.length) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(early().length).toBeLessThanOrEqual(20 + 16 + 8);
  });

  test.each([429, 500, 503])("of a batch that are answered %i are asked again alone", async (status) => {
    const { exchange, asked } = await exchangeTo(
      echoing((identity) => (identity === "busy" ? { status, body: {} } : undefined)),
    );
    const outputs = await Promise.all(["a", "busy"].map((identity) => exchange.read(get(identity))));
    expect(outputs.map(({ rows }) => rows[0]?.Identity)).toEqual(["a", "busy"]);
    expect(asked.map(isBatch)).toEqual([true, false]);
  });

  test("of a batch that stay without an answer are asked again alone", async () => {
    const { exchange } = await exchangeTo((asked) =>
      isBatch(asked) ? { status: 200, body: { responses: [] } } : echoing()(asked),
    );
    const outputs = await Promise.all(["a", "b"].map((identity) => exchange.read(get(identity))));
    expect(outputs.map(({ rows }) => rows[0]?.Identity)).toEqual(["a", "b"]);
  });

  test("follow pages by posting the same body again", async () => {
    const pages = 3;
    const { exchange, asked } = await exchangeTo((one) => {
      const page = Number(new URL(one.url, "http://localhost").searchParams.get("page") ?? "1");
      const next = `http://${one.headers.host}/adminapi/beta/${tenant}/InvokeCommand?page=${page + 1}`;
      return {
        status: 200,
        body: {
          value: [row(`p${page}`)],
          "@adminapi.warnings": page < pages ? ["There are more results available. Use ResultSize."] : [],
          ...(page < pages ? { "@odata.nextLink": next } : {}),
        },
      };
    });
    const { rows, warnings } = await exchange.read(get("all"));
    expect(rows.map(({ Identity }) => Identity)).toEqual(["p1", "p2", "p3"]);
    expect(warnings).toEqual([]);
    expect(new Set(asked.map(({ body }) => body)).size).toBe(1);
    expect(asked.every(({ headers }) => headers.prefer === "odata.maxpagesize=1000")).toBe(true);
  });

  test("with pages begin again when the link has expired, without double rows", async () => {
    let isExpired = true;
    const { exchange } = await exchangeTo((one) => {
      if (!one.url.includes("page=2")) {
        const next = `http://${one.headers.host}/adminapi/beta/${tenant}/InvokeCommand?page=2`;
        return { status: 200, body: { value: [row("p1")], "@odata.nextLink": next } };
      }
      if (isExpired) {
        isExpired = false;
        return {
          status: 400,
          body: { error: { code: "BadRequest", message: "Expired or Invalid pagination request" } },
        };
      }
      return { status: 200, body: { value: [row("p2")] } };
    });
    expect((await exchange.read(get("all"))).rows.map(({ Identity }) => Identity)).toEqual(["p1", "p2"]);
  });

  test.each([
    { code: "BadRequest", message: "Expired or Invalid pagination request. Default Expiry time is 00:30:00" },
    {
      code: "BadRequest",
      message: "Invalid Operation",
      innererror: { internalexception: { type: "System.Exception", message: "Die Anforderung ist abgelaufen." } },
    },
    { code: "NotFound", message: "x" },
  ])("whose link is good once begin again after an answer that was lost: %j", async (error) => {
    let posts = 0;
    const { exchange } = await exchangeTo((one) => {
      if (one.url.includes("page=2")) {
        posts += 1;
        // The first answer is lost; the link has been used by then.
        return posts === 1
          ? "close"
          : posts === 2
            ? { status: 400, body: { error } }
            : { status: 200, body: { value: [row("p2")] } };
      }
      const next = `http://${one.headers.host}/adminapi/beta/${tenant}/InvokeCommand?page=2`;
      return {
        status: 200,
        body: {
          value: [row("p1")],
          "@adminapi.warnings": ["There are more results available than are currently displayed. Use ResultSize."],
          "@odata.nextLink": next,
        },
      };
    });
    expect((await exchange.read(get("all"))).rows.map(({ Identity }) => Identity)).toEqual(["p1", "p2"]);
  });

  test("whose pages stay lost end with the service's words", async () => {
    const { exchange, asked } = await exchangeTo((one) =>
      one.url.includes("page=2")
        ? { status: 400, body: { error: { code: "BadRequest", message: "Expired or Invalid pagination request" } } }
        : {
            status: 200,
            body: {
              value: [row("p1")],
              "@odata.nextLink": `http://${one.headers.host}/adminapi/beta/${tenant}/InvokeCommand?page=2`,
            },
          },
    );
    expect(await failureOf(exchange.read(get("all")))).toMatchObject({ class: "pagingExpired" });
    expect(asked).toHaveLength(6);
  });

  test.each([1, 2])("of success that hold an error fail with it, also among %i", async (count) => {
    const failed = { "@odata.error": { code: "BadRequest", details: [{ message: "|X.Y|Not today." }] } };
    const { exchange } = await exchangeTo((asked) => ({
      status: 200,
      body: isBatch(asked)
        ? { responses: bodyOf(asked).requests.map(({ id }) => ({ id, status: 200, body: failed })) }
        : failed,
    }));
    const [first] = await Promise.all(["a", "b"].slice(0, count).map((id) => failureOf(exchange.read(get(id)))));
    expect(first).toMatchObject({ class: "refused", words: "Not today." });
  });

  test("of a batch with a cmdlet's own refusal under 500 are not asked again", async () => {
    const ambiguous = {
      error: {
        code: "InternalServerError",
        details: [{ message: "Ex9E65A2|X.ManagementObjectAmbiguousException|It matches multiple entries." }],
      },
    };
    const { exchange, asked } = await exchangeTo(
      echoing((identity) => (identity === "twice" ? { status: 500, body: ambiguous } : undefined)),
    );
    const [, twice] = await Promise.allSettled(["a", "twice"].map((identity) => exchange.read(get(identity))));
    expect((twice as PromiseRejectedResult).reason).toMatchObject({ class: "ambiguous" });
    expect(asked).toHaveLength(1);
  });

  test("that are given the same page twice fail instead of going round", async () => {
    const { exchange } = await exchangeTo((one) => ({
      status: 200,
      body: {
        value: [row("p")],
        "@odata.nextLink": `http://${one.headers.host}/adminapi/beta/${tenant}/InvokeCommand?page=2`,
      },
    }));
    expect((await failureOf(exchange.read(get("all")))).message).toContain("same page twice");
  });

  test.each([
    "By default, only the first 1000 items are returned. Use the ResultSize parameter to specify the number.",
    "There are more results available than are currently displayed.",
  ])("that are cut short fail: %s", async (warning) => {
    const { exchange } = await exchangeTo(() => ({
      status: 200,
      body: { value: [row("a")], "@adminapi.warnings": [warning] },
    }));
    expect((await failureOf(exchange.read(get("all")))).message).toContain("cut the answer short");
  });

  test.each([1, 2])("answered with no list are an error, never nobody, also among %i", async (count) => {
    const { exchange } = await exchangeTo((asked) => {
      const foreign = { message: "sign in" };
      const responses = isBatch(asked)
        ? bodyOf(asked).requests.map(({ id }) => ({ id, status: 200, headers: { "request-id": "r-1" }, body: foreign }))
        : undefined;
      return {
        status: 200,
        headers: { "request-id": "r-1" },
        body: responses === undefined ? foreign : { responses },
      };
    });
    const [first] = await Promise.all(["a", "b"].slice(0, count).map((id) => failureOf(exchange.read(get(id)))));
    expect(first?.message).toContain(
      "something other than what was asked for (request r-1). Nothing was concluded from it.",
    );
  });

  test("leave out the members beside the values", async () => {
    const { exchange } = await exchangeTo(() => ({
      status: 200,
      body: { value: [{ Name: "a", "EmailAddresses@odata.type": "#Collection(String)", EmailAddresses: [] }] },
    }));
    expect((await exchange.read(get("a"))).rows).toEqual([{ Name: "a", EmailAddresses: [] }]);
  });
});

describe("what is never sent", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ["Get-Mailbox", { Identity: "" }, "empty Identity"],
    ["Get-Mailbox", { Identity: "  " }, "empty Identity"],
    ["Get-Mailbox", { Identity: null }, "empty Identity"],
    ["Get-Mailbox", { identity: undefined }, "empty identity"],
    ["Remove-MailboxPermission", { Identity: "a", User: "" }, "empty User"],
    ["Remove-RecipientPermission", { Identity: "a", Trustee: "" }, "empty Trustee"],
    ["Remove-MailboxPermission", { Identity: "a", ResetDefault: true }, "-ResetDefault is never sent"],
    ["Remove-MailboxPermission", { Identity: "a", clearautomapping: true }, "-clearautomapping is never sent"],
    ["Set-Mailbox", { Identity: "a", RemoveDelayHoldApplied: true }, "-RemoveDelayHoldApplied is never sent"],
    [
      "Disable-Mailbox",
      { Identity: "a", Archive: true, PermanentlyDisable: true },
      "-PermanentlyDisable is never sent",
    ],
    ["Disable-Mailbox", { Identity: "a" }, "never sent without Archive"],
    ["Disable-Mailbox", { Identity: "a", Archive: "true" }, "never sent without Archive"],
    ["disable-mailbox", { Identity: "a" }, "never sent without Archive"],
  ];
  test.each(cases)("%s %j", async (name, parameters, words) => {
    const { exchange, asked } = await exchangeTo(echoing());
    const cmdlet = { name, parameters, action: "trying" };
    expect((await failureOf(exchange.read(cmdlet))).message).toContain(words);
    expect((await failureOf(exchange.write(cmdlet, undefined, within(60_000)))).message).toContain(words);
    expect(asked).toEqual([]);
  });

  test("but Disable-Mailbox of an archive is", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    await exchange.write(
      { name: "Disable-Mailbox", parameters: { Identity: "a", Archive: true, Confirm: false }, action: "disabling" },
      "a",
      within(60_000),
    );
    expect(asked).toHaveLength(1);
  });
});

const set = (exchange: Exchange, Identity: string) =>
  exchange.write({ name: "Set-Mailbox", parameters: { Identity }, action: "changing" }, Identity, within(60_000));

describe("the anchor", () => {
  const id = "0c000000-0000-4000-8000-00000000000a";
  const organization = `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${tenant}`;
  const own = "UPN:desk@contoso.onmicrosoft.com";
  const known = {
    ExternalDirectoryObjectId: id,
    UserPrincipalName: "desk@contoso.onmicrosoft.com",
    PrimarySmtpAddress: "desk@contoso.com",
  };
  const needsProxy = {
    status: 400,
    body: {
      error: {
        code: "BadRequest",
        details: [{ message: "|X.CmdletProxyNotAvailableException|Cmdlet needs proxy. Current Server FQDN : A" }],
      },
    },
  };
  const anchorsOf = (asked: Asked[]) => asked.map(({ headers }) => headers["x-anchormailbox"]);

  test("of all that concerns a mailbox is the same, from its creation on, in batches too", async () => {
    const { exchange, asked } = await exchangeTo((one) =>
      isBatch(one) ? echoing()(one) : { status: 200, body: { value: [known] } },
    );
    const create = { name: "New-Mailbox", parameters: { Name: "desk" }, action: "creating" };
    await exchange.write(create, undefined, within(60_000));
    await set(exchange, id);
    await Promise.all([exchange.read(get(id)), exchange.read(get("b"))]);
    const inner = asked.filter(isBatch).flatMap((one) => bodyOf(one).requests.map(({ headers }) => headers));
    expect(new Set([...anchorsOf(asked), ...inner.map((headers) => headers["X-AnchorMailbox"])])).toEqual(
      new Set([organization]),
    );
  });

  test("is another one where the server cannot run the cmdlet, and stays so for this mailbox", async () => {
    const { exchange, asked } = await exchangeTo((one) => {
      const isSet = bodyOf(one).CmdletInput !== undefined && one.body.includes("Set-Mailbox");
      return isSet && one.headers["x-anchormailbox"] === organization
        ? needsProxy
        : { status: 200, body: { value: [known] } };
    });
    await exchange.read(get(id));
    await set(exchange, id);
    await set(exchange, id);
    await set(exchange, "b").catch(() => undefined);
    expect(anchorsOf(asked).slice(0, 4)).toEqual([organization, organization, own, own]);
    expect(anchorsOf(asked)[4]).toBe(organization);
  });

  test("goes round while no server can, and then the refusal is told", async () => {
    const { exchange, asked } = await exchangeTo((one) =>
      one.body.includes("Set-Mailbox") ? needsProxy : { status: 200, body: { value: [known] } },
    );
    await exchange.read(get(id));
    const error = await failureOf(
      exchange.write({ name: "Set-Mailbox", parameters: { Identity: id }, action: "changing" }, id, within(60_000)),
    );
    expect(error).toMatchObject({ class: "misrouted", outcomeUnknown: false });
    expect(anchorsOf(asked).slice(1)).toEqual([organization, own, "SMTP:desk@contoso.com", organization, own]);
  });
});

describe("a cmdlet that is refused", () => {
  const forbidden: Reply = { status: 403, body: Buffer.alloc(336) };

  test("before anything has worked may lack any grant", async () => {
    const { exchange } = await exchangeTo(() => forbidden);
    expect((await failureOf(exchange.read(get("a")))).message).toContain("Two grants are needed");
  });

  test.each(["Get-RecipientPermission", "Set-Mailbox"])(
    "names its own role after others have worked: %s",
    async (name) => {
      const { exchange } = await exchangeTo((one) => (one.body.includes(name) ? forbidden : echoing()(one)));
      await exchange.read(get("a"));
      const refused = { name, parameters: { Identity: "a" }, action: "trying" };
      const { message } = await failureOf(exchange.write(refused, undefined, within(60_000)));
      expect(message).toContain(`a management role with ${name}: Mail Recipients`);
      expect(message).not.toContain("Exchange.ManageAsApp");
    },
  );

  test("for one mailbox and not for another lies outside of the role's scope", async () => {
    const { exchange } = await exchangeTo((one) => (identityOf(bodyOf(one)) === "b" ? forbidden : echoing()(one)));
    await set(exchange, "a");
    expect((await failureOf(set(exchange, "b"))).message).toContain("not on this object");
  });
});

describe("writes", () => {
  test("go alone, once each", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    await Promise.all([set(exchange, "a"), set(exchange, "a")]);
    expect(asked.map(isBatch)).toEqual([false, false]);
  });

  test("under a status of success with an error in the body have not happened, and are not sent again", async () => {
    const { exchange, asked } = await exchangeTo(() => ({
      status: 200,
      body: { error: { code: "BadRequest", details: [{ message: "|X.Y|Not today." }] } },
    }));
    expect(await failureOf(set(exchange, "a"))).toMatchObject({ class: "refused", outcomeUnknown: false });
    expect(asked).toHaveLength(1);
  });

  test("tell warnings that are for people, of the body and of the header, and no others", async () => {
    const { exchange } = await exchangeTo(() => ({
      status: 200,
      headers: { "X-Warnings": JSON.stringify(["Mind the gap."]) },
      body: {
        value: [],
        "@adminapi.warnings": [
          "The command completed successfully but no settings of 'a' have been modified.",
          "Micro delay applied. Actual delayed: 1 msecs",
          "The mailbox is new.",
        ],
      },
    }));
    expect((await set(exchange, "a")).warnings).toEqual(["The mailbox is new.", "Mind the gap."]);
  });

  test.each([500, 502, 504])("answered %i are not sent again", async (status) => {
    const { exchange, asked } = await exchangeTo(() => ({ status, body: "" }));
    const write = exchange.write(
      { name: "New-Mailbox", parameters: { Name: "a" }, action: "creating" },
      undefined,
      within(60_000),
    );
    expect(await failureOf(write)).toMatchObject({ name: "UnknownOutcomeError" });
    expect(asked).toHaveLength(1);
  });
});

test("another mailbox's row is never the one that was asked for", async () => {
  const { exchange } = await exchangeTo(() => ({ status: 200, body: { value: [row("b"), row("c")] } }));
  expect(await new Mailboxes(exchange, []).withId("a")).toBeUndefined();
});

test.each([
  ["of another mailbox", { MailboxGuid: "other" }, /something other than what was asked for\. Nothing was concluded/],
  [
    "that cannot be read",
    { MailboxGuid: "own", TotalItemSize: "much" },
    /cannot be read: much\. Nothing was concluded/,
  ],
])("a size %s is an error, never nothing", async (_which, statistics, words) => {
  const mailbox = { ...row("a"), ExchangeGuid: "own", PrimarySmtpAddress: "a@contoso.com", ...statistics };
  const { exchange } = await exchangeTo(() => ({ status: 200, body: { value: [mailbox] } }));
  const mailboxes = new Mailboxes(exchange, []);
  const found = await mailboxes.withId("a");
  const error = await failureOf(found === undefined ? Promise.resolve() : mailboxes.statistics(found));
  expect(error.message).toMatch(words);
  expect(error.message).toContain("reading the size of mailbox a@contoso.com");
});

test("a filter takes an apostrophe, and changes of lists leave out what is empty", () => {
  expect(filterLiteral("o'neill@contoso.com")).toBe("'o''neill@contoso.com'");
  expect(addAndRemove(["a"], [])).toEqual({ "@odata.type": "#Exchange.GenericHashTable", Add: ["a"] });
  expect(addAndRemove([], ["a"])).toEqual({ "@odata.type": "#Exchange.GenericHashTable", Remove: ["a"] });
});
