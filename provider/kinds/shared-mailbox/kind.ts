import { isSame } from "../../core/canonical";
import type { Change, Properties } from "../../core/kind";
import { isSet } from "../../core/properties";
import { check } from "../../dynamic/check";
import { InputError, isClass } from "../../http/errors";
import { isObject, mapOf } from "../../http/json";
import type { ResourceChange, Side } from "../../review/preview";
import { deletionMode, forwardingTarget, repliesOutside, UNKNOWN } from "../../review/rules";
import {
  foreign,
  type Happening,
  isGone,
  isRestored,
  type KindReview,
  NONE,
  type Seat,
  staysInTenant,
  value,
  type Words,
} from "../../review/words";
import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import {
  type Declared,
  type Description,
  isDeclared,
  minimal,
  mockAddress,
  mockId,
  type Refused,
  reasons,
  type Survey,
} from "../description";
import { accountProperties, typeProperties } from "./account";
import {
  asRead,
  comparedColumns,
  type Desired,
  memory,
  type Observed,
  observeMailbox,
  type SharedMailboxOperation,
} from "./desired";
import { limitProperties } from "./limits";
import { clientAccessProperties, mailboxProperties } from "./properties";
import { knowing, managingAll, setMembers, sharedMailbox, stateOfEverything } from "./reconciler";
import { archiveProperties, daysOf, holdProperties } from "./retention";

/** What a review says of shared mailboxes. */
const review: KindReview = {
  isMailbox: true,

  happenings(change) {
    const { op, before, after } = change;
    const found: Happening[] = [];
    if (op === "delete" || op === "replace") {
      found.push(before !== undefined && staysInTenant(before) ? LEFT : ending(op, before));
    }
    if (op === "create" && isRestored(after)) {
      const what = "comes back, if a deleted mailbox had the address, with its mail and permissions";
      found.push({ code: "mailbox-restored", what: [what] });
    }
    const adopt = after?.inputs.adopt;
    if (op === "create" && (adopt === true || adopt === "convert")) {
      const what =
        adopt === "convert"
          ? "is taken over if it exists, also from a person, whose sign-in is then blocked"
          : "is taken over if it exists; whoever has access keeps it";
      found.push({ code: "mailbox-adopted", what: [what] });
    }
    return op === "delete" || after === undefined
      ? found
      : [...found, ...settings(op, before?.inputs ?? {}, after.inputs)];
  },

  mail(change) {
    const { op, before, after } = change;
    const now = isGone(change) && op === "delete" ? {} : after?.inputs;
    return [
      { what: "forwarding", before: forwarding(before?.inputs), after: forwarding(now) },
      { what: "automatic replies outside", before: replies(before?.inputs), after: replies(now) },
    ];
  },

  bouncing(change) {
    const { op, before, after } = change;
    if (op === "delete" && isGone(change)) {
      return addresses(before).map((address) => ({ address, why: "the mailbox is deleted" }));
    }
    if ((op !== "update" && op !== "replace") || before === undefined || after === undefined) {
      return [];
    }
    const now = addresses(after);
    const [primary] = addresses(before);
    const aliases = after.inputs.emailAliases;
    // The old primary address stays unless the aliases are declared; unknown ones may hold it.
    return addresses(before)
      .filter((address) => !now.includes(address) && aliases !== UNKNOWN)
      .filter((address) => address !== primary || aliases !== undefined)
      .map((address) => ({ address, why: "the program no longer declares it" }));
  },

  seats(change) {
    const { op, before, after } = change;
    const [old, now] = [skuOf(before), op === "delete" ? undefined : skuOf(after)];
    const isDropped = op === "delete" ? isGone(change) : now !== undefined || after?.inputs.license === false;
    const seat = (sku: string | undefined, is: Seat["is"]): Seat[] => (sku === undefined ? [] : [{ sku, is }]);
    return old === now ? [] : [...seat(now, "needed"), ...(isDropped ? seat(old, "freed") : [])];
  },
};

