import { bounds, type Deployment } from "../../provider/dynamic/deployment";
import type { Scope } from "../../provider/services/waiting";
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

test.each([
  [3, [7]],
  [5, [1, 10]],
])(
  "every right of %d members is granted and taken back in as few requests as ten a request allow",
  async (count, sizes) => {
    const { world, id, membership } = await withMailbox();
    const members = Object.fromEntries(PEOPLE.slice(0, count).map((who) => [who, { sendOnBehalf: true }]));
    const onBehalf = async () =>
      [(await world.exchange("Get-Mailbox", { Identity: id }))[0]?.GrantSendOnBehalfTo].flat().length;
    const written = async () => {
      const requests = (await world.control("GET", "requests?service=exchange&writes=true")) as unknown as Row[];
      return requests.map(({ inner }) => (inner as Row[] | undefined)?.length ?? 1).sort((a, b) => a - b);
    };
    await world.control("DELETE", "requests");
    await membership.up({ mailbox: id, members });
    expect(await written()).toEqual(sizes);
    expect(await access(world, id)).toHaveLength(count * 2);
    expect(await onBehalf()).toBe(count);
    await world.control("DELETE", "requests");
    await membership.destroy();
    expect(await written()).toEqual(sizes);
    expect(await access(world, id)).toEqual([]);
    expect(await onBehalf()).toBe(0);
  },
);

