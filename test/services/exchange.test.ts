import type { CallContext } from "../../provider/http/call";
import { addAndRemove, Exchange, filterLiteral } from "../../provider/services/exchange";
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
  const bounds = (): CallContext => within(10_000);
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
        ? bodyOf(asked).requests.map(({ id }) => ({ id, status: 200, body: foreign }))
        : undefined;
      return { status: 200, body: responses === undefined ? foreign : { responses } };
    });
    const [first] = await Promise.all(["a", "b"].slice(0, count).map((id) => failureOf(exchange.read(get(id)))));
    expect(first?.message).toContain("not a list");
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
    expect((await failureOf(exchange.write(cmdlet, undefined, within(1000)))).message).toContain(words);
    expect(asked).toEqual([]);
  });

  test("but Disable-Mailbox of an archive is", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    await exchange.write(
      { name: "Disable-Mailbox", parameters: { Identity: "a", Archive: true, Confirm: false }, action: "disabling" },
      "a",
      within(1000),
    );
    expect(asked).toHaveLength(1);
  });
});

describe("writes", () => {
  test("go alone, once, to the server of the mailbox", async () => {
    const { exchange, asked } = await exchangeTo(echoing());
    const write = (Identity: string) =>
      exchange.write({ name: "Set-Mailbox", parameters: { Identity }, action: "changing" }, Identity, within(1000));
    await Promise.all([write("a"), write("a")]);
    expect(asked.map(isBatch)).toEqual([false, false]);
    expect(asked[0]?.headers["x-anchormailbox"]).toBe(`MBX:a@${tenant}`);
  });

  test.each([500, 502, 504])("answered %i are not sent again", async (status) => {
    const { exchange, asked } = await exchangeTo(() => ({ status, body: "" }));
    const write = exchange.write(
      { name: "New-Mailbox", parameters: { Name: "a" }, action: "creating" },
      undefined,
      within(2000),
    );
    expect(await failureOf(write)).toMatchObject({ name: "UnknownOutcomeError" });
    expect(asked).toHaveLength(1);
  });
});

test("another mailbox's row is never the one that was asked for", async () => {
  const { exchange } = await exchangeTo(() => ({ status: 200, body: { value: [row("b"), row("c")] } }));
  expect(await new Mailboxes(exchange).withId("a")).toBeUndefined();
});

test("a filter takes an apostrophe, and changes of lists leave out what is empty", () => {
  expect(filterLiteral("o'neill@contoso.com")).toBe("'o''neill@contoso.com'");
  expect(addAndRemove(["a"], [])).toEqual({ "@odata.type": "#Exchange.GenericHashTable", Add: ["a"] });
  expect(addAndRemove([], ["a"])).toEqual({ "@odata.type": "#Exchange.GenericHashTable", Remove: ["a"] });
});
