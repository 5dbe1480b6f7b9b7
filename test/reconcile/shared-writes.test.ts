import { bounds } from "../../provider/dynamic/deployment";
import { makeMailbox, type Row, startWorld, type World, withMailbox } from "./harness";

const PEOPLE = ["ada", "grace", "alan", "edsger", "barbara"].map((name) => `${name}@contoso.com`);
const FULL = PEOPLE.map((who) => `access ${who}`);

/** The requests that changed permissions: how many cmdlets each carried. */
async function permissionWrites(world: World): Promise<number[]> {
  const requests = (await world.control("GET", "requests?service=exchange&writes=true")) as unknown as Row[];
  return requests
    .map((request) => ((request.inner as Row[] | undefined) ?? [request]).map(({ cmdlet }) => String(cmdlet)))
    .filter((cmdlets) => cmdlets.some((cmdlet) => /Permission$/.test(cmdlet)))
    .map((cmdlets) => cmdlets.length);
}

async function access(world: World, id: string): Promise<string[]> {
  const rows = await world.exchange("Get-MailboxPermission", { Identity: id });
  const sending = await world.exchange("Get-RecipientPermission", { Identity: id });
  const names = (list: Row[], trustee: string) =>
    list.map((row) => String(row[trustee])).filter((name) => PEOPLE.includes(name));
  return [
    ...names(
      rows.filter(({ IsInherited }) => IsInherited !== true),
      "User",
    ).map((who) => `access ${who}`),
    ...names(sending, "Trustee").map((who) => `sends ${who}`),
  ].sort();
}

const everything = [...FULL, ...PEOPLE.map((who) => `sends ${who}`)].sort();

test("ten grants on a mailbox are one request, and so is taking them back", async () => {
  const { world, id, membership } = await withMailbox();
  await world.control("DELETE", "requests");
  await membership.up({ mailbox: id, members: PEOPLE });
  expect(await permissionWrites(world)).toEqual([10]);
  expect(await access(world, id)).toEqual(everything);
  await world.control("DELETE", "requests");
  await membership.destroy();
  expect(await permissionWrites(world)).toEqual([10]);
  expect(await access(world, id)).toEqual([]);
});

test("what a batch that runs in parallel loses is written again, one by one", async () => {
  const { world, id, membership } = await withMailbox({ settings: { batchesRunInParallel: true } });
  await membership.up({ mailbox: id, members: PEOPLE });
  expect(await access(world, id)).toEqual(everything);
  await membership.destroy();
  expect(await access(world, id)).toEqual([]);
});

test("the first refusal ends what comes after it; the state knows what was granted, and the next update goes on", async () => {
  const { world, id, membership } = await withMailbox();
  await world.fault({ cmdlet: "Add-MailboxPermission", after: 2, answer: { status: 403 } });
  await expect(membership.up({ mailbox: id, members: PEOPLE })).rejects.toThrow(/granting Full Access/);
  const granted = await access(world, id);
  expect(granted.length).toBeGreaterThan(0);
  expect(granted.length).toBeLessThan(10);
  const known = membership.state?.inputs.members as Record<string, Row>;
  for (const one of granted) {
    const [what, who = ""] = one.split(" ");
    expect(known[who]?.[what === "access" ? "fullAccess" : "sendAs"]).toBe(true);
  }
  await membership.up({ mailbox: id, members: PEOPLE });
  expect(await access(world, id)).toEqual(everything);
});

test.each(["before", "after"] as const)(
  "a batch whose answer is lost %s it was run is observed, and finished",
  async (close) => {
    const { world, id, membership } = await withMailbox();
    await world.fault({ service: "exchange", cmdlet: "Add-MailboxPermission", close });
    await membership.up({ mailbox: id, members: PEOPLE });
    expect(await access(world, id)).toEqual(everything);
  },
);

test("one of a batch that is throttled is sent again, and what came after it too", async () => {
  const { world, id, membership } = await withMailbox();
  await world.fault({
    cmdlet: "Add-MailboxPermission",
    after: 1,
    answer: { status: 429, headers: { "Retry-After": "0" }, body: {} },
  });
  await membership.up({ mailbox: id, members: PEOPLE });
  expect(await access(world, id)).toEqual(everything);
});

const MISSING = {
  ...{ code: "NotFound", message: "ex" },
  details: [
    {
      code: "Context",
      target: "",
      message:
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The ACE doesn't exist on the object.",
    },
  ],
};

test("an entry that is called absent stops nothing that comes after it, in whatever request that goes", async () => {
  const { world, id, membership } = await withMailbox();
  const RADIA = "radia@contoso.com";
  await world.exchange("Add-MailboxPermission", { Identity: id, User: RADIA, AccessRights: ["FullAccess"] });
  await world.graph("DELETE", `/users/${String((await world.graph("GET", `/users/${RADIA}`))?.id)}`);
  await world.fault({ cmdlet: "Remove-MailboxPermission", answer: { status: 404, body: { error: MISSING } } });
  const members = Object.fromEntries(PEOPLE.map((who) => [who, { otherRights: ["ReadPermission"] }]));
  await membership.up({ mailbox: id, members, orphans: "remove" });
  expect(await access(world, id)).toEqual(everything);
  expect(await membership.plan({ mailbox: id, members, orphans: "remove" })).toEqual([]);
});

