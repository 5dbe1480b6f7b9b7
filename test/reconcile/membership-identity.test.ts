import { randomUUID } from "node:crypto";
import { survey } from "../../provider/import-file";
import { failure, grant, holders, makeMailbox, type Row, startWorld, type World, withMailbox } from "./harness";

const ada = "ada@contoso.com";
const grace = "grace@contoso.com";
const impatient = { config: { settleTimeout: "2s" } };

interface Person {
  signInName: string;
  address: string;
  name?: string;
  displayName?: string;
  extra?: string[];
  hasMailbox?: boolean;
}

let nextSid = 5000;

/** Somebody with a mailbox, whose sign-in name, address and Name are chosen freely: a copy of ada. @returns the object id. */
async function hire(world: World, person: Person): Promise<string> {
  const users = Object.values(await world.control("GET", "state/users")) as Row[];
  const recipients = Object.values(await world.control("GET", "state/recipients")) as Row[];
  const user = users.find(({ userPrincipalName }) => userPrincipalName === ada) as Row;
  const recipient = recipients.find(({ externalDirectoryObjectId }) => externalDirectoryObjectId === user.id) as Row;
  const [id, guid] = [randomUUID(), randomUUID()];
  const displayName = person.displayName ?? person.address;
  await world.control("PUT", `state/users/${id}`, {
    ...user,
    id,
    userPrincipalName: person.signInName,
    displayName,
    mail: person.address,
    mailNickname: id,
  });
  if (person.hasMailbox !== false) {
    nextSid += 1;
    await world.control("PUT", `state/recipients/${guid}`, {
      ...recipient,
      guid,
      externalDirectoryObjectId: id,
      name: person.name ?? id,
      alias: guid,
      displayName,
      sid: `S-1-5-21-1111111111-2222222222-3333333333-${nextSid}`,
      emailAddresses: [`SMTP:${person.address}`, ...(person.extra ?? []).map((one) => `smtp:${one}`)],
      mailbox: { ...(recipient.mailbox as Row), exchangeGuid: randomUUID(), userPrincipalName: person.signInName },
    });
  }
  return id;
}

/** Every explicit entry on a mailbox, read from the tenant's own rows: `who: rights`, who by object id or SID. */
async function entries(world: World, mailbox: string): Promise<string[]> {
  const recipients = Object.values(await world.control("GET", "state/recipients")) as Row[];
  const rows = Object.values(await world.control("GET", "state/permissions")) as Row[];
  const own = recipients.find(({ externalDirectoryObjectId }) => externalDirectoryObjectId === mailbox);
  return rows
    .filter((row) => row.mailbox === own?.guid && row.sid !== "S-1-5-10" && row.deny !== true)
    .map((row) => {
      const who = recipients.find(({ sid }) => sid === row.sid);
      return `${String(who?.externalDirectoryObjectId ?? row.sid)}: ${(row.accessRights as string[]).join(", ")}`;
    })
    .sort();
}

const idOf = async (world: World, address: string) => String((await world.graph("GET", `/users/${address}`))?.id);
const usual = (id: string) => [`${id}: FullAccess`, `${id}: SendAs`];
const take = (world: World, id: string, user: string) =>
  world.exchange("Remove-MailboxPermission", {
    Identity: id,
    User: user,
    AccessRights: ["FullAccess"],
    Confirm: false,
  });
const addRights = (world: World, id: string, user: string, ...rights: string[]) =>
  world.exchange("Add-MailboxPermission", { Identity: id, User: user, AccessRights: rights });
const removeAccount = (world: World, id: string) => world.graph("DELETE", `/users/${id}`);
const restoreAccount = (world: World, id: string) => world.graph("POST", `/directory/deletedItems/${id}/restore`, {});
const purgeAccount = (world: World, id: string) => world.graph("DELETE", `/directory/deletedItems/${id}`);

