import type { Deployment } from "../../provider/dynamic/deployment";
import { bounds } from "../../provider/dynamic/deployment";
import { settle } from "../../provider/services/waiting";
import { driftOf, manyMailboxes, type Row, startWorld, type World } from "./harness";

const COUNT = 24;
const ADA = "ada@contoso.com";

/** A tenant with mailboxes that no program made, and their object ids. */
async function withMailboxes(settings: Row = {}): Promise<{ world: World; ids: string[] }> {
  const world = await startWorld({ settings });
  const ids: string[] = [];
  for (let number = 1; number <= COUNT; number += 1) {
    ids.push(await makeMailbox(world, `box${number}`));
  }
  await world.control("DELETE", "requests");
  return { world, ids };
}

async function makeMailbox(world: World, name: string): Promise<string> {
  const [row] = await world.exchange("New-Mailbox", {
    ...{ Shared: true, Name: name, DisplayName: name, Alias: name, PrimarySmtpAddress: `${name}@contoso.com` },
  });
  return String(row?.ExternalDirectoryObjectId);
}

const scope = (deployment: Deployment) => ({
  ...bounds(),
  settleTimeout: deployment.configuration.settleTimeout,
  progress: () => undefined,
  warn: () => undefined,
});

/** The display names that a deployment reads of mailboxes, all asked for at once. */
function namesOf(ids: readonly string[], { services }: Deployment): Promise<(string | undefined)[]> {
  return Promise.all(ids.map(async (id) => (await services.mailboxes.withId(id))?.displayName));
}

const all = Array.from({ length: COUNT }, (_, index) => `box${index + 1}`);

test("many mailboxes are read by one listing, few one by one", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    expect(await namesOf(ids.slice(0, 9), deployment)).toEqual(all.slice(0, 9));
  });
  expect(await world.countOf("Get-Mailbox")).toBe(9);
  await world.deploying(async (deployment) => {
    expect(await namesOf(ids, deployment)).toEqual(all);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(10);
});

test("in a large tenant few mailboxes are read one by one, whatever the listing would cost", async () => {
  const { world, ids } = await withMailboxes();
  // As if there were 40,000 accounts: a listing of them is 40 pages.
  await world.fault({
    path: "/users?$count",
    answer: { status: 200, body: { "@odata.count": 40_000, value: [] } },
    times: "always",
  });
  await world.deploying(async (deployment) => {
    expect(await namesOf(ids, deployment)).toEqual(all);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(COUNT);
});

test("a listing is asked for by itself, beside the batches", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async ({ services }) => {
    // Full Access of 48 is four full batches, and a rest that a further read would travel with.
    const names = [...ids, ...all.map((name) => `${name}@contoso.com`)];
    const read = names.map((name) => services.permissions.begin(name, "a mailbox"));
    await Promise.all(read.flatMap(({ access, sending }) => [access(), sending()]));
  });
  const asked = (await world.control("GET", "requests?cmdlet=Get-RecipientPermission")) as unknown as Row[];
  expect(asked.filter(({ cmdlet }) => cmdlet === "Get-RecipientPermission")).toHaveLength(1);
});

test("where nobody may count the accounts, nothing is listed", async () => {
  const { world, ids } = await withMailboxes();
  await world.fault({ path: "/users?$count", answer: { status: 403, body: {} }, times: "always" });
  await world.deploying(async (deployment) => {
    expect(await namesOf(ids, deployment)).toEqual(all);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(COUNT);
});

test("a listing that fails says of nothing that it is absent", async () => {
  const { world, ids } = await withMailboxes();
  await world.fault({ cmdlet: "Get-Mailbox", answer: { status: 403 } });
  await world.deploying(async (deployment) => {
    expect(await namesOf(ids, deployment)).toEqual(all);
  });
});

test("what a listing does not show is asked for by itself", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    const later = await makeMailbox(world, "later");
    expect(await namesOf([later], deployment)).toEqual(["later"]);
    // A mailbox of another type is in no listing of shared ones.
    const [ada] = await world.exchange("Get-Mailbox", { Identity: ADA });
    expect(await namesOf([String(ada?.ExternalDirectoryObjectId)], deployment)).toEqual(["Ada Lovelace"]);
    expect(await namesOf(["10ca17e4-ffff-4000-8000-000000000001"], deployment)).toEqual([undefined]);
  });
});

