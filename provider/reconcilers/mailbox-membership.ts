import { InputError } from "../http/errors";
import type { Mailbox } from "../services/mailboxes";
import { mailboxGone, sameText, smtpAddresses } from "../services/mailboxes";
import type { Right } from "../services/permissions";
import type { Recipient } from "../services/recipients";
import { converge } from "./converge";
import {
  type Desired,
  MEMBER,
  type MemberRights,
  type MembershipInputs,
  NOBODY,
  type Observed,
  RIGHTS,
  schema,
} from "./mailbox-membership/desired";
import {
  assign,
  knownKeep,
  knownPeople,
  lookUpKeep,
  lookUpMembers,
  mailboxNamed,
  pathOf,
  strangersAmong,
} from "./mailbox-membership/people";
import type { Change, Operation, Properties, Reconciler } from "./reconciler";
import { exclusiveThing, grantThing, type Registry } from "./registry";
import { requireCloudMailbox } from "./shared-mailbox/creation";
import { mailboxAndAccount } from "./witnesses";
import { written } from "./written";

/** People that Microsoft supports in a shared mailbox at the same time. */
const SUPPORTED_AT_ONCE = 25;
/** What is recorded of somebody who was found: automapping cannot be read, and true is Exchange's default. */
const ASSUMED: MemberRights = { fullAccess: false, sendAs: false, sendOnBehalf: false, automapping: true };
const NO_RIGHTS = { fullAccess: false, sendAs: false, sendOnBehalf: false };

/**
 * The members that one resource declares on one mailbox: Full Access, Send As and Send on Behalf through the Exchange admin
 * API. It does not touch anybody else's access, nor the mailbox itself.
 */
export const mailboxMembership: Reconciler<MembershipInputs, Desired, Observed> = {
  kind: "MailboxMembership",
  schema,
  keyed: { members: MEMBER },
  check: ({ exclusive, members, allowEmpty }) =>
    exclusive === true && members !== undefined && Object.keys(members).length === 0 && allowEmpty !== true
      ? [
          {
            path: "members",
            reason: "is empty and exclusive: everybody would lose access; if that is meant, add allowEmpty: true",
          },
        ]
      : [],
  advise,

  replaces: (state, inputs, registry) => (isSameMailbox(state, inputs.mailbox, registry) ? [] : ["mailbox"]),
  respelled: (state, inputs, registry) =>
    state.mailbox !== inputs.mailbox && isSameMailbox(state, inputs.mailbox, registry) ? ["mailbox"] : [],

  refersTo: ({ memberIds, keepIds }) => ({ ...(keepIds as object), ...(memberIds as object) }),

  declare(state, inputs, origin, registry) {
    if (inputs.exclusive === true) {
      registry.declare(exclusiveThing(String(state.mailboxId)), origin);
    }
    const ids = (state.memberIds ?? {}) as Record<string, string>;
    for (const key of Object.keys((inputs.members ?? {}) as object)) {
      if (ids[key] !== undefined) {
        registry.declare(grantThing(String(state.mailboxId), ids[key]), origin);
      }
    }
  },

  async resolve(inputs, operation) {
    const { state, services } = operation;
    const known = typeof state.mailboxId === "string" ? await services.mailboxes.withId(state.mailboxId) : undefined;
    if (known === undefined && typeof state.mailboxId === "string" && state.mailbox === inputs.mailbox) {
      throw mailboxGone(state.mailboxId, `changing who has access to ${inputs.mailbox}`);
    }
    const mailbox = known ?? (await mailboxNamed(inputs.mailbox, operation));
    requireCloudMailbox(mailbox, `changing who has access to ${mailbox.primarySmtpAddress}`);
    requireOnlyExclusive(inputs, mailbox, operation);
    const [members, keep] = await Promise.all([
      lookUpMembers(inputs, operation),
      lookUpKeep(inputs.keep ?? [], operation),
    ]);
    return { inputs, mailbox, members, keep };
  },

  find: (desired, operation) => observeOn(desired.mailbox, desired, operation),
  ensure: (desired, operation) => observeOn(desired.mailbox, desired, operation),

  async observe(id, desired, operation) {
    const seen = await mailboxAndAccount(id, operation);
    return seen === undefined ? undefined : observeOn(seen.mailbox, desired, operation);
  },

  id: ({ mailbox }) => mailbox.id,
  difference,
  apply: (changes, desired, observed, operation) =>
    operation.registry.exclusively(`permissions/${observed.mailbox.id}`, () =>
      apply(changes, desired, observed, operation),
    ),

  async finish(desired, _previous, observed, operation) {
    for (const [key, person] of desired.members) {
      operation.registry.declare(grantThing(observed.mailbox.id, person.id), operation.origin);
      const surplus = RIGHTS.filter(
        (right) => observed.rights[key]?.has(right) && !desired.inputs.members[key]?.[right],
      );
      if (surplus.length > 0) {
        operation.warn(
          `${pathOf(key)} has more than is declared (${surplus.join(", ")}), which was there before. \`pulumi up --refresh\` removes it.`,
        );
      }
    }
    const left = observed.strangers.filter((key) => !isLeftAlone(observed.people.get(key), observed));
    if (left.length > 0) {
      operation.warn(
        `Others have access to ${observed.mailbox.primarySmtpAddress}: ${left.join(", ")}. \`pulumi up --refresh\` removes them.`,
      );
    }
    return observed;
  },

  outputs(desired, { mailbox, others, people, strangers, keep }, { state }) {
    const members = desired?.members ?? people;
    return {
      mailboxId: mailbox.id,
      mailboxAddresses: smtpAddresses(mailbox),
      memberIds: Object.fromEntries([...members].map(([key, { id }]) => [key, id])),
      ...((desired?.inputs ?? state).keep === undefined ? {} : { keepIds: keep.byKey }),
      otherMembers: desired === undefined ? others : [...others, ...strangers].sort(),
    };
  },

  async inputs(state, observed) {
    const { rights, people, strangers } = observed;
    const declared = (state.members ?? {}) as Record<string, MemberRights>;
    const brought = strangers.filter((key) => !isLeftAlone(people.get(key), observed));
    const all = { ...declared, ...Object.fromEntries(brought.map((key) => [key, ASSUMED])) };
    const members = Object.entries(all).flatMap(([key, known]) => {
      const seen = rights[key];
      if (seen === undefined || seen.size === 0) {
        return [];
      }
      // Automapping cannot be read; it stays what the state knows.
      return [[key, { ...known, ...Object.fromEntries(RIGHTS.map((right) => [right, seen.has(right)])) }] as const];
    });
    return { ...state, members: Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))) };
  },

  async remove(id, operation) {
    const mailbox = (await mailboxAndAccount(id, operation))?.mailbox;
    if (mailbox === undefined) {
      return;
    }
    const nobody: Desired = { inputs: { mailbox: id, members: {} }, mailbox, members: new Map(), keep: NOBODY };
    const previous = structuredClone(operation.state);
    await converge(mailboxMembership, nobody, previous, await observeOn(mailbox, nobody, operation), operation);
  },
};

