import { type Claim, environmentName, nameOf, rowName } from "../../core/claims";
import { type Registry, recordThing, testThing } from "../../core/registry";
import { InputError, SettleError } from "../../http/errors";
import { sameText } from "../../http/json";
import type { IncomingMethod, MailboxRow } from "../../services/dataverse";
import { smtpAddresses } from "../../services/mailboxes";
import type { Recipient } from "../../services/recipients";
import { settle } from "../../services/waiting";
import { FORWARD_MAILBOX, formerMethod, isFormer, shareFormer } from "../mailbox-record/claims";
import { testAgain } from "../mailbox-record/test-and-enable";
import { change, command } from "../mailbox-record/writes";
import {
  type ForwardingInputs,
  type ForwardingOperation,
  type KnownForwarding,
  type Memory,
  type ObservedSource,
  pathOf,
  properties,
} from "./desired";

const SERVER_SIDE: IncomingMethod = "ServerSideSynchronization";

/**
 * The records of Dynamics users and queues with any address of a source, and those that had one when they were set to Forward Mailbox:
 * Dynamics may know somebody by an address that is not the primary one any more, and addresses of mailboxes and records change.
 *
 * @returns them, and the forward mailboxes that collect there.
 */
export async function recordsOf(
  recipient: Recipient,
  operation: ForwardingOperation,
): Promise<{ records: MailboxRow[]; collecting: MailboxRow[] }> {
  const { services, known } = operation;
  const { sourceIds = {}, sourceRecords = {} } = known.memory;
  const found = await services.dataverse.mailboxesWithAddress(smtpAddresses(recipient), operation);
  const withAddress = found.filter(isOfSomebody);
  const others = Object.entries(sourceRecords)
    .filter(([key]) => sameText(sourceIds[key] ?? "", recipient.id))
    .flatMap(([, recordIds]) => recordIds)
    .filter((id) => !withAddress.some((record) => sameText(record.id, id)));
  return {
    records: [...withAddress, ...(await withIds(others, operation))],
    collecting: found.filter(({ isForwardMailbox }) => isForwardMailbox),
  };
}

function isOfSomebody({ isForwardMailbox }: MailboxRow): boolean {
  return !isForwardMailbox;
}

/**
 * Waits for the record of a queue that this deployment makes with an address of a source: whichever of the two resources is first, the
 * record is set to Forward Mailbox in the end. It gives up in silence.
 */
export async function queueRecordAppears(recipient: Recipient, operation: ForwardingOperation): Promise<void> {
  const { registry, origin, services } = operation;
  const addresses = smtpAddresses(recipient);
  if (!addresses.some((address) => registry.claims.isClaimedByAnother(rowName("queue", address), origin))) {
    return;
  }
  try {
    await settle(
      {
        what: `Dynamics to make the mailbox record of the queue ${recipient.primarySmtpAddress}`,
        look: () => services.dataverse.mailboxesWithAddress(addresses, operation),
        done: (rows) => rows.some(isOfSomebody),
        atMost: QUEUE_RECORD_WITHIN,
      },
      operation,
    );
  } catch (error) {
    if (!(error instanceof SettleError)) {
      throw error;
    }
  }
}

/** How long the mailbox record of a queue is waited for that feeds a forward mailbox, in milliseconds: the queue may fail. */
const QUEUE_RECORD_WITHIN = 120_000;

/** The records of a source that the tenant does not show any more. */
export function recordsOfLost(key: string, operation: ForwardingOperation): Promise<MailboxRow[]> {
  return withIds(operation.known.memory.sourceRecords?.[key] ?? [], operation);
}

async function withIds(ids: readonly string[], operation: ForwardingOperation): Promise<MailboxRow[]> {
  const rows = await Promise.all([...new Set(ids)].map((id) => operation.services.dataverse.mailbox(id, operation)));
  return rows.filter((row) => row !== undefined);
}

/** The records that have an address of the source now; another one's mail does not come from it. */
function ownRecords({ recipient, records }: ObservedSource): MailboxRow[] {
  const addresses = smtpAddresses(recipient);
  return records.filter(({ emailAddress }) => addresses.includes(emailAddress));
}

/** The records of a source that are not set to Forward Mailbox yet. */
export function recordsToSet(source: ObservedSource): MailboxRow[] {
  return ownRecords(source).filter(({ incomingEmail }) => incomingEmail !== FORWARD_MAILBOX);
}

/** Whether records of a source are on Forward Mailbox because of it. */
export function holdsRecords(
  { records }: ObservedSource,
  { memory: { formerMethods: former = {} } }: KnownForwarding,
): boolean {
  return records.some(
    ({ id, incomingEmail }) =>
      incomingEmail === FORWARD_MAILBOX && former[id] !== undefined && former[id] !== FORWARD_MAILBOX,
  );
}

/** The registry's name for knowing what the incoming method of a record was before. */
const formerThing = (recordId: string): string => recordThing(recordId, "former incomingEmail");

