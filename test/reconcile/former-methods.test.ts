import { patches, recordId, userId } from "./dataverse-rows";
import { type Resource, startWorld, type World } from "./harness";

const SERVER_SIDE = 2;
const FORWARD_MAILBOX = 3;
const program = {
  name: "CRM intake",
  emailAddress: "forwardmailbox@contoso.com",
  testAndEnable: false,
  sources: ["ada@contoso.com"],
};

/** A tenant with a forward mailbox that is fed by Ada, whose record was synchronised before. */
async function forwarding(): Promise<{ world: World; resource: Resource }> {
  const world = await startWorld();
  await world.exchange("New-Mailbox", {
    Shared: true,
    Name: "collector",
    DisplayName: "Collector",
    Alias: "collector",
    PrimarySmtpAddress: program.emailAddress,
  });
  const resource = await world.resource("ForwardingMailbox", "old").up(program);
  return { world, resource };
}

async function adas(world: World): Promise<unknown> {
  const row = await world.dataverse("GET", `/mailboxes(${recordId(1)})`);
  expect(row?._regardingobjectid_value).toBe(userId(1));
  return row?.incomingemaildeliverymethod;
}

const told = ({ warnings }: World, pattern: RegExp) => warnings.filter((warning) => pattern.test(warning));

describe("what the record of a source was before", () => {
  test("is said by the deletion of a resource that was renamed without an alias", async () => {
    const { world, resource: old } = await forwarding();
    const renamed = world.resource("ForwardingMailbox", "new");
    await world.together(async () => {
      await renamed.up(program);
      await old.destroy();
    });
    expect(told(world, /Ada Lovelace was on Forward Mailbox already/)).toHaveLength(1);
    expect(told(world, /Ada Lovelace was on ServerSideSynchronization before this resource\./)).toHaveLength(1);
    await renamed.destroy();
    expect(await adas(world)).toBe(FORWARD_MAILBOX);
  });

  test("is handed over to the new name when a refresh came first, and nothing is said", async () => {
    const { world, resource: old } = await forwarding();
    const renamed = world.resource("ForwardingMailbox", "new");
    await world.together(async () => {
      await old.refresh();
      await renamed.up(program);
      await old.destroy();
    });
    await renamed.destroy();
    expect(await adas(world)).toBe(SERVER_SIDE);
    expect(told(world, /before this|on Forward Mailbox/)).toEqual([]);
  });

  test("is lost with a creation that was killed, which the next one says", async () => {
    const { world } = await forwarding();
    // The same resource without its state: engine and provider ended before it was written, and before the test.
    const again = world.resource("ForwardingMailbox", "old");
    await again.up({ ...program, testAndEnable: true });
    expect(
      told(world, /Ada Lovelace was on Forward Mailbox already, .* a deployment that was interrupted\./),
    ).toHaveLength(1);
    await again.up({ ...program, testAndEnable: true, name: "CRM intake of mail" });
    await again.destroy();
    expect(
      told(world, /Ada Lovelace stays on Forward Mailbox: .* an interrupted deployment had set it\./),
    ).toHaveLength(1);
  });

  test("is not known of what was imported, which the deletion says", async () => {
    const { world, resource } = await forwarding();
    const { id = "", inputs = {} } = resource.state ?? {};
    resource.state = { id, inputs, outputs: { ...inputs }, isTainted: false };
    await resource.refresh();
    await resource.up({ ...program, name: "CRM intake of mail" });
    await resource.destroy();
    expect(await adas(world)).toBe(FORWARD_MAILBOX);
    expect(told(world, /Ada Lovelace stays on Forward Mailbox: /)).toHaveLength(1);
  });

  test("is put back with a test, where its e-mail was synchronised with success", async () => {
    const { world, resource } = await forwarding();
    await world.control("PATCH", `state/dv.mailboxes/${recordId(1)}`, { outgoingemailstatus: 1 });
    await resource.destroy();
    expect(await adas(world)).toBe(SERVER_SIDE);
    const ordered = await patches(world, "mailboxes");
    expect(ordered.at(-1)).toEqual({ testemailconfigurationscheduled: true });
    expect(told(world, /is not tested/)).toEqual([]);
  });

  test("is put back and called untested, where nothing says that a test would succeed", async () => {
    const { world, resource } = await forwarding();
    await resource.destroy();
    expect(await adas(world)).toBe(SERVER_SIDE);
    expect(
      told(world, /^sources\["ada@contoso\.com"\]: the mailbox record of Ada Lovelace .* is not tested/),
    ).toHaveLength(1);
  });
});
