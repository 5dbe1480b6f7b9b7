import { type Claim, recipientName } from "../../core/claims";
import { converge, isUnfit, type Properties, type Reconciler } from "../../core/kind";
import { grantThing, mailboxThing, membersThing, type Registry, readThing } from "../../core/registry";
import { isObject, mapOf, sameText } from "../../http/json";
import type { Mailbox } from "../../services/mailboxes";
import { mailboxGone, smtpAddresses } from "../../services/mailboxes";
import { isGroup } from "../../services/recipients";
import { mailboxAsked, mailboxPresent, reassigned } from "../recipients";
import { apply } from "./apply";
import {
  type Desired,
  type KnownMembership,
  MEMBER,
  type MembershipInputs,
  type MembershipOperation,
  type Memory,
  memory,
  NO_RIGHTS,
  NOBODY,
  type Observed,
  pathOf,
  schema,
  withoutEnded,
} from "./desired";
import {
  comeBack,
  deletedAmong,
  difference,
  isLeftAlone,
  readMembers,
  surplusIn,
  surplusOfMembers,
  takeHiddenSendOnBehalf,
  whoIsDeleted,
} from "./difference";
import { addressKnown, listsBegun, observeOn, whoIsDenied } from "./observation";
import {
  lookUpKeep,
  lookUpMembers,
  mailboxNamed,
  mailboxReassigned,
  requireRightsOfMeant,
  requireStillMeant,
  whoIsNoTrustee,
} from "./people";

/** People that Microsoft supports in a shared mailbox at the same time. */
const SUPPORTED_AT_ONCE = 25;

/**
 * The members that one resource declares on one mailbox: Full Access, Send As and Send on Behalf through the Exchange admin
 * API. It does not touch anybody else's access, nor the mailbox itself.
 */