function advise({ members }: Partial<MembershipInputs>, olds: Partial<MembershipInputs> | undefined): string[] {
  const count = Object.keys(members ?? {}).length;
  return count > SUPPORTED_AT_ONCE && count !== Object.keys(olds?.members ?? {}).length
    ? [
        `members has ${count} entries; Microsoft supports at most ${SUPPORTED_AT_ONCE} people in a shared mailbox at the same time.`,
      ]
    : [];
}

/** Another spelling of the same mailbox: its id, one of its addresses, or one that this deployment declares for it. */
function isSameMailbox(state: Properties, mailbox: unknown, registry: Registry): boolean {
  const id = String(state.mailboxId ?? "");
  const spelling = String(mailbox);
  if (registry.isTakenOver(spelling, id)) {
    return false;
  }
  return (
    spelling === state.mailbox ||
    sameText(spelling, id) ||
    ((state.mailboxAddresses ?? []) as string[]).some((address) => sameText(address, spelling)) ||
    registry.isAddressOf(spelling, id)
  );
}

async function observeOn(mailbox: Mailbox, desired: Desired | undefined, operation: Operation): Promise<Observed> {
  const { services, registry, origin } = operation;
  const [permissions, known, keep] = await Promise.all([
    services.permissions.on(mailbox),
    knownPeople(operation),
    desired?.keep ?? knownKeep(operation),
  ]);
  const declared = new Map([...known, ...(desired?.members ?? [])]);
  const isExclusive = (desired?.inputs ?? operation.state).exclusive === true;
  const { others } = await assign(permissions, declared, operation);
  const explicit = permissions.grants.map(({ trustee }) => trustee).filter((trustee) => others.includes(trustee));
  const strangers = isExclusive
    ? await strangersAmong([...new Set(explicit)], declared, operation)
    : new Map<string, Recipient>();
  const people = new Map([...strangers, ...declared]);
  const othersIds = [...people.values()]
    .map(({ id }) => id)
    .filter((id) => registry.isDeclaredByAnother(grantThing(mailbox.id, id), origin));
  return {
    mailbox,
    people,
    strangers: [...strangers.keys()].sort(),
    keep,
    othersIds: new Set(othersIds),
    ...(await assign(permissions, people, operation)),
  };
}

/** Whether an exclusive membership leaves somebody's access alone: kept by the program, or declared by another resource. */
function isLeftAlone(person: Recipient | undefined, { keep, othersIds }: Observed): boolean {
  return person === undefined || keep.ids.has(person.id) || othersIds.has(person.id);
}

/** Two resources that each want to be the only one would take each other's members away. */
function requireOnlyExclusive(inputs: MembershipInputs, mailbox: Mailbox, { registry, origin }: Operation): void {
  if (inputs.exclusive !== true) {
    return;
  }
  if (registry.isDeclaredByAnother(exclusiveThing(mailbox.id), origin)) {
    throw new InputError([
      {
        path: "exclusive",
        reason: `another resource is exclusive on ${mailbox.primarySmtpAddress} too; only one can be`,
      },
    ]);
  }
  registry.declare(exclusiveThing(mailbox.id), origin);
}

