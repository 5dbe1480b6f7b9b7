import { z } from "zod";
import { type Claim, nameOf, recipientName } from "../../core/claims";
import {
  adviceAtCreation,
  asHeld,
  type Change,
  type Found,
  isUnfit,
  type Origin,
  type Properties,
  type Reconciler,
  readOrFail,
  type Unfit,
  unfit,
  writeAndRecord,
} from "../../core/kind";
import { isSet } from "../../core/properties";
import { mailboxThing, type Registry } from "../../core/registry";
import { InputError, ifAllowed, isServiceError, ProviderError, type ServiceError } from "../../http/errors";
import { isObject, type Row } from "../../http/json";
import { tellWarnings } from "../../services/exchange";
import { describe } from "../../services/recipients";
import { mailboxAndAccount, mailboxAsked } from "../recipients";
import { SHARED } from "./account";
import {
  addresses,
  aliasesOf,
  gained,
  noteGivenUp,
  requireAcceptedDomains,
  takingOver,
  untilReleased,
} from "./addresses";
import { create, find, requireCloudMailbox, takeMarkAway, takeOver } from "./creation";
import {
  asRead,
  type Desired,
  type Existing,
  facets,
  type HeldInputs,
  type KnownMailbox,
  type Memory,
  memory,
  type Observed,
  observeMailbox,
  type SharedMailboxInputs,
  type SharedMailboxOperation,
  schema,
} from "./desired";
import { changesOf, changing, isChanged, writtenInputs } from "./facet";
import { forwardingTarget, isForwarding, isTargetBack, noteMailFlow, targetAway, targetReassigned } from "./forwarding";
import { licenseAssigned } from "./license";
import { whenLicensed } from "./limits";
import { explainRefusal, isNameTaken, NameHolders, pathOfAlias } from "./naming";
import { clientAccessProperties, mailboxProperties } from "./properties";
import { takeFormerAccess } from "./restoration";
import { foresee, remove } from "./retention";
import { declaredSenders, takeHiddenSenders } from "./senders";

/**
 * A shared mailbox of Exchange Online: the mailbox, its addresses and forwarding through the Exchange admin API, the sign-in
 * of the account behind it through Graph. It does not touch who may use the mailbox, nor what is in it.
 */
