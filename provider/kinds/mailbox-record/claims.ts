import { type Claim, environmentName, nameOf, rowName } from "../../core/claims";
import type { Properties } from "../../core/kind";
import { type Registry, recordThing } from "../../core/registry";
import { ConflictError, InputError } from "../../http/errors";
import { describe } from "../../services/recipients";
import { isGuid } from "../../services/text";
import { recipientNamed } from "../recipients";
import type { RecordKnown, RecordOperation } from "./properties";

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
 * What a refresh says where the address is a person's by now.
 *
 * @param effect as for {@link requireMailboxOfTenant}.
 */
export async function addressOfPerson(
  address: string | undefined,
  effect: string,
  { services, readIfAllowed }: Pick<RecordOperation, "services" | "readIfAllowed">,
): Promise<string[]> {
  const found =
    address === undefined || address === ""
      ? undefined
      : await readIfAllowed("whose address emailAddress is", () => services.recipients.withAddress(address));
  return (found ?? [])
    .filter(({ recipientTypeDetails }) => recipientTypeDetails === "UserMailbox")
    .map((person) => `emailAddress ${address} is a person's mailbox, ${describe(person)}. ${effect}`);
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
export function claimsOfAddress({
  emailAddress,
  environmentUrl,
}: {
  emailAddress?: string | undefined;
  environmentUrl?: string | undefined;
}): Claim[] {
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
export function claimsOfRecord({ user, queue, environmentUrl }: Properties): Claim[] {
  const [path, whose] = user === undefined ? (["queue", queue] as const) : (["user", user] as const);
  return typeof whose !== "string"
    ? []
    : [
        {
          path,
          thing: [environmentName(environmentUrl as string | undefined), rowName(path, whose), "declared"],
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

/** Whether a program moves a row to another environment, as far as the addresses say: a change replaces it. */
export function isElsewhere(held: unknown, inputs: unknown, configured: string | undefined): boolean {
  const before = held ?? configured;
  const after = inputs ?? configured;
  return before !== undefined && after !== undefined && before !== after;
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

/** A declared value as the registry compares it; undefined where none is declared. */
function spell(value: unknown): string | undefined {
  return value === undefined || value === null || typeof value === "string"
    ? (value ?? undefined)
    : JSON.stringify(value);
}