describe("a sign-in name that is another person's address", () => {
  async function twoSmiths() {
    const seen = await withMailbox(impatient);
    const { world } = seen;
    const anna = await hire(world, { signInName: "asmith@contoso.com", address: "anna@contoso.com" });
    const bob = await hire(world, {
      signInName: "bob@contoso.com",
      address: "bob@contoso.com",
      extra: ["asmith@contoso.com"],
    });
    return { ...seen, anna, bob };
  }

  test("is refused, with both named", async () => {
    const { world, id, membership, anna, bob } = await twoSmiths();
    const message = await failure(membership.up({ mailbox: id, members: ["asmith@contoso.com"] }));
    expect(message).toMatch(/^members\["asmith@contoso\.com"\]: asmith@contoso\.com is ambiguous/);
    expect(message).toContain(anna);
    expect(message).toContain(bob);
    expect(await entries(world, id)).toEqual([]);
  });

  test("is refused also where the one who signs in with it has no mailbox", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const carl = await hire(world, { signInName: "desk@contoso.com", address: "carl@contoso.com", hasMailbox: false });
    await hire(world, { signInName: "bob@contoso.com", address: "bob@contoso.com", extra: ["desk@contoso.com"] });
    const message = await failure(membership.up({ mailbox: id, members: ["desk@contoso.com"] }));
    expect(message).toContain("ambiguous");
    expect(message).toContain(`the account without a mailbox "desk@contoso.com"`);
    expect(message).toContain(carl);
  });

  test("gives each of the two exactly one's own entry, by address", async () => {
    const { world, id, membership, anna, bob } = await twoSmiths();
    const program = { mailbox: id, members: ["anna@contoso.com", "bob@contoso.com"] };
    await membership.up(program);
    expect(await entries(world, id)).toEqual([...usual(anna), ...usual(bob)].sort());
    expect(await membership.refresh()).toEqual({});

    await take(world, id, bob);
    expect(await membership.refresh()).toEqual({ "members/bob@contoso.com/fullAccess": [true, false] });
    await membership.up(program);
    await take(world, id, anna);
    expect(await membership.refresh()).toEqual({ "members/anna@contoso.com/fullAccess": [true, false] });
    await membership.up(program);

    await membership.up({ mailbox: id, members: ["anna@contoso.com"] });
    expect(await entries(world, id)).toEqual(usual(anna));
    expect(await membership.refresh()).toEqual({});
    await membership.destroy();
    expect(await entries(world, id)).toEqual([]);
  });

  test("does not hide a stranger from an exclusive membership", async () => {
    const { world, id, membership, anna, bob } = await twoSmiths();
    const program = { mailbox: id, members: ["bob@contoso.com"], exclusive: true };
    await membership.up(program);
    await grant(world, id, anna);
    expect(Object.keys(await membership.refresh())).toEqual(["members/anna@contoso.com"]);
    await membership.up(program);
    expect(await entries(world, id)).toEqual(usual(bob));
  });

  test("gives a stranger whose primary address it is a key that means nobody else", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const anna = await hire(world, { signInName: "asmith@contoso.com", address: "anna@contoso.com" });
    const other = await hire(world, { signInName: "other@contoso.com", address: "asmith@contoso.com" });
    const program = { mailbox: id, members: [ada], exclusive: true };
    await membership.up(program);
    await grant(world, id, other);
    expect(Object.keys(await membership.refresh())).toEqual([`members/${other}`]);
    await membership.up({ ...program, members: [ada, other] });
    expect(await entries(world, id)).toEqual(expect.arrayContaining([`${other}: FullAccess`]));
    expect((await entries(world, id)).join()).not.toContain(anna);
  });
});

describe("two people with one Name", () => {
  const andrew = "andrew.smith@contoso.com";
  const namesake = "asmith@fabrikam.example";

  async function twoAndrews() {
    const seen = await withMailbox(impatient);
    const person = (address: string) =>
      hire(seen.world, { signInName: address, address, name: "Andrew Smith", displayName: "Andrew Smith" });
    return { ...seen, first: await person(andrew), second: await person(namesake) };
  }
  const delegates = async (world: World, mailbox: string) => {
    const recipients = Object.values(await world.control("GET", "state/recipients")) as Row[];
    const row = recipients.find(({ externalDirectoryObjectId }) => externalDirectoryObjectId === mailbox);
    const { grantSendOnBehalfTo } = (row as Row).mailbox as { grantSendOnBehalfTo: string[] };
    return grantSendOnBehalfTo.map((guid) => recipients.find((one) => one.guid === guid)?.externalDirectoryObjectId);
  };

  test("of whom one may send on behalf are no drift, and each loses the right alone", async () => {
    const { world, id, membership, first, second } = await twoAndrews();
    const right = (sendOnBehalf: boolean) => ({ sendAs: false, sendOnBehalf });
    const program = { mailbox: id, members: { [andrew]: right(true), [namesake]: right(false) } };
    await membership.up(program);
    expect(await membership.refresh()).toEqual({});
    expect(world.warnings.join()).not.toContain("has more than is declared");
    await membership.up({ mailbox: id, members: { [andrew]: right(true), [namesake]: right(true) } });
    expect(await delegates(world, id)).toEqual([first, second]);
    expect(await membership.refresh()).toEqual({});
    await membership.up({ mailbox: id, members: { [namesake]: right(true) } });
    expect(await delegates(world, id)).toEqual([second]);
    expect(await membership.refresh()).toEqual({});
  });

  test("are told apart where somebody puts one in the other's place", async () => {
    const { world, id, membership } = await twoAndrews();
    const program = { mailbox: id, members: { [andrew]: { sendOnBehalf: true } }, exclusive: true };
    await membership.up(program);
    await world.exchange("Set-Mailbox", {
      Identity: id,
      GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: [namesake], Remove: [andrew] },
    });
    expect(Object.keys(await membership.refresh()).sort()).toEqual([
      `members/${andrew}/sendOnBehalf`,
      `members/${namesake}`,
    ]);
    await membership.up(program);
    expect(await membership.refresh()).toEqual({});
    expect(await membership.plan(program)).toEqual([]);
  });

  test("of whom one is a forwarding target are no drift, and no Name stands in forwarding.to", async () => {
    const { world, first, second } = await twoAndrews();
    const program = { displayName: "Queue", primarySmtpAddress: "queue@contoso.com", forwarding: { to: andrew } };
    const queue = await world.resource("SharedMailbox", "queue").up(program);
    expect(await queue.refresh()).toEqual({});
    expect(await queue.plan(program)).toEqual([]);
    await world.exchange("Set-Mailbox", { Identity: queue.id, ForwardingAddress: second });
    expect(await queue.refresh()).toEqual({ "forwarding/to": [andrew, namesake] });
    await queue.up(program);
    expect(await queue.refresh()).toEqual({});
    expect(queue.outputs.forwardingId).toBe(first);
  });

  test("whom nothing tells apart are both named in place of a forwarding target, never by their Name", async () => {
    const { world, first, second } = await twoAndrews();
    const program = { displayName: "Queue", primarySmtpAddress: "queue@contoso.com", forwarding: { to: ada } };
    const queue = await world.resource("SharedMailbox", "queue").up(program);
    await world.exchange("Set-Mailbox", { Identity: queue.id, ForwardingAddress: second });
    // The mailbox itself is read; then Exchange is asked by distinguished name which of the two it is.
    await world.fault({ cmdlet: "Get-Mailbox", after: 1, times: 2, answer: { status: 200, body: { value: [] } } });
    expect(await queue.refresh()).toEqual({
      "forwarding/to": [ada, `${andrew} (id ${first}) or ${namesake} (id ${second})`],
    });
    await queue.up(program);
    expect(await queue.refresh()).toEqual({});
    expect(queue.outputs.forwardingId).toBe(await idOf(world, ada));
  });
});

