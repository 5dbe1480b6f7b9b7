import { instantOf, isTimeZone, untouchedSettings, utcText, whyNotFormat } from "../mailbox-settings";
import type { Answer } from "../message";
import { type MailboxSettings, type RecipientTypeDetails, tables, type User } from "../model";
import type { Tenant } from "../tenant";
import { isPlainObject, names } from "../values";
import { refuseUnknown } from "./collection";
import { type MailboxOwner, requireMailbox, requireRecipient } from "./directory";
import {
  errorAccessDenied,
  invalidFormat,
  invalidLocale,
  invalidTimeSettings,
  invalidTimeZone,
  readOnlyMember,
  scheduleIsOver,
  segmentNotFound,
  unknownEnumValue,
  unknownMember,
  unknownSelect,
  unreadableLiteral,
} from "./errors";
import { folderId } from "./messages";
import { admits, bodyOf, type GraphRequest, type Json, refuseUnknownMembers } from "./request";

const type = "microsoft.graph.mailboxSettings";
const members = names(`
  archiveFolder automaticRepliesSetting dateFormat delegateMeetingMessageDeliveryOptions language timeFormat timeZone
  userPurpose workingHours
`);
const statuses = ["disabled", "alwaysEnabled", "scheduled"] as const;
const audiences = ["none", "contactsOnly", "all"] as const;
const deliveryOptions = [
  "sendToDelegateAndInformationToPrincipal",
  "sendToDelegateAndPrincipal",
  "sendToDelegateOnly",
] as const;
const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

const purposes: Partial<Record<RecipientTypeDetails, string>> = {
  UserMailbox: "user",
  SharedMailbox: "shared",
  RoomMailbox: "room",
  EquipmentMailbox: "equipment",
};

/** GET /users/{id}/mailboxSettings */
export function getMailboxSettings(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  refuseUnknown(request, new Set(["select", "format"]));
  const entity = entityOf(request.tenant, owner);
  const names = selectedMembers(request);
  return {
    status: 200,
    body: {
      "@odata.context": `${context(request, owner)}${request.query.get("select") ? `(${names.join(",")})` : ""}`,
      ...Object.fromEntries(names.map((name) => [name, entity[name]])),
    },
  };
}

/** GET /users/{id}/mailboxSettings/{member} */
export function getMailboxSetting(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  const key = request.keys[1] ?? "";
  const member = members.find((name) => name.toLowerCase() === key.toLowerCase());
  if (member === undefined) {
    throw segmentNotFound(key);
  }
  const value = entityOf(request.tenant, owner)[member];
  return {
    status: 200,
    body: { "@odata.context": `${context(request, owner)}/${member}`, ...(isPlainObject(value) ? value : { value }) },
  };
}

/** PATCH /users/{id}/mailboxSettings: 200 with the members that were given. */
export function updateMailboxSettings(request: GraphRequest): Answer {
  const { tenant } = request;
  const owner = requireMailbox(request);
  const body = bodyOf(request);
  const settings = changedSettings(settingsOf(tenant, owner.user.id), body, tenant);
  tenant.store.put(tables.mailboxSettings, owner.user.id, settings);
  const entity = entityOf(tenant, owner, settings);
  const given = members.filter((name) => name in body);
  return {
    status: 200,
    body: {
      "@odata.context": context(request, owner),
      ...Object.fromEntries(given.map((name) => [name, entity[name]])),
    },
  };
}

/** The settings as a member of the user, for `$select=mailboxSettings`. Needs the role the settings themselves need. */
export function mailboxSettingsOf(request: GraphRequest, user: User): Json {
  if (!admits(request.caller.roles, "readMailboxSettings")) {
    throw errorAccessDenied();
  }
  return entityOf(request.tenant, { user, recipient: requireRecipient(request.tenant, user) });
}

function context(request: GraphRequest, owner: MailboxOwner): string {
  return `${request.base}/$metadata#users('${owner.user.id}')/mailboxSettings`;
}

function selectedMembers(request: GraphRequest): string[] {
  const select = request.query.get("select");
  if (!select) {
    return members;
  }
  return select.split(",").map((given) => {
    const member = members.find((name) => name.toLowerCase() === given.trim().toLowerCase());
    if (member === undefined) {
      throw unknownSelect(given.trim(), type);
    }
    return member;
  });
}

