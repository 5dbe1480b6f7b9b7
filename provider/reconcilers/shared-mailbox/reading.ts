import { describe } from "../../services/recipients";
import { type Found, isUnfit, mailboxAsked, type Unfit, unfit } from "../asked";
import type { Operation, Properties } from "../reconciler";
import { readOrFail } from "../unread";
import { mailboxAndAccount } from "../witnesses";
import type { Observed } from "./desired";
import { stateOfEverything } from "./everything";
import { isSet } from "./facet";
import { licenseAssigned } from "./license";
import { around, facets } from "./observation";
import { SHARED } from "./type";

/** The shared mailbox that a program refers to, with every property as if all were declared. */
export async function read(asked: string, operation: Operation): Promise<Found<Observed> | Unfit> {
  const answer = await mailboxAsked(asked, operation);
  if (isUnfit(answer)) {
    return answer;
  }
  const { mailbox, recipient } = answer;
  if (mailbox.recipientTypeDetails !== SHARED) {
    const { recipientTypeDetails } = mailbox;
    return unfit(`it is ${describe({ ...recipient, recipientTypeDetails })}, not a shared mailbox`);
  }
  // Whether the account may sign in is nothing to guess: without a state there is nothing to keep.
  const seen = await mailboxAndAccount(mailbox.id, { ...operation, readIfAllowed: readOrFail });
  if (seen === undefined) {
    return unfit("it disappeared while it was read");
  }
  const everything = stateOfEverything(mailbox);
  // What licence there is is asked for by itself: a refresh looks only for the declared one.
  const { license: _license, ...unlicensed } = everything;
  const managed = Object.fromEntries(Object.entries(unlicensed).map(([property, value]) => [property, value ?? true]));
  const what = (property: string) => `${property} of ${mailbox.primarySmtpAddress}`;
  const [observed, license, statistics] = await Promise.all([
    around(seen, undefined, { ...operation, state: managed }),
    operation.readIfAllowed(what("license"), () => licenseAssigned(mailbox, operation)),
    operation.readIfAllowed(what("size and itemCount"), () => operation.services.mailboxes.statistics(mailbox)),
  ]);
  const inputs: Properties = Object.assign({}, ...facets.map((facet) => facet.read(observed, everything)));
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

/** A value without the members that are not set; null where none is. */
function setMembers(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  const members = Object.entries(value).filter(([, member]) => isSet(member));
  return members.length === 0 ? null : Object.fromEntries(members);
}