test("rights of every kind are taken back in one request", async () => {
  const { world, id, membership } = await withMailbox();
  const rights = { sendOnBehalf: true, otherRights: ["ReadPermission"] };
  await membership.up({ mailbox: id, members: { "ada@contoso.com": rights, "alan@contoso.com": rights } });
  await world.control("DELETE", "requests");
  await membership.destroy();
  const requests = (await world.control("GET", "requests?service=exchange&writes=true")) as unknown as Row[];
  expect(requests.map(({ inner }) => (inner as Row[]).map(({ cmdlet }) => cmdlet).sort())).toEqual([
    [...Array(4).fill("Remove-MailboxPermission"), ...Array(2).fill("Remove-RecipientPermission"), "Set-Mailbox"],
  ]);
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

test("replies and regional settings of different mailboxes share requests to Exchange, where Graph may not be used", async () => {
  const { world, ids } = await boxes(3);
  await world.fault({
    service: "graph",
    method: "PATCH",
    path: "mailboxSettings",
    times: "always",
    answer: { status: 403 },
  });
  await world.fault({ cmdlet: "Set-MailboxRegionalConfiguration", after: 1, answer: { status: 403 } });
  const outcomes = await atOnce(world, ids, async ({ services }, id, scope) => {
    const mailbox = await services.mailboxes.withId(id);
    const change = {
      automaticReplies: { status: "alwaysEnabled", internalMessage: "We got it" },
      regional: { language: "da-DK" },
    };
    return mailbox && services.mailboxSettings.write(mailbox, change, `changing ${id}`, scope, () => undefined);
  });
  expect(outcomes).toEqual(["done", expect.stringContaining(`changing ${ids[1]}`), "done"]);
  const requests = (await world.control("GET", "requests?service=exchange&writes=true")) as unknown as Row[];
  expect(requests.map(({ inner }) => (inner as Row[]).map(({ cmdlet }) => cmdlet))).toEqual([
    Array(3).fill("Set-MailboxAutoReplyConfiguration"),
    Array(3).fill("Set-MailboxRegionalConfiguration"),
  ]);
  const languages = await Promise.all(
    ids.map(async (id) => (await world.graph("GET", `/users/${id}/mailboxSettings`))?.language as Row),
  );
  expect(languages.map(({ locale }) => locale === "da-DK")).toEqual([true, false, true]);
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

type Write = (deployment: Deployment, id: string, scope: Scope) => Promise<unknown>;

/** Writes about each of some things at the same time. @returns what became of each: "done", or the error. */
async function atOnce(world: World, ids: readonly string[], write: Write): Promise<string[]> {
  await world.control("DELETE", "requests");
  const made = await world.deploying((deployment) => {
    const scope = {
      ...{ ...bounds(), settleTimeout: deployment.configuration.settleTimeout },
      ...{ progress: () => undefined, warn: () => undefined },
    };
    return Promise.allSettled(ids.map((id) => write(deployment, id, scope)));
  });
  return made.map((one) => (one.status === "fulfilled" ? "done" : String(one.reason)));
}

async function boxes(count: number, settings: Row = {}): Promise<{ world: World; ids: string[] }> {
  const world = await startWorld({ settings });
  const ids: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    ids.push(await makeMailbox(world, `box${number}@contoso.com`));
  }
  return { world, ids };
}

describe("permissions of different mailboxes", () => {
  const three = PEOPLE.slice(0, 3);
  const FULL_OF_THREE = three.map((who) => `access ${who}`).sort();

  /** Grants Full Access to three people, as a membership does. */
  const grantThree: Write = async ({ services }, id, scope) => {
    const mailbox = await services.mailboxes.withId(id);
    if (mailbox === undefined) {
      throw new Error(`no mailbox ${id}`);
    }
    const made = await Promise.allSettled(
      three.map((who) => services.permissions.grantFullAccess(mailbox, who, who, false, scope)),
    );
    const failures = made.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
    return failures.length === 0 ? "done" : Promise.reject(failures.join("\n"));
  };

  test("share a request, up to ten of them", async () => {
    const { world, ids } = await boxes(4);
    expect(await atOnce(world, ids, grantThree)).toEqual(ids.map(() => "done"));
    expect((await permissionWrites(world)).sort((a, b) => a - b)).toEqual([3, 9]);
    for (const id of ids) {
      expect(await access(world, id)).toEqual(FULL_OF_THREE);
    }
  });

  test("do not fail with each other where a request goes on after a refusal, which nobody has documented", async () => {
    const { world, ids } = await boxes(3, { contrary: ["exchange.batch-first-error"] });
    await world.fault({ cmdlet: "Add-MailboxPermission", after: 4, answer: { status: 403 } });
    expect(await atOnce(world, ids, grantThree)).toEqual([
      "done",
      expect.stringMatching(/^ExchangeError: granting .* to grace@contoso\.com: .*$/),
      "done",
    ]);
    expect(await permissionWrites(world)).toEqual([9]);
    expect(await access(world, String(ids[1]))).toEqual(["access ada@contoso.com", "access alan@contoso.com"]);
  });

  test("do not fail with each other: a refusal ends what comes after it on its own mailbox", async () => {
    const { world, ids } = await boxes(3);
    await world.fault({ cmdlet: "Add-MailboxPermission", after: 4, answer: { status: 403 } });
    const [first, second, third] = await atOnce(world, ids, grantThree);
    expect([first, third]).toEqual(["done", "done"]);
    expect(second).toMatch(
      /granting Full Access on box2@contoso.com to grace.*403[\s\S]*granting Full Access on box2@contoso.com to alan.*not answered/,
    );
    expect(await access(world, String(ids[0]))).toEqual(FULL_OF_THREE);
    expect(await access(world, String(ids[1]))).toEqual(["access ada@contoso.com"]);
    expect(await access(world, String(ids[2]))).toEqual(FULL_OF_THREE);
  });

  test.each([{}, { batchesRunInParallel: true }, { contrary: ["exchange.batch-order"] }])(
    "are all there in the end, whatever becomes of a request they share (%j)",
    async (settings) => {
      const { world, ids } = await boxes(3, settings);
      // As long as that is looked at before what does not show is written again.
      world.configure({ settleTimeout: "2s" });
      await world.fault({ cmdlet: "Add-RecipientPermission", after: 3, close: "after" });
      const memberships = ids.map((_id, index) => world.resource("MailboxMembership", `members${index}`));
      const program = (id: string) => ({ mailbox: id, members: three });
      await world.together(() => Promise.all(ids.map((id, index) => memberships[index]?.up(program(id)))));
      for (const [index, id] of ids.entries()) {
        expect(await access(world, id)).toEqual([...FULL_OF_THREE, ...three.map((who) => `sends ${who}`)].sort());
        expect(await memberships[index]?.plan(program(id))).toEqual([]);
      }
      await world.together(() => Promise.all(memberships.map((membership) => membership.destroy())));
      for (const id of ids) {
        expect(await access(world, id)).toEqual([]);
      }
    },
  );
});

describe("writes to Graph", () => {
  /** The writes that Graph was sent, those of each request over the wire together. */
  async function graphWrites(world: World): Promise<string[][]> {
    const requests = (await world.control("GET", "requests?service=graph&writes=true")) as unknown as Row[];
    return requests.map((request) =>
      ((request.inner as Row[] | undefined) ?? [request]).map(
        ({ method, path }) => `${method} ${String(path).replace(/^(?:\/v1\.0)?\/users\/[^/]+/, "")}`,
      ),
    );
  }

  const open: Write = ({ services: { graph } }, id, scope) => graph.setAccountEnabled(id, true, `opening ${id}`, scope);
  const rule = (name: string) => ({
    ...{ displayName: name, sequence: 1, isEnabled: true },
    actions: { forwardAsAttachmentTo: [{ emailAddress: { address: "ada@contoso.com" } }] },
  });
  const addRule: Write = ({ services: { graph } }, id, scope) =>
    graph.createInboxRule(id, rule("ours"), `adding a rule to ${id}`, scope);

  async function isOpen(world: World, ids: readonly string[]): Promise<boolean[]> {
    const users = await Promise.all(ids.map((id) => world.graph("GET", `/users/${id}?$select=accountEnabled`)));
    return users.map((user) => user?.accountEnabled === true);
  }

  async function rulesOf(world: World, ids: readonly string[]): Promise<number[]> {
    const answers = await Promise.all(
      ids.map((id) => world.graph("GET", `/users/${id}/mailFolders/inbox/messageRules`)),
    );
    return answers.map((answer) => ((answer?.value ?? []) as Row[]).length);
  }

  test("about different accounts share a request, and one that is refused fails alone, in its own words", async () => {
    const { world, ids } = await boxes(4);
    const nobody = "10ca17e4-ffff-4000-8000-000000000001";
    const outcomes = await atOnce(world, [...ids.slice(0, 2), nobody, ...ids.slice(2)], open);
    expect(outcomes).toEqual(["done", "done", expect.stringContaining(`opening ${nobody}`), "done", "done"]);
    expect(outcomes[2]).toMatch(/request [0-9a-f-]{36}/);
    expect(await graphWrites(world)).toEqual([Array(5).fill("PATCH ")]);
    expect(await isOpen(world, ids)).toEqual(ids.map(() => true));
  });

  test("go twenty a request", async () => {
    const { world, ids } = await boxes(21);
    expect(new Set(await atOnce(world, ids, open))).toEqual(new Set(["done"]));
    expect((await graphWrites(world)).map(({ length }) => length).sort((a, b) => a - b)).toEqual([1, 20]);
    expect(await isOpen(world, ids)).toEqual(ids.map(() => true));
  });

  test("about one account wait for each other, and do not fail with each other", async () => {
    const { world, ids } = await boxes(2);
    await world.fault({ service: "graph", method: "PATCH", path: String(ids[0]), answer: { status: 403 } });
    const outcomes = await atOnce(world, ids, async (deployment, id, scope) => {
      const made = await Promise.allSettled([
        open(deployment, id, scope),
        deployment.services.graph.revokeSessions(id, `ending the sessions of ${id}`, scope),
      ]);
      return Promise.reject(made.map(({ status }) => status).join());
    });
    expect(outcomes).toEqual(["rejected,fulfilled", "fulfilled,fulfilled"]);
    expect(await graphWrites(world)).toEqual([
      ["PATCH ", "PATCH "],
      ["POST /revokeSignInSessions", "POST /revokeSignInSessions"],
    ]);
  });

  test("that are turned away for now are sent again alone, after the time that was asked for; the others are not", async () => {
    const { world, ids } = await boxes(3);
    await world.fault({
      ...{ service: "graph", method: "POST", path: `${ids[1]}/mailFolders` },
      answer: { status: 429, headers: { "Retry-After": "1" }, body: {} },
    });
    expect(await atOnce(world, ids, addRule)).toEqual(["done", "done", "done"]);
    const added = "POST /mailFolders/inbox/messageRules";
    expect(await graphWrites(world)).toEqual([[added, added, added], [added]]);
    expect(await rulesOf(world, ids)).toEqual([1, 1, 1]);
    expect(await world.control("GET", "requests/counts")).toMatchObject({ tooEarly: 0 });
  });

  test("that are turned away for now keep nothing else waiting that the others write next", async () => {
    const { world, ids } = await boxes(3);
    const [busy = ""] = ids;
    await world.fault({
      ...{ service: "graph", method: "POST", path: `${busy}/mailFolders` },
      answer: { status: 429, headers: { "Retry-After": "4" }, body: {} },
    });
    const done: string[] = [];
    await atOnce(world, ids, async (deployment, id, scope) => {
      await addRule(deployment, id, scope);
      done.push(`rule ${ids.indexOf(id)}`);
      await deployment.services.graph.revokeSessions(id, `ending the sessions of ${id}`, scope);
      done.push(`sessions ${ids.indexOf(id)}`);
    });
    expect(done).toEqual(["rule 1", "rule 2", "sessions 1", "sessions 2", "rule 0", "sessions 0"]);
    expect(await rulesOf(world, ids)).toEqual([1, 1, 1]);
  });

  test("that were answered with an error which proves nothing are of unknown outcome, and not sent again", async () => {
    const { world, ids } = await boxes(3);
    await world.fault({
      ...{ service: "graph", method: "POST", path: `${ids[1]}/mailFolders` },
      answer: { status: 500, when: "after", body: { error: { code: "InternalServerError", message: "Oops." } } },
    });
    expect(await atOnce(world, ids, addRule)).toEqual([
      "done",
      expect.stringMatching(
        /UnknownOutcomeError: adding a rule to .*Oops.*The next `pulumi up` looks at what is there/,
      ),
      "done",
    ]);
    expect((await graphWrites(world)).length).toBe(1);
    expect(await rulesOf(world, ids)).toEqual([1, 1, 1]);
  });

  test.each([
    [
      "whose answer is lost after it was run",
      { path: "messageRules", close: "after" },
      [1, 1, 1],
      /the connection broke/,
    ],
    [
      "whose answer says nothing of them",
      { path: "$batch", answer: { status: 200, when: "after", body: {} } },
      [1, 1, 1],
      /was not answered/,
    ],
    ["that failed as a whole", { path: "$batch", answer: { status: 502 } }, [0, 0, 0], /502 Bad Gateway \(request/],
  ])("in a request %s are of unknown outcome, and not sent again", async (_what, fault, rules, why) => {
    const { world, ids } = await boxes(3);
    await world.fault({ service: "graph", method: "POST", ...fault });
    const outcomes = await atOnce(world, ids, addRule);
    expect(outcomes).toEqual(ids.map((id) => expect.stringContaining(`UnknownOutcomeError: adding a rule to ${id}: `)));
    for (const [index, outcome] of outcomes.entries()) {
      expect(ids.filter((id) => outcome.includes(id))).toEqual([ids[index]]);
      expect(outcome).toMatch(why);
      expect(outcome.match(/next `pulumi up` looks at what is there/g)).toHaveLength(1);
    }
    expect((await graphWrites(world)).length).toBe(1);
    expect(await rulesOf(world, ids)).toEqual(rules);
  });

  test("in a request that is refused as a whole go alone", async () => {
    const { world, ids } = await boxes(3);
    await world.fault({ service: "graph", path: "$batch", answer: { status: 400 } });
    expect(await atOnce(world, ids, addRule)).toEqual(["done", "done", "done"]);
    expect((await graphWrites(world)).map(({ length }) => length)).toEqual([3, 1, 1, 1]);
    expect(await rulesOf(world, ids)).toEqual([1, 1, 1]);
  });

  test("about a mailbox that is to be left alone keep no others waiting", async () => {
    const { world, ids } = await boxes(3);
    const [busy = "", ...others] = ids;
    await world.fault({
      ...{ service: "graph", method: "GET", path: `${busy}/mailboxSettings` },
      answer: { status: 429, headers: { "Retry-After": "4" }, body: {} },
    });
    const done: string[] = [];
    await atOnce(world, [busy], async (deployment, _id, scope) => {
      const reading = deployment.services.graph.mailboxSettings(busy, busy);
      while (deployment.usage.throttled === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(ids.map((id) => addRule(deployment, id, scope).then(() => done.push(id))));
      await reading;
    });
    expect(done.at(-1)).toBe(busy);
    expect(await rulesOf(world, others)).toEqual([1, 1]);
    expect(await world.control("GET", "requests/counts")).toMatchObject({ tooEarly: 0 });
  });

  test.each(["before", "after"] as const)(
    "whose answers are lost %s they were run are observed, and finished",
    async (close) => {
      const world = await startWorld({ settings: { contrary: ["exchange.new-account-enabled"] } });
      await world.fault({ service: "graph", method: "PATCH", path: "/users/", close, times: 2 });
      const names = ["one", "two", "three"];
      await world.together(() =>
        Promise.all(
          names.map((name) =>
            world.resource("SharedMailbox", name).up({
              ...{ displayName: name, primarySmtpAddress: `${name}@contoso.com` },
              automaticReplies: { status: "alwaysEnabled", internalMessage: "We got it" },
            }),
          ),
        ),
      );
      for (const name of names) {
        const [box] = await world.exchange("Get-Mailbox", { Identity: `${name}@contoso.com` });
        const id = String(box?.ExternalDirectoryObjectId);
        expect(await isOpen(world, [id])).toEqual([false]);
        const settings = await world.graph("GET", `/users/${id}/mailboxSettings`);
        expect(settings?.automaticRepliesSetting).toMatchObject({ status: "alwaysEnabled" });
      }
    },
  );
});
