import { type Change, type Properties, writeAndRecord } from "../../core/kind";
import { declaredIn } from "../../core/properties";
import type { Registry } from "../../core/registry";
import { only } from "../../http/json";
import type { IncomingMethod, MailboxRow } from "../../services/dataverse";
import { retryWhile } from "../../services/waiting";
import {
  decidedElsewhere,
  FORWARD_MAILBOX,
  formerMethod,
  requireSameOrganization,
  shareFormer,
} from "../mailbox-record/claims";
import { forgetting, type RecordValues, serverProfileOf, valuesOf, writeRecord } from "../mailbox-record/properties";
import { addressColumn, isChangedMeanwhile, type UserOrQueue, writeTo } from "../mailbox-record/writes";
import {
  type Desired,
  type IndividualInputs,
  type IndividualOperation,
  type KnownIndividual,
  type Memory,
  observeRecord,
  properties,
  whoIs,
} from "./desired";

/**
 * Records what declared properties were before this resource had them: that is what they go back to.
 *
 * @param isCreation whether the resource is new. From then on it remembers; one that was imported never began, and puts nothing back.
 */
export function recordFormer(
  inputs: IndividualInputs,
  row: MailboxRow,
  isCreation: boolean,
  operation: IndividualOperation,
): void {
  const { known, registry, warn } = operation;
  const begun = known.memory.former ?? (isCreation ? {} : undefined);
  if (begun === undefined) {
    return;
  }
  const isDeclared = declaredIn(inputs);
  const isNew = (property: string) => isDeclared(property) && !(property in begun);
  if (isNew("credentials") && row.isPasswordSet) {
    warn("credentials: the record has a password already, which cannot be read and so will not be put back.");
  }
  // What it signs in with cannot be read.
  const found: RecordValues = { ...properties.values({ row, known }), credentials: null };
  const former = { ...only(found, isNew), ...begun };
  operation.record({ memory: { former: withMethodElsewhere(former, registry.formerMethods.get(row.id)) } });
}

/**
 * Pure. Former values with what the incoming method of the record was before a forward mailbox of this program set it.
 *
 * @param method the former method, where the forward mailbox knows it.
 */
export function withMethodElsewhere(former: Memory["former"], method: IncomingMethod | undefined): Memory["former"] {
  const { incomingEmail } = former ?? {};
  return incomingEmail === undefined ? former : { ...former, incomingEmail: formerMethod(incomingEmail, method) };
}

/** Tells the forward mailboxes of this deployment what the incoming method of a record was before. */
export function shareFormerMethod({ id, memory: { former, given } }: KnownIndividual, registry: Registry): void {
  if (id !== undefined && given?.incomingEmail === FORWARD_MAILBOX) {
    shareFormer({ [id]: former?.incomingEmail }, registry);
  }
}

/**
 * What this resource gives a record, or may have given it. A property that is different later was changed by somebody else, also when a
 * refresh took the change into the state. The previous values are kept until {@link settleGiven} runs, in case a response was lost.
 *
 * @param values what is written.
 */
export function givenWith(
  values: RecordValues,
  properties: readonly string[],
  { memory }: KnownIndividual,
): Partial<Pick<Memory, "given" | "givenBefore">> {
  if (memory.former === undefined) {
    return {};
  }
  const written: Properties = { ...values, credentials: values.credentials?.userName };
  const given: Properties = { ...memory.given };
  const before = { ...memory.givenBefore };
  for (const property of properties) {
    if (given[property] !== undefined) {
      before[property] = [...(before[property] ?? []), given[property]];
    }
    given[property] = written[property];
  }
  return { given, givenBefore: before };
}

/** Records that a record has what is declared, and forgets what is not declared any more. */
export function settleGiven(inputs: IndividualInputs, values: RecordValues, operation: IndividualOperation): void {
  const { former } = operation.known.memory;
  const { given } = givenWith(values, properties.names, operation.known);
  const isDeclared = declaredIn(inputs);
  operation.record({
    memory: {
      former: former && only(former, isDeclared),
      given: given && only(given, isDeclared),
      givenBefore: undefined,
    },
  });
}

/** What is declared, as values of the record. */
export function declaredValues({ inputs, profile }: Declared): RecordValues {
  return valuesOf(properties, { inputs, profile }, {});
}

/** The inputs with the server profile looked up. */
type Declared = Pick<Desired, "inputs" | "profile">;

/**
 * What is declared, and for what was declared before and is not any more, what it was before: unless somebody changed it since, or
 * another resource decides it now.
 */
export function valuesFor(
  { inputs, profile }: Declared,
  { inputs: held }: KnownIndividual,
  row: MailboxRow,
  elsewhere: readonly string[],
  known: KnownIndividual,
): RecordValues {
  const back = only(valuesToPutBack(row, known), (property) => !elsewhere.includes(property));
  return valuesOf(properties, { inputs, profile }, held, back);
}

