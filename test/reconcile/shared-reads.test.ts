import { bounds, type Deployment } from "../../provider/dynamic/deployment";
import { freshly } from "../../provider/services/listing";
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

/** The same, one after the other. */
async function namesInTurn(ids: readonly string[], deployment: Deployment): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = [];
  for (const id of ids) {
    names.push(...(await namesOf([id], deployment)));
  }
  return names;
}

/** As if there were 40,000 accounts: a listing of them is 40 pages. */
async function largeTenant(world: World): Promise<void> {
  await world.fault({
    path: "/users?$count",
    answer: { status: 200, body: { "@odata.count": 40_000, value: [] } },
    times: "always",
  });
}

const all = Array.from({ length: COUNT }, (_, index) => `box${index + 1}`);

test("mailboxes that are asked for one after the other are read by a listing in the end", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    expect(await namesInTurn(ids.slice(0, 9), deployment)).toEqual(all.slice(0, 9));
  });
  expect(await world.countOf("Get-Mailbox")).toBe(9);
  await world.deploying(async (deployment) => {
    expect(await namesInTurn(ids, deployment)).toEqual(all);
  });
  // The tenth would cost as much as the listing.
  expect(await world.countOf("Get-Mailbox")).toBe(9 + 9 + 1);
});

test("mailboxes and accounts that are asked for at the same time share filters of fifteen", async () => {
  const { world, ids } = await withMailboxes();
  await largeTenant(world);
  await world.deploying(async (deployment) => {
    const accounts = Promise.all(ids.map((id) => deployment.services.graph.user(id)));
    expect(await namesOf(ids, deployment)).toEqual(all);
    expect((await accounts).map((one) => one?.id)).toEqual(ids);
  });
  // The number of accounts is asked for too.
  expect(await asked(world)).toEqual({ requests: 3, cmdlets: { "Get-Mailbox": 2 }, graph: 3 });
});

test("a mailbox that a filter does not show is asked for by itself, and so is each where the filter is refused", async () => {
  const { world, ids } = await withMailboxes();
  const nobody = "10ca17e4-ffff-4000-8000-000000000001";
  await world.deploying(async (deployment) => {
    expect(await namesOf([...ids.slice(0, 3), nobody], deployment)).toEqual([...all.slice(0, 3), undefined]);
  });
  // The filter, and the one that is not there by its identity.
  expect(await world.countOf("Get-Mailbox")).toBe(2);
  await world.fault({ cmdlet: "Get-Mailbox", answer: { status: 400, body: {} } });
  await world.fault({ path: "/users?$filter", answer: { status: 400, body: {} } });
  await world.deploying(async (deployment) => {
    const accounts = Promise.all(ids.slice(0, 3).map((id) => deployment.services.graph.user(id)));
    expect(await namesOf(ids.slice(0, 3), deployment)).toEqual(all.slice(0, 3));
    expect((await accounts).map((one) => one?.id)).toEqual(ids.slice(0, 3));
  });
  expect(await world.countOf("Get-Mailbox")).toBe(2 + 1 + 3);
});

test("somebody who is being looked up is not looked up again", async () => {
  const world = await startWorld({ settings: { cmdletLatency: 300 } });
  const id = String((await world.graph("GET", `/users/${ADA}`))?.id);
  await world.deploying(async ({ services: { recipients } }) => {
    const first = recipients.named(id);
    // By now the question is on its way.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const again = await recipients.named(id);
    expect(again[0]?.id).toBe(id);
    expect(await first).toEqual(again);
  });
  expect(await world.countOf("Get-Recipient")).toBe(1);
});

