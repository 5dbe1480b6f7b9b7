/** Whose a row of Dynamics is: what a program claims of it, what a creation takes over, and what outlives its resource. */
import { type Claim, environmentName, nameOf, rowName } from "../../core/claims";
import { alreadyMade, type Change, type Properties, signsOfUse } from "../../core/kind";
import { isSet } from "../../core/properties";
import { type Registry, recordThing, rowThing } from "../../core/registry";
import { ConflictError, InputError } from "../../http/errors";
import { isGuid, sameText } from "../../http/json";
import type { IncomingMethod, MailboxRow } from "../../services/dataverse";
import { describe } from "../../services/recipients";
import { recipientNamed } from "../recipients";
import type { RecordInputs, RecordKnown, RecordOperation } from "./properties";
import { isOpenForTest } from "./test-and-enable";

/** Recipient types that have an inbox of their own. */
export const MAILBOXES = ["UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox"];

/**
 * Requires that the declared `emailAddress` is that of a mailbox of the tenant; it may be seconds old. Asked only where the address
 * is another than the state's.
 *
 * @param why the consequence, for the error, if the address is not a mailbox's.
 * @param effect the consequence, for a warning, if it is a person's mailbox.
 * @throws InputError when the address is outside the tenant, nobody's, or no mailbox's.
 */
export async function requireMailboxOfTenant(
  address: string,
  { why, effect }: { why: string; effect: string },
  operation: RecordOperation,
): Promise<void> {
  if (operation.known.inputs.emailAddress === address) {
    return;
  }
  const path = "emailAddress";
  await requireOwnDomain(address, path, why, operation);
  const recipient = await recipientNamed(address, path, operation);
  if (!MAILBOXES.includes(recipient.recipientTypeDetails)) {
    throw new InputError([{ path, reason: `is ${describe(recipient)}; ${why}` }]);
  }
  if (recipient.recipientTypeDetails === "UserMailbox") {
    operation.warn(`emailAddress ${address} is a person's mailbox, ${describe(recipient)}. ${effect}`);
  }
}

/**
 * What a refresh warns of where the address is now a person's, or no mailbox's.
 *
 * @param effect as for {@link requireMailboxOfTenant}.
 */
export async function addressWarnings(
  address: string | undefined,
  effect: string,
  { services, readIfAllowed }: Pick<RecordOperation, "services" | "readIfAllowed">,
): Promise<string[]> {
  const found =
    address === undefined || address === ""
      ? undefined
      : await readIfAllowed("whose address emailAddress is", () => services.recipients.withAddress(address));
  if (found?.length === 0) {
    // What another server than Exchange has is not known here.
    const [, domain = ""] = (address ?? "").split("@");
    if ((await services.mailboxes.acceptedDomains())?.has(domain) !== true) {
      return [];
    }
    return [
      `emailAddress ${address}: no mailbox in Exchange has this address any more. Dynamics receives nothing there, and mail that inbox rules ` +
        "forward to it bounces. Give a mailbox the address, or write another one.",
    ];
  }
  return (found ?? []).flatMap((recipient) =>
    recipient.recipientTypeDetails === "UserMailbox"
      ? [`emailAddress ${address} is a person's mailbox, ${describe(recipient)}. ${effect}`]
      : MAILBOXES.includes(recipient.recipientTypeDetails)
        ? []
        : [
            `emailAddress ${address} is now ${describe(recipient)}, which has no inbox. Dynamics receives nothing there.`,
          ],
  );
}

/** Refuses an address outside the tenant's accepted domains at once, instead of waiting for it to appear. */
export async function requireOwnDomain(
  address: string,
  path: string,
  why: string,
  { services }: RecordOperation,
): Promise<void> {
  const [, domain] = address.split("@");
  const domains = domain === undefined ? undefined : await services.mailboxes.acceptedDomains();
  if (domain !== undefined && domains !== undefined && !domains.has(domain)) {
    throw new InputError([
      { path, reason: `is outside the tenant, whose domains are ${[...domains.keys()].sort().join(", ")}; ${why}` },
    ]);
  }
}

/**
 * Refuses an address that two resources of a program give to rows of one Dynamics environment. Dynamics takes both, and reads one mailbox
 * for both of them.
 */
