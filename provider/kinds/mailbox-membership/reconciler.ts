import { type Claim, recipientName } from "../../core/claims";
import { converge } from "../../core/converge";
import type { Operation, Properties, Reconciler } from "../../core/kind";
import { isUnfit } from "../../core/reading";
import { grantThing, mailboxThing, membersThing, type Registry } from "../../core/registry";
import type { Mailbox } from "../../services/mailboxes";
import { mailboxGone, smtpAddresses } from "../../services/mailboxes";
import type { Entry } from "../../services/permissions";
import { sameText } from "../../services/text";
import { mailboxAndAccount, mailboxAsked, tellReassigned } from "../recipients";
import { apply } from "./apply";
import { attribute, heldIn, orphansAmong, removable } from "./attribution";
import { type Desired, MEMBER, type MembershipInputs, NOBODY, type Observed, pathOf, RIGHTS, schema } from "./desired";
import { difference, isLeftAlone } from "./difference";
import { comeBack, deletedAmong, readMembers, sayWhoIsDeleted, takeHiddenSendOnBehalf } from "./leavers";
import { knownKeep, knownPeople, lookUpKeep, lookUpMembers, mailboxNamed, strangersAmong } from "./people";

/** People that Microsoft supports in a shared mailbox at the same time. */
const SUPPORTED_AT_ONCE = 25;

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

  claims,

  replaces: (state, inputs, registry) => (isSameMailbox(state, inputs.mailbox, registry) ? [] : ["mailbox"]),
  respelled: (state, inputs, registry) =>
    state.mailbox !== inputs.mailbox && isSameMailbox(state, inputs.mailbox, registry) ? ["mailbox"] : [],

  refersTo: ({ memberIds, keepIds }) => ({ ...(keepIds as object), ...(memberIds as object) }),

  declare(state, inputs, origin, registry) {
    registry.declare(membersThing(String(state.mailboxId)), origin);
    if (inputs.mailbox === state.mailbox) {
      registry.claims.learn(recipientName(String(inputs.mailbox)), recipientName(String(state.mailboxId)));
    }
    const ids = (state.memberIds ?? {}) as Record<string, string>;
    const sids = (state.memberSids ?? {}) as Record<string, string[]>;
    for (const key of Object.keys((inputs.members ?? {}) as object)) {
      if (ids[key] !== undefined) {
        registry.claims.learn(recipientName(key), recipientName(ids[key]));
      }
      for (const trustee of [...(ids[key] === undefined ? [] : [ids[key]]), ...(sids[key] ?? [])]) {
        registry.declare(grantThing(String(state.mailboxId), trustee), origin);
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
    const [members, keep] = await Promise.all([
      lookUpMembers(inputs, mailbox, operation),
      lookUpKeep(inputs.keep ?? [], operation),
    ]);
    const { claims } = operation.registry;
    claims.learn(recipientName(inputs.mailbox), recipientName(mailbox.id), true);
    for (const [key, { id }] of members) {
      claims.learn(recipientName(key), recipientName(id), true);
    }
    return { inputs, mailbox, members, keep };
  },

  find: (desired, operation) => observeOn(desired.mailbox, desired, operation),
  ensure: (desired, operation) => observeOn(desired.mailbox, desired, operation),

  async observe(id, desired, operation) {
    const seen = await mailboxAndAccount(id, operation);
    return seen === undefined ? undefined : observeOn(seen.mailbox, desired, operation);
  },

  async read(asked, operation) {
    const answer = await mailboxAsked(asked, operation);
    if (isUnfit(answer)) {
      return answer;
    }
    const { mailbox } = answer;
    const declared = { mailbox: mailbox.id, members: {}, orphans: "keep", keep: [] };
    // An exclusive membership is the one that is shown everybody.
    operation.state = { ...declared, mailboxId: mailbox.id, exclusive: true };
    const observed = await observeOn(mailbox, undefined, operation);
    const inputs = { ...declared, members: readMembers(operation.state, observed, operation), exclusive: false };
    return { observed, inputs, outputs: { keepIds: null } };
  },

  id: ({ mailbox }) => mailbox.id,
  difference,
  apply: (changes, desired, observed, operation) =>
    operation.registry.exclusively(`permissions/${observed.mailbox.id}`, () =>
      apply(changes, desired, observed, operation),
    ),

  async finish(desired, previous, observed, operation) {
    for (const person of desired.members.values()) {
      operation.registry.declare(grantThing(observed.mailbox.id, person.id), operation.origin);
    }
    sayWhatIsSurplus(desired, observed, operation);
    await takeHiddenSendOnBehalf(desired, previous, observed, operation, () => lookAgain(observed, desired, operation));
    sayWhoIsDeleted(desired, observed, operation);
    await tellReassigned(desired.members, pathOf, operation);
    return observed;
  },

  outputs(desired, observed, { state }) {
    const { mailbox, others, people, strangers, keep, unread } = observed;
    // Whoever stands in a list that was not read is not gone.
    const unseen = unread.length === 0 ? [] : ((state.otherMembers ?? []) as string[]);
    const deletedMembers = deletedAmong(desired, observed, state);
    const members = [...(desired?.members ?? people)].filter(([key, { isDeleted }]) =>
      isDeleted ? key in deletedMembers && key in ((state.members ?? {}) as object) : comeBack(key, observed, state),
    );
    const sids = [...new Map([...people].filter(([key]) => key in deletedMembers)), ...members].flatMap(
      ([key, person]) => (person.sids.length === 0 ? [] : [[key, person.sids] as const]),
    );
    return {
      mailboxId: mailbox.id,
      mailboxAddresses: smtpAddresses(mailbox),
      memberIds: Object.fromEntries(members.map(([key, { id }]) => [key, id])),
      ...(sids.length === 0 ? {} : { memberSids: Object.fromEntries(sids) }),
      ...(Object.keys(deletedMembers).length === 0 ? {} : { deletedMembers }),
      ...((desired?.inputs ?? state).keep === undefined ? {} : { keepIds: keep.byKey }),
      otherMembers: [...new Set([...others, ...unseen, ...(desired === undefined ? [] : strangers)])].sort(),
    };
  },

  async inputs(state, observed, operation) {
    sayWhoIsDeleted(undefined, observed, operation);
    const declared = [...observed.people].filter(([key, { isDeleted }]) => !isDeleted && key in Object(state.members));
    await tellReassigned(declared, pathOf, operation);
    return {
      ...state,
      members: readMembers(state, observed, operation),
      // Refreshed to what is there, so that the next preview shows the removal.
      ...(state.orphans === "remove" && observed.orphans.length > 0 ? { orphans: "keep" } : {}),
    };
  },

  async remove(id, operation) {
    const { registry, limits, state, origin } = operation;
    if (!registry.isDeclared(mailboxThing(id)) && !registry.isDeclaredByAnother(membersThing(id), origin)) {
      // Nothing of the mailbox is left in the program: the first half of its removal, counted before anybody loses access.
      const [address = state.mailbox] = (state.mailboxAddresses ?? []) as string[];
      const action = `taking away the members of ${address}`;
      await registry.removals.admit(id, action, limits.maxMailboxDeletes, operation.signal);
    }
    const mailbox = (await mailboxAndAccount(id, operation))?.mailbox;
    if (mailbox === undefined) {
      return;
    }
    const nobody: Desired = { inputs: { mailbox: id, members: {} }, mailbox, members: new Map(), keep: NOBODY };
    const previous = structuredClone(operation.state);
    const left = await converge(
      mailboxMembership,
      nobody,
      previous,
      await observeOn(mailbox, nobody, operation),
      operation,
    );
    await takeHiddenSendOnBehalf(nobody, previous, left, operation, () => lookAgain(left, nobody, operation));
    sayWhoIsDeleted(nobody, left, operation);
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

/** Rights of a member, and being the only one on a mailbox: two resources that differ would each undo the other's for ever. */
function claims({ mailbox, members, exclusive }: Partial<MembershipInputs>): Claim[] {
  if (mailbox === undefined) {
    return [];
  }
  const on = recipientName(mailbox);
  const only: Claim = {
    path: "exclusive",
    thing: [on, "exclusive"],
    reason: (own, other) =>
      `is true in ${own} and in ${other}, on one mailbox; only one membership of a mailbox can be exclusive: ` +
      "put the members of both into one, or take exclusive out of one of them",
  };
  const rights = Object.entries(members ?? {}).flatMap(([key, { otherRights, automapping, ...given }]) => {
    const values = { ...given, ...(given.fullAccess ? { automapping } : {}), ...(otherRights && { otherRights }) };
    return Object.entries(values).map(([right, value]): Claim => {
      const text = JSON.stringify(value);
      return {
        path: `${pathOf(key)}.${right}`,
        thing: [on, recipientName(key), right],
        value: text,
        reason: (own, other, claim) =>
          `is ${text} in ${own} and ${claim.value} in ${other}, for one member of one mailbox; ` +
          "declare the member in one of them alone, or with the same rights in both",
      };
    });
  });
  return [...(exclusive === true ? [only] : []), ...rights];
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
    services.permissions.on(mailbox, operation.readIfAllowed),
    knownPeople(operation),
    desired?.keep ?? knownKeep(operation),
  ]);
  const declared = new Map([...known, ...(desired?.members ?? [])]);
  const isExclusive = (desired?.inputs ?? operation.state).exclusive === true;
  const { held, rest, delegates } = await attribute(permissions.entries, declared, mailbox, operation);
  const orphans = await orphansAmong(
    rest.map(({ entry }) => entry),
    mailbox,
    operation,
  );
  const strangers = isExclusive
    ? await strangersAmong(
        rest.filter(({ entry }) => !orphans.includes(entry)),
        declared,
        operation,
      )
    : new Map<string, never>();
  const people = new Map(declared);
  const brought = new Set<unknown>();
  for (const [key, { person, entries }] of strangers) {
    people.set(key, person);
    held[key] = heldIn(entries);
    for (const entry of entries) {
      brought.add(entry);
    }
  }
  const left = rest.filter(({ entry }) => !brought.has(entry)).map(({ entry }) => entry);
  return {
    mailbox,
    held,
    unread: permissions.unread,
    people,
    strangers: [...strangers.keys()].sort(),
    orphans: removable(orphans, mailbox.id, operation),
    delegates,
    entryCount: permissions.entries.filter(({ list }) => list === "access").length,
    others: namesOf(permissions.others, left, orphans),
    keep,
    othersIds: new Set(
      [...people.values()]
        .map(({ id }) => id)
        .filter((id) => registry.isDeclaredByAnother(grantThing(mailbox.id, id), origin)),
    ),
  };
}

async function lookAgain({ mailbox }: Observed, desired: Desired, operation: Operation): Promise<Observed> {
  return observeOn((await operation.services.mailboxes.withId(mailbox.id)) ?? mailbox, desired, operation);
}

/** Trustees as Exchange prints them, once each; those of deleted users and groups by SID. */
function namesOf(printed: readonly string[], left: readonly Entry[], orphans: readonly Entry[]): string[] {
  const living = left.filter((entry) => !orphans.includes(entry)).map(({ trustee }) => trustee);
  const sids = new Set(orphans.map(({ sid }) => sid));
  const deleted = [...sids].map((sid) => {
    // A sign-in name or display name says who it was; a SAM account name says nothing.
    const name = orphans.find((one) => one.sid === sid && !/^S-1-\d|\\/i.test(one.trustee))?.trustee;
    return `${sid} (orphaned${name === undefined ? "" : `: ${name}`})`;
  });
  return [...new Set([...printed, ...living, ...deleted])].sort();
}

/** Warns of rights that nobody declared: of members, and of strangers where the membership is exclusive. */
function sayWhatIsSurplus({ inputs, members }: Desired, observed: Observed, operation: Operation): void {
  for (const key of members.keys()) {
    const wanted = inputs.members[key];
    const held = observed.held[key];
    const surplus: string[] = RIGHTS.filter((right) => held?.rights.has(right) && wanted?.[right] !== true);
    const others = (held?.otherRights ?? []).filter(
      (name) => !(wanted?.otherRights as string[] | undefined)?.includes(name),
    );
    const isShown = inputs.exclusive === true || wanted?.otherRights !== undefined;
    const shown = [...surplus, ...(isShown ? others : [])];
    if (shown.length > 0) {
      operation.warn(
        `${pathOf(key)} has more than is declared (${shown.join(", ")}), which was there before. \`pulumi up --refresh\` removes it.`,
      );
    }
    if (others.length > 0 && !isShown) {
      operation.warn(
        `${pathOf(key)} has more than is declared (${others.join(", ")}). It is left as it is; otherRights: [] in the program, then \`pulumi up --refresh\`, removes it.`,
      );
    }
  }
  const left = observed.strangers.filter((key) => !isLeftAlone(observed.people.get(key), observed));
  if (left.length > 0) {
    operation.warn(
      `Others have access to ${observed.mailbox.primarySmtpAddress}: ${left.join(", ")}. \`pulumi up --refresh\` removes them.`,
    );
  }
}