test("in a large tenant few mailboxes are read one by one, whatever the listing would cost", async () => {
  const { world, ids } = await withMailboxes();
  await largeTenant(world);
  await world.deploying(async (deployment) => {
    expect(await namesInTurn(ids, deployment)).toEqual(all);
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
    expect(await namesInTurn(ids, deployment)).toEqual(all);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(COUNT);
});

test("a listing that fails says of nothing that it is absent", async () => {
  const { world, ids } = await withMailboxes();
  await world.fault({ cmdlet: "Get-Mailbox", after: 10, answer: { status: 403 } });
  await world.deploying(async (deployment) => {
    expect(await namesInTurn(ids, deployment)).toEqual(all);
  });
});

test("what a listing does not show is asked for by itself", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesInTurn(ids, deployment);
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
    await namesInTurn(ids, deployment);
    await Promise.all(ids.map((one) => graph.user(one)));
    await mailboxes.set(id, { DisplayName: "Written" }, "changing it", scope(deployment));
    expect(await namesOf([id], deployment)).toEqual(["Written"]);
    await graph.setAccountEnabled(id, true, "opening it", scope(deployment));
    expect(await graph.user(id)).toMatchObject({ accountEnabled: true });
  });
});

test("what was written to is asked for by itself, beside the filter of the others", async () => {
  const { world, ids } = await withMailboxes();
  await largeTenant(world);
  await world.deploying(async (deployment) => {
    await deployment.services.mailboxes.set(String(ids[0]), { DisplayName: "New" }, "renaming", scope(deployment));
    await world.control("DELETE", "requests");
    expect(await namesOf(ids.slice(0, 3), deployment)).toEqual(["New", ...all.slice(1, 3)]);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(2);
});

test("while a listing is read, what it may show is not asked for by itself", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesInTurn(ids.slice(0, 9), deployment);
    await world.control("PATCH", "settings", { cmdletLatency: 300 });
    const tenth = namesOf(ids.slice(9, 10), deployment);
    // By now the listing is on its way.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await namesOf(ids.slice(10, 11), deployment)).toEqual(["box11"]);
    expect(await tenth).toEqual(["box10"]);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(9 + 1);
});

test("where only the service may answer, a listing that others wait for does not", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesInTurn(ids.slice(0, 9), deployment);
    const tenth = namesOf(ids.slice(9, 10), deployment);
    expect(await freshly(() => namesOf(ids.slice(9, 10), deployment))).toEqual(await tenth);
  });
  expect(await world.countOf("Get-Mailbox")).toBe(9 + 2);
});

test("a look that is repeated asks the service, not what was read before", async () => {
  const { world, ids } = await withMailboxes();
  const id = String(ids[3]);
  await world.deploying(async (deployment) => {
    await namesInTurn(ids, deployment);
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
      "Get-Recipient": 1,
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
  const world = await startWorld({ settings: { cmdletLatency: 300 } });
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

/** Who has Full Access to mailboxes, asked for at the same time as a refresh asks; printed names without those of every mailbox. */
function accessTo(ids: readonly string[], { services: { permissions } }: Deployment, isRefresh = true) {
  return Promise.all(
    ids.map(async (id) => {
      const { rows } = await permissions.begin(id, id, isRefresh).access();
      return rows.map(({ User }) => String(User)).filter((user) => user === ADA);
    }),
  );
}

/** Grants Full Access by hand. */
async function grantByHand(world: World, Identity: string | undefined): Promise<void> {
  await world.exchange("Add-MailboxPermission", { Identity, User: ADA, AccessRights: ["FullAccess"] });
}

/** A batch of ten, and one of five with five free places. */
const ASKED = 15;

/** Refreshes the mailboxes, and asks as a refresh who has access to the first fifteen. The five after them are read ahead. */
async function askForMost(world: World, ids: readonly string[], deployment: Deployment): Promise<void> {
  await namesOf(ids, deployment);
  await accessTo(ids.slice(0, ASKED), deployment);
  expect(await world.countOf("Get-MailboxPermission")).toBe(ASKED + 5);
}

test("a batch with free places takes along who has access to mailboxes that nobody has asked for yet", async () => {
  const { world, ids } = await withMailboxes();
  await grantByHand(world, ids[ASKED]);
  await world.control("DELETE", "requests");
  await world.deploying(async (deployment) => {
    await askForMost(world, ids, deployment);
    // What nobody asked for saves nothing.
    expect(deployment.usage.reads).toBe(COUNT + 2 * ASKED);
    expect(await accessTo(ids.slice(ASKED, ASKED + 5), deployment)).toEqual([[ADA], [], [], [], []]);
    expect(deployment.usage.reads).toBe(COUNT + 2 * (ASKED + 5));
    expect(await world.countOf("Get-MailboxPermission")).toBe(ASKED + 5);
    // It answers once: whoever asks again asks the service.
    await world.exchange("Remove-MailboxPermission", {
      ...{ Identity: ids[ASKED], User: ADA, AccessRights: ["FullAccess"], Confirm: false },
    });
    expect(await accessTo(ids.slice(ASKED, ASKED + 1), deployment)).toEqual([[]]);
  });
});

test("a batch takes along no more than were asked for with it", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await accessTo(ids.slice(0, 10), deployment);
    await accessTo(ids.slice(10, 11), deployment);
  });
  expect(await world.countOf("Get-MailboxPermission")).toBe(10 + 2);
});

test("whole batches are read ahead while others are waited for, and no more than half of what was asked for", async () => {
  const world = await startWorld();
  const ids: string[] = [];
  for (let number = 1; number <= 50; number += 1) {
    ids.push(await makeMailbox(world, `box${number}`));
  }
  await world.control("DELETE", "requests");
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await accessTo(ids.slice(0, 30), deployment);
  });
  // Three batches fill the window at first. Once one of them has landed, there is room for another one.
  expect(await world.countOf("Get-MailboxPermission")).toBe(40);
});

