import { record, seeded } from "./dataverse-rows";
import { failure, makeMailbox, type Resource, type Row, startWorld, type World } from "./harness";

const TAKES_CREDENTIALS = "Contoso mailbox credentials";
const BUILT_IN = "Microsoft Exchange Online";
const profileId = (number: number) => seeded("d003", number);
const byHand = (world: World, id: string, columns: Row) => world.dataverse("PATCH", `/mailboxes(${id})`, columns);
const bound = (number: number) => ({ "emailserverprofile@odata.bind": `/emailserverprofiles(${profileId(number)})` });

type Kind = "IndividualMailbox" | "ForwardingMailbox" | "Queue";

const programs: Record<Kind, Row> = {
  IndividualMailbox: { user: "ada@contoso.com", testAndEnable: false },
  ForwardingMailbox: { name: "CRM intake", emailAddress: "support@contoso.com", testAndEnable: false },
  Queue: { name: "Support", emailAddress: "support@contoso.com", testAndEnable: false, approveEmail: false },
};

async function made(kind: Kind, more: Row): Promise<{ world: World; resource: Resource; mailboxId: string }> {
  const world = await startWorld();
  await makeMailbox(world, "support@contoso.com");
  const resource = await world.resource(kind, "one").up({ ...programs[kind], ...more });
  return { world, resource, mailboxId: String(resource.outputs.mailboxId ?? resource.id) };
}

describe.each(Object.keys(programs) as Kind[])("serverProfile: false of a %s", (kind) => {
  const none = { ...programs[kind], serverProfile: false };

  test("is none from the beginning, is drift where there is one, and goes back when it is not declared", async () => {
    const { world, resource, mailboxId } = await made(kind, none);
    expect(await record(world, mailboxId)).toMatchObject({ _emailserverprofile_value: null });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(none)).toEqual([]);

    await byHand(world, mailboxId, bound(1));
    expect(await resource.refresh()).toEqual({ serverProfile: [false, BUILT_IN] });
    await resource.up(none);
    expect(await record(world, mailboxId)).toMatchObject({ _emailserverprofile_value: null });
    expect(await resource.refresh()).toEqual({});

    await resource.up(programs[kind]);
    expect(await record(world, mailboxId)).toMatchObject({ _emailserverprofile_value: profileId(1) });
  });

  test("takes one away that was declared", async () => {
    const { world, resource, mailboxId } = await made(kind, { serverProfile: TAKES_CREDENTIALS });
    await resource.up(none);
    expect(await record(world, mailboxId)).toMatchObject({ _emailserverprofile_value: null });
    expect(await resource.refresh()).toEqual({});
  });
});

describe.each(["IndividualMailbox", "ForwardingMailbox"] as const)("credentials: false of a %s", (kind) => {
  const none = { ...programs[kind], serverProfile: TAKES_CREDENTIALS, credentials: false };
  const some = { userName: "contoso\\ada", password: "correct horse" };
  const without = { allowemailconnectortousecredentials: false, username: null, ispasswordset: false };

  test("are none, and drift where there are some", async () => {
    const { world, resource, mailboxId } = await made(kind, none);
    expect(await record(world, mailboxId)).toMatchObject(without);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(none)).toEqual([]);

    await byHand(world, mailboxId, {
      allowemailconnectortousecredentials: true,
      username: some.userName,
      password: some.password,
    });
    expect(await resource.refresh()).toEqual({ credentials: [false, { userName: some.userName }] });
    await resource.up(none);
    expect(await record(world, mailboxId)).toMatchObject(without);
    expect(await resource.refresh()).toEqual({});
  });

  test("take those away that were declared", async () => {
    const { world, resource, mailboxId } = await made(kind, { serverProfile: TAKES_CREDENTIALS, credentials: some });
    await resource.up(none);
    expect(await record(world, mailboxId)).toMatchObject(without);
    expect(await resource.refresh()).toEqual({});
  });
});

test("what is neither a value nor false says what to write", async () => {
  const resource = (await startWorld()).resource("IndividualMailbox", "one");
  const program = programs.IndividualMailbox;
  expect(await failure(resource.up({ ...program, credentials: true }))).toMatch(
    /^credentials: must be \{ userName, password \}, or false for none/,
  );
  expect(await failure(resource.up({ ...program, credentials: { userName: "x" } }))).toMatch(
    /^credentials\.password: /,
  );
  expect(await failure(resource.up({ ...program, serverProfile: true }))).toMatch(/^serverProfile: must be text/);
});