/** Shared mailboxes as a program would declare them. */
const survey: Survey = {
  words: ["mailbox", "mailboxes"],
  declare: declaredMailbox,
};

/** A shared mailbox. */
export const description: Description = {
  reconciler: sharedMailbox,
  service: "exchange",
  mailboxColumns: comparedColumns,
  uses: ({ license, automaticReplies, regional, litigationHold }) => ({
    mailboxes: true,
    licences: isDeclared(license) && license !== "external",
    usageLocation: isDeclared(mapOf(license).usageLocation),
    settings: isDeclared(automaticReplies) || isDeclared(regional),
    holds: litigationHold !== undefined,
  }),
  review,
  survey,
  mock: {
    id: ({ primarySmtpAddress }) => mockId(primarySmtpAddress),
    outputs: ({ primarySmtpAddress, alias, emailAliases, signInBlocked }, id) => ({
      userPrincipalName: primarySmtpAddress,
      mailNickname: alias ?? String(primarySmtpAddress).split("@")[0],
      exchangeGuid: mockId(`${id} in Exchange`),
      addresses: [
        `SMTP:${primarySmtpAddress}`,
        ...(Array.isArray(emailAliases) ? emailAliases.map((address) => `smtp:${address}`) : []),
      ].sort(),
      recipientTypeDetails: "SharedMailbox",
      accountEnabled: signInBlocked === false,
      createdAt: "2026-01-01T00:00:00.000Z",
      created: true,
      holds: [],
      size: 0,
      itemCount: 0,
    }),
    read: (asked) => ({
      displayName: asked,
      primarySmtpAddress: mockAddress(asked),
      signInBlocked: true,
      created: false,
    }),
  },
  tables: [
    { table: mailboxProperties },
    { table: clientAccessProperties },
    { table: limitProperties },
    { table: holdProperties },
    { table: accountProperties, commanded: ({ signInBlocked }) => ({ accountEnabled: signInBlocked !== true }) },
    { table: archiveProperties, commanded: ({ archive }) => ({ hasArchive: archive }) },
    { table: typeProperties, commanded: ({ type }) => ({ recipientTypeDetails: type }) },
  ],
  samples: [
    { displayName: "Contoso Desk", primarySmtpAddress: "desk@contoso.com" },
    {
      displayName: "Contoso Service Desk",
      primarySmtpAddress: "desk@contoso.com",
      emailAliases: ["help-desk@contoso.com"],
      hiddenFromAddressLists: true,
    },
  ],
};

const LEFT: Happening = { code: "mailbox-unmanaged", what: ["stays in the tenant, no longer managed"] };

function ending(op: "delete" | "replace", before: Side | undefined): Happening {
  const held = Array.isArray(before?.outputs?.holds) ? before.outputs.holds.map(String) : [];
  const holds: Words = held.length === 0 ? [] : [" It is under a hold (", foreign(held.join(", ")), ")."];
  if (op === "replace") {
    return { code: "mailbox-replaced", what: ["is deleted, and an empty mailbox is made in its place.", ...holds] };
  }
  return before !== undefined && deletionMode({ ...before.inputs, ...before.outputs }) === "purge"
    ? { code: "mailbox-purged", what: ["is deleted for good, with its account.", ...holds] }
    : { code: "mailbox-deleted", what: ["is deleted; it can be brought back for 30 days.", ...holds] };
}