test("after few questions, without a refresh, and after a write nothing is read ahead", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await accessTo(ids.slice(0, 9), deployment);
  });
  expect(await world.countOf("Get-MailboxPermission")).toBe(9);
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await accessTo(ids.slice(0, ASKED), deployment, false);
  });
  expect(await world.countOf("Get-MailboxPermission")).toBe(9 + ASKED);
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await deployment.services.mailboxes.set(String(ids[0]), { DisplayName: "New" }, "renaming", scope(deployment));
    await accessTo(ids.slice(0, ASKED), deployment);
  });
  expect(await world.countOf("Get-MailboxPermission")).toBe(9 + 2 * ASKED);
});

test("what was read ahead does not count after a write of this process, nor where only the services may answer", async () => {
  const { world, ids } = await withMailboxes();
  const [fresh, changing, written] = ids.slice(ASKED);
  await world.deploying(async (deployment) => {
    await askForMost(world, ids, deployment);
    for (const id of [fresh, changing, written]) {
      await grantByHand(world, id);
    }
    expect(await freshly(() => accessTo([String(fresh)], deployment))).toEqual([[ADA]]);
    // Whoever will change something.
    expect(await accessTo([String(changing)], deployment, false)).toEqual([[ADA]]);
    await deployment.services.mailboxes.set(String(ids[0]), { DisplayName: "New" }, "renaming", scope(deployment));
    expect(await accessTo([String(written)], deployment)).toEqual([[ADA]]);
  });
});

test("reading ahead that fails makes nothing fail, and ends", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await world.fault({ cmdlet: "Get-MailboxPermission", after: ASKED, answer: { status: 403, body: {} } });
    await accessTo(ids.slice(0, ASKED), deployment);
    const before = await world.countOf("Get-MailboxPermission");
    expect(before).toBe(ASKED + 5);
    // The one that failed is asked for again, the others are known.
    expect(await accessTo(ids.slice(ASKED, ASKED + 5), deployment)).toEqual([[], [], [], [], []]);
    expect(await world.countOf("Get-MailboxPermission")).toBe(before + 1);
    await accessTo(ids.slice(ASKED + 5, ASKED + 6), deployment);
    expect(await world.countOf("Get-MailboxPermission")).toBe(before + 2);
  });
});