export const mailboxMembership: Reconciler<MembershipInputs, Memory, Desired, Observed> = {
  kind: "MailboxMembership",
  schema,
  memory,
  keyed: { members: MEMBER },
  // Where nobody was declared before either, nobody loses anything: everybody's access may have ended.
  check: ({ exclusive, members, allowEmpty }, _unsettled, before) =>
    exclusive === true &&
    isEmpty(members) &&
    allowEmpty !== true &&
    !(before.exclusive === true && isEmpty(before.members))
      ? [
          {
            path: "members",
            reason: "is empty and exclusive: everybody would lose access; if that is meant, add allowEmpty: true",
          },
        ]
      : [],
  onDay: withoutEnded,
  advise,

  planned: (inputs) => ({ ...inputs, members: planned(inputs.members) }),

  claims,

  replaces: (known, { mailbox }, registry) => (isSameMailbox(known, mailbox, registry) ? [] : ["mailbox"]),
  // The former text is recorded anew where it is another mailbox's with this deployment.
  respelled: (known, { mailbox }, registry) =>
    known.inputs.mailbox !== mailbox &&
    isSameMailbox(known, mailbox, registry) &&
    isSameMailbox(known, known.inputs.mailbox, registry)
      ? ["mailbox"]
      : [],

  refersTo: ({ memory: { keepIds, memberIds } }) => ({ ...keepIds, ...memberIds }),

  declare({ id = "", inputs: before, memory: { memberIds = {}, memberSids = {} } }, inputs, origin, registry) {
    registry.declare(membersThing(id), origin);
    registry.nameMailbox(String(inputs.mailbox), id, origin);
    if (givesUp(before, inputs)) {
      registry.willMakeRoom(id, origin);
    } else {
      registry.settle(origin);
    }
    if (inputs.mailbox === before.mailbox && registry.declaredFor(String(inputs.mailbox)) === undefined) {
      registry.claims.learn(recipientName(String(inputs.mailbox)), recipientName(id));
    }
    for (const key of Object.keys(inputs.members ?? {})) {
      const memberId = memberIds[key];
      if (memberId !== undefined) {
        registry.claims.learn(recipientName(key), recipientName(memberId));
      }
      for (const trustee of [...(memberId === undefined ? [] : [memberId]), ...(memberSids[key] ?? [])]) {
        registry.declare(grantThing(id, trustee), origin);
      }
    }
  },

  async resolve(inputs, operation) {
    const { known, services } = operation;
    // All questions go together; that the mailbox is gone is said first.
    const membersOn = lookUpMembers(inputs, operation);
    const keeping = lookUpKeep(inputs.keep ?? [], operation);
    keeping.catch(() => undefined);
    const lists = listsBegun(inputs.mailbox, operation);
    const present = known.id === undefined ? undefined : await services.mailboxes.withId(known.id);
    if (present === undefined && known.id !== undefined && known.inputs.mailbox === inputs.mailbox) {
      throw mailboxGone(known.id, `changing who has access to ${inputs.mailbox}`);
    }
    if (present !== undefined) {
      await requireStillMeant(inputs.mailbox, present, operation);
    }
    const mailbox = present ?? (await mailboxNamed(inputs.mailbox, operation));
    const [members, keep] = await Promise.all([membersOn(mailbox), keeping]);
    await requireRightsOfMeant(inputs, members, operation);
    return { inputs, mailbox, members, keep, lists: () => lists(mailbox) };
  },

  meanings: ({ inputs, mailbox, members }) => [
    [recipientName(inputs.mailbox), recipientName(mailbox.id)],
    ...[...members].map(([key, { id }]) => [recipientName(key), recipientName(id)] as const),
  ],

  // The mailbox is there; only what it lacks is to be made.
  create: (desired, operation) => observeOn(desired.mailbox, desired, operation, desired.lists?.()),

  async observe(id, desired, operation) {
    const { known, services } = operation;
    // The lists are read beside the mailbox, not after it.
    const isRefresh = desired === undefined;
    const begun = desired?.lists?.() ?? services.permissions.begin(id, addressKnown(known) ?? id, isRefresh);
    const mailbox = await mailboxPresent(id, operation);
    return mailbox === undefined ? undefined : observeOn(mailbox, desired, operation, begun);
  },

  whenGone: whoComesBack,

  async read(asked, operation) {
    const answer = await mailboxAsked(asked, operation);
    if (isUnfit(answer)) {
      return answer;
    }
    const { mailbox } = answer;
    const known = everybodyOn(mailbox, operation.known.memory);
    // Whoever another resource declares is on the mailbox like everybody else: only a refresh has nobody's declarations.
    const observed = {
      ...(await observeOn(mailbox, undefined, { ...operation, known })),
      othersIds: new Set<string>(),
    };
    return { observed, inputs: { ...known.inputs, members: readMembers(known, observed), exclusive: false } };
  },

  id: ({ mailbox }) => mailbox.id,
  difference,
  apply,

  isUncertain: ({ isWrittenTogether }) => isWrittenTogether === true,

  async finish(desired, previous, observed, operation) {
    await takeHiddenSendOnBehalf(desired, previous, observed, operation);
    return observed;
  },

  outputs(desired, observed, known) {
    const { mailbox, others, people, strangers, keep, unread } = observed;
    const { inputs } = known;
    // Whoever stands in a list that was not read is not gone.
    const unseen = unread.length === 0 ? [] : (known.memory.otherMembers ?? []);
    const deletedMembers = deletedAmong(desired, observed, known);
    // A refresh brings strangers in as members, but for those whose access is left alone.
    const strange = strangers.filter((key) => desired !== undefined || isLeftAlone(people.get(key), observed));
    const present = [...(desired?.members ?? people)].filter(([key]) => !strange.includes(key));
    const members = present.filter(([key, { isDeleted }]) =>
      isDeleted ? key in deletedMembers && key in (inputs.members ?? {}) : comeBack(key, observed, known),
    );
    const sids = [...new Map([...people].filter(([key]) => key in deletedMembers)), ...members].flatMap(
      ([key, person]): [string, string[]][] => (person.sids.length === 0 ? [] : [[key, [...person.sids]]]),
    );
    const wasGroup = (key: string) => known.memory.groups?.includes(key) === true;
    const groups = members
      .filter(([key, person]) => (person.isDeleted ? wasGroup(key) : isGroup(person)))
      .map(([key]) => key)
      .sort();
    return {
      mailboxId: mailbox.id,
      mailboxAddresses: smtpAddresses(mailbox),
      memberIds: Object.fromEntries(members.map(([key, { id }]) => [key, id])),
      memberSids: unlessEmpty(Object.fromEntries(sids)),
      deletedMembers: unlessEmpty(deletedMembers),
      keepIds: (desired?.inputs ?? inputs).keep === undefined ? undefined : keep.byKey,
      keepSids: unlessEmpty({ ...keep.seen }),
      groups: unlessEmpty(groups),
      otherMembers: [...new Set([...others, ...unseen, ...strange])].sort(),
    };
  },

  inputs: (known, observed) => ({
    ...known.inputs,
    // The next preview shows which mailbox the access leaves, and which one gets it.
    ...(observed.isPassedOn ? { mailbox: observed.mailbox.id } : {}),
    members: readMembers(known, observed),
    // Refreshed to what is there, so that the next preview shows the removal.
    ...(known.inputs.orphans === "remove" && observed.orphans.length > 0 ? { orphans: "keep" } : {}),
  }),

  async warnings(desired, observed, operation) {
    const { known } = operation;
    const members =
      desired?.members ??
      [...observed.people].filter(([key, { isDeleted }]) => !isDeleted && key in (known.inputs.members ?? {}));
    return [
      ...(desired === undefined ? surplusOfMembers(known, observed) : surplusIn(desired, observed)),
      ...whoIsDeleted(desired, observed, known),
      ...(desired === undefined ? whoIsNoTrustee([...members]) : []),
      ...whoIsDenied(
        observed,
        [...members].map(([key]) => key),
      ),
      ...observed.keep.remarks,
      ...(desired === undefined ? await mailboxReassigned(known.inputs.mailbox ?? "", observed, operation) : []),
      ...(await reassigned(members, pathOf, operation)),
    ];
  },

  foresee(id, _known, registry) {
    for (const thing of [mailboxThing(id), membersThing(id), readThing(id)]) {
      registry.removals.see(id, thing);
    }
  },

  async remove(id, operation) {
    const { registry, known, origin } = operation;
    const isInProgram = registry.isDeclared(mailboxThing(id)) || registry.isDeclared(readThing(id));
    if (!isInProgram && !registry.isDeclaredByAnother(membersThing(id), origin)) {
      // Nothing of the mailbox is left in the program: the first half of its removal, counted before anybody loses access.
      const [address = known.inputs.mailbox] = known.memory.mailboxAddresses ?? [];
      await registry.removals.admit(id, "members", `taking away the members of ${address}`, operation);
    }
    const begun = operation.services.permissions.begin(id, addressKnown(known) ?? id);
    const mailbox = await mailboxPresent(id, operation);
    if (mailbox === undefined) {
      for (const warning of await whoComesBack(id, operation)) {
        operation.warn(warning);
      }
      return;
    }
    const nobody: Desired = { inputs: { mailbox: id, members: {} }, mailbox, members: new Map(), keep: NOBODY };
    const previous: KnownMembership = { id, inputs: known.inputs, memory: known.memory };
    const left = await converge(
      mailboxMembership,
      nobody,
      previous,
      await observeOn(mailbox, nobody, operation, begun),
      operation,
    );
    await takeHiddenSendOnBehalf(nobody, previous, left, operation);
    for (const warning of whoIsDeleted(nobody, left, known)) {
      operation.warn(warning);
    }
  },
};