test("an import file names the right one of two people with one text", async () => {
  const world = await startWorld(impatient);
  const id = await makeMailbox(world, "sales@contoso.com");
  const anna = await hire(world, { signInName: "asmith@contoso.com", address: "anna@contoso.com" });
  await hire(world, { signInName: "bob@contoso.com", address: "bob@contoso.com", extra: ["asmith@contoso.com"] });
  const twin = (address: string) => hire(world, { signInName: address, address, name: "Andrew Smith" });
  const [first, second] = [await twin("andrew@contoso.com"), await twin("other@contoso.com")];
  // Her address signs somebody else in, so that only the id means her.
  const clara = await hire(world, { signInName: "clara@contoso.com", address: "dora@contoso.com" });
  await hire(world, { signInName: "dora@contoso.com", address: "theodora@contoso.com" });
  for (const who of [anna, clara]) {
    await grant(world, id, who);
  }
  await world.exchange("Set-Mailbox", {
    Identity: id,
    ForwardingAddress: first,
    DeliverToMailboxAndForward: true,
    GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: [second] },
  });
  const { resources } = await world.deploying((deployment) =>
    survey(deployment, [], { project: "contoso", stack: "dev" }),
  );
  const inputs = Object.fromEntries(resources.map((one) => [one.name, one.inputs]));
  expect(Object.keys(inputs["sales-members"]?.members as Row)).toEqual([
    ...[clara, "anna@contoso.com", "other@contoso.com"].sort(),
  ]);
  expect(inputs.sales?.forwarding).toMatchObject({ to: "andrew@contoso.com" });
});