export function claimsOfAddress({ emailAddress, environmentUrl }: RecordInputs): Claim[] {
  return emailAddress === undefined
    ? []
    : [
        {
          path: "emailAddress",
          thing: [environmentName(environmentUrl), `address/${emailAddress}`],
          reason: (own, other) =>
            `${own} and ${other} both declare ${emailAddress}. Dynamics reads one mailbox for both, and each message becomes a record of ` +
            "either or of both; give each an address of its own",
        },
      ];
}

/** What a program should know of a mailbox record that several of its resources declare. */
export function claimsOfRecord({
  user,
  queue,
  environmentUrl,
}: { [Name in "user" | "queue" | "environmentUrl"]?: string | undefined }): Claim[] {
  const [path, whose] = user === undefined ? (["queue", queue] as const) : (["user", user] as const);
  return whose === undefined
    ? []
    : [
        {
          path,
          thing: [environmentName(environmentUrl), rowName(path, whose), "declared"],
          reason: (_own, other) =>
            `${path} ${whose} is that of ${other}, too: both declare one mailbox record. Declare it once.`,
          isAdvice: true,
        },
      ];
}

/** Another environment than the one in the state: its rows are neither gone nor changed, they are elsewhere. */
export async function requireSameOrganization(
  action: string,
  { known, services, ...operation }: RecordOperation,
): Promise<void> {
  const configured = await services.dataverse.organizationId(operation);
  const { organizationId } = known.memory;
  if (organizationId !== undefined && organizationId !== configured) {
    const setting = typeof known.inputs.environmentUrl === "string" ? "environmentUrl" : "mailboxes:environmentUrl";
    throw new ConflictError({
      action,
      words: `it is in the Dataverse organisation ${organizationId}, but ${setting} leads to ${configured}`,
      nextStep: "Nothing was read or changed. Name the environment that the stack was deployed to.",
    });
  }
}

/** Replaces a row that a program moves to another environment, as far as the addresses say. @param configured the configured one. */
export function replacedByEnvironment(
  { inputs: held }: Pick<RecordKnown, "inputs">,
  inputs: Properties,
  _registry: Registry,
  configured: string | undefined,
): string[] {
  const before = held.environmentUrl ?? configured;
  const after = inputs.environmentUrl ?? configured;
  return before !== undefined && after !== undefined && before !== after ? ["environmentUrl"] : [];
}

/** Properties whose value is not shown: it may be a secret, or an id that nobody knows by heart. */
const UNSHOWN = ["credentials", "serverProfile"];

/**
 * Declares the values that a resource gives a mailbox record, and refuses those to which another resource of this deployment
 * gives another value: each would undo the other's for ever.
 *
 * @param values what is declared; the server profile by its id, because its names only say the same once they are looked up.
 */