/** The row as it really is, or that of a mailbox nobody has set anything on. */
function settingsOf(tenant: Tenant, id: string): MailboxSettings {
  return tenant.store.get<MailboxSettings>(tables.mailboxSettings, id) ?? neverSet(tenant, id);
}

function neverSet(tenant: Tenant, id: string): MailboxSettings {
  return {
    ...untouchedSettings(id, tenant.now()),
    ...(tenant.isContrary("graph.unset-settings")
      ? { language: "en-US", timeZone: "UTC", dateFormat: "M/d/yyyy", timeFormat: "h:mm tt" }
      : {}),
  };
}

function entityOf(tenant: Tenant, owner: MailboxOwner, written?: MailboxSettings): Json {
  // @documented graph.archive-folder: archiveFolder is the id of a mail folder, also of a mailbox without an archive [Microsoft
  // Graph reference: mailboxSettings resource type]
  // @assumed graph.unset-settings: A language that was never set reads as a null locale, a zone as empty text [Exchange returns
  // null; no record of Graph found]
  // @observed graph.unset-formats: Date and time formats that were never set read as empty text [a recorded answer of 2026-05-12,
  // microsoftgraph/msgraph-training-dotnet #24]
  // @documented graph.user-purpose: userPurpose follows the recipient type [Microsoft Graph reference: mailboxSettings resource
  // type]
  const { id } = owner.user;
  const settings =
    written ?? tenant.store.seen<MailboxSettings>("graph", tables.mailboxSettings, id) ?? neverSet(tenant, id);
  const { automaticReplies, language } = settings;
  return {
    archiveFolder: folderId(id, "archive"),
    automaticRepliesSetting: {
      status: automaticReplies.status,
      externalAudience: automaticReplies.externalAudience,
      internalReplyMessage: automaticReplies.internalReplyMessage,
      externalReplyMessage: automaticReplies.externalReplyMessage,
      scheduledStartDateTime: automaticReplies.scheduledStartDateTime,
      scheduledEndDateTime: automaticReplies.scheduledEndDateTime,
    },
    dateFormat: settings.dateFormat ?? "",
    delegateMeetingMessageDeliveryOptions: settings.delegateMeetingMessageDeliveryOptions,
    language: { locale: language, displayName: language === null ? null : languageName(language) },
    timeFormat: settings.timeFormat ?? "",
    timeZone: settings.timeZone ?? "",
    userPurpose: purposes[owner.recipient.recipientTypeDetails] ?? "others",
    workingHours: settings.workingHours ?? {
      daysOfWeek: ["monday", "tuesday", "wednesday", "thursday", "friday"],
      startTime: "08:00:00.0000000",
      endTime: "17:00:00.0000000",
      timeZone: { name: settings.timeZone ?? "Pacific Standard Time" },
    },
  };
}

function changedSettings(settings: MailboxSettings, body: Json, tenant: Tenant): MailboxSettings {
  // @assumed graph.settings-read-only: A write of userPurpose or archiveFolder is 400 ErrorInvalidPropertySet [read-only is
  // documented, code and text are not]
  // @assumed graph.language-formats: A new language drops date and time formats that do not come with it [Exchange refuses such
  // pairs]
  // @assumed graph.formats-of-language: A date or time format that the mailbox's language does not have is 400, with Exchange's
  // words [Exchange refuses it (exchange.formats-of-language); no record of Graph found]
  const changed: MailboxSettings = { ...settings };
  for (const [name, value] of Object.entries(body)) {
    switch (name) {
      case "automaticRepliesSetting":
        changed.automaticReplies = changedReplies(settings.automaticReplies, value, tenant);
        break;
      case "dateFormat":
      case "timeFormat":
        if (value !== null && typeof value !== "string") {
          throw unreadableLiteral(value, "Edm.String");
        }
        changed[name] = value === "" ? null : value;
        break;
      case "delegateMeetingMessageDeliveryOptions":
        changed.delegateMeetingMessageDeliveryOptions = oneOf(deliveryOptions, value);
        break;
      case "language":
        changed.language = checkedLocale(value);
        if (changed.language !== settings.language && !tenant.isContrary("graph.language-formats")) {
          // Formats belong to a language: without new ones its own are in force.
          changed.dateFormat = typeof body.dateFormat === "string" ? body.dateFormat : null;
          changed.timeFormat = typeof body.timeFormat === "string" ? body.timeFormat : null;
        }
        break;
      case "timeZone":
        changed.timeZone = checkedTimeZone(value);
        break;
      case "workingHours":
        changed.workingHours = checkedHours(value, settings);
        break;
      case "userPurpose":
      case "archiveFolder":
        throw tenant.isContrary("graph.settings-read-only") ? errorAccessDenied() : readOnlyMember(name);
      default:
        if (!name.startsWith("@odata.")) {
          throw unknownMember(name, type);
        }
    }
  }
  for (const [kind, field] of [
    ["DateFormat", "dateFormat"],
    ["TimeFormat", "timeFormat"],
  ] as const) {
    const reason = field in body ? whyNotFormat(kind, changed[field], changed.language) : undefined;
    if (reason !== undefined && !tenant.isContrary("graph.formats-of-language")) {
      throw invalidFormat(reason);
    }
  }
  return changed;
}