describe("a member whose account is deleted", () => {
  async function leaving(rights: Row = {}) {
    const seen = await withMailbox(impatient);
    const radia = await idOf(seen.world, "radia@contoso.com");
    const program = { mailbox: seen.id, members: { [ada]: {}, "radia@contoso.com": rights } };
    await seen.membership.up(program);
    await removeAccount(seen.world, radia);
    return {
      ...seen,
      radia,
      program,
      without: { mailbox: seen.id, members: [ada] },
      adaId: await idOf(seen.world, ada),
    };
  }

  test("and who is taken out of the program loses the entries, and stays without when restored", async () => {
    const { world, id, membership, radia, without, adaId } = await leaving();
    await membership.up(without);
    expect(await entries(world, id)).toEqual(usual(adaId));
    expect(membership.outputs.deletedMembers).toBeUndefined();
    await restoreAccount(world, radia);
    expect(await holders(world, id)).toEqual([ada]);
    expect(await membership.refresh()).toEqual({});
  });

  test("is named by a refresh and stays in the state, so that the preview names the removal", async () => {
    const { world, id, membership, radia, program, without, adaId } = await leaving();
    expect(await membership.refresh()).toEqual({});
    expect(world.warnings.join("\n")).toContain(`radia@contoso.com (id ${radia}) is deleted and can be restored`);
    expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
    expect(await membership.plan(program)).toEqual([]);
    expect(await membership.plan(without)).toEqual(["members/radia@contoso.com"]);
    await membership.up(without);
    expect(await entries(world, id)).toEqual(usual(adaId));
    await restoreAccount(world, radia);
    expect(await membership.refresh()).toEqual({});
    expect(await membership.plan(without)).toEqual([]);
    expect(await holders(world, id)).toEqual([ada]);
  });

  test("is refused among others with what happened to it, before anything is sent", async () => {
    const { world, membership, radia, program } = await leaving();
    await world.writes();
    const message = await failure(membership.up({ ...program, members: { ...program.members, [grace]: {} } }));
    expect(message).toMatch(/^members\["radia@contoso\.com"\]: radia@contoso\.com is an account in the recycle bin/);
    expect(message).toContain(radia);
    expect(await world.writes()).toEqual([]);
  });

  test("and purged later leaves no entry behind", async () => {
    const { world, id, membership, radia, without, adaId } = await leaving();
    await purgeAccount(world, radia);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
    await membership.up(without);
    expect(await entries(world, id)).toEqual(usual(adaId));
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toBeUndefined();
  });

  test("loses the entries with the resource", async () => {
    const { world, id, membership, radia } = await leaving();
    await membership.destroy();
    expect(await entries(world, id)).toEqual([]);
    await restoreAccount(world, radia);
    expect(await holders(world, id)).toEqual([]);
  });

  test("from an exclusive membership, loses the entries too", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const radia = await idOf(world, "radia@contoso.com");
    await membership.up({ mailbox: id, members: [ada, "radia@contoso.com"], exclusive: true });
    await removeAccount(world, radia);
    await membership.up({ mailbox: id, members: [ada], exclusive: true });
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
  });

  test.each([["taken out of the program"], ["destroyed with the resource"]])(
    "loses Send on Behalf, which Exchange hides meanwhile, when %s",
    async (how) => {
      const { world, id, membership, radia, without } = await leaving({ sendOnBehalf: true });
      await world.exchange("Set-Mailbox", {
        Identity: id,
        GrantSendOnBehalfTo: { "@odata.type": "#Exchange.GenericHashTable", Add: [grace] },
      });
      if (how === "taken out of the program") {
        await membership.refresh();
        await membership.up(without);
        // Nothing of it shows until the account is back, so it is watched.
        expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
      } else {
        await membership.destroy();
      }
      await restoreAccount(world, radia);
      const [row] = await world.exchange("Get-Mailbox", { Identity: id });
      expect(row?.GrantSendOnBehalfTo).toHaveLength(1);
      expect(await holders(world, id)).not.toContain("radia@contoso.com");
    },
  );

  test("and has Send on Behalf back once restored, is named and loses it", async () => {
    const { world, id, membership, radia, without } = await leaving({ sendOnBehalf: true });
    await world.fault({ cmdlet: "Set-Mailbox", times: "always", answer: { status: 200, body: { value: [] } } });
    await membership.up(without);
    await world.control("DELETE", "faults");
    expect(world.warnings.join("\n")).toContain(
      "shows only once the account is restored. Then `pulumi refresh` names what it has",
    );
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
    await restoreAccount(world, radia);
    expect(Object.keys(await membership.refresh())).toEqual(["members/radia@contoso.com"]);
    expect(await membership.plan(without)).toEqual(["members/radia@contoso.com"]);
    await membership.up(without);
    expect(await membership.refresh()).toEqual({});
    expect((await world.exchange("Get-Mailbox", { Identity: id }))[0]?.GrantSendOnBehalfTo).toEqual([]);
  });

  test("is watched where the state never learned the SID", async () => {
    const { world, id, membership, radia, without } = await leaving();
    delete membership.outputs.memberSids;
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
    await membership.up(without);
    expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
    await restoreAccount(world, radia);
    expect(Object.keys(await membership.refresh())).toEqual(["members/radia@contoso.com"]);
    await membership.up(without);
    expect(await holders(world, id)).toEqual([ada]);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toBeUndefined();
  });

  test.each<[string, Row]>([
    [
      "calls the entry absent",
      {
        status: 200,
        body: {
          value: [],
          "@adminapi.warnings": [
            "Can't remove the access control entry on the object because the ACE doesn't exist on the object.",
          ],
        },
      },
    ],
    [
      "does not know the SID",
      {
        status: 404,
        body: {
          error: {
            code: "NotFound",
            message:
              "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|Couldn't find object.",
          },
        },
      },
    ],
  ])("stays in the state where Exchange %s, until the entries are gone", async (_what, answer) => {
    const { world, id, membership, radia, without, adaId } = await leaving();
    await world.fault({ cmdlet: "Remove-MailboxPermission", times: "always", answer });
    await membership.up(without);
    expect(membership.outputs.deletedMembers).toEqual({ "radia@contoso.com": radia });
    expect(Object.keys(await membership.refresh())).toEqual(["members/radia@contoso.com"]);
    expect(await membership.plan(without)).toEqual(["members/radia@contoso.com"]);
    await world.control("DELETE", "faults");
    await membership.up(without);
    expect(await entries(world, id)).toEqual(usual(adaId));
    await purgeAccount(world, radia);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toBeUndefined();
  });

  test("and restored while the program has it, has access again as declared", async () => {
    const { world, id, membership, radia, program } = await leaving();
    await membership.refresh();
    await restoreAccount(world, radia);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toBeUndefined();
    expect(await membership.plan(program)).toEqual([]);
    expect(await holders(world, id)).toContain("radia@contoso.com");
  });

  test("and hired again under the same name is another person, whom the preview names first", async () => {
    const { world, id, membership, radia, program, adaId } = await leaving();
    const again = await hire(world, { signInName: "radia@contoso.com", address: "radia@contoso.com" });
    expect(await failure(membership.up({ ...program, members: { ...program.members, [grace]: {} } }))).toMatch(
      /^members\["radia@contoso\.com"\]: stood for the object .*which is gone.*pulumi up --refresh/,
    );
    expect(Object.keys(await membership.refresh())).toEqual(["members/radia@contoso.com"]);
    expect(membership.outputs.deletedMembers).toEqual({ [radia]: radia });
    expect(await membership.plan(program)).toEqual(["members/radia@contoso.com"]);
    await membership.up(program);
    expect(await entries(world, id)).toEqual([...usual(adaId), ...usual(again)].sort());
    expect(await membership.refresh()).toEqual({});
    // Watched as long as the first one can be restored: Send on Behalf would show only then.
    expect(membership.outputs.deletedMembers).toEqual({ [radia]: radia });
    await purgeAccount(world, radia);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toBeUndefined();
  });

  test("and hired again is not left with the old entries where the program takes the name out", async () => {
    const { world, id, membership, without, adaId } = await leaving();
    await hire(world, { signInName: "radia@contoso.com", address: "radia@contoso.com" });
    await membership.up(without);
    expect(await entries(world, id)).toEqual(usual(adaId));
  });

  test("or a group that is deleted loses the entries when taken out", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    await membership.up({ mailbox: id, members: [ada, "support-team@contoso.com"] });
    const recipients = Object.entries(await world.control("GET", "state/recipients")) as [string, Row][];
    const [key, row] = recipients.find(([, { displayName }]) => displayName === "Support Team") as [string, Row];
    await world.control("DELETE", `state/recipients/${key}`);
    await world.control("DELETE", `state/groups/${String(row.externalDirectoryObjectId)}`);
    expect(await membership.refresh()).toEqual({});
    expect(Object.keys(membership.outputs.deletedMembers as Row)).toEqual(["support-team@contoso.com"]);
    await membership.up({ mailbox: id, members: [ada] });
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
  });

  test("is forgotten once purged, where the state never learned the SID", async () => {
    const { world, membership, radia, without } = await leaving();
    delete membership.outputs.memberSids;
    await membership.up(without);
    await purgeAccount(world, radia);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.deletedMembers).toBeUndefined();
    expect(membership.outputs.otherMembers).toEqual(
      expect.arrayContaining([expect.stringMatching(/^S-1-5-21-.* \(orphaned: radia@contoso\.com\)$/)]),
    );
  });
});

