import { written } from "../../core/converge";
import { ConflictError } from "../../http/errors";
import type { Desired, HeldInputs, Observed } from "./desired";
import { changesOf, type Facet, keptAdvice, mayTakeAway, tellLeft } from "./facet";
import { whenLicensed } from "./license-needs";
import { isOn } from "./litigation-hold";

/** The archive mailbox. It is sticky, and never disabled under a hold. */
export const archive: Facet = {
  properties: ["archive"],

  check: ({ archive: declared, litigationHold }) =>
    declared === false && isOn(litigationHold)
      ? [{ path: "archive", reason: "cannot be false under litigationHold: what is held must not be taken away" }]
      : [],

  advise: (inputs, olds) => [
    ...keptAdvice("archive", inputs, olds),
    ...(inputs.archive === false && olds.archive === true
      ? ["The archive is disabled; what is in it can be connected again for 30 days, and is lost then."]
      : []),
  ],

  difference(desired, previous, observed) {
    const { archive: to } = desired.inputs;
    const { hasArchive: from } = observed.mailbox;
    return to === undefined || from === to || isLeft(desired, previous, observed)
      ? []
      : [{ path: ["archive"], from, to }];
  },

  async guard(changes, _desired, { mailbox }, operation) {
    if (changesOf("archive", changes).every(({ to }) => to !== false)) {
      return;
    }
    const action = `disabling the archive of ${mailbox.primarySmtpAddress}`;
    const organization = await operation.services.mailboxes.organizationHolds();
    if (organization === undefined) {
      operation.warn(
        `Holds of the whole organisation were not checked before ${action}: the application may not read its configuration (role View-Only Organization Management).`,
      );
    }
    const holds = [...mailbox.holds, ...(organization ?? []).map((hold) => `the organisation's hold ${hold}`)];
    if (holds.length > 0) {
      throw new ConflictError({
        action,
        words: `the mailbox is under ${holds.join(" and ")}`,
        nextStep: "Nothing was changed. Release the hold first, or take `archive: false` out of the program.",
      });
    }
  },

  async apply(changes, { inputs: { archive: declared } }, observed, operation) {
    if (changesOf("archive", changes).length === 0) {
      return undefined;
    }
    const { mailbox } = observed;
    const { mailboxes } = operation.services;
    const action = `${declared === true ? "enabling" : "disabling"} the archive of ${mailbox.primarySmtpAddress}`;
    if (declared !== true) {
      await mailboxes.disableArchive(mailbox, action, operation);
      return undefined;
    }
    await written(
      () => whenLicensed(observed, operation, () => mailboxes.enableArchive(mailbox, action, operation)),
      () => operation.record({ inputs: { archive: declared } }),
    );
    return undefined;
  },

  finish(desired, previous, observed, operation) {
    if (isLeft(desired, previous, observed)) {
      tellLeft("archive", "an archive", operation);
    }
  },

  read: ({ mailbox }) => ({ archive: mailbox.hasArchive }),
};

/** Whether there is an archive that is not declared, and it stays. */
function isLeft(desired: Desired, previous: HeldInputs, observed: Observed): boolean {
  return (
    desired.inputs.archive === false &&
    observed.mailbox.hasArchive &&
    !mayTakeAway("archive", desired, previous, observed)
  );
}