/** Declares the incoming method of the records that the state knows, and what is known of them, without a look at the tenant. */
export function declareKnown(
  { memory: { sourceRecords = {}, formerMethods = {} } }: KnownForwarding,
  keys: readonly string[],
  origin: { urn: string },
  registry: Registry,
): void {
  for (const [id, method] of Object.entries(formerMethods)) {
    if (isFormer(method)) {
      registry.declareValue(formerThing(id), method, origin);
    }
  }
  for (const id of keys.flatMap((key) => sourceRecords[key] ?? [])) {
    registry.declareValue(recordThing(id, "incomingEmail"), FORWARD_MAILBOX, origin);
  }
}

/** Why the record of a source cannot have another incoming method. */
function otherMethod(own: string, record: string, other: { name: string; value: string }): string {
  return (
    `${own} sets the record ${record} to Forward Mailbox, and ${other.name} gives it the incoming method ${other.value}; ` +
    'write "ForwardMailbox" there, or leave its incomingEmail out'
  );
}

/** The incoming method of the records of sources, as the inputs say: a record may be a user's or a queue's. */
export function claimsOfSources({ sources, environmentUrl }: Partial<ForwardingInputs>): Claim[] {
  return Object.keys(sources ?? {}).flatMap((key) =>
    (["user", "queue"] as const).map((kind) => ({
      path: pathOf(key),
      thing: [environmentName(environmentUrl), rowName(kind, key), "incomingEmail"],
      value: FORWARD_MAILBOX,
      reason: (own, name, { value = "" }) => otherMethod(own, `of ${key}`, { name, value }),
    })),
  );
}

/**
 * Declares the incoming method of the sources' records, which only one resource can decide, and refuses a source to whose record another
 * resource of this deployment gives another one.
 */