type Replies = MailboxSettings["automaticReplies"];

function changedReplies(replies: Replies, value: unknown, tenant: Tenant): Replies {
  // @documented graph.scheduled-order: An interval that ends before it starts is 400 ErrorInvalidTimeSettings [Microsoft Graph
  // reference: user-update-mailboxsettings]
  // @observed graph.scheduled-past: Replies scheduled for a time that is over are refused: given now, or kept from before where no
  // times are given [Exchange's own check of a schedule as a whole, InvalidScheduledOofDuration (public sources);
  // ecederstrand/exchangelib #617; Graph's code is ours]
  if (!isPlainObject(value)) {
    throw unreadableLiteral(value, "microsoft.graph.automaticRepliesSetting");
  }
  const changed: Replies = { ...replies };
  for (const [name, given] of Object.entries(value)) {
    switch (name) {
      case "status":
        changed.status = oneOf(statuses, given);
        break;
      case "externalAudience":
        changed.externalAudience = oneOf(audiences, given);
        break;
      case "internalReplyMessage":
      case "externalReplyMessage":
        if (given !== null && typeof given !== "string") {
          throw unreadableLiteral(given, "Edm.String");
        }
        changed[name] = wrapped(given ?? "");
        break;
      case "scheduledStartDateTime":
      case "scheduledEndDateTime":
        changed[name] = checkedTime(given);
        break;
      default:
        if (!name.startsWith("@odata.")) {
          throw unknownMember(name, "microsoft.graph.automaticRepliesSetting");
        }
    }
  }
  if (changed.status === "scheduled") {
    const start = Date.parse(`${changed.scheduledStartDateTime.dateTime}Z`);
    const end = Date.parse(`${changed.scheduledEndDateTime.dateTime}Z`);
    if (start >= end) {
      throw invalidTimeSettings();
    }
    if (end < tenant.now()) {
      throw scheduleIsOver();
    }
  }
  return changed;
}

/** The service keeps replies as a document of its own: text comes back inside html and body tags. */
function wrapped(message: string): string {
  // @documented graph.reply-html: Replies come back inside html and body tags [Microsoft Graph reference:
  // user-update-mailboxsettings, examples]
  if (message === "") {
    return "";
  }
  const body = /<body[^>]*>([\s\S]*?)<\/body>/i.exec(message)?.[1] ?? message.replace(/<\/?html[^>]*>/gi, "");
  return `<html>\n<body>\n${body.trim()}\n</body>\n</html>\n`;
}