export function requireOwnValues(
  recordId: string,
  values: Properties,
  properties: readonly string[],
  { registry, origin }: Pick<RecordOperation, "registry" | "origin">,
): void {
  const problems = properties.flatMap((path) => {
    const own = spell(values[path]);
    if (own === undefined) {
      return [];
    }
    const other = registry.valueOfAnother(recordThing(recordId, path), origin);
    registry.declareValue(recordThing(recordId, path), own, origin);
    return other === undefined || other.value === own
      ? []
      : [{ path, reason: contradiction(path, own, nameOf(origin.urn), other) }];
  });
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

/** Why two resources cannot give one mailbox record two values. */
function contradiction(path: string, value: string, own: string, other: { value: string; name: string }): string {
  const values = UNSHOWN.includes(path)
    ? `${own} and ${other.name} give the same mailbox record different values`
    : `${own} gives the mailbox record ${value}, and ${other.name} gives the same record ${other.value}`;
  return `${values}; declare one value, or leave ${path} out of one of them`;
}

/**
 * The values that a resource gives a mailbox record, as its inputs say.
 *
 * @param record the record in claims: its environment and whose it is.
 */
export function claimsOfValues(record: readonly string[], values: Properties, properties: readonly string[]): Claim[] {
  return properties.flatMap((path) => {
    const value = spell(values[path]);
    const isProfile = path === "serverProfile";
    // Whether a profile's name and an id mean the same, only the tenant knows: they are compared when both are looked up.
    const property = isProfile && isGuid(value ?? "") ? "serverProfile by id" : path;
    return value === undefined
      ? []
      : [
          {
            path,
            thing: [...record, property],
            value: isProfile ? value.toLowerCase() : value,
            reason: (own, name, { value: others = "" }) => contradiction(path, value, own, { name, value: others }),
          },
        ];
  });
}

/** Tells the registry, without a look at the tenant, which values a resource gives a mailbox record. */
export function declareValues(
  recordId: string,
  known: RecordKnown,
  inputs: Properties,
  properties: readonly string[],
  origin: { urn: string },
  registry: Registry,
): void {
  const isSameProfile = inputs.serverProfile !== undefined && inputs.serverProfile === known.inputs.serverProfile;
  const values: Properties = {
    ...inputs,
    serverProfile: inputs.serverProfile === false ? false : isSameProfile ? known.memory.serverProfileId : undefined,
  };
  for (const property of properties) {
    const value = spell(values[property]);
    if (value !== undefined) {
      registry.declareValue(recordThing(recordId, property), value, origin);
    }
  }
}

/** The properties of a mailbox record that another resource of this deployment decides. */
export function decidedElsewhere(
  recordId: string,
  properties: readonly string[],
  { registry, origin }: Pick<RecordOperation, "registry" | "origin">,
): string[] {
  return properties.filter(
    (property) => registry.valueOfAnother(recordThing(recordId, property), origin) !== undefined,
  );
}

/** The incoming method of a record whose mail comes through a forward mailbox. */
export const FORWARD_MAILBOX = "ForwardMailbox";

/** Whether a method is what a record was before it was set to Forward Mailbox. Null: that is not known, or not yet. */
export function isFormer(method: IncomingMethod | null | undefined): method is IncomingMethod {
  return isSet(method) && method !== FORWARD_MAILBOX;
}

/** Pure. What a record was before, as it was found or as another resource of this deployment says, which made the change and knows better. */
export function formerMethod<Own extends IncomingMethod | null>(
  own: Own,
  elsewhere: IncomingMethod | undefined,
): Own | IncomingMethod {
  return isFormer(own) ? own : (elsewhere ?? own);
}

/** Tells the resources of this deployment what records were before: several may need Forward Mailbox of one. */
export function shareFormer(
  methods: Readonly<Record<string, IncomingMethod | null | undefined>> | undefined,
  registry: Registry,
): void {
  for (const [id, method] of Object.entries(methods ?? {})) {
    if (isFormer(method)) {
      registry.formerMethods.set(id, method);
    }
  }
}

/** A declared value as the registry compares it; undefined where none is declared. */
function spell(value: unknown): string | undefined {
  return value === undefined || value === null || typeof value === "string"
    ? (value ?? undefined)
    : JSON.stringify(value);
}

/** What is taken over, in words. */
export interface RowKind {
  /** "queue". */
  one: string;
  /** "queues". */
  many: string;
}

/**
 * Which of the rows with an address is to be taken over. Nothing is changed.
 *
 * @param adopt the declared `adopt`: true for the one there is, or its id.
 * @param withAddress the rows with the declared address.
 * @param withId reads the row with an id, whatever its address.
 * @returns undefined where none is to be taken over: then one is made.
 * @throws InputError when it is not certain which is meant.
 */
export async function rowToAdopt<Row extends { id: string; name: string }>(
  adopt: boolean | string | undefined,
  withAddress: readonly Row[],
  withId: (id: string) => Promise<Row | undefined>,
  { one, many }: RowKind,
): Promise<Row | undefined> {
  const candidates = typeof adopt === "string" ? [await withId(adopt)] : adopt === true ? withAddress : [];
  const [row] = candidates;
  if (typeof adopt === "string" && row === undefined) {
    throw new InputError([{ path: "adopt", reason: `no ${one} has this id` }]);
  }
  if (candidates.length > 1) {
    const all = withAddress.map(({ name, id }) => `${name} (${id})`).join(", ");
    const reason = `${withAddress.length} ${many} have the address: ${all}; write the id of one`;
    throw new InputError([{ path: "adopt", reason }]);
  }
  return row;
}

/**
 * Makes a row that was there already this resource's, for this deployment.
 *
 * @throws InputError when another resource of this deployment manages it.
 */
function claimRow(row: { id: string; name: string }, { one }: RowKind, { registry, origin }: RecordOperation): void {
  const manager = registry.declaredBy(rowThing(row.id), origin);
  if (manager !== undefined) {
    const reason = `${manager} manages the ${one} ${row.name} already; declare it once`;
    throw new InputError([{ path: "adopt", reason }]);
  }
  registry.declare(rowThing(row.id), origin);
}

/** Whether the program names a row to take over that is not this one. */
export function isAnother(adopt: boolean | string | undefined, { id }: { id: string }): boolean {
  return typeof adopt === "string" && !sameText(adopt, id);
}

/** A row whose id says that an earlier deployment of this resource made it. */
interface EarlierWork {
  /** "queue". */
  what: string;
  row: { id: string; name: string; createdOn: string | undefined };
  /** Its mailbox record; undefined while Dynamics has made none. */
  record: MailboxRow | undefined;
  /** What shows that it is in use, in words: "it holds 3 items". Each ends a creation. */
  use: readonly string[];
  /** Inbox rules that feed it, in words. A creation makes them before its test. */
  rules?: readonly string[];
}

/** The inputs that decide whether a creation continues. */
interface CreationInputs extends Pick<RecordInputs, "approveEmail" | "testAndEnable"> {
  emailAddress: string;
  adopt?: boolean | string | undefined;
  deletion?: "delete" | "retain" | undefined;
}

/**
 * How a creation goes on with a row that was there already: `continue` with an interrupted creation, which is this resource's; `adopt` what
 * the program says to take over; `share` what an earlier deployment of this resource completed: it is not recorded as created, so that its
 * deletion here leaves it.
 */
export type WayOn = "continue" | "adopt" | "share";

/**
 * Decides whether a creation continues with the row that an earlier deployment of this resource made. A state that moved to another stack
 * (`pulumi state move`) has such a row, and a program that still declares it would delete it there. Nothing is changed.
 *
 * @throws ConflictError for what is in use or older than half an hour, and for what is complete where the program would delete it.
 */
export function wayOn(
  { what, row, record, use, rules = [] }: EarlierWork,
  { emailAddress, adopt, approveEmail, testAndEnable, deletion }: CreationInputs,
): WayOn {
  const signs = signsOfUse(row.createdOn, use);
  const isUnapproved = approveEmail !== false && record?.approval !== "Approved";
  const isUntested = testAndEnable !== false && isOpenForTest(record);
  if (signs.length === 0 && (isUnapproved ? rules.length === 0 : isUntested)) {
    return "continue";
  }
  if (adopt !== undefined && adopt !== false) {
    return "adopt";
  }
  const why = [...signs, ...rules];
  if (why.length > 0 || deletion === "delete") {
    const words = `${emailAddress} is the address of the ${what} ${row.name}`;
    throw alreadyMade("emailAddress", words, row.id, why.join(", ") || "it is complete", "set adopt: true");
  }
  return "share";
}

/** Says what a creation goes on with, and makes it this resource's for this deployment. */
export function takeOn(
  way: WayOn,
  row: { id: string; name: string; createdOn: string | undefined },
  kind: RowKind,
  operation: RecordOperation,
): void {
  const { one } = kind;
  claimRow(row, kind, operation);
  if (way === "continue") {
    operation.progress(`continuing with the ${one} ${row.name}, whose creation was interrupted`);
  } else if (way === "share") {
    operation.warn(
      `Continuing with the ${one} ${row.name} (${row.id}), which a deployment of this resource made at ${row.createdOn} and finished. ` +
        "Another stack may have it in its state (`pulumi state move`): then take it out of this program. When this resource is deleted, " +
        `the ${one} stays.`,
    );
  }
}

/**
 * An adoption says what it is about to overwrite: no preview could show it.
 *
 * @param names for properties that hold ids: what is there, and what it becomes, as people name it.
 */
export function tellOverwritten(
  changes: readonly Change[],
  who: string,
  { warn }: Pick<RecordOperation, "warn">,
  names: Readonly<Record<string, readonly [unknown, unknown]>> = {},
): void {
  const values = changes
    .filter(({ from }) => from !== undefined && from !== null)
    .map(({ path, from, to }) => {
      const [before, after] = names[path.join(".")] ?? [from, to];
      return `${path.join(".")} ${JSON.stringify(before ?? from)} → ${JSON.stringify(after ?? to)}`;
    });
  if (values.length > 0) {
    warn(`Adopting ${who} overwrites what was there: ${values.join(", ")}.`);
  }
}

/** Why a row outlives its resource, in words; undefined where it is deleted with it. One that this resource did not make stays by itself. */
export function whyRowStays(
  id: string,
  deletion: "delete" | "retain" | null | undefined,
  created: boolean | undefined,
  { registry, origin }: RecordOperation,
): string | undefined {
  const other = registry.declaredBy(rowThing(id), origin);
  return deletion === "retain"
    ? 'deletion is "retain"'
    : !isSet(deletion) && created !== true
      ? "it was adopted or imported"
      : other === undefined
        ? undefined
        : `${other} declares it`;
}
