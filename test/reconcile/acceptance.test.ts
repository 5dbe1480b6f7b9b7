import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Recording } from "../../provider/acceptance/record";
import { Wire } from "../../provider/acceptance/wire";
import type { Configuration } from "../../provider/configuration/configuration";
import { APPLICATION, otherThanConfirmed, runAcceptance, tryable, turnable } from "./acceptance";
import { failure, makeMailbox, type Row, startWorld, type World } from "./harness";

/** Everything in a tenant that somebody could miss, by table and key; tokens and requests are not. */
async function stateOf(world: World): Promise<Row> {
  const { settings: _, ...state } = await world.control("GET", "state");
  return state;
}

test("a job of GitHub Actions gives the token of its federated credential itself", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.setHeader("content-type", "application/json").end(JSON.stringify({ value: "token.of.job" }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const requestUrl = `http://127.0.0.1:${port}/token?api-version=2.0`;
    const credential = { kind: "githubActions", clientId: APPLICATION, requestUrl, requestToken: "of-the-job" };
    const endpoints = { login: "https://login.example", exchange: "", graph: "", dataverse: "" };
    const configuration = { credential, endpoints, cloud: "public" } as unknown as Configuration;
    const wire = new Wire(configuration, APPLICATION, new Recording(), new AbortController().signal, {});
    expect(await wire.federated()).toMatchObject({ clientId: APPLICATION, token: "token.of.job" });
    expect(asked).toEqual([expect.stringMatching(/audience=api%3A%2F%2FAzureADTokenExchange Bearer of-the-job$/)]);
  } finally {
    server.close();
  }
});