/** What to say of a mailbox that is gone and can come back, with everybody's access: nobody can take it away meanwhile. */
async function whoComesBack(id: string, operation: MembershipOperation): Promise<string[]> {
  const { inputs, memory } = operation.known;
  const people = Object.keys(inputs.members ?? {});
  const isRestorable = await operation.readIfAllowed(`whether the mailbox ${id} can be restored`, () =>
    operation.services.graph.isDeleted(id),
  );
  const [address = inputs.mailbox] = memory.mailboxAddresses ?? [];
  return isRestorable === true && people.length > 0
    ? [
        `The mailbox ${address} (id ${id}) is deleted and can be restored. If somebody restores it by hand, it gives access again to ${people.join(", ")}. ` +
          "If restoreDeleted of a SharedMailbox restores it, it gives access to nobody.",
      ]
    : [];
}

/** What an exclusive membership without members would know: it is the one that is shown everybody. */
export function everybodyOn({ id }: Mailbox, nothing: Memory): KnownMembership {
  return { id, inputs: { mailbox: id, members: {}, orphans: "keep", keep: [], exclusive: true }, memory: nothing };
}

function isEmpty(members: object | null | undefined): boolean {
  return members !== undefined && members !== null && Object.keys(members).length === 0;
}

function unlessEmpty<T extends object>(value: T): T | undefined {
  return isEmpty(value) ? undefined : value;
}