test("what was written to is read again, by each service", async () => {
  const { world, ids } = await withMailboxes();
  const id = String(ids[3]);
  await world.deploying(async (deployment) => {
    const { mailboxes, graph } = deployment.services;
    await namesOf(ids, deployment);
    await Promise.all(ids.map((one) => graph.user(one)));
    await mailboxes.set(id, { DisplayName: "Written" }, "changing it", scope(deployment));
    expect(await namesOf([id], deployment)).toEqual(["Written"]);
    await graph.setAccountEnabled(id, true, "opening it", scope(deployment));
    expect(await graph.user(id)).toMatchObject({ accountEnabled: true });
  });
});

test("a look that is repeated asks the service, not what was read before", async () => {
  const { world, ids } = await withMailboxes();
  const id = String(ids[3]);
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await world.exchange("Set-Mailbox", { Identity: id, DisplayName: "By hand" });
    const seen = await settle(
      {
        what: "the name to change",
        look: async () => (await namesOf([id], deployment))[0],
        done: (name) => name === "By hand",
        atMost: 5_000,
      },
      scope(deployment),
    );
    expect(seen).toBe("By hand");
  });
});

test("who may send as whom is one listing; a mailbox whose Name is not its object id is asked for by itself", async () => {
  const { world, ids } = await withMailboxes();
  const named = String(ids[5]);
  const unnamed = String(ids[6]);
  for (const Identity of [named, unnamed]) {
    await world.exchange("Add-RecipientPermission", {
      Identity,
      Trustee: ADA,
      AccessRights: ["SendAs"],
      Confirm: false,
    });
  }
  await world.patchRecipient("box6@contoso.com", { name: "Friendly" });
  // Another object of that Name: its rows are printed alike.
  await world.patchRecipient("box9@contoso.com", { name: "Friendly" });
  await world.control("DELETE", "requests");
  await world.deploying(async (deployment) => {
    const { mailboxes, permissions } = deployment.services;
    const holders = await Promise.all(
      ids.map(async (id) => {
        const mailbox = await mailboxes.withId(id);
        if (mailbox === undefined) {
          throw new Error("not there");
        }
        const { entries } = await permissions.on(mailbox);
        return entries.filter(({ list }) => list === "sendAs").map(({ trustee }) => trustee);
      }),
    );
    expect(holders.map((one, index) => [ids[index], one] as const).filter(([, one]) => one.length > 0)).toEqual([
      [named, [ADA]],
      [unnamed, [ADA]],
    ]);
  });
  // The listing, and the two with a Name.
  expect(await world.countOf("Get-RecipientPermission")).toBe(3);
});

test("a mailbox whose Name is the object id of another one does not stand for that one", async () => {
  const { world, ids } = await withMailboxes();
  const holder = String(ids[5]);
  await world.exchange("Add-RecipientPermission", {
    ...{ Identity: holder, Trustee: ADA, AccessRights: ["SendAs"], Confirm: false },
  });
  await world.patchRecipient("box6@contoso.com", { name: "Friendly" });
  await world.patchRecipient("box9@contoso.com", { name: holder });
  await world.deploying(async ({ services: { mailboxes, permissions } }) => {
    const senders = await Promise.all(
      ids.map(async (id) => {
        const mailbox = await mailboxes.withId(id);
        if (mailbox === undefined) {
          throw new Error("not there");
        }
        const { entries, unread } = await permissions.on(mailbox, (_what, read) => read().catch(() => undefined));
        const known = entries.filter(({ list }) => list === "sendAs").map(({ trustee }) => trustee);
        return unread.includes("sendAs") ? [`${id} could not be read`] : known;
      }),
    );
    // The local tenant does not say which of the two is meant, and refuses.
    expect(senders.flat()).toEqual([`${holder} could not be read`]);
  });
});