export const sharedMailbox: Reconciler<SharedMailboxInputs, Memory, Desired, Observed, Existing> = {
  kind: "SharedMailbox",
  schema,
  memory,
  check: (inputs, unsettled, before) => facets.flatMap((facet) => facet.check?.(inputs, unsettled, before) ?? []),
  advise: (inputs, olds) => [
    ...facets.flatMap((facet) => facet.advise?.(inputs, olds ?? {}) ?? []),
    ...adviceAtCreation(["adopt", "restoreDeleted"], "mailbox", inputs, olds),
    ...(olds === undefined && isSet(inputs.adopt) && inputs.adopt !== false
      ? [
          "adopt: everyone who has access to the mailbox keeps it. A preview cannot show who that is. `pulumi up` names them. " +
            `Before that, \`mailboxes access${isSet(inputs.primarySmtpAddress) ? ` --address ${inputs.primarySmtpAddress}` : ""}\` does.`,
        ]
      : []),
    ...(olds === undefined && isSet(inputs.restoreDeleted) && inputs.restoreDeleted !== false
      ? [
          "restoreDeleted: a mailbox that comes back loses the access that people had to it, and forwarding that is not declared. " +
            "Those who are to have access are the members of its MailboxMembership.",
        ]
      : []),
  ],
  leftAlone: { forwarding: undefined, acceptMessagesOnlyFrom: undefined, rejectMessagesFrom: undefined },
  refersTo: ({ inputs: { forwarding }, memory: { forwardingId } }) =>
    isForwarding(forwarding) && forwardingId !== undefined ? { [forwarding.to]: forwardingId } : {},

  byDefault: ({ type }, olds) => (isSet(olds.type) && !isSet(type) ? { type: SHARED } : {}),

  announce(program, inputs, origin, registry) {
    const { emailAliases: written } = program;
    const further = Array.isArray(written) ? written.map((one) => String(one).trim().toLowerCase()) : undefined;
    registry.announce({ primarySmtpAddress: inputs.primarySmtpAddress, alias: inputs.alias, further }, origin);
  },

  claims,
  beside: (inputs, origin, registry, before) => noteMailFlow(inputs, { origin, registry }, before),

  declare({ id = "", inputs: held }, inputs, origin, registry) {
    const declared = inputs as Partial<SharedMailboxInputs>;
    registry.declare(mailboxThing(id), origin);
    registry.claims.learn(recipientName(origin.urn), recipientName(id));
    for (const address of [declared.primarySmtpAddress, ...(declared.emailAliases ?? [])]) {
      registry.declareAddress(String(address), id);
    }
    noteGivenUp(id, held, declared, origin, registry);
  },

  async resolve(inputs, operation) {
    await requireAcceptedDomains(inputs, operation);
    const target = isForwarding(inputs.forwarding) ? await forwardingTarget(inputs.forwarding, operation) : undefined;
    const loops = noteMailFlow(inputs, operation, operation.known.inputs, target);
    if (loops.length > 0) {
      throw new InputError(loops);
    }
    const senders = await declaredSenders(inputs, operation);
    return { inputs, target, senders, names: new NameHolders(operation.services) };
  },

  find,
  takeOver,
  create,

  async observe(id, desired, operation) {
    const seen = await mailboxAndAccount(id, operation);
    return seen === undefined ? undefined : observeMailbox(seen, desired, operation);
  },

  read,

  id: ({ mailbox }) => mailbox.id,

  difference: (desired, previous, observed, known) =>
    facets.flatMap((facet) => facet.difference(desired, previous.inputs, observed, known)),

  apply,
  finish,

  outputs(desired, observed, known) {
    const { mailbox, statistics } = observed;
    const { created, creationMark, formerSignInName, hasFormerAccess, size, itemCount } = known.memory;
    return {
      created: created === true ? true : undefined,
      creationMark,
      // Of a deployment that came to its end everything has followed.
      formerSignInName: desired === undefined ? formerSignInName : undefined,
      hasFormerAccess,
      exchangeGuid: mailbox.exchangeGuid,
      recipientTypeDetails: mailbox.recipientTypeDetails,
      createdAt: mailbox.createdAt,
      // Every message changes size and count. Reading them at each refresh would make each refresh report a change.
      size: statistics?.size ?? size,
      itemCount: statistics?.itemCount ?? itemCount,
      ...noOutputs,
      ...Object.assign({}, ...facets.map((facet) => facet.outputs?.(observed, known, desired))),
    };
  },

  inputs(known, observed) {
    const read = asRead(observed, known);
    // At an import nothing says yet that it was a shared mailbox.
    const isOther = known.memory.recipientTypeDetails !== undefined && observed.mailbox.recipientTypeDetails !== SHARED;
    const held = isOther ? { type: SHARED, ...known.inputs } : known.inputs;
    return asHeld(isTargetBack(observed, known) ? { forwarding: null, ...held } : held, read);
  },

  warnings: async (desired, observed, operation) => [
    ...(desired === undefined ? await targetReassigned(observed, operation) : []),
    ...targetAway(observed),
    ...(desired === undefined ? [] : membersThatStay(observed, operation)),
  ],

  foresee,
  remove,
};

/** What to say of memberships that were looked at before the address by which they name this mailbox was seen to go to another one. */
function membersThatStay({ mailbox }: Observed, { registry }: SharedMailboxOperation): string[] {
  return registry
    .namedTooEarly(mailbox.id)
    .map(
      ([urn, address]) =>
        `${nameOf(urn)} refers to this mailbox by ${address}, an address that moves to another mailbox. Its members still have access to ` +
        `${mailbox.primarySmtpAddress}. \`pulumi up --refresh\` moves them. To keep them here, write the mailbox's id.`,
    );
}

/** What a group of properties that has nothing to say leaves out. */
const noOutputs = {
  accountEnabled: undefined,
  forwardingId: undefined,
  awayForwardingId: undefined,
  foldersLanguage: undefined,
  assignedLicenseId: undefined,
  valuesBefore: undefined,
  senderIds: undefined,
};

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: SharedMailboxOperation,
): Promise<Partial<Observed>> {
  const { mailbox } = observed;
  requireCloudMailbox(mailbox, `changing shared mailbox ${mailbox.primarySmtpAddress}`);
  for (const facet of facets) {
    await facet.guard?.(changes, desired, observed, operation);
  }
  tellOverwritten(changes, desired, observed, operation);
  const work = () => write(changes, desired, observed, operation);
  const isOfAddresses = addresses.properties.some((property) => isChanged(property, changes));
  return isOfAddresses ? takingOver(gained(changes), mailbox.id, operation, work) : work();
}

async function write(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: SharedMailboxOperation,
): Promise<Partial<Observed>> {
  const learned: Partial<Observed> = {};
  for (const facet of [...facets].reverse()) {
    Object.assign(learned, await facet.prepare?.(changes, desired, observed, operation));
  }
  const bySetMailbox = facets.flatMap(({ parameters, properties }) => (parameters === undefined ? [] : properties));
  const own = changes.filter((change) => bySetMailbox.some((property) => isChanged(property, [change])));
  if (own.length > 0) {
    await setMailbox(own, desired, { ...observed, ...learned }, operation);
  }
  for (const facet of facets) {
    Object.assign(learned, await facet.apply?.(changes, desired, { ...observed, ...learned }, operation));
  }
  return learned;
}