function advise({ members }: Partial<MembershipInputs>, olds: Partial<MembershipInputs> | undefined): string[] {
  const count = Object.keys(members ?? {}).length;
  return count > SUPPORTED_AT_ONCE && count !== Object.keys(olds?.members ?? {}).length
    ? [
        `members has ${count} entries; Microsoft supports at most ${SUPPORTED_AT_ONCE} people in a shared mailbox at the same time.`,
      ]
    : [];
}

/**
 * Rights of a member, and being the only one on a mailbox: two resources that differ would each undo the other's for ever. When access ends is
 * not among them: it goes with the last declaration.
 */
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
  const rights = Object.entries(members ?? {}).flatMap(
    ([key, { otherRights, automapping, until: _until, ...given }]) => {
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
    },
  );
  return [...(exclusive === true ? [only] : []), ...rights];
}

/** Whether a change of inputs takes entries out of the mailbox's own list. */
function givesUp(before: KnownMembership["inputs"], inputs: Properties): boolean {
  const now = mapOf(inputs.members);
  return (
    (inputs.orphans === "remove" && before.orphans !== "remove") ||
    Object.entries(before.members ?? {}).some(
      ([key, had]) =>
        (had.fullAccess && mapOf(now[key]).fullAccess !== true) || (had.otherRights !== undefined && !(key in now)),
    )
  );
}

/** Another spelling of the same mailbox: its id, one of its addresses, or one that this deployment declares for it. */
function isSameMailbox(
  { id = "", inputs, memory: { mailboxAddresses = [] } }: KnownMembership,
  mailbox: unknown,
  registry: Registry,
): boolean {
  const spelling = String(mailbox);
  const declared = registry.declaredFor(spelling);
  if (declared !== undefined) {
    return sameText(declared, id);
  }
  const isKnown = [inputs.mailbox ?? "", id, ...mailboxAddresses].some((one) => sameText(one, spelling));
  return isKnown && !registry.isPassedOn(spelling, id);
}

/** Members with the rights that the plan shows: of somebody who has some there, a right that is missing was taken out of the plan. */
function planned(members: unknown): unknown {
  if (!isObject(members)) {
    return members;
  }
  return Object.fromEntries(
    Object.entries(members).map(([key, rights]) => {
      const shown = Object.entries(mapOf(rights)).filter(([, value]) => value !== null && value !== undefined);
      return [key, shown.length === 0 ? rights : { ...NO_RIGHTS, ...Object.fromEntries(shown) }];
    }),
  );
}