function settings(op: ResourceChange["op"], before: Properties, after: Properties): Happening[] {
  const found: Happening[] = [];
  const happens = (code: string, what: string) => found.push({ code, what: [what] });
  if (after.signInBlocked === false && before.signInBlocked !== false) {
    happens("sign-in", "sign-in to its account is opened");
  } else if (op !== "create" && after.signInBlocked === true && before.signInBlocked === false) {
    happens("sign-in", "sign-in to its account is blocked");
  }
  if (before.archive === true && after.archive === false) {
    happens("archive-disabled", "its archive is disabled; the content is lost after 30 days");
  } else if (after.archive === true && before.archive !== true) {
    happens("setting", "it gets an archive");
  }
  const [old, now] = [daysOf(before.litigationHold), daysOf(after.litigationHold)];
  if (after.litigationHold !== undefined && now < old) {
    happens(
      "hold-lifted",
      now === 0 ? "its litigation hold is lifted" : `its litigation hold is shortened to ${now} days`,
    );
  } else if (now > old) {
    happens("setting", "it is put on litigation hold");
  }
  return found;
}

function forwarding(inputs: Properties | undefined): Words {
  const to = forwardingTarget(inputs ?? {});
  const given = mapOf(inputs?.forwarding);
  const isUnknown = inputs?.forwarding === UNKNOWN || given.to === UNKNOWN;
  const isKept = given.keepCopy !== false;
  return isUnknown ? ["not known yet"] : to === undefined ? NONE : [value(to), isKept ? "" : ", without a copy"];
}

function replies(inputs: Properties | undefined): Words {
  const { externalAudience } = mapOf(inputs?.automaticReplies);
  return repliesOutside(inputs ?? {}) ? [externalAudience === "contactsOnly" ? "to contacts" : "to everybody"] : NONE;
}

function addresses(side: Side | undefined): string[] {
  const { primarySmtpAddress, emailAliases } = side?.inputs ?? {};
  return [primarySmtpAddress, ...(Array.isArray(emailAliases) ? emailAliases : [])].filter(
    (one): one is string => typeof one === "string" && one !== UNKNOWN,
  );
}

function skuOf(side: Side | undefined): string | undefined {
  const { sku } = mapOf(side?.inputs.license);
  return typeof sku === "string" ? sku : undefined;
}

/**
 * A shared mailbox as a program would declare it. The two required properties are written always; of the others those, and
 * only those, whose removal from the program would change the tenant, which is asked of the reconciler itself. So a default
 * is not written, nor is what removal keeps, above all `alias`: imported, it stays as it is undeclared; declared, it would
 * only tie a mailbox that is made anew to a name the deleted one still holds.
 *
 * @param seen the mailbox as listed and the account behind it.
 */
async function declaredMailbox(
  seen: { mailbox: Mailbox; user: User },
  operation: SharedMailboxOperation,
): Promise<Declared | Refused> {
  const { mailbox } = seen;
  const { displayName, primarySmtpAddress } = mailbox;
  const required = { displayName, primarySmtpAddress };
  const bare = check(sharedMailbox, required, undefined);
  if (bare.problems.length > 0) {
    return { refusal: reasons(bare.problems) };
  }
  let desired: Desired;
  try {
    desired = await sharedMailbox.resolve(sharedMailbox.schema.parse(required), operation);
  } catch (error) {
    if (error instanceof InputError) {
      return { refusal: error.message };
    }
    throw error;
  }
  const notes: string[] = [];
  const everything = stateOfEverything();
  const observed = await observedWhole(seen, desired, operation, notes);
  const read = asRead(observed, knowing(everything));
  const removal = (property: string, value: unknown) =>
    sharedMailbox
      .difference(desired, knowing({ [property]: value }), observed, knowing({}))
      .filter(({ path }) => path[0] === property);
  const optional = Object.fromEntries(
    Object.entries(read)
      .filter(([property]) => !(property in required) && property in everything)
      .map(([property, value]) => [property, setMembers(value)] as const)
      .flatMap(([property, value]) => {
        const changes = isSet(value) ? removal(property, value) : [];
        return changes.length === 0 ? [] : [[property, managedMembers(required, property, value, changes)] as const];
      })
      .map(([property, value]) => [property, property === "forwarding" ? allowed(value, observed) : value]),
  );
  return settled(required, optional, notes, observed, operation);
}