/** An adoption, and a restoration, says what it is about to overwrite: no preview could show it. */
function tellOverwritten(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: SharedMailboxOperation,
): void {
  const overwritten = observed.takenOver === undefined ? [] : changes.filter(({ from }) => isSet(from));
  if (overwritten.length === 0) {
    return;
  }
  const seen = asRead(observed, operation.known);
  const declared: Properties = desired.inputs;
  const words = (value: unknown) => (isSet(value) ? JSON.stringify(value) : "none");
  const values = overwritten.map(({ path, from, to }) => {
    const [property = "", member] = path;
    // As a program writes them: recipients are compared by id.
    const [before, after] =
      member === undefined && isSet(seen[property])
        ? [seen[property], isSet(to) ? declared[property] : to]
        : [from, to];
    return `${path.join(".")} ${words(before)} → ${words(after)}`;
  });
  const doing = observed.takenOver === "restored" ? "Restoring" : "Adopting";
  operation.warn(`${doing} ${observed.mailbox.primarySmtpAddress} overwrites what was there: ${values.join(", ")}.`);
}

/** All that one update changes of the mailbox itself, in one call. */
async function setMailbox(
  own: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { inputs } = desired;
  const { mailbox } = observed;
  const write = async (): Promise<string[]> => {
    const parts = await Promise.all(facets.map((facet) => facet.parameters?.(own, desired, observed, operation)));
    const parameters: Row = Object.assign({}, ...parts);
    return operation.services.mailboxes.set(mailbox.id, parameters, action, operation);
  };
  const dropped = changesOf("emailAliases", own).filter(({ to }) => to === undefined);
  const action = changing(own, mailbox);
  try {
    const warnings = await writeAndRecord(
      () => untilReleased(gained(own), operation, () => whenLicensed(observed, operation, write)),
      () => {
        const kept = own.filter((change) => !facets.some((facet) => facet.takesAway?.(change)));
        const parts = facets.map((facet) => facet.recorded?.(own, desired, observed, operation.known) ?? {});
        operation.record({
          inputs: Object.assign(writtenInputs(kept, inputs, operation.known), ...parts.map((part) => part.inputs)),
          memory: Object.assign({}, ...parts.map((part) => part.memory)),
        });
      },
    );
    operation.registry.noteTakenOff(dropped.map(({ from }) => String(from)));
    tellWarnings(action, warnings, operation);
  } catch (error) {
    if (isNameTaken(error)) {
      const among = own.map(({ path: [name = ""] }) => name);
      throw (await explainRefusal(error, inputs, among, mailbox.id, operation)).error;
    }
    throw isServiceError(error) ? explained(error, own, action) : error;
  }
}

/** A refusal with the advice of the group of properties that knows its reason. */
function explained(error: ServiceError, changes: readonly Change[], action: string): Error {
  const nextStep = facets.map((facet) => facet.explain?.(error, changes)).find((advice) => advice !== undefined);
  return nextStep === undefined
    ? error
    : new ProviderError({
        action,
        words: `Exchange: ${error.words}`,
        requestId: error.requestId ?? error.clientRequestId,
        nextStep,
        cause: error,
      });
}

async function finish(
  desired: Desired,
  previous: KnownMailbox,
  observed: Observed,
  operation: SharedMailboxOperation,
): Promise<Observed> {
  const { inputs } = desired;
  if (operation.known.memory.hasFormerAccess === true) {
    // A creation brought the mailbox back and failed before its former access was gone.
    await takeFormerAccess(observed.mailbox, inputs, operation);
  }
  await takeMarkAway(observed.mailbox, previous.memory.creationMark === undefined, operation);
  await takeHiddenSenders(desired, previous, observed, operation);
  for (const facet of facets) {
    facet.finish?.(desired, previous.inputs, observed, operation);
  }
  if (observed.takenOver !== undefined && inputs.emailAliases !== undefined) {
    const surplus = aliasesOf(observed, inputs.emailAliases).filter(
      (address) => !inputs.emailAliases?.includes(address),
    );
    if (surplus.length > 0) {
      operation.warn(
        `Addresses that are not declared were left: ${surplus.join(", ")}. \`pulumi up --refresh\` removes them.`,
      );
    }
  }
  const { statistics = await ifAllowed(operation.services.mailboxes.statistics(observed.mailbox)) } = observed;
  return { ...observed, statistics };
}

