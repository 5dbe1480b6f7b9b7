import { survey } from "../../provider/import-file";
import type { Resource, Row, World } from "../reconcile/harness";

const denied = { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } };
const attributes = Array.from({ length: 15 }, (_, index) => String(index + 1));
const plan2 = { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" };
const quota = { issueWarning: "90 GB", prohibitSend: "95 GB", prohibitSendReceive: "100 GB" };
const replies = {
  status: "scheduled",
  externalAudience: "contactsOnly",
  internalMessage: "Back on Monday",
  externalMessage: "We are away",
  start: "2999-12-24T12:00:00+01:00",
  end: "2999-12-27T08:00:00+01:00",
};
const regional = { language: "da-DK", timeZone: "Europe/Copenhagen", dateFormat: "yyyy-MM-dd", timeFormat: "H:mm" };

/** Texts, sizes, licence and archive of a mailbox: set, changed, read, taken back; in the end it is purged. */
export async function settingsOfMailbox(world: World): Promise<void> {
  const office = world.resource("SharedMailbox", "office");
  const program = { displayName: "Office", primarySmtpAddress: "office@contoso.com", deletion: "purge" };
  const customAttributes = Object.fromEntries(attributes.map((number) => [number, `value ${number}`]));
  await office.up({
    ...program,
    mailTip: "We answer within a day",
    customAttributes,
    copySentItems: { sentAs: true, sentOnBehalf: true },
    license: plan2,
    quota,
    maxSendSize: "20 MB",
    maxReceiveSize: "25 MB",
    archive: true,
  });
  // A mailbox that nobody opened has no size.
  await world.patchRecipient("office@contoso.com", { mailbox: { itemCount: 3, totalItemSize: 4096 } });
  await office.refresh();
  const licensed = { ...program, license: { ...plan2, disabledPlans: [] }, archive: true };
  await office.up({ ...licensed, mailTip: "We answer", customAttributes, quota: { ...quota, prohibitSend: "60 GB" } });
  await office.up({ ...licensed, customAttributes: { "1": "one" } });
  await nullRefused(world, () => office.up(licensed));
  await office.up({ ...program, license: plan2, archive: false });
  await office.up({ ...program, license: false });
  await office.destroy();
}

/** A service that refuses null for a text: "" clears it. */
async function nullRefused(world: World, work: () => Promise<unknown>): Promise<void> {
  await world.fault({
    service: "exchange",
    cmdlet: "Set-Mailbox",
    answer: {
      status: 400,
      body: {
        error: {
          code: "BadRequest",
          message: "Error executing cmdlet",
          details: [
            {
              code: "Client",
              target: "",
              message:
                "Ex1A2B3C|System.Management.Automation.ParameterBindingException|Cannot bind argument to parameter 'CustomAttribute1' because it is null.",
            },
          ],
        },
      },
    },
  });
  await work();
}

/** Litigation hold, with and without an end; off again a delay hold stays, so that the mailbox is left where it is. */
export async function holds(world: World): Promise<void> {
  const held = world.resource("SharedMailbox", "held");
  const program = { displayName: "Held", primarySmtpAddress: "held@contoso.com", license: plan2, deletion: "retain" };
  await held.up({ ...program, litigationHold: { days: 365 } });
  await held.up({ ...program, litigationHold: true });
  await held.refresh();
  await held.up({ ...program, litigationHold: false });
  await held.destroy();
}

/** Automatic replies and regional settings: through Graph, and through Exchange where Graph refuses. */
export async function mailboxSettings(world: World): Promise<void> {
  for (const [name, isByExchange] of [
    ["by Graph", false],
    ["by Exchange", true],
  ] as const) {
    const resource = world.resource("SharedMailbox", name);
    const program = { displayName: name, primarySmtpAddress: `${name.replace(" ", "-")}@contoso.com` };
    const programs: Row[] = [
      { ...program, automaticReplies: replies, regional },
      { ...program, automaticReplies: { status: "alwaysEnabled", internalMessage: "Away" }, regional },
      { ...program, regional: { language: "sv-SE", timeZone: "UTC", localizeFolders: true } },
      program,
    ];
    for (const declared of programs) {
      await withGraph(!isByExchange, world, () => resource.up(declared));
      await withGraph(!isByExchange, world, () => resource.refresh());
    }
    await resource.destroy();
  }
}

async function withGraph(mayUse: boolean, world: World, work: () => Promise<unknown>): Promise<void> {
  if (!mayUse) {
    await world.fault({ service: "graph", path: "mailboxSettings", times: "always", answer: denied });
  }
  await work();
  await world.control("DELETE", "faults");
}

/** A rule in a source where Graph refuses the application: made, changed, switched on again, made anew, removed. */
export async function inboxRulesByCmdlet(world: World): Promise<void> {
  await world.fault({ service: "graph", path: "messageRules", times: "always", answer: denied });
  const intake = world.resource("ForwardingMailbox", "by cmdlet");
  const program = { name: "By cmdlet", emailAddress: "forwardmailbox@contoso.com", sources: ["alan@contoso.com"] };
  await intake.up(program);
  const rule = { Mailbox: "alan@contoso.com", Identity: "Dynamics 365 forward mailbox: By cmdlet" };
  await world.exchange("Disable-InboxRule", rule);
  await intake.refresh();
  await intake.up(program);
  await world.exchange("Set-InboxRule", { ...rule, ExceptIfFrom: ["grace@contoso.com"] });
  await intake.refresh();
  await intake.up(program);
  await intake.destroy();
  await world.control("DELETE", "faults");
}

/** Sizes that were never written go back to those of the mailbox plan. */
export async function planSizes(world: World): Promise<void> {
  await world.exchange("New-Mailbox", {
    Shared: true,
    Name: "sized by hand",
    DisplayName: "Sized",
    PrimarySmtpAddress: "sized@contoso.com",
  });
  const program = { displayName: "Sized", primarySmtpAddress: "sized@contoso.com", adopt: true, signInBlocked: true };
  const sized = await world.resource("SharedMailbox", "sized").up({ ...program, maxSendSize: "35 MB" });
  await sized.up(program);
  await sized.destroy();
}

/** A mailbox deleted and brought back, and a person's made a shared one. */
export async function deletedAndConverted(world: World): Promise<void> {
  const program = { displayName: "Back", primarySmtpAddress: "back@contoso.com" };
  await (await world.resource("SharedMailbox", "back").up(program)).destroy();
  await expect(world.resource("SharedMailbox", "twin").up(program)).rejects.toThrow(/was the address of/);
  const back = await world.resource("SharedMailbox", "back again").up({ ...program, restoreDeleted: true });
  await back.destroy();
  const radia = await world.resource("SharedMailbox", "radia").up({
    displayName: "Radia Perlman",
    primarySmtpAddress: "radia@contoso.com",
    adopt: "convert",
  });
  await radia.destroy();
}

/** A membership that lets nobody else in, with strangers brought in by a refresh. */
export async function exclusiveMembership(world: World, mailbox: Resource): Promise<void> {
  const only = world.resource("MailboxMembership", "only");
  const program = {
    mailbox: mailbox.id,
    members: ["ada@contoso.com"],
    exclusive: true,
    keep: ["grace@contoso.com"],
  };
  await only.up(program);
  for (const user of ["grace@contoso.com", "support-team@contoso.com", "alan@contoso.com"]) {
    await world.exchange("Add-MailboxPermission", { Identity: mailbox.id, User: user, AccessRights: ["FullAccess"] });
  }
  await only.refresh();
  await only.up(program);
  await only.destroy();
}

/** What writes an import file reads. @returns the number of resources it found. */
export async function importFile(world: World): Promise<number> {
  const { resources } = await world.deploying((deployment) =>
    survey(deployment, ["*@contoso.com"], { project: "contoso", stack: "dev" }),
  );
  return resources.length;
}
