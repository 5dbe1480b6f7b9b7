import type { Resource, Row, World } from "../reconcile/harness";

const TAKES_CREDENTIALS = "Contoso mailbox credentials";
const ADA = "10ca17e4-d001-4000-8000-000000000001";
const TEAM = "10ca17e4-d005-4000-8000-000000000002";
const credentials = { userName: "contoso\\crm", password: "a password of 2 parts" };

/** What only some forward mailboxes have: an owner, credentials, a record that was there before. */
export async function forwardMailboxesOfOthers(world: World): Promise<void> {
  const owned = world.resource("ForwardingMailbox", "owned");
  const program = { name: "Owned", emailAddress: "forwardmailbox@contoso.com", approveEmail: false };
  await owned.up({ ...program, owner: { user: "Ada Lovelace" } });
  await owned.refresh();
  await owned.up({ ...program, owner: { team: "Support" }, serverProfile: TAKES_CREDENTIALS, credentials });
  await owned.up({ ...program, serverProfile: TAKES_CREDENTIALS });
  const adopted = await world
    .resource("ForwardingMailbox", "adopted")
    .up({ ...program, name: "Adopted", adopt: owned.id });
  await adopted.destroy();
  await owned.destroy();
}

/** The life of a queue in every property, then of its mailbox record, and an adoption. Leaves nothing behind. */
export async function queues(world: World): Promise<void> {
  await world.control("PATCH", "settings", { mailboxRowDelay: 250 });
  const queue = world.resource("Queue", "support");
  const program = { name: "Support", emailAddress: "support@contoso.com" };
  await queue.up({
    ...program,
    owner: { team: "Support" },
    incomingEmail: "ServerSideSynchronization",
    outgoingEmail: "ServerSideSynchronization",
    emailFiltering: "EmailEnabledRecords",
  });
  await queue.refresh();
  const programs: Row[] = [
    { ...program, owner: { user: "ada@contoso.com" }, outgoingEmail: "None", emailFiltering: "None" },
    { ...program, owner: { team: "field-service-north@contoso.com" }, serverProfile: "Contoso POP3" },
    { ...program, owner: { team: TEAM }, incomingEmail: "ForwardMailbox", testAndEnable: "again" },
    { ...program, name: "Support desk", emailAddress: "moved@contoso.com" },
    program,
  ];
  for (const changed of programs) {
    await queue.up(changed);
  }
  await world.dataverse("PATCH", `/queues(${queue.id})`, {
    name: "Renamed by hand",
    incomingemailfilteringmethod: 2,
    "ownerid@odata.bind": `/systemusers(${ADA})`,
  });
  await queue.refresh();
  await queue.up({ ...program, incomingEmail: "ServerSideSynchronization" });
  await recordOfQueue(world, queue);
  const adopted = await world
    .resource("Queue", "adopted")
    .up({ ...program, name: "Adopted", adopt: true, deletion: "retain" });
  await adopted.destroy();
  await queue.destroy();
}

/** The mailbox record of a queue, by each way to name the queue. */
async function recordOfQueue(world: World, queue: Resource): Promise<void> {
  const record = world.resource("IndividualMailbox", "support-record");
  const own = { deleteAfterProcessing: true, serverProfile: TAKES_CREDENTIALS };
  await record.up({ queue: queue.id, ...own, credentials });
  await record.refresh();
  await record.destroy();
  await record.up({ queue: "Support", ...own, outgoingEmail: "ServerSideSynchronization" });
  await record.destroy();
  await record.up({ queue: "support@contoso.com", testAndEnable: "again" });
  await record.destroy();
}

/** The mailbox record of a user, by each way to name the user: every property, drift, and back to what it was. */
export async function individualMailbox(world: World): Promise<void> {
  const record = world.resource("IndividualMailbox", "ada");
  const methods = {
    incomingEmail: "ServerSideSynchronization",
    outgoingEmail: "ServerSideSynchronization",
    appointmentsContactsTasks: "ServerSideSynchronization",
  };
  await record.up({ user: "ada@contoso.com", ...methods, emailAddress: "moved@contoso.com" });
  await record.refresh();
  await record.up({ user: ADA, ...methods, outgoingEmail: "Outlook" });
  await world.dataverse("PATCH", `/mailboxes(${record.id})`, {
    incomingemaildeliverymethod: 0,
    actdeliverymethod: 0,
    "emailserverprofile@odata.bind": null,
  });
  await record.refresh();
  await record.up({ user: ADA, ...methods, serverProfile: "Contoso POP3", appointmentsContactsTasks: "None" });
  await record.destroy();
  await record.up({ user: ADA });
  await record.destroy();
}