export function requireOwnMethod(
  sources: ReadonlyMap<string, ObservedSource>,
  inputs: ForwardingInputs,
  { registry, origin }: ForwardingOperation,
): void {
  const declared = [...sources].filter(([key]) => inputs.sources?.[key] !== undefined);
  const problems = declared.flatMap(([key, source]) =>
    ownRecords(source).flatMap(({ id, name }) => {
      registry.declareValue(recordThing(id, "incomingEmail"), FORWARD_MAILBOX, origin);
      const other = registry.valueOfAnother(recordThing(id, "incomingEmail"), origin);
      return other === undefined || other.value === FORWARD_MAILBOX
        ? []
        : [
            {
              path: pathOf(key),
              reason: otherMethod(nameOf(origin.urn), name, other),
            },
          ];
    }),
  );
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

/** Records a source that has, or may have, a rule or a record of ours now. */
export function recordSource(key: string, recipient: Recipient, operation: ForwardingOperation): void {
  const { known } = operation;
  operation.record({
    inputs: { sources: { ...known.inputs.sources, [key]: {} } },
    memory: { sourceIds: { ...known.memory.sourceIds, [key]: recipient.id } },
  });
}

/** Sets the records of a source to Forward Mailbox and remembers what they were. */
export async function setRecords(key: string, source: ObservedSource, operation: ForwardingOperation): Promise<void> {
  const { registry } = operation;
  for (const record of recordsToSet(source)) {
    const { formerMethods, sourceRecords = {} } = operation.known.memory;
    // Before the write: what the record was cannot be read afterwards.
    operation.record({
      memory: {
        formerMethods: { ...formerMethods, [record.id]: formerMethods?.[record.id] ?? record.incomingEmail },
        sourceRecords: { ...sourceRecords, [key]: [...new Set([...(sourceRecords[key] ?? []), record.id])] },
      },
    });
    recordSource(key, source.recipient, operation);
    shareFormer(operation.known.memory.formerMethods, registry);
    const action = `setting the incoming method of ${key} to Forward Mailbox`;
    // Its queue may be testing it in this very deployment.
    await registry.exclusively(testThing(record.id), async () => {
      await change(record, properties.columnsOf({ incomingEmail: FORWARD_MAILBOX }), action, operation);
      await testAgain(record, operation);
    });
  }
}

/** Pure. What records were before, with what other resources of this deployment know. */
export function withMethodsElsewhere(
  former: Memory["formerMethods"],
  elsewhere: Readonly<Record<string, IncomingMethod>>,
): Memory["formerMethods"] {
  return (
    former &&
    Object.fromEntries(Object.entries(former).map(([id, method]) => [id, formerMethod(method, elsewhere[id])]))
  );
}

/** Records which records the declared sources have, and of those that were on Forward Mailbox already, whose doing that was. */
export function recordRecords(
  sources: ReadonlyMap<string, ObservedSource>,
  inputs: ForwardingInputs,
  previous: KnownForwarding,
  operation: ForwardingOperation,
): void {
  const { known, registry, origin } = operation;
  const declared = [...sources].filter(([key]) => inputs.sources?.[key] !== undefined);
  const former = { ...known.memory.formerMethods };
  const unknown: string[] = [];
  const heldIds = Object.values(previous.memory.sourceIds ?? {});
  for (const [key, { recipient, records, isFedByOthers }] of declared) {
    // What the state did not remember of a source that it had, as after an import, may be of this resource's own doing.
    const isHeld = heldIds.some((id) => sameText(id, recipient.id));
    for (const { id, name, incomingEmail } of records) {
      // Null as well: what is not known does not become known by another look.
      if (former[id] !== undefined) {
        continue;
      }
      if (isFedByOthers && incomingEmail === FORWARD_MAILBOX && !registry.formerMethods.has(id)) {
        unknown.push(`${pathOf(key)}: the mailbox record of ${name}`);
      }
      const isOfAnother = registry.valueOfAnother(recordThing(id, "incomingEmail"), origin) !== undefined;
      const isUnknown = isFedByOthers || (isHeld && incomingEmail === FORWARD_MAILBOX && !isOfAnother);
      former[id] = isUnknown ? null : incomingEmail;
    }
  }
  for (const one of unknown) {
    operation.warn(
      `${one} was on Forward Mailbox already, set by another forward mailbox or by a deployment that was interrupted. ` +
        "What it was before is not known to this resource, which will not put it back.",
    );
  }
  const records = declared.flatMap(([key, source]) =>
    source.records.length === 0 ? [] : [[key, source.records.map(({ id }) => id)]],
  );
  if (records.length > 0 || known.memory.sourceRecords !== undefined) {
    const formerMethods = withMethodsElsewhere(former, Object.fromEntries(registry.formerMethods));
    operation.record({ memory: { sourceRecords: Object.fromEntries(records), formerMethods } });
  }
  shareFormer(operation.known.memory.formerMethods, registry);
}

/**
 * Puts records of a source back to what they were, unless something else still needs Forward Mailbox; whoever lets go last does it.
 *
 * @param isFed whether another rule still feeds a forward mailbox from the source.
 */
export async function releaseRecords(
  key: string,
  records: readonly MailboxRow[],
  isFed: boolean,
  operation: ForwardingOperation,
): Promise<void> {
  const { known, registry, origin } = operation;
  const former = withMethodsElsewhere(known.memory.formerMethods, Object.fromEntries(registry.formerMethods)) ?? {};
  for (const record of records) {
    const method = former[record.id] ?? registry.formerMethods.get(record.id);
    const isHeld = isFed || registry.valueOfAnother(recordThing(record.id, "incomingEmail"), origin) !== undefined;
    if (!isHeld && method === undefined && record.incomingEmail === FORWARD_MAILBOX) {
      operation.warn(
        `${pathOf(key)}: the mailbox record of ${record.name} stays on Forward Mailbox: what it was before is not known, because ` +
          "another forward mailbox or an interrupted deployment had set it. Set its incoming email in Dynamics, or declare an " +
          "IndividualMailbox for it.",
      );
    } else if (!isHeld && isFormer(method)) {
      await command(
        record,
        properties.columnsOf({ incomingEmail: method }),
        `putting back the incoming method of ${key}`,
        operation,
        // If someone changed it in the meantime, leave their value alone.
        ({ incomingEmail }) => incomingEmail === FORWARD_MAILBOX,
      );
      await testReleased(key, record, operation);
    }
    if (known.memory.formerMethods !== undefined) {
      const { [record.id]: _done, ...others } = known.memory.formerMethods;
      operation.record({ memory: { formerMethods: others } });
    }
  }
}

/** Sees to it that a record which the server synchronises again is tested: without a test Dynamics processes nothing of it. */
async function testReleased(key: string, before: MailboxRow, operation: ForwardingOperation): Promise<void> {
  const isOrdered = await testAgain(before, operation);
  const now = await operation.services.dataverse.mailbox(before.id, operation);
  if (!isOrdered && now?.incomingEmail === SERVER_SIDE && now.incomingStatus === "NotRun") {
    operation.warn(
      `${pathOf(key)}: the mailbox record of ${now.name} is on ${SERVER_SIDE} again and is not tested: Dynamics processes no mail of ` +
        "it until Test & Enable has run there.",
    );
  }
}

/**
 * Says what records were before whose source another resource of this deployment declares now, such as this one under its new
 * name: it was created first, and does not know.
 */
export function tellForgotten(
  key: string,
  { records }: ObservedSource,
  { known, registry, origin, warn }: ForwardingOperation,
): void {
  for (const { id, name, incomingEmail } of records) {
    const method = known.memory.formerMethods?.[id] ?? FORWARD_MAILBOX;
    if (
      incomingEmail === FORWARD_MAILBOX &&
      method !== FORWARD_MAILBOX &&
      registry.valueOfAnother(formerThing(id), origin) === undefined
    ) {
      warn(
        `${pathOf(key)}: the mailbox record of ${name} was on ${method} before this resource. Another resource declares the source now. It does ` +
          "not know the earlier value and will not put it back. A resource that is renamed with `aliases` keeps it.",
      );
    }
  }
}