describe("a state of the former release", () => {
  test("previews empty, refreshes truthfully and learns SIDs", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: { [ada]: {}, "support-team@contoso.com": { sendOnBehalf: true } } };
    await membership.up(program);
    const { memberSids } = membership.outputs;
    expect(Object.keys(memberSids as Row)).toEqual([ada, "support-team@contoso.com"]);
    delete membership.outputs.memberSids;
    await world.writes();
    expect(await membership.plan(program)).toEqual([]);
    expect(await membership.refresh()).toEqual({});
    expect(membership.outputs.memberSids).toEqual(memberSids);
    expect(await world.writes()).toEqual([]);
  });

  test("goes by printed names where the application may not ask for SIDs", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    for (const cmdlet of ["Get-User", "Get-Group"]) {
      await world.fault({ cmdlet, times: "always", answer: { status: 403, base64: "AAAA" } });
    }
    const program = { mailbox: id, members: { [ada]: {}, "support-team@contoso.com": { sendOnBehalf: true } } };
    await membership.up(program);
    expect(membership.outputs.memberSids).toBeUndefined();
    expect(await membership.refresh()).toEqual({});
    await world.patchRecipient("all-staff@contoso.com", { displayName: "Support Team" });
    expect(await failure(membership.refresh())).toMatch(
      /^members\["support-team@contoso\.com"\]: "Support Team" on the mailbox stands for .* and for the distribution list/,
    );
    await world.patchRecipient("all-staff@contoso.com", { displayName: "All staff" });
    await membership.destroy();
    expect(await entries(world, id)).toEqual([]);
  });
});

test("a refresh asks for the SIDs of many people in few questions", async () => {
  const world = await startWorld();
  const id = await makeMailbox(world, "support@contoso.com");
  const members = Array.from({ length: 20 }, (_, index) => `person${index}@contoso.com`);
  for (const member of members) {
    await makeMailbox(world, member);
  }
  const membership = await world.resource("MailboxMembership", "members").up({ mailbox: id, members });
  await world.control("DELETE", "requests");
  expect(await membership.refresh()).toEqual({});
  expect(await world.control("GET", "requests/counts")).toMatchObject({
    // 20 for who they are as before, 2 for their SIDs; one batch of 10 each.
    byCmdlet: { "Get-Mailbox": 1, "Get-MailboxPermission": 1, "Get-RecipientPermission": 1, "Get-User": 2 },
  });
});

describe("rights beside the three", () => {
  test("of strangers are named by an exclusive membership's refresh and go", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: [ada], exclusive: true };
    await membership.up(program);
    await addRights(world, id, grace, "ChangePermission");
    await addRights(world, id, "edsger@contoso.com", "FullAccess", "ChangeOwner");
    expect(await membership.refresh()).toEqual({
      "members/grace@contoso.com": [
        undefined,
        expect.objectContaining({ fullAccess: false, sendAs: false, otherRights: ["ChangePermission"] }),
      ],
      "members/edsger@contoso.com": [
        undefined,
        expect.objectContaining({ fullAccess: true, otherRights: ["ChangeOwner"] }),
      ],
    });
    await membership.up(program);
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
    expect(await membership.refresh()).toEqual({});
  });

  test("of a member are drift where the membership is exclusive", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: [ada], exclusive: true };
    await membership.up(program);
    await addRights(world, id, ada, "ReadPermission", "DeleteItem");
    expect(await membership.refresh()).toEqual({
      "members/ada@contoso.com/otherRights": [undefined, ["DeleteItem", "ReadPermission"]],
    });
    await membership.up(program);
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
    expect(await membership.refresh()).toEqual({});
  });

  test("of a member are a warning otherwise, and go with the member", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const adaId = await idOf(world, ada);
    await membership.up({ mailbox: id, members: [ada, grace] });
    await addRights(world, id, ada, "ChangePermission");
    expect(await membership.refresh()).toEqual({});
    expect(world.warnings.join("\n")).toMatch(/ada@contoso\.com.* has more than is declared \(ChangePermission\)/);
    expect(await entries(world, id)).toEqual(expect.arrayContaining([`${adaId}: FullAccess, ChangePermission`]));
    await membership.up({ mailbox: id, members: [grace] });
    expect((await entries(world, id)).join()).not.toContain(adaId);
  });

  test("can be declared, and are exact then", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const adaId = await idOf(world, ada);
    const program = { mailbox: id, members: { [ada]: { otherRights: ["ReadPermission"], sendAs: false } } };
    await membership.up(program);
    expect(await entries(world, id)).toEqual([`${adaId}: FullAccess, ReadPermission`]);
    expect(await membership.refresh()).toEqual({});
    await addRights(world, id, ada, "ChangeOwner");
    expect(await membership.refresh()).toEqual({
      "members/ada@contoso.com/otherRights": [["ReadPermission"], ["ChangeOwner", "ReadPermission"]],
    });
    await membership.up(program);
    expect(await entries(world, id)).toEqual([`${adaId}: FullAccess, ReadPermission`]);
    await membership.up({ mailbox: id, members: { [ada]: { otherRights: [], sendAs: false } } });
    expect(await entries(world, id)).toEqual([`${adaId}: FullAccess`]);
    await expect(membership.check({ mailbox: id, members: { [ada]: { otherRights: ["Owner"] } } })).rejects.toThrow(
      /members\["ada@contoso\.com"\]\.otherRights\[0\]: must be one of ChangeOwner, /,
    );
  });
});