test("every probe but those for which a credential has to be given runs on a tenant as it starts", async () => {
  // Long enough for a record to be changed meanwhile, on a busy machine too.
  const world = await startWorld({ settings: { test: { duration: 300 }, serviceProtection: { latency: 20 } } });
  const { verdicts, said } = await runAcceptance(world, { domain: "contoso.com", prefix: "probe", yes: true });
  expect(otherThanConfirmed({ verdicts })).toEqual(["login.federated-wrong-signature", "login.clock-skew"]);
  expect(said).toMatch(/needs a token of a federated credential \(--federated-token, .*\n/);
  expect(said).toContain("needs a certificate of the application (--certificate, or AZURE_CLIENT_CERTIFICATE_PATH)");
});

describe("a run", () => {
  test("leaves the tenant as it was, though everything is contradicted", async () => {
    const { world, run, folder } = await tryable();
    const before = await stateOf(world);
    await world.control("PATCH", "settings", { contrary: turnable });
    await run();
    await world.control("PATCH", "settings", { contrary: [] });
    const after = await stateOf(world);
    // Removed mailboxes stay soft-deleted for 30 days; nobody can take them away sooner.
    const live = (state: Row) => {
      const recipients = Object.values(state.recipients as Record<string, Row>);
      return recipients
        .filter(({ mailbox }) => (mailbox as Row | null)?.whenSoftDeleted == null)
        .map(({ guid }) => guid)
        .sort();
    };
    expect(live(after)).toEqual(live(before));
    const names = Object.keys(before).filter((name) => /^dv\.(?!counter|jobs)|^users$/.test(name));
    expect(names).toContain("users");
    for (const name of names) {
      expect({ [name]: after[name] }).toEqual({ [name]: before[name] });
    }
    expect(existsSync(join(folder, "made.jsonl"))).toBe(false);
  });

  test("that only reads writes nothing, and says what it could not try", async () => {
    const { world, run } = await tryable();
    await world.writes();
    const { exit, verdicts, said } = await run({ domain: undefined, prefix: undefined, readOnly: true });
    expect(exit).toBe(0);
    expect(verdicts["exchange.batch-size"]).toBe("confirmed");
    expect(verdicts["graph.language-formats"]).toBe("not tried");
    expect(said).toContain("needs --domain and --prefix");
    expect(said).toContain("It only reads: nothing is made, changed or deleted.");
    expect((await world.writes()).filter((write) => !/\$batch|oauth2|Get-|InvokeCommand/.test(write))).toEqual([]);
  });

  test("without --yes says what it would do and does nothing", async () => {
    const { world, run } = await tryable();
    await world.control("DELETE", "requests").catch(() => undefined);
    const { exit, said, verdicts, record } = await run({ yes: undefined });
    expect(exit).toBe(2);
    expect(verdicts).toEqual({});
    expect(record).toBeUndefined();
    expect(said).toMatch(/^This tries a local tenant: \d+ of \d+ probes\./);
    expect(said).toContain("probe-RANDOM-NUMBER@contoso.com");
    expect(said).toContain("Nothing was asked or written. Run it again with --yes.");
  });

  test.each([
    [{ readOnly: true }, "Say one of"],
    [{ domain: undefined, prefix: undefined }, "Say one of"],
    [{ prefix: undefined }, "--prefix: write 2 to 20"],
    [{ prefix: "Ada@contoso.com" }, "--prefix: write 2 to 20"],
    [{ domain: undefined }, "--domain: write an accepted domain"],
    [{ domain: "fabrikam.com" }, "fabrikam.com is not an accepted domain of this tenant. Write one of"],
    [{ only: ["exchange.nothing"] }, "--only: unknown probe exchange.nothing"],
  ])("called with %j is refused before anything is written", async (more, words) => {
    const { world, run } = await tryable();
    await world.writes();
    expect(await failure(run(more))).toContain(words);
    expect((await world.writes()).filter((write) => !/oauth2|Get-/.test(write))).toEqual([]);
  });

  test("of one probe runs that probe alone", async () => {
    const { run } = await tryable();
    expect((await run({ only: ["exchange.batch-size"] })).verdicts).toEqual({ "exchange.batch-size": "confirmed" });
  });
});

describe("clean-up", () => {
  test("follows an abort at once", async () => {
    const { world, folder } = await tryable();
    const before = await stateOf(world);
    const controller = new AbortController();
    const { exit, said } = await runAcceptance(
      world,
      { domain: "contoso.com", prefix: "probe", yes: true },
      {
        folder,
        controller,
        say: (text) => {
          if (text.includes("exchange.message-size")) {
            controller.abort();
          }
        },
      },
    );
    expect(exit).toBe(2);
    expect(said).toContain("It was stopped before its end.");
    expect(existsSync(join(folder, "made.jsonl"))).toBe(false);
    expect((await stateOf(world)).users).toEqual(before.users);
  });

  test("removes what the journal of a killed run names, and nothing that only looks like it", async () => {
    const { world, folder, run } = await tryable();
    const mine = await makeMailbox(world, "probe-1-1@contoso.com");
    const left = await makeMailbox(world, "probe-1-2@contoso.com");
    await world.exchange("Set-Mailbox", { Identity: left, DisplayName: "mailboxes acceptance 1" });
    const line = (address: string, id?: string) =>
      JSON.stringify({
        step: "made",
        at: Date.now(),
        tenantId: world.tenantId,
        thing: { kind: "mailbox", address, mark: "mailboxes acceptance 1", id },
      });
    const journal = join(folder, "made.jsonl");
    writeFileSync(journal, `${line("probe-1-1@contoso.com")}\n${line("probe-1-2@contoso.com", left)}\n{"step":"mak`);

    expect(await failure(run())).toContain("An earlier run left things behind");
    const alone = { domain: undefined, prefix: undefined, cleanUp: true };
    const asked = await run({ ...alone, yes: undefined });
    expect(asked.said).toContain("the mailbox probe-1-2@contoso.com");
    expect(asked.said).toContain("Nothing was removed.");

    const { exit, said } = await run(alone);
    expect(exit).toBe(2);
    expect(said).toContain("removed the mailbox probe-1-2@contoso.com");
    expect(said).toContain("probe-1-1@contoso.com belongs to something that this command did not make");
    expect(await world.graph("GET", `/users/${mine}`)).toMatchObject({ id: mine });
    expect(await world.graph("GET", `/users/${left}`)).toBeUndefined();
    expect(await world.graph("GET", `/directory/deletedItems/${left}`)).toBeUndefined();
    expect(readFileSync(journal, "utf8")).toContain("probe-1-1");
  });

  test("does not touch another tenant", async () => {
    const { folder, run } = await tryable();
    const thing = { kind: "row", set: "mailboxes", id: "10ca17e4-d002-4000-8000-000000000001", mark: "" };
    const line = { step: "made", at: 0, tenantId: "10ca17e4-0000-4000-8000-00000000ffff", thing };
    writeFileSync(join(folder, "made.jsonl"), `${JSON.stringify(line)}\n`);
    const { exit, said } = await run({ domain: undefined, prefix: undefined, cleanUp: true });
    expect(exit).toBe(2);
    expect(said).toContain("is in another tenant or environment than the one configured now");
  });
});

describe("the record", () => {
  test("holds nothing of the tenant's names, addresses, ids and domains, nor a token", async () => {
    const { world, run } = await tryable();
    const { record = "" } = await run();
    const text = record.toLowerCase();
    const state = await stateOf(world);
    const secrets = new Set<string>();
    const collect = (value: unknown, member = ""): void => {
      if (typeof value === "object" && value !== null) {
        for (const [name, inner] of Object.entries(value)) {
          collect(inner, Array.isArray(value) ? member : name);
        }
      } else if (
        typeof value === "string" &&
        /name|address|domain|sid|guid|id$|alias|upn|mail|number|city/i.test(member)
      ) {
        secrets.add(value.toLowerCase());
      }
    };
    for (const [table, entries] of Object.entries(state)) {
      for (const [key, row] of Object.entries(entries as Row)) {
        if (table !== "skus" && table !== "subscriptions") {
          secrets.add(key.toLowerCase());
          collect(row);
        }
      }
    }
    const personal = [...secrets].filter(
      (value) => value.length > 3 && !/^(microsoft |english|none|true|enabled)/.test(value),
    );
    expect(personal.length).toBeGreaterThan(200);
    // Words that the services themselves say everywhere.
    const common = [
      "organization",
      "authoritative",
      "1900-01-01t00:00:00z",
      "support",
      "sales",
      "version",
      "mailbox",
      "shared",
      "application",
      "user",
      "utc",
    ];
    const found = personal.filter((value) => !common.includes(value) && text.includes(value));
    expect(found).toEqual([]);
    expect(record).not.toMatch(/eyJ|bearer (?!client_id)/i);
    expect(record).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/i);
    expect(record).not.toMatch(/probe-[0-9a-f]{8}/);
  });

  test("calls the same thing by the same name, and shows what was asked", async () => {
    const { run } = await tryable();
    const { record = "" } = await run({ only: ["exchange.rule-identity-graph"] });
    const { results, exchanges } = JSON.parse(record) as { results: Row[]; exchanges: Row[] };
    expect(results).toEqual([
      expect.objectContaining({ probe: "exchange.rule-identity-graph", is: "confirmed", said: expect.any(String) }),
    ]);
    const made = exchanges.find(({ request }) => JSON.stringify(request).includes("New-Mailbox")) as Row;
    const [mailbox] = ((made.answer as Row).body as { value: Row[] }).value;
    expect(mailbox?.ExternalDirectoryObjectId).toMatch(/^id-\d+$/);
    expect(exchanges.map(({ request }) => (request as Row).url)).toContainEqual(
      expect.stringContaining(`/users/${mailbox?.ExternalDirectoryObjectId}/mailFolders/inbox/messageRules`),
    );
  });
});