function difference(desired: Desired, previous: Properties, observed: Observed, state: Properties): Change[] {
  const changes: Change[] = [];
  const change = (key: string, right: string, from: boolean, to: boolean) =>
    changes.push({ path: ["members", key, right], from, to });
  const before = rightsById(previous, observed.people);
  const known = (state.members ?? {}) as Record<string, MemberRights | undefined>;
  for (const [key, person] of desired.members) {
    const wanted = desired.inputs.members[key];
    const has = observed.rights[key];
    for (const right of RIGHTS) {
      if (wanted?.[right] === true && !has?.has(right)) {
        change(key, right, false, true);
      }
      if (
        wanted?.[right] === false &&
        has?.has(right) &&
        before.get(person.id)?.has(right) &&
        !observed.othersIds.has(person.id)
      ) {
        change(key, right, true, false);
      }
    }
    const mapped = known[key]?.automapping;
    const isReadable = wanted?.fullAccess === true && has?.has("fullAccess") === true && !isGroup(person);
    if (isReadable && mapped !== undefined && mapped !== wanted.automapping) {
      change(key, "automapping", mapped, wanted.automapping);
    }
  }
  const declaredIds = new Set([...desired.members.values()].map(({ id }) => id));
  for (const key of Object.keys((previous.members ?? {}) as object)) {
    const person = observed.people.get(key);
    if (person === undefined || declaredIds.has(person.id) || isLeftAlone(person, observed)) {
      continue;
    }
    for (const right of RIGHTS) {
      if (before.get(person.id)?.has(right) && observed.rights[key]?.has(right)) {
        change(key, right, true, false);
      }
    }
  }
  return changes;
}

/** The rights that the earlier inputs declared, by object id: a person may be written in another way now. */
function rightsById(previous: Properties, people: Map<string, Recipient>): Map<string, Set<Right>> {
  const byId = new Map<string, Set<Right>>();
  for (const [key, rights] of Object.entries((previous.members ?? {}) as Record<string, Partial<MemberRights>>)) {
    const id = people.get(key)?.id;
    if (id !== undefined) {
      byId.set(id, new Set([...(byId.get(id) ?? []), ...RIGHTS.filter((right) => rights[right] === true)]));
    }
  }
  return byId;
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { permissions } = operation.services;
  const { mailbox } = observed;
  const onBehalf: { add: string[]; remove: string[]; keys: string[] } = { add: [], remove: [], keys: [] };
  // Grants first, so that nobody who is written in another way now is without access for a moment.
  for (const { path, from, to } of [...changes].sort((a, b) => Number(b.to === true) - Number(a.to === true))) {
    const [, key = "", right] = path;
    const person = desired.members.get(key) ?? observed.people.get(key);
    if (person === undefined) {
      continue;
    }
    // Grants and revocations go by object id: an address may be another person's by the time it is looked up.
    const { id } = person;
    const wantsMapping = desired.inputs.members[key]?.automapping ?? false;
    const grantFullAccess = () =>
      written(
        () => permissions.grantFullAccess(mailbox, id, key, wantsMapping && !isGroup(person), operation),
        () => note(key, id, { fullAccess: true, automapping: wantsMapping }, operation),
      );
    if (right === "automapping") {
      // Exchange keeps automapping with the entry and changes it only with a new one.
      note(key, id, { automapping: from === true }, operation);
      await permissions.revokeFullAccess(mailbox, id, key, operation);
      await grantFullAccess();
    } else if (right === "sendOnBehalf") {
      (to === true ? onBehalf.add : onBehalf.remove).push(id);
      onBehalf.keys.push(...(to === true ? [key] : []));
    } else if (to !== true) {
      await (right === "fullAccess"
        ? permissions.revokeFullAccess(mailbox, id, key, operation)
        : permissions.revokeSendAs(mailbox, id, key, operation));
    } else if (right === "fullAccess") {
      await grantFullAccess();
    } else {
      await written(
        () => permissions.grantSendAs(mailbox, id, key, operation),
        () => note(key, id, { sendAs: true }, operation),
      );
    }
  }
  if (onBehalf.add.length + onBehalf.remove.length > 0) {
    await written(
      () => permissions.changeSendOnBehalf(mailbox, onBehalf.add, onBehalf.remove, operation),
      () => {
        for (const [index, key] of onBehalf.keys.entries()) {
          note(key, onBehalf.add[index] ?? "", { sendOnBehalf: true }, operation);
        }
      },
    );
  }
}

/** Notes in the state what was or may have been granted, so that a failure later on leaves no access behind unknown. */
function note(key: string, id: string, rights: Partial<MemberRights>, { state }: Operation): void {
  const members = (state.members ?? {}) as Record<string, Partial<MemberRights>>;
  state.members = { ...members, [key]: { ...NO_RIGHTS, ...members[key], ...rights } };
  state.memberIds = { ...((state.memberIds ?? {}) as object), [key]: id };
}

function isGroup(person: Recipient): boolean {
  return person.recipientTypeDetails.endsWith("Group");
}
