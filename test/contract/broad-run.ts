import { kindNames, kinds } from "../../provider/kinds";
import { type Resource, type Row, startWorld, type World } from "../reconcile/harness";
import {
  deletedAndConverted,
  exclusiveMembership,
  holds,
  importFile,
  inboxRulesByCmdlet,
  mailboxSettings,
  planSizes,
  settingsOfMailbox,
} from "./mailbox-life";
import { forwardMailboxesOfOthers, individualMailbox, queues } from "./mailbox-records";
import { type Recording, startRecordingProxy } from "./recording";

const BUILT_IN = "Microsoft Exchange Online";
const people = {
  ada: "ada@contoso.com",
  grace: "grace@contoso.com",
  alan: "alan@contoso.com",
  kathleen: "kathleen@contoso.com",
};

/**
 * Creates, changes in every property, lets drift, repairs and deletes resources of every kind through the provider's own
 * methods, with the rare ways in between: adoption, conversion, restoring and purging, an address that is taken, a right that is
 * missing, a row that has to be inactive before it goes. It also reads what writes an import file.
 *
 * @returns everything that passed between the provider and the tenant.
 */
export async function broadRun(): Promise<Recording[]> {
  const proxy = await startRecordingProxy();
  try {
    const world = await startWorld({
      config: { localTenant: proxy.origin, settleTimeout: "3s" },
      // So that there is something to block.
      settings: { newSharedAccountEnabled: true },
    });
    proxy.leadTo(world.origin);
    const missing = new Set(kindNames);
    const { resource } = world;
    world.resource = (kind, name) => {
      missing.delete(kind);
      return resource(kind, name);
    };
    const collector = await world.resource("SharedMailbox", "collector").up({
      displayName: "CRM collector",
      primarySmtpAddress: "forwardmailbox@contoso.com",
      hiddenFromAddressLists: true,
      requireSenderAuthentication: true,
      acceptMessagesOnlyFrom: [people.ada],
      rejectMessagesFrom: [people.grace],
      protocols: { owa: false, mapi: false, activeSync: false, ews: false, pop: false, imap: false, smtpAuth: false },
    });
    await collector.up({
      displayName: "CRM collector",
      primarySmtpAddress: "forwardmailbox@contoso.com",
      hiddenFromAddressLists: true,
    });
    const { support, moves } = await sharedMailboxes(world);
    const members = await membership(world, support);
    const intake = await forwardingMailbox(world);
    await forwardMailboxesOfOthers(world);
    await queues(world);
    await individualMailbox(world);
    await refusals(world);
    await inboxRulesByCmdlet(world);
    await settingsOfMailbox(world);
    await holds(world);
    await mailboxSettings(world);
    await planSizes(world);
    await deletedAndConverted(world);
    await exclusiveMembership(world, moves);
    expect(await importFile(world)).toBeGreaterThan(2);
    for (const resource of [intake, members, support, moves, collector]) {
      await resource.destroy();
    }
    // A kind that has no life of its own here runs its samples: what it sends has to be in the tables too.
    for (const kind of missing) {
      const sample = resource(kind, "sample");
      for (const program of kinds[kind].samples) {
        await sample.up(program);
        await sample.refresh();
      }
      await sample.destroy();
    }
    return proxy.recordings;
  } finally {
    await proxy.close();
  }
}

async function sharedMailboxes(world: World): Promise<{ support: Resource; moves: Resource }> {
  const support = world.resource("SharedMailbox", "support");
  const program = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
  await support.up({
    ...program,
    alias: "support",
    emailAliases: ["help@contoso.com"],
    forwarding: { to: people.ada },
  });
  await support.refresh();
  const programs: Row[] = [
    { ...program, displayName: "Contoso Support & Hjälp", alias: "support.desk", signInBlocked: false },
    { ...program, hiddenFromAddressLists: true, emailAliases: ["hjalp@contoso.com", "help@fabrikam.example"] },
    { ...program, emailAliases: ["help@fabrikam.example"], forwarding: { to: "desk@outside.example", keepCopy: true } },
    { ...program, forwarding: { to: "desk@outside.example", keepCopy: false, allowLoss: true } },
    { ...program, primarySmtpAddress: "service@contoso.com", deletion: "soft" },
    { ...program, emailAliases: ["service@contoso.com", "desk@contoso.com"], deletion: "soft" },
  ];
  for (const changed of programs) {
    await support.up(changed);
  }
  await world.exchange("Set-Mailbox", {
    Identity: support.id,
    DisplayName: "Renamed by hand",
    ForwardingAddress: people.grace,
    HiddenFromAddressListsEnabled: true,
  });
  await world.graph("PATCH", `/users/${support.id}`, { accountEnabled: true });
  await support.refresh();
  // A synchronised mailbox keeps its name, so that forwarding to it is printed by name instead of by id.
  await world.exchange("Set-Mailbox", { Identity: support.id, ForwardingAddress: people.kathleen });
  await support.refresh();
  await support.up({ ...program, hiddenFromAddressLists: false, deletion: "soft" });

  const moves = await world.resource("SharedMailbox", "moves").up(moving("moves@contoso.com"));
  // A sign-in name that equals the primary address follows it, in a call of its own.
  await world.exchange("Set-Mailbox", { Identity: moves.id, MicrosoftOnlineServicesID: "moves@contoso.com" });
  await moves.up(moving("moved@contoso.com"));
  await withoutGraphWrites(world, () => moves.up({ ...moving("moved@contoso.com"), signInBlocked: false }));
  return { support, moves };
}

