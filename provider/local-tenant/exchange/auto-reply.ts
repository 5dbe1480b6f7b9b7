import { instantOf } from "../graph/time-zones";
import type { MailboxSettings, Recipient } from "../model";
import { type Call, limited, named } from "./call";
import { dateTime, type Row } from "./envelope";
import { invalidSchedule } from "./errors";
import { wrapHtml } from "./format";
import { Directory, hasMailbox, type MailboxRecipient } from "./identity";
import { changeSettings, shownSettings, utc } from "./mailbox-settings";

type AutomaticReplies = MailboxSettings["automaticReplies"];

/** Exchange's words for the states and audiences, which are kept in Graph's. */
const states = { Disabled: "disabled", Enabled: "alwaysEnabled", Scheduled: "scheduled" } as const;
const audiences = { None: "none", Known: "contactsOnly", All: "all" } as const;

/** Get-MailboxAutoReplyConfiguration. */
export function getAutoReply(call: Call): Row[] {
  const directory = new Directory(call.tenant, "seen");
  const isActive = (recipient: Recipient): recipient is MailboxRecipient =>
    hasMailbox(recipient) && !directory.isSoftDeleted(recipient);
  const rows = named(call, directory, isActive).map((recipient) => autoReplyRow(call, recipient));
  return limited(call, rows);
}

function autoReplyRow(call: Call, recipient: MailboxRecipient): Row {
  const { automaticReplies } = shownSettings(call, recipient);
  return {
    Identity: recipient.name,
    MailboxOwnerId: recipient.name,
    AutoReplyState: wordFor(states, automaticReplies.status),
    ExternalAudience: wordFor(audiences, automaticReplies.externalAudience),
    InternalMessage: automaticReplies.internalReplyMessage,
    ExternalMessage: automaticReplies.externalReplyMessage,
    StartTime: dateTime(isoOf(automaticReplies.scheduledStartDateTime)),
    EndTime: dateTime(isoOf(automaticReplies.scheduledEndDateTime)),
    AutoDeclineFutureRequestsWhenOOF: false,
    CreateOOFEvent: false,
    DeclineAllEventsForScheduledOOF: false,
    DeclineEventsForScheduledOOF: false,
    DeclineMeetingMessage: null,
    EventsToDeleteIDs: null,
    OOFEventSubject: null,
    IsValid: true,
  };
}

/** Set-MailboxAutoReplyConfiguration. Messages are stored inside html and body tags; null clears them. */
export function setAutoReply(call: Call): undefined {
  const { bound } = call;
  changeSettings(call, ({ automaticReplies }) => {
    const state = bound.text("AutoReplyState");
    if (typeof state === "string") {
      automaticReplies.status = states[state as keyof typeof states];
    }
    const audience = bound.text("ExternalAudience");
    if (typeof audience === "string") {
      automaticReplies.externalAudience = audiences[audience as keyof typeof audiences];
    }
    for (const [parameter, field] of [
      ["InternalMessage", "internalReplyMessage"],
      ["ExternalMessage", "externalReplyMessage"],
    ] as const) {
      const message = bound.text(parameter);
      if (message !== undefined) {
        automaticReplies[field] = message === null || message === "" ? "" : wrapHtml(message);
      }
    }
    for (const [parameter, field] of [
      ["StartTime", "scheduledStartDateTime"],
      ["EndTime", "scheduledEndDateTime"],
    ] as const) {
      const time = bound.text(parameter);
      if (typeof time === "string") {
        automaticReplies[field] = utc(time);
      }
    }
    requireSchedule(automaticReplies, call.tenant.now());
  });
}

/** A schedule is checked as a whole, whichever part of it was given: not upside down, and not over. */
function requireSchedule({ status, ...times }: AutomaticReplies, now: number): void {
  const end = isoOf(times.scheduledEndDateTime);
  if (status === "scheduled" && (end <= isoOf(times.scheduledStartDateTime) || Date.parse(end) < now)) {
    throw invalidSchedule();
  }
}

/** Exchange stores UTC; through Graph any zone may have been written. */
function isoOf({ dateTime: text, timeZone }: { dateTime: string; timeZone: string }): string {
  return new Date(instantOf(text, timeZone) ?? 0).toISOString();
}

function wordFor(words: Readonly<Record<string, string>>, value: string): string {
  return Object.keys(words).find((word) => words[word] === value) ?? value;
}