test.each([1, 2])(
  "a grant that was made and answered with an error under a status of success is not forgotten (%d at a time)",
  async (count) => {
    const { world, id, membership } = await withMailbox();
    const program = { mailbox: id, members: { "ada@contoso.com": { sendAs: false } } };
    const added = Object.fromEntries(PEOPLE.slice(1, count + 1).map((who) => [who, { sendAs: false }]));
    await membership.up(program);
    const body = { error: { code: "InternalServerError", message: "Something went wrong." } };
    await world.fault({
      ...{ cmdlet: "Add-MailboxPermission", after: count - 1, answer: { status: 200, when: "after", body } },
    });
    await expect(membership.up({ ...program, members: { ...program.members, ...added } })).rejects.toThrow(
      /granting Full Access.*Something went wrong/,
    );
    expect(await access(world, id)).toHaveLength(1 + count);
    await membership.up(program);
    expect(await access(world, id)).toEqual(["access ada@contoso.com"]);
  },
);

test("single writes about different mailboxes share a request, and one that is refused fails alone", async () => {
  const world = await startWorld();
  const ids: string[] = [];
  for (let number = 1; number <= 4; number += 1) {
    const [row] = await world.exchange("New-Mailbox", {
      ...{ Shared: true, Name: `box${number}`, DisplayName: "Box", Alias: `box${number}` },
      ...{ PrimarySmtpAddress: `box${number}@contoso.com`, Initials: "mark" },
    });
    ids.push(String(row?.ExternalDirectoryObjectId));
  }
  const asked = [...ids.slice(0, 2), "10ca17e4-ffff-4000-8000-000000000001", ...ids.slice(2)];
  await world.control("DELETE", "requests");
  const made = await world.deploying(({ services, configuration }) => {
    const scope = {
      ...{ ...bounds(), settleTimeout: configuration.settleTimeout },
      ...{ progress: () => undefined, warn: () => undefined },
    };
    return Promise.allSettled(asked.map((id) => services.mailboxes.clearInitials(id, `clearing ${id}`, scope)));
  });
  expect(made.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
  const { requests } = await world.control("GET", "requests/counts");
  expect((requests as Row).exchange).toBe(1);
  for (const id of ids) {
    expect((await world.exchange("Get-User", { Identity: id }))[0]?.Initials ?? "").toBe("");
  }
});

test("settings of different mailboxes share a request; one that is refused fails alone, in its own words", async () => {
  const world = await startWorld();
  const names = ["one", "two", "three", "four"];
  const ids = await Promise.all(names.map((name) => makeMailbox(world, `${name}@contoso.com`)));
  await world.control("DELETE", "requests");
  await world.fault({ cmdlet: "Set-Mailbox", after: 1, answer: { status: 403 } });
  const made = await world.deploying(({ services, configuration }) => {
    const scope = {
      ...{ ...bounds(), settleTimeout: configuration.settleTimeout },
      ...{ progress: () => undefined, warn: () => undefined },
    };
    const set = (id: string) => services.mailboxes.set(id, { CustomAttribute1: "tier 1" }, `changing ${id}`, scope);
    return Promise.allSettled(ids.map(set));
  });
  expect(made.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(String((made[1] as PromiseRejectedResult).reason)).toContain(`changing ${ids[1]}`);
  const { requests } = await world.control("GET", "requests/counts");
  expect((requests as Row).exchange).toBe(1);
  const values = await Promise.all(
    ids.map(async (id) => (await world.exchange("Get-Mailbox", { Identity: id }))[0]?.CustomAttribute1),
  );
  expect(values.map((value) => value === "tier 1")).toEqual([true, false, true, true]);
});

test("an address that is added goes by itself: it is not certain that it may be added twice", async () => {
  const world = await startWorld();
  const program = (name: string, emailAliases: string[]) => ({
    ...{ displayName: name, primarySmtpAddress: `${name}@contoso.com`, emailAliases },
  });
  const boxes = await world.together(() =>
    Promise.all(["one", "two"].map((name) => world.resource("SharedMailbox", name).up(program(name, [])))),
  );
  await world.control("DELETE", "requests");
  await world.together(() =>
    Promise.all(["one", "two"].map((name, index) => boxes[index]?.up(program(name, [`${name}-2@contoso.com`])))),
  );
  const requests = (await world.control("GET", "requests?service=exchange&writes=true")) as unknown as Row[];
  expect(requests.map(({ cmdlet }) => cmdlet)).toEqual(["Set-Mailbox", "Set-Mailbox"]);
});