/** What goes back when it is not declared any more: what this resource gave the record and the record still has. */
export function valuesToPutBack(row: MailboxRow, known: KnownIndividual): RecordValues {
  const { former = {}, given = {}, givenBefore = {} } = known.memory;
  const now = properties.values({ row, known });
  // If someone changed it in the meantime, leave their value alone.
  const isOurs = (property: string) => [given[property], ...(givenBefore[property] ?? [])].includes(now[property]);
  return only(former, (property) => property in given && isOurs(property));
}

/** Puts back what the record was before, as far as it still is what this resource made of it. */
export async function remove(id: string, operation: IndividualOperation): Promise<void> {
  const { known, services } = operation;
  await requireSameOrganization(`putting back the mailbox record of ${whoIs(known)}`, operation);
  await retryWhile(isChangedMeanwhile, async () => {
    const row = await services.dataverse.mailbox(id, operation);
    if (row !== undefined) {
      await putBack(row, operation);
    }
  });
}

async function putBack(row: MailboxRow, operation: IndividualOperation): Promise<void> {
  const { known, registry } = operation;
  const who = `the mailbox record of ${whoIs(known)}`;
  const all = valuesToPutBack(row, known);
  const elsewhere = decidedElsewhere(row.id, properties.names, operation);
  if (all.incomingEmail !== undefined && elsewhere.includes("incomingEmail")) {
    // A forward mailbox that this record still feeds puts it back when it lets go.
    registry.formerMethods.set(row.id, all.incomingEmail);
  }
  const isElsewhere = (property: string) => elsewhere.includes(property);
  tellForgotten(properties.differing(only(all, isElsewhere), { row, known }), row, who, operation);
  const { emailAddress, ...values } = only(all, (property) => !isElsewhere(property));
  const why = await whyProfileStays(values, row, operation);
  if (why !== undefined) {
    operation.warn(`The former server profile of ${who} is not put back, because it ${why}.`);
    delete values.serverProfile;
  }
  const changes = properties.differing(values, { row, known });
  await writeRecord(properties, changes, values, {}, row, who, operation);
  if (emailAddress !== undefined && (emailAddress ?? "") !== row.emailAddress) {
    const { owner } = await observeRecord(row, known.inputs, operation);
    await setAddress(owner, emailAddress, operation);
  }
}

/**
 * Says what a record was before whose properties another resource of this deployment declares now, such as this one under its new
 * name: it was created first, and takes what it found for the former values.
 */
function tellForgotten(changes: readonly Change[], row: MailboxRow, who: string, { warn }: IndividualOperation): void {
  const values = changes
    // A forward mailbox that needs it may know what it was.
    .filter(({ path: [property] }) => property !== "incomingEmail" || row.incomingEmail !== FORWARD_MAILBOX)
    .map(({ path, to }) => `${path.join(".")} ${JSON.stringify(to)}`);
  if (values.length > 0) {
    warn(
      `Before this resource, ${who} had ${values.join(", ")}. Another resource declares this now. It does not know the earlier value and ` +
        "will not put it back. A resource that is renamed with `aliases` keeps it.",
    );
  }
}

/** Why the former server profile cannot go back to a record that somebody else changed meanwhile, in words that follow it. */
async function whyProfileStays(
  { serverProfile, credentials, appointmentsContactsTasks }: RecordValues,
  row: MailboxRow,
  operation: IndividualOperation,
): Promise<string | undefined> {
  if (typeof serverProfile !== "string") {
    return undefined;
  }
  const profile = await serverProfileOf({ serverProfileId: serverProfile }, operation);
  if (profile === undefined) {
    return "is gone";
  }
  if (row.usesCredentials && credentials === undefined && !profile.takesMailboxCredentials) {
    return "does not take the credentials that somebody gave the record since";
  }
  const method = appointmentsContactsTasks ?? row.appointmentsContactsTasks;
  return method === "ServerSideSynchronization" && !profile.isExchange
    ? "is for POP3 or IMAP, and somebody set appointments, contacts and tasks to be synchronised since"
    : undefined;
}

/** Writes an address to the user or queue; the record follows. */
export async function setAddress(
  owner: UserOrQueue,
  address: string | null,
  operation: IndividualOperation,
): Promise<void> {
  const action = `changing the address of the ${owner.kind} ${owner.name}`;
  await writeAndRecord(
    () => writeTo(owner, addressColumn(owner, address), action, operation),
    () =>
      operation.record({
        inputs: address === null ? {} : { emailAddress: address },
        memory: {
          ...forgetting(["emailAddress"]),
          ...(address === null ? {} : givenWith({ emailAddress: address }, ["emailAddress"], operation.known)),
        },
      }),
  );
}