test("the refresh of many mailboxes and memberships is some listings, and Full Access ten at a time", async () => {
  const world = await startWorld();
  const resources = await manyMailboxes(world, all, [ADA, "grace@contoso.com"]);
  await world.control("DELETE", "requests");
  expect(await driftOf(world, resources)).toEqual([]);
  const { requests } = await world.control("GET", "requests/counts");
  const { exchange, graph } = requests as Record<string, number>;
  // Two batches and a rest of Full Access, three listings, the people and their SIDs; the count and the accounts.
  expect(exchange).toBeLessThanOrEqual(9);
  expect(graph).toBeLessThanOrEqual(3);
});

/** What was asked since the log was cleared: requests over the wire, cmdlets, and reads of Graph. */
async function asked(world: World): Promise<{ requests: number; cmdlets: Row; graph: number }> {
  const { requests, byCmdlet, byService } = (await world.control("GET", "requests/counts")) as Record<string, Row>;
  const { exchange = 0, graph = 0 } = requests as Record<string, number>;
  return {
    requests: exchange + graph,
    cmdlets: byCmdlet ?? {},
    graph: Number((byService?.graph as Row | undefined)?.reads ?? 0),
  };
}

const SUPPORT = { displayName: "Support", primarySmtpAddress: "support@contoso.com" };
const PEOPLE = ["ada", "grace", "alan", "edsger", "barbara"].map((name) => `${name}@contoso.com`);

test("a creation asks once who has its names, and reads once what it made", async () => {
  const world = await startWorld();
  await world.resource("SharedMailbox", "support").up({ ...SUPPORT, emailAliases: ["help@contoso.com"] });
  const { cmdlets, graph } = await asked(world);
  expect(cmdlets).toEqual({
    ...{ "Get-AcceptedDomain": 1, "Get-Recipient": 1, "New-Mailbox": 1, "Set-Mailbox": 1, "Set-User": 1 },
    // The deleted ones, the new one, and again with its further address.
    "Get-Mailbox": 3,
  });
  // The names among the accounts and among the deleted ones, the new account, and again.
  expect(graph).toBe(4);
});

test("the members of a new mailbox take one look before and one after, and one more member takes five requests", async () => {
  const world = await startWorld();
  const mailbox = await world.resource("SharedMailbox", "support").up(SUPPORT);
  const members = world.resource("MailboxMembership", "members");
  await world.control("DELETE", "requests");
  await members.up({ mailbox: mailbox.id, members: PEOPLE });
  const { cmdlets } = await asked(world);
  expect(cmdlets).toEqual({
    ...{
      "Get-Recipient": 5,
      "Get-User": 1,
      "Get-Mailbox": 2,
      "Get-MailboxPermission": 2,
      "Get-RecipientPermission": 2,
    },
    ...{ "Add-MailboxPermission": 5, "Add-RecipientPermission": 5 },
  });
  await world.control("DELETE", "requests");
  await members.up({ mailbox: mailbox.id, members: [...PEOPLE, "radia@contoso.com"] });
  expect((await asked(world)).requests).toBeLessThanOrEqual(5);
});

test("lists that could not be read while the members were looked up are read again", async () => {
  const { world, ids } = await withMailboxes();
  const [id = ""] = ids;
  const members = world.resource("MailboxMembership", "members");
  await world.fault({ cmdlet: "Get-MailboxPermission", answer: { status: 404, body: {} } });
  await members.up({ mailbox: id, members: [ADA] });
  expect((await world.exchange("Get-MailboxPermission", { Identity: id, User: ADA })).length).toBe(1);
});

test("somebody whose SIDs are being asked for is not asked for again", async () => {
  const { world } = await withMailboxes({ cmdletLatency: 300 });
  const id = String((await world.graph("GET", `/users/${ADA}`))?.id);
  await world.deploying(async ({ services: { securityPrincipals } }) => {
    const first = securityPrincipals.sidsOf(id, false);
    // By now the question is on its way.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const sids = await securityPrincipals.sidsOf(id, false);
    expect(sids[0]).toMatch(/^S-1-/);
    expect(await first).toEqual(sids);
  });
  expect(await world.countOf("Get-User")).toBe(1);
});