test("a group that is a distribution list by now leaves by the SID of its entries", async () => {
  const team = "support-team@contoso.com";
  const { world, id, membership } = await withMailbox(impatient);
  const program = { mailbox: id, members: [ada] };
  await membership.up({ ...program, members: [ada, team] });
  // No security principal any more: Exchange finds nobody by its address or id, and its entries are there.
  await world.patchRecipient(team, { recipientTypeDetails: "MailUniversalDistributionGroup" });
  expect(await membership.refresh()).toEqual({});
  expect(world.warnings.splice(0).join("\n")).toMatch(
    /^members\["support-team@contoso\.com"\] is now the distribution list "Support Team" .*, which cannot be a member\..*until you take it out/,
  );
  await membership.up(program);
  expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
  expect(await membership.refresh()).toEqual({});
});

describe("a member whose account has no mailbox any more", () => {
  const all = { fullAccess: true, sendAs: true, sendOnBehalf: true };

  /** Grace's recipient is taken away, and her account stays; the answer brings it back as it was. */
  async function withoutMailbox() {
    const seen = await withMailbox(impatient);
    const { world, id, membership } = seen;
    await membership.up({ mailbox: id, members: { [ada]: all, [grace]: all } });
    const rows = Object.values(await world.control("GET", "state/recipients")) as Row[];
    const graceId = await idOf(world, grace);
    const row = rows.find(({ externalDirectoryObjectId }) => externalDirectoryObjectId === graceId) as Row;
    await world.control("DELETE", `state/recipients/${String(row.guid)}`);
    return { ...seen, graceId, bringBack: () => world.control("PUT", `state/recipients/${String(row.guid)}`, row) };
  }

  test.each([
    ["refreshed before", true],
    ["without a refresh", false],
  ])(
    "loses all of it with the line in the program, and does not have it back with the mailbox: %s",
    async (_how, isRefreshed) => {
      const { world, id, membership, bringBack } = await withoutMailbox();
      if (isRefreshed) {
        // Without its mailbox Exchange knows the account by another SID, and hides Send on Behalf.
        expect(await membership.refresh()).toEqual({});
        expect(world.warnings.splice(0).join()).toContain("Its rights stay until you take it out of members.");
      }
      const program = { mailbox: id, members: { [ada]: all } };
      expect(await membership.plan(program)).toEqual([`members/${grace}`]);
      await membership.up(program);
      await bringBack();
      const adaId = await idOf(world, ada);
      expect(await entries(world, id)).toEqual(usual(adaId));
      expect((await world.exchange("Get-Mailbox", { Identity: id }))[0]?.GrantSendOnBehalfTo).toEqual([adaId]);
      expect(await membership.refresh()).toEqual({});
    },
  );

  test("has what the program says once it is back", async () => {
    const { world, id, membership, graceId, bringBack } = await withoutMailbox();
    expect(await membership.refresh()).toEqual({});
    await bringBack();
    expect(await membership.refresh()).toEqual({});
    expect(await entries(world, id)).toEqual([...usual(await idOf(world, ada)), ...usual(graceId)].sort());
  });

  test("leaves nothing behind with the resource", async () => {
    const { world, id, membership, bringBack } = await withoutMailbox();
    await membership.destroy();
    await bringBack();
    expect(await entries(world, id)).toEqual([]);
    expect((await world.exchange("Get-Mailbox", { Identity: id }))[0]?.GrantSendOnBehalfTo).toEqual([]);
  });
});