/** The addresses and the alias: each belongs to one mailbox. */
function claims(
  { primarySmtpAddress, emailAliases = [], alias }: Partial<SharedMailboxInputs>,
  origin: Origin,
  registry: Registry,
): Claim[] {
  const addresses = [
    ...(primarySmtpAddress === undefined ? [] : [{ path: "primarySmtpAddress", address: primarySmtpAddress }]),
    ...emailAliases.map((address) => ({ path: pathOfAlias(address, { emailAliases }, { registry, origin }), address })),
  ];
  for (const { address } of addresses) {
    registry.claims.learn(recipientName(address), recipientName(origin.urn));
  }
  const only = (path: string, name: string, what: string, kind: string): Claim => ({
    path,
    thing: [`${kind}/${name}`],
    reason: (own, other, claim) =>
      `${name} is declared in ${own} and in ${other} (${claim.path}); ${what} belongs to one mailbox: take it out of one of them, ` +
      "or, if both mean the same mailbox, declare that once",
  });
  return [
    ...addresses.map(({ path, address }) => only(path, address, "an address", "address")),
    ...(alias === undefined ? [] : [only("alias", alias, "an alias", "alias")]),
  ];
}

/** The shared mailbox that a program refers to, with every property as if all were declared. */
async function read(asked: string, operation: SharedMailboxOperation): Promise<Found<Observed> | Unfit> {
  const answer = await mailboxAsked(asked, operation);
  if (isUnfit(answer)) {
    return answer;
  }
  const { mailbox, recipient } = answer;
  if (mailbox.recipientTypeDetails !== SHARED) {
    const { recipientTypeDetails } = mailbox;
    return unfit(`it is ${describe({ ...recipient, recipientTypeDetails })}, not a shared mailbox`);
  }
  // Do not guess whether the account may sign in: without a state there is no former value to keep.
  const seen = await mailboxAndAccount(mailbox.id, { ...operation, readIfAllowed: readOrFail });
  if (seen === undefined) {
    return unfit("it disappeared while it was read");
  }
  const what = (property: string) => `${property} of ${mailbox.primarySmtpAddress}`;
  const [observed, license, statistics] = await Promise.all([
    observeMailbox(seen, undefined, { ...operation, known: managingAll() }),
    // Asked for by itself: a refresh looks only for the declared one.
    operation.readIfAllowed(what("license"), () => licenseAssigned(mailbox, operation)),
    operation.readIfAllowed(what("size and itemCount"), () => operation.services.mailboxes.statistics(mailbox)),
  ]);
  const inputs = asRead(observed, knowing(stateOfEverything()));
  return {
    observed: { ...observed, ...(statistics === undefined ? {} : { statistics }) },
    inputs: {
      ...Object.fromEntries(Object.entries(inputs).map(([property, value]) => [property, setMembers(value)])),
      license: license ?? null,
    },
    // Of a deployment that manages the mailbox, and there is none.
    outputs: { created: false, valuesBefore: null, assignedLicenseId: null },
  };
}

/** What a state would know that has these inputs, and in which nothing was deployed yet. */
export function knowing(inputs: Properties): KnownMailbox {
  return { id: undefined, inputs: inputs as HeldInputs, memory: memory.read({}) };
}

/** What a state would know that manages every property but the licence, which takes a permission of its own to read. */
export function managingAll(): KnownMailbox {
  const { license: _license, ...all } = stateOfEverything();
  return knowing(Object.fromEntries(Object.entries(all).map(([property, value]) => [property, value ?? true])));
}

/** A value without the members that are not set; null where none is. */
export function setMembers(value: unknown): unknown {
  if (!isObject(value)) {
    return value;
  }
  const members = Object.entries(value).filter(([, member]) => isSet(member));
  return members.length === 0 ? null : Object.fromEntries(members);
}

/** What a schema says of a value that matters here: the names of its members. */
interface Shape {
  properties?: Record<string, Shape>;
  anyOf?: Shape[];
  allOf?: Shape[];
}

let everything: Properties | undefined;

/**
 * A state that has every input and, of those that have members, every member, with nothing in it: a property that is managed
 * member by member is read for the members that a state has.
 */
export function stateOfEverything(): Properties {
  everything ??= wholeState();
  return everything;
}

function wholeState(): Properties {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
  const others = Object.entries(properties).map(([property, one]) => {
    const members = membersOf(one);
    return [property, members.length === 0 ? null : Object.fromEntries(members.map((member) => [member, null]))];
  });
  return { ...Object.fromEntries(others), ...mailboxProperties.everything, ...clientAccessProperties.everything };
}

function membersOf({ properties = {}, anyOf = [], allOf = [] }: Shape): string[] {
  return [...Object.keys(properties), ...[...anyOf, ...allOf].flatMap(membersOf)];
}