function moving(primarySmtpAddress: string): Row {
  return { displayName: "Moves", primarySmtpAddress };
}

/** An application that may not write users: sign-in is then blocked and allowed through Exchange. */
async function withoutGraphWrites(world: World, work: () => Promise<unknown>): Promise<void> {
  await world.fault({
    service: "graph",
    method: "PATCH",
    answer: {
      status: 403,
      body: {
        error: { code: "Authorization_RequestDenied", message: "Insufficient privileges to complete the operation." },
      },
    },
  });
  await work();
}

async function membership(world: World, support: Resource): Promise<Resource> {
  const members = world.resource("MailboxMembership", "members");
  await members.up({ mailbox: support.id, members: [people.ada, people.grace, "support-team@contoso.com"] });
  await members.up({
    mailbox: support.id,
    members: {
      [people.ada]: { sendOnBehalf: true, automapping: false },
      [people.alan]: { fullAccess: false },
      "support-team@contoso.com": { sendAs: false, sendOnBehalf: true },
    },
  });
  await world.exchange("Remove-RecipientPermission", {
    Identity: support.id,
    Trustee: people.alan,
    AccessRights: ["SendAs"],
    Confirm: false,
  });
  await world.exchange("Add-MailboxPermission", {
    Identity: support.id,
    User: people.alan,
    AccessRights: ["FullAccess"],
  });
  await members.refresh();
  await members.up({ mailbox: "support@contoso.com", members: { [people.ada]: {}, [people.alan]: {} } });
  return members;
}

async function forwardingMailbox(world: World): Promise<Resource> {
  const intake = world.resource("ForwardingMailbox", "intake");
  const program = { name: "CRM intake", emailAddress: "forwardmailbox@contoso.com" };
  await intake.up({ ...program, sources: ["support@contoso.com", people.ada] });
  await intake.refresh();
  const profile = await profileBesideTheDefault(world);
  const programs: Row[] = [
    { ...program, name: "CRM intake 2", deleteAfterProcessing: true, sources: [people.ada] },
    { ...program, serverProfile: profile, incomingEmail: "None", sources: [people.ada] },
    { ...program, incomingEmail: "ServerSideSynchronization", testAndEnable: "again", sources: [people.ada] },
    { ...program, emailAddress: "moved@contoso.com", sources: [people.ada, people.grace] },
  ];
  for (const changed of programs) {
    await intake.up(changed);
  }
  const rules = intake.outputs.sourceRules as Record<string, string>;
  const inbox = (person: string) => `/users/${person}/mailFolders/inbox/messageRules`;
  await world.graph("PATCH", `${inbox(people.ada)}/${rules[people.ada]}`, {
    isEnabled: false,
    conditions: { subjectContains: ["order"] },
  });
  await world.graph("DELETE", `${inbox(people.grace)}/${rules[people.grace]}`);
  await world.dataverse("PATCH", `/mailboxes(${intake.id})`, { name: "Renamed by hand", processanddeleteemails: true });
  await intake.refresh();
  await intake.up({ ...program, emailAddress: "moved@contoso.com", sources: [people.ada, people.grace] });
  await withoutBuiltInProfile(world);
  await world.control("PATCH", "settings", { deleteNeedsInactive: true });
  return intake;
}

/** An organisation without the built-in profile: its default one is asked for. */
async function withoutBuiltInProfile(world: World): Promise<void> {
  const profiles = await world.control("GET", "state/dv.emailserverprofiles");
  const [id, profile] = Object.entries(profiles).find(([, row]) => (row as Row).name === BUILT_IN) ?? [];
  await world.control("PATCH", `state/dv.emailserverprofiles/${id}`, { name: "Renamed" });
  const other = await world
    .resource("ForwardingMailbox", "default-profile")
    .up({ name: "Default profile", emailAddress: "forwardmailbox@contoso.com", approveEmail: false });
  await other.destroy();
  await world.control("PATCH", `state/dv.emailserverprofiles/${id}`, { name: (profile as Row).name });
}

/** The id of a server profile that a program can name in place of the built-in one. */
async function profileBesideTheDefault(world: World): Promise<string> {
  const answer = await world.dataverse("GET", "/emailserverprofiles?$select=name,statecode&$filter=statecode eq 0");
  const profiles = (answer?.value ?? []) as Row[];
  const other = profiles.find(({ name }) => name !== BUILT_IN) ?? profiles[0];
  return String(other?.emailserverprofileid);
}

/** What Exchange refuses after it was asked: the way to the holder of an address, deleted ones included. */
async function refusals(world: World): Promise<void> {
  await world.fault({
    service: "exchange",
    cmdlet: "New-Mailbox",
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
                'Ex6F9304|Microsoft.Exchange.Data.Directory.ProxyAddressExistsException|The proxy address "SMTP:taken@contoso.com" is already being used by the proxy addresses or LegacyExchangeDN of "Somebody".',
            },
          ],
        },
      },
    },
  });
  const taken = world.resource("SharedMailbox", "taken");
  await expect(taken.up({ displayName: "Taken", primarySmtpAddress: "taken@contoso.com" })).rejects.toThrow(
    "taken@contoso.com",
  );
  await world.exchange("New-Mailbox", {
    Shared: true,
    Name: "by hand",
    DisplayName: "By hand",
    PrimarySmtpAddress: "byhand@contoso.com",
  });
  const adopted = await world
    .resource("SharedMailbox", "adopted")
    .up({ displayName: "Adopted", primarySmtpAddress: "byhand@contoso.com", signInBlocked: true, adopt: true });
  await adopted.destroy();
}