function checkedTime(value: unknown): { dateTime: string; timeZone: string } {
  // @documented graph.scheduled-utc: Scheduled times come back in UTC with seven decimals [Microsoft Graph reference:
  // user-update-mailboxsettings, examples]
  if (!isPlainObject(value) || typeof value.dateTime !== "string") {
    throw unreadableLiteral(isPlainObject(value) ? value.dateTime : value, "microsoft.graph.dateTimeTimeZone");
  }
  refuseUnknownMembers(value, ["dateTime", "timeZone"], "dateTimeTimeZone");
  const timeZone = value.timeZone ?? "UTC";
  if (typeof timeZone !== "string" || !isTimeZone(timeZone)) {
    throw invalidTimeZone();
  }
  const instant = instantOf(value.dateTime, timeZone);
  if (instant === undefined) {
    throw unreadableLiteral(value.dateTime, "Edm.DateTimeOffset");
  }
  return { dateTime: utcText(instant), timeZone: "UTC" };
}

function checkedLocale(value: unknown): string {
  const locale = isPlainObject(value) ? value.locale : value;
  if (!isPlainObject(value) || typeof locale !== "string" || !/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})+$/.test(locale)) {
    throw invalidLocale(locale);
  }
  refuseUnknownMembers(value, ["locale", "displayName"], "localeInfo");
  try {
    const canonical = Intl.getCanonicalLocales(locale)[0];
    if (canonical !== undefined && languageName(canonical) !== canonical) {
      return canonical;
    }
  } catch {
    // Not a locale at all; the same answer.
  }
  throw invalidLocale(locale);
}

function languageName(locale: string): string {
  return new Intl.DisplayNames("en", { type: "language", languageDisplay: "standard" }).of(locale) ?? locale;
}

function checkedTimeZone(value: unknown): string {
  // @documented graph.zones-kept: Windows and IANA zones are taken and kept as given [Microsoft Graph reference:
  // user-update-mailboxsettings]
  if (typeof value !== "string" || !isTimeZone(value)) {
    throw invalidTimeZone();
  }
  return value;
}

function checkedHours(value: unknown, settings: MailboxSettings): NonNullable<MailboxSettings["workingHours"]> {
  if (!isPlainObject(value)) {
    throw unreadableLiteral(value, "microsoft.graph.workingHours");
  }
  refuseUnknownMembers(value, ["daysOfWeek", "startTime", "endTime", "timeZone"], "workingHours");
  const zone = checkedHoursZone(value.timeZone);
  if (value.daysOfWeek !== undefined && !Array.isArray(value.daysOfWeek)) {
    throw unreadableLiteral(value.daysOfWeek, "Collection(microsoft.graph.dayOfWeek)");
  }
  const before = settings.workingHours;
  const hours = {
    daysOfWeek: Array.isArray(value.daysOfWeek)
      ? value.daysOfWeek.map((day) => oneOf(days, day))
      : (before?.daysOfWeek ?? ["monday", "tuesday", "wednesday", "thursday", "friday"]),
    startTime: checkedClock(value.startTime ?? before?.startTime ?? "08:00:00.0000000"),
    endTime: checkedClock(value.endTime ?? before?.endTime ?? "17:00:00.0000000"),
    timeZone: zone ?? before?.timeZone ?? { name: settings.timeZone ?? "Pacific Standard Time" },
  };
  if (hours.startTime > hours.endTime) {
    throw invalidTimeSettings();
  }
  return hours;
}

/** A zone by name, or one of its own with its offsets: a `customTimeZone`. */
function checkedHoursZone(zone: unknown): Json | undefined {
  if (zone === undefined) {
    return undefined;
  }
  if (!isPlainObject(zone) || typeof zone.name !== "string") {
    throw invalidTimeZone();
  }
  if (zone["@odata.type"] === "#microsoft.graph.customTimeZone") {
    refuseUnknownMembers(zone, ["name", "bias", "standardOffset", "daylightOffset"], "customTimeZone");
  } else {
    refuseUnknownMembers(zone, ["name"], "timeZoneBase");
    checkedTimeZone(zone.name);
  }
  return zone;
}

function checkedClock(value: unknown): string {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?$/.exec(String(value));
  if (parts === null) {
    throw unreadableLiteral(value, "Edm.TimeOfDay");
  }
  return `${parts[1]}:${parts[2]}:${parts[3] ?? "00"}.0000000`;
}

function oneOf<T extends string>(values: readonly T[], given: unknown): T {
  const value = values.find((one) => one.toLowerCase() === String(given).toLowerCase());
  if (value === undefined) {
    throw unknownEnumValue(given);
  }
  return value;
}