describe("orphaned entries", () => {
  async function withOrphan() {
    const seen = await withMailbox(impatient);
    await grant(seen.world, seen.id, "edsger@contoso.com");
    await seen.world.exchange("Add-RecipientPermission", {
      Identity: seen.id,
      Trustee: "edsger@contoso.com",
      AccessRights: ["SendAs"],
      Confirm: false,
    });
    const edsger = await idOf(seen.world, "edsger@contoso.com");
    await removeAccount(seen.world, edsger);
    return { ...seen, edsger };
  }

  test.each([["deleted"], ["purged"]])("of somebody %s are told apart, kept, and removed on request", async (how) => {
    const { world, id, membership, edsger } = await withOrphan();
    if (how === "purged") {
      await purgeAccount(world, edsger);
    }
    await grant(world, id, grace);
    const program = { mailbox: id, members: [ada] };
    await membership.up(program);
    const others = membership.outputs.otherMembers as string[];
    expect(others.filter((one) => /^S-1-5-21-.* \(orphaned: edsger@contoso\.com\)$/.test(one))).toHaveLength(1);
    expect(others).toContain(grace);
    expect(await membership.refresh()).toEqual({});
    expect((await entries(world, id)).length).toBe(5);

    await membership.up({ ...program, orphans: "remove" });
    expect((await entries(world, id)).length).toBe(3);
    expect(await membership.refresh()).toEqual({});
    expect((membership.outputs.otherMembers as string[]).join()).not.toContain("orphaned");
  });

  test("that appear later show as drift of the request", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: [ada], orphans: "remove" };
    await membership.up(program);
    await grant(world, id, grace);
    expect(await membership.refresh()).toEqual({});
    await removeAccount(world, await idOf(world, grace));
    expect(await membership.refresh()).toEqual({ orphans: ["remove", "keep"] });
    expect(await membership.plan(program)).toEqual(["orphans"]);
    await membership.up(program);
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
  });

  test("of somebody who is kept stay while the account can be restored, and go once it cannot or is kept no longer", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const program = { mailbox: id, members: [ada], orphans: "remove", keep: [grace] };
    await grant(world, id, grace);
    await membership.up(program);
    const graceId = await idOf(world, grace);
    await removeAccount(world, graceId);
    for (let round = 0; round < 2; round += 1) {
      expect(await membership.refresh()).toEqual({});
      expect((await entries(world, id)).length).toBe(3);
    }
    await membership.up({ ...program, members: { [ada]: { sendOnBehalf: true } } });
    expect((await entries(world, id)).length).toBe(3);
    await purgeAccount(world, graceId);
    expect(await membership.refresh()).toEqual({ orphans: ["remove", "keep"] });
    await membership.up({ ...program, members: { [ada]: { sendOnBehalf: true } } });
    expect((await entries(world, id)).length).toBe(2);
  });

  test.each(["by address", "by id"])("stay while somebody is kept who was deleted before, %s", async (how) => {
    const { world, id, membership, edsger } = await withOrphan();
    const keep = [how === "by id" ? edsger : "edsger@contoso.com"];
    const program = { mailbox: id, members: [ada], keep, orphans: "remove" };
    await membership.up(program);
    expect((await entries(world, id)).length).toBe(4);
    expect(world.warnings.join("\n")).toContain(
      `keep: ${keep[0]} is deleted, and nobody recorded which entries belong to it`,
    );
    expect(await membership.refresh()).toEqual({});
    expect(await membership.plan(program)).toEqual([]);
    await purgeAccount(world, edsger);
    expect(await membership.refresh()).toEqual({ orphans: ["remove", "keep"] });
    await membership.up(program);
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
  });

  test("stay where a state knows who is kept and nothing of the SIDs", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    await grant(world, id, grace);
    await membership.up({ mailbox: id, members: [ada], keep: [grace] });
    delete (membership.outputs.__memory as Row).keepSids;
    await removeAccount(world, await idOf(world, grace));
    expect(await membership.refresh()).toEqual({});
    await membership.up({ mailbox: id, members: [ada], keep: [grace], orphans: "remove" });
    expect((await entries(world, id)).length).toBe(3);
  });

  /** Fills the list of a mailbox up to the 500 entries that Exchange takes. */
  async function fill({ world, id }: { world: World; id: string }, upTo = 500): Promise<void> {
    const recipients = Object.values(await world.control("GET", "state/recipients")) as Row[];
    const own = recipients.find(({ externalDirectoryObjectId }) => externalDirectoryObjectId === id) as Row;
    const rows = Object.values(await world.control("GET", "state/permissions")) as Row[];
    const model = rows.find(
      (row) => row.mailbox === own.guid && row.kind === "mailbox" && row.sid !== "S-1-5-10",
    ) as Row;
    for (let index = (await entriesOf(world, own)).length; index < upTo; index += 1) {
      const key = randomUUID();
      const sid = `S-1-5-21-1-1-1-${index}`;
      await world.control("PUT", `state/permissions/${key}`, { ...model, id: key, sid });
    }
  }

  const entriesOf = async (world: World, { guid }: Row) =>
    (Object.values(await world.control("GET", "state/permissions")) as Row[]).filter(
      (row) => row.mailbox === guid && row.kind === "mailbox" && row.isInherited === false && row.sid !== "S-1-5-10",
    );

  test("do not keep one member from being exchanged for another: who leaves makes room, and nobody else waits", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const given = { sendAs: false };
    await membership.up({ mailbox: id, members: { [ada]: given, [grace]: given } });
    await fill({ world, id });
    await world.writes();
    await membership.up({ mailbox: id, members: { "edsger@contoso.com": given } });
    // One request with all three, which its first one ends; then one by one.
    const inOneRequest = ["Add-MailboxPermission", "Remove-MailboxPermission", "Remove-MailboxPermission"];
    expect(await world.writes()).toEqual([
      ...inOneRequest,
      "Add-MailboxPermission",
      "Remove-MailboxPermission",
      "Add-MailboxPermission",
      "Remove-MailboxPermission",
    ]);
    expect((await holders(world, id)).filter((one) => one.includes("@"))).toEqual(["edsger@contoso.com"]);
    expect(await membership.refresh()).toEqual({});
  });

  describe("leave no room for a second membership", () => {
    const given = { sendAs: false };
    const edsger = "edsger@contoso.com";

    async function full(settleTimeout = "20s") {
      const seen = await withMailbox({ config: { settleTimeout } });
      const { world, id, membership } = seen;
      const program = { mailbox: id, members: { [ada]: given, [grace]: given } };
      await membership.up(program);
      const other = await world.resource("MailboxMembership", "others").up({ mailbox: id, members: { [ada]: given } });
      await fill(seen);
      return { ...seen, other, program };
    }

    test.each(["before", "after"])("until the first has given up its entry, planned %s", async (when) => {
      const { world, id, membership, other } = await full();
      const needs = () => other.up({ mailbox: id, members: { [ada]: given, [edsger]: given } });
      const gives = () => membership.up({ mailbox: id, members: { [ada]: given } });
      await world.together(() => Promise.all(when === "before" ? [gives(), needs()] : [needs(), gives()]));
      expect((await holders(world, id)).filter((one) => one.includes("@"))).toEqual([ada, edsger]);
      expect([await membership.refresh(), await other.refresh()]).toEqual([{}, {}]);
    });

    test("in vain where nobody gives up anything, and the error says what to do", async () => {
      const { world, id, membership, other, program } = await full("10m");
      const started = Date.now();
      await world.together(async () => {
        await membership.plan(program);
        const needs = other.up({ mailbox: id, members: { [ada]: given, [edsger]: given } });
        expect(await failure(needs)).toMatch(/mail-enabled security group.*deploy that one first: `pulumi up --target/);
      });
      expect(Date.now() - started).toBeLessThan(60_000);
      expect((await holders(world, id)).filter((one) => one.includes("@"))).toEqual([ada, grace]);
    });

    test("for ever where the first fails, or does not come in time", async () => {
      const { world, id, membership, other } = await full("4s");
      await world.fault({ cmdlet: "Remove-MailboxPermission", times: "always", answer: { status: 403 } });
      const needs = () => other.up({ mailbox: id, members: { [ada]: given, [edsger]: given } });
      const gives = { mailbox: id, members: { [ada]: given } };
      await world.together(async () => {
        const both = [needs(), membership.up(gives)];
        expect(await failure(both[0] as Promise<unknown>)).toContain("deploy that one first");
        await failure(both[1] as Promise<unknown>);
      });
      await world.together(async () => {
        await membership.plan(gives);
        expect(await failure(needs())).toContain("deploy that one first");
      });
    });
  });

  test("are counted where the list is full", async () => {
    const { world, id, membership } = await withOrphan();
    await fill({ world, id });
    const program = { mailbox: id, members: [ada] };
    expect(await failure(membership.up(program))).toMatch(
      /500 explicit entries show, 500 of them of deleted users and groups.*orphans: "remove"/,
    );
    await membership.up({ ...program, orphans: "remove" });
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
  });

  test("of another resource's deleted member are left to it", async () => {
    const { world, id, membership } = await withMailbox(impatient);
    const other = await world.resource("MailboxMembership", "others").up({ mailbox: id, members: [grace] });
    await removeAccount(world, await idOf(world, grace));
    await world.together(async () => {
      await other.plan({ mailbox: id, members: [grace] });
      await membership.up({ mailbox: id, members: [ada], orphans: "remove" });
    });
    expect((await entries(world, id)).length).toBe(4);
  });
});

describe("a mailbox that is synchronised from on-premises", () => {
  async function hybrid() {
    const world = await startWorld(impatient);
    const id = await makeMailbox(world, "sales@contoso.com");
    await world.patchRecipient("sales@contoso.com", { isDirSynced: true });
    return { world, id, membership: world.resource("MailboxMembership", "members") };
  }

  test("has its Full Access and Send As granted and taken away here", async () => {
    const { world, id, membership } = await hybrid();
    await membership.up({ mailbox: "sales@contoso.com", members: [ada] });
    expect(await entries(world, id)).toEqual(usual(await idOf(world, ada)));
    expect(await membership.refresh()).toEqual({});
    await membership.destroy();
    expect(await entries(world, id)).toEqual([]);
  });

  test("is refused Send on Behalf by its path, before anything is granted", async () => {
    const { world, id, membership } = await hybrid();
    const message = await failure(membership.up({ mailbox: id, members: { [ada]: { sendOnBehalf: true } } }));
    expect(message).toMatch(/^members\["ada@contoso\.com"\]\.sendOnBehalf: cannot be changed here: .*on-premises/);
    expect(await entries(world, id)).toEqual([]);
  });

  test("loses a leaver's Full Access and Send As though Send on Behalf has to go on-premises", async () => {
    const { world, id, membership } = await hybrid();
    await world.patchRecipient("sales@contoso.com", { isDirSynced: false });
    await membership.up({ mailbox: id, members: { [ada]: { sendOnBehalf: true }, [grace]: {} } });
    await world.patchRecipient("sales@contoso.com", { isDirSynced: true });
    const message = await failure(membership.up({ mailbox: id, members: [grace] }));
    expect(message).toContain("To take it away, use Set-RemoteMailbox");
    expect(await entries(world, id)).toEqual(usual(await idOf(world, grace)));
  });
});

describe("what cannot be a member is said", () => {
  test("of the mailbox itself", async () => {
    const { id, membership } = await withMailbox(impatient);
    expect(await failure(membership.up({ mailbox: id, members: ["support@contoso.com"] }))).toMatch(
      /^members\["support@contoso\.com"\]: is the mailbox itself/,
    );
  });

  test("of a security group without mail", async () => {
    const { world, id, membership } = await withMailbox({ config: { settleTimeout: "0.3s" } });
    const groups = Object.values(await world.control("GET", "state/groups")) as Row[];
    const plain = randomUUID();
    await world.control("PUT", `state/groups/${plain}`, {
      ...groups[0],
      id: plain,
      displayName: "Door keys",
      mail: null,
      mailEnabled: false,
      securityEnabled: true,
    });
    expect(await failure(membership.up({ mailbox: id, members: [plain] }))).toMatch(
      /is the group "Door keys", which has no mail.*mail-enabled security group/,
    );
  });

  test.each([["address"], ["id"]])("of an account in the recycle bin, by %s", async (form) => {
    const { world, id, membership } = await withMailbox({ config: { settleTimeout: "0.3s" } });
    const graceId = await idOf(world, grace);
    await removeAccount(world, graceId);
    const message = await failure(membership.up({ mailbox: id, members: [form === "id" ? graceId : grace] }));
    expect(message).toContain(`is an account in the recycle bin (id ${graceId})`);
  });
});
