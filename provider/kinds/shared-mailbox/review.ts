/** What a review says of shared mailboxes. */
import { isGone, isRestored, staysBehind } from "../../review/places";
import type { Properties, ResourceChange, Side } from "../../review/preview";
import { deletionMode, forwardingTarget, repliesOutside, UNKNOWN } from "../../review/rules";
import { foreign, type Happening, type KindReview, NONE, type Seat, value, type Words } from "../../review/words";

export const review: KindReview = {
  isMailbox: true,

  happenings(change) {
    const { op, before, after } = change;
    const found: Happening[] = [];
    if (op === "delete" || op === "replace") {
      found.push(before !== undefined && staysBehind(before) ? LEFT : ending(op, before));
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

/** How many days a litigation hold keeps things: 0 for none, infinitely many without an end. */
function daysOf(hold: unknown): number {
  const { days } = (typeof hold === "object" && hold !== null ? hold : {}) as { days?: unknown };
  return hold === true ? Number.POSITIVE_INFINITY : typeof days === "number" ? days : 0;
}

function forwarding(inputs: Properties | undefined): Words {
  const to = forwardingTarget(inputs ?? {});
  const isKept = (inputs?.forwarding as { keepCopy?: unknown } | undefined)?.keepCopy !== false;
  const isUnknown = inputs?.forwarding === UNKNOWN || (inputs?.forwarding as { to?: unknown })?.to === UNKNOWN;
  return isUnknown ? ["not known yet"] : to === undefined ? NONE : [value(to), isKept ? "" : ", without a copy"];
}

function replies(inputs: Properties | undefined): Words {
  const { externalAudience } = (inputs?.automaticReplies ?? {}) as { externalAudience?: unknown };
  return repliesOutside(inputs ?? {}) ? [externalAudience === "contactsOnly" ? "to contacts" : "to everybody"] : NONE;
}

function addresses(side: Side | undefined): string[] {
  const { primarySmtpAddress, emailAliases } = side?.inputs ?? {};
  return [primarySmtpAddress, ...(Array.isArray(emailAliases) ? emailAliases : [])].filter(
    (one): one is string => typeof one === "string" && one !== UNKNOWN,
  );
}

function skuOf(side: Side | undefined): string | undefined {
  const { license } = side?.inputs ?? {};
  const sku = typeof license === "object" && license !== null ? (license as { sku?: unknown }).sku : undefined;
  return typeof sku === "string" ? sku : undefined;
}