/** Leaves out what a program may not say or what would not be read back as it is written. */
async function settled(
  required: Properties,
  optional: Properties,
  notes: string[],
  observed: Observed,
  operation: SharedMailboxOperation,
): Promise<Declared | Refused> {
  const checked = check(sharedMailbox, { ...required, ...optional }, undefined);
  const wrong = checked.problems.filter(({ path }) => propertyOf(path) in optional);
  if (wrong.length > 0 && !("license" in optional)) {
    // What needs a licence is there, so the account has one, which this program does not have to manage.
    const licensed = { ...optional, license: "external" };
    if (check(sharedMailbox, { ...required, ...licensed }, undefined).problems.length < checked.problems.length) {
      return settled(required, licensed, notes, observed, operation);
    }
  }
  if (wrong.length < checked.problems.length) {
    return { refusal: reasons(checked.problems) };
  }
  const declared: Properties = checked.inputs;
  const back = await sharedMailbox.inputs(knowing(declared), observed);
  const drifting = Object.keys(optional).filter((property) => !isSame(back[property], declared[property]));
  const left = new Map([
    ...drifting.map((property) => [property, "it is not read back in the form it is written in"] as const),
    ...wrong.map(({ path, reason }) => [propertyOf(path), `${path}: ${reason}`] as const),
  ]);
  if (left.size > 0) {
    const more = [...left].map(([property, reason]) => `${property} is not declared and stays as it is: ${reason}.`);
    const rest = Object.fromEntries(Object.entries(optional).filter(([property]) => !left.has(property)));
    return settled(required, rest, [...notes, ...more], observed, operation);
  }
  return {
    id: observed.mailbox.id,
    program: {
      ...required,
      ...Object.fromEntries(
        Object.entries(optional).map(([property, value]) => [
          property,
          minimal(sharedMailbox, required, property, value),
        ]),
      ),
    },
    inputs: checked.inputs,
    outputs: memory.write(sharedMailbox.outputs(undefined, observed, knowing(checked.inputs))),
    notes,
  };
}

/**
 * Of a value that is managed member by member, the members whose removal would change something; all of them where these
 * alone are not enough for the schema.
 */
function managedMembers(required: Properties, property: string, value: unknown, changes: readonly Change[]): unknown {
  if (!isObject(value) || changes.some(({ path }) => path.length === 1)) {
    return value;
  }
  const some = Object.fromEntries(
    Object.entries(value).filter(([member]) => changes.some(({ path }) => path[1] === member)),
  );
  return check(sharedMailbox, { ...required, [property]: some }, undefined).problems.length === 0 ? some : value;
}

/**
 * Everything around a mailbox that any property needs, as if all of them were declared. What the application may not read is
 * left unread: it is not managed then.
 */
async function observedWhole(
  seen: { mailbox: Mailbox; user: User },
  desired: Desired,
  operation: SharedMailboxOperation,
  notes: string[],
): Promise<Observed> {
  try {
    return await observeMailbox(seen, desired, { ...operation, known: managingAll() });
  } catch (error) {
    // Where two services were asked, the refusal lies beneath.
    const isForbidden = [error, error instanceof Error ? error.cause : undefined].some((one) =>
      isClass(one, "forbidden"),
    );
    if (!isForbidden || !(error instanceof Error)) {
      throw error;
    }
    notes.push(`What the application may not read is not declared: ${error.message}`);
    return observeMailbox(seen, undefined, { ...operation, known: knowing({}) });
  }
}

/** Forwarding as it may be declared: what is there already, and loses mail, has to be allowed in so many words. */
function allowed(value: unknown, { forwardsTo }: Observed): unknown {
  const { keepCopy, ...others } = mapOf(value);
  return keepCopy === true || forwardsTo !== undefined ? value : { ...others, keepCopy, allowLoss: true };
}

function propertyOf(path: string): string {
  return path.split(/[.[]/)[0] ?? "";
}