test("a mailbox that is gone by the time it is read ahead is said to be gone by its own read", async () => {
  const { world, ids } = await withMailboxes();
  const gone = String(ids[ASKED]);
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await world.exchange("Remove-Mailbox", { Identity: gone, Confirm: false });
    await accessTo(ids.slice(0, ASKED), deployment);
    expect(await accessTo(ids.slice(ASKED + 1, ASKED + 5), deployment)).toEqual([[], [], [], []]);
    expect(await world.countOf("Get-MailboxPermission")).toBe(ASKED + 5);
    await expect(accessTo([gone], deployment)).rejects.toMatchObject({ class: "notFound" });
  });
});

test("a read that would have gone alone does not fail with the batch that was filled for it", async () => {
  const { world, ids } = await withMailboxes();
  await world.deploying(async (deployment) => {
    await namesOf(ids, deployment);
    await accessTo(ids.slice(0, 10), deployment);
    await world.fault({ path: "$batch", answer: { status: 400, body: {} } });
    expect(await accessTo(ids.slice(10, 11), deployment)).toEqual([[]]);
  });
});

test("a refresh of memberships that was read ahead shows who lost access and that a mailbox is gone", async () => {
  const world = await startWorld();
  const resources = await manyMailboxes(world, all, [ADA, "grace@contoso.com"]);
  const [boxes, memberships] = [0, 1].map((kind) => resources.filter((_, index) => index % 2 === kind)) as [
    typeof resources,
    typeof resources,
  ];
  await world.exchange("Remove-MailboxPermission", {
    ...{ Identity: boxes[ASKED]?.id, User: ADA, AccessRights: ["FullAccess"], Confirm: false },
  });
  await world.exchange("Remove-Mailbox", { Identity: boxes[ASKED + 1]?.id, Confirm: false });
  await world.control("DELETE", "requests");
  await world.together(async () => {
    await Promise.all(boxes.map((one) => one.refresh()));
    await Promise.all(memberships.slice(0, ASKED).map((one) => one.refresh()));
    const [changed, gone, ...others] = await Promise.all(memberships.slice(ASKED).map((one) => one.refresh()));
    expect(Object.keys(changed ?? {})).toEqual([`members/${ADA}/fullAccess`]);
    expect(gone).toBe("gone");
    expect(others.filter((one) => Object.keys(one ?? {}).length > 0)).toEqual([]);
  });
});

test("who may send as whom is listed earlier where a refresh is likely to go on", async () => {
  const { world, ids } = await withMailboxes();
  // A listing of 2,500 accounts with one row each is three pages, as much as thirty reads.
  await world.fault({
    path: "/users?$count",
    answer: { status: 200, body: { "@odata.count": 2_500, value: [] } },
    times: "always",
  });
  const askInTurn = (isRefresh: boolean) =>
    world.deploying(async (deployment) => {
      await namesOf(ids, deployment);
      await world.control("DELETE", "requests");
      for (const id of ids.slice(0, 18)) {
        await Promise.all(
          Object.values(deployment.services.permissions.begin(id, id, isRefresh)).map((read) => read()),
        );
      }
      return world.countOf("Get-RecipientPermission");
    });
  expect(await askInTurn(false)).toBe(18);
  expect(await askInTurn(true)).toBeLessThan(18);
});

test("a refresh asks for the SIDs of members beside who they are, not after it", async () => {
  const { world, ids } = await withMailboxes();
  const members = await world.resource("MailboxMembership", "members").up({ mailbox: String(ids[0]), members: PEOPLE });
  await world.control("DELETE", "requests");
  await world.fault({ cmdlet: "Get-Recipient", delay: 1500 });
  expect(await members.refresh()).toEqual({});
  const log = (await world.control("GET", "requests")) as unknown as Row[];
  const sent = (cmdlet: string) =>
    log.find((one) => [one, ...((one.inner ?? []) as Row[])].some((inner) => inner.cmdlet === cmdlet));
  const [recipients, users] = [sent("Get-Recipient"), sent("Get-User")];
  expect(Date.parse(String(users?.at))).toBeLessThan(Date.parse(String(recipients?.at)) + Number(recipients?.took));
});
