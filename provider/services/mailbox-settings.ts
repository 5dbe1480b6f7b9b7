import windowsZones from "cldr-core/supplemental/windowsZones.json";
import { isClass, mayHaveHappened, ProviderError, SettleError, unless } from "../http/errors";
import { mapOf, type Row, text } from "../http/json";
import { type Cmdlet, type Exchange, tellWarnings } from "./exchange";
import type { Graph } from "./graph";
import type { Mailbox } from "./mailboxes";
import { GraphElseExchange } from "./refused";
import { type Scope, settle } from "./waiting";

/** Answers that a mailbox gives by itself, in Graph's words. */
export interface AutomaticReplies {
  status: string;
  externalAudience: string;
  /** Html as the service keeps it, inside `html` and `body`; "" for none. */
  internalMessage: string;
  /** Likewise. */
  externalMessage: string;
  /** Stored whatever the status is. `2026-09-01T06:00:00Z`; undefined when the service's value cannot be read. */
  start: string | undefined;
  end: string | undefined;
}

/** Language, time zone and formats; undefined where nobody has set one. */
interface RegionalSettings {
  /** Culture code: `da-DK`. */
  language: string | undefined;
  /** Windows or IANA name. */
  timeZone: string | undefined;
  /** Exchange also prints the language's default here. */
  dateFormat: string | undefined;
  /** Likewise. */
  timeFormat: string | undefined;
}

/** What a mailbox keeps for the programs that open it. */
export interface Settings {
  automaticReplies: AutomaticReplies;
  regional: RegionalSettings;
}

/** What is to be written; members left out stay as they are. */
export interface SettingsChange {
  automaticReplies?: Partial<AutomaticReplies>;
  regional?: {
    language?: string;
    /** Windows name. */
    timeZone?: string;
    /** Null is the language's default; formats that are in force must accompany a change of the language. */
    dateFormat?: string | null;
    timeFormat?: string | null;
    /** Gives the default folders their names in the mailbox's language, which only Exchange's cmdlet can. */
    localizeFolders?: true;
  };
}

/** Called after every request of a write, with what was in it and whether it has certainly happened. */
type Note = (part: SettingsChange, isCertain: boolean) => void;

/** How long Graph may take to serve a new mailbox before the cmdlets are used instead, in milliseconds. */
const NEW_FOR = 2 * 60_000;
/** The same for a mailbox that is not new: Graph will hardly serve it later. */
const OLD_FOR = 10_000;
/** How long a mailbox counts as new, in milliseconds. */
const NEW = 60 * 60_000;

const NEED =
  "The application needs the permission MailboxSettings.Read of Microsoft Graph to read and MailboxSettings.ReadWrite to write, " +
  "or in Exchange the management role View-Only Recipients to read and Mail Recipients to write.";

const STATES = [
  ["disabled", "Disabled"],
  ["alwaysEnabled", "Enabled"],
  ["scheduled", "Scheduled"],
] as const;
const AUDIENCES = [
  ["none", "None"],
  ["contactsOnly", "Known"],
  ["all", "All"],
] as const;

/**
 * Automatic replies and regional settings, through Graph (`mailboxSettings`). Where the application may not use that, or Graph
 * keeps saying that it does not serve the mailbox, the cmdlets of the Exchange admin API do the same for as long as the
 * deployment lasts.
 *
 * @see https://learn.microsoft.com/graph/api/user-update-mailboxsettings
 */
export class MailboxSettings {
  readonly #exchange: Exchange;
  readonly #graph: Graph;
  readonly #either = new GraphElseExchange(
    NEED,
    undefined,
    (error) => error instanceof SettleError || isClass(error, "mailboxNotReady"),
  );

  constructor(exchange: Exchange, graph: Graph) {
    this.#exchange = exchange;
    this.#graph = graph;
  }

  /** The settings. Waits for a mailbox that is seconds old. */
  async read(mailbox: Mailbox, scope: Scope): Promise<Settings> {
    const { id, primarySmtpAddress } = mailbox;
    const byGraph = () =>
      this.#once(mailbox, scope, "Graph", () => this.#graph.mailboxSettings(id, primarySmtpAddress));
    return this.#either.do(
      id,
      async () => settingsOf(await byGraph()),
      async () => {
        const [replies, regional] = await Promise.all([
          this.#row("Get-MailboxAutoReplyConfiguration", "reading the automatic replies of", mailbox, scope),
          this.#row("Get-MailboxRegionalConfiguration", "reading the regional settings of", mailbox, scope),
        ]);
        return { automaticReplies: repliesOfRow(replies), regional: regionalOfRow(regional) };
      },
    );
  }

  /**
   * Writes settings: one request to Graph for both groups, unless folders are to be renamed or formats put back, which only
   * Exchange's cmdlet is documented to do; through Exchange one for each group.
   *
   * @throws ProviderError naming both rights when neither service allows it.
   */
  async write(mailbox: Mailbox, change: SettingsChange, action: string, scope: Scope, note: Note): Promise<void> {
    const { automaticReplies, regional } = change;
    const isRegionalByGraph = regional !== undefined && !needsCmdlet(regional);
    const part: SettingsChange = {
      ...(automaticReplies === undefined ? {} : { automaticReplies }),
      ...(isRegionalByGraph ? { regional } : {}),
    };
    const setRegional = async () => {
      if (regional !== undefined) {
        await this.#setRegional(mailbox, regional, action, scope, note);
      }
    };
    await this.#either.do(
      mailbox.id,
      async () => {
        if (Object.keys(part).length > 0) {
          await noted(part, note, () =>
            this.#graph.updateMailboxSettings(mailbox.id, graphBodyOf(part), action, scope),
          );
        }
        await (isRegionalByGraph ? undefined : setRegional());
      },
      async () => {
        if (automaticReplies !== undefined) {
          await noted({ automaticReplies }, note, () =>
            this.#set("Set-MailboxAutoReplyConfiguration", repliesParameters(automaticReplies), mailbox, action, scope),
          );
        }
        await setRegional();
      },
    );
  }

  async #setRegional(
    mailbox: Mailbox,
    regional: NonNullable<SettingsChange["regional"]>,
    action: string,
    scope: Scope,
    note: Note,
  ): Promise<void> {
    await noted({ regional }, note, () =>
      this.#set("Set-MailboxRegionalConfiguration", regionalParameters(regional), mailbox, action, scope),
    );
  }

  /** Asks until there is an answer: a mailbox seconds old is not served everywhere yet. */
  async #once<T>(mailbox: Mailbox, scope: Scope, where: string, look: () => Promise<T | undefined>): Promise<T> {
    const isNew = Date.now() - Date.parse(mailbox.createdAt) < NEW;
    return settle(
      {
        what: `${where} to serve the settings of ${mailbox.primarySmtpAddress}`,
        look,
        done: (answer): answer is T => answer !== undefined,
        atMost: isNew ? NEW_FOR : OLD_FOR,
      },
      scope,
    );
  }

  async #row(cmdlet: string, doing: string, mailbox: Mailbox, scope: Scope): Promise<Row> {
    const action = `${doing} ${mailbox.primarySmtpAddress}`;
    const read = () => this.#exchange.read({ name: cmdlet, parameters: { Identity: mailbox.id }, action });
    const { rows } = await this.#once(mailbox, scope, "Exchange", () => unless(read(), "notFound"));
    const [row] = rows;
    // An identity that does not exist may be answered with everybody's rows, and these carry no id to tell them by.
    if (row === undefined || rows.length > 1) {
      throw new ProviderError({ action, words: `Exchange answered with ${rows.length} rows instead of one` });
    }
    return row;
  }

  async #set(name: string, parameters: Row, mailbox: Mailbox, action: string, scope: Scope): Promise<void> {
    const cmdlet: Cmdlet = {
      ...{ name, parameters: { Identity: mailbox.id, ...parameters }, action },
      isRepeatable: "settings",
    };
    const { warnings } = await this.#exchange.write(cmdlet, mailbox.id, scope);
    tellWarnings(action, warnings, scope);
  }
}

function needsCmdlet({ localizeFolders, dateFormat, timeFormat }: NonNullable<SettingsChange["regional"]>): boolean {
  return localizeFolders === true || dateFormat === null || timeFormat === null;
}

async function noted(part: SettingsChange, note: Note, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (mayHaveHappened(error)) {
      note(part, false);
    }
    throw error;
  }
  note(part, true);
}

function settingsOf(body: Row): Settings {
  const replies = mapOf(body.automaticRepliesSetting);
  return {
    automaticReplies: {
      status: text(replies.status),
      externalAudience: text(replies.externalAudience),
      internalMessage: text(replies.internalReplyMessage),
      externalMessage: text(replies.externalReplyMessage),
      start: timeOf(replies.scheduledStartDateTime),
      end: timeOf(replies.scheduledEndDateTime),
    },
    regional: {
      language: text(mapOf(body.language).locale) || undefined,
      timeZone: text(body.timeZone) || undefined,
      dateFormat: text(body.dateFormat) || undefined,
      timeFormat: text(body.timeFormat) || undefined,
    },
  };
}

function timeOf(value: unknown): string | undefined {
  const { dateTime, timeZone } = mapOf(value);
  return instantIn(text(dateTime), text(timeZone) || "UTC");
}

function graphBodyOf({ automaticReplies, regional }: SettingsChange): Row {
  const { status, externalAudience, internalMessage, externalMessage, start, end } = automaticReplies ?? {};
  const { language, timeZone, dateFormat, timeFormat } = regional ?? {};
  const time = (at: string | undefined) =>
    at === undefined ? undefined : { dateTime: at.replace(/Z$/, ".0000000"), timeZone: "UTC" };
  const replies = defined({
    status,
    externalAudience,
    internalReplyMessage: internalMessage,
    externalReplyMessage: externalMessage,
    scheduledStartDateTime: time(start),
    scheduledEndDateTime: time(end),
  });
  return defined({
    automaticRepliesSetting: automaticReplies === undefined ? undefined : replies,
    language: language === undefined ? undefined : { locale: language },
    timeZone,
    dateFormat,
    timeFormat,
  });
}

function repliesOfRow(row: Row): AutomaticReplies {
  const word = (words: readonly (readonly [string, string])[], value: unknown) =>
    words.find(([, exchange]) => exchange === value)?.[0] ?? text(value);
  return {
    status: word(STATES, row.AutoReplyState),
    externalAudience: word(AUDIENCES, row.ExternalAudience),
    internalMessage: text(row.InternalMessage),
    externalMessage: text(row.ExternalMessage),
    start: instantIn(text(row.StartTime), "UTC"),
    end: instantIn(text(row.EndTime), "UTC"),
  };
}

function repliesParameters(replies: Partial<AutomaticReplies>): Row {
  const word = (words: readonly (readonly [string, string])[], value: string | undefined) =>
    words.find(([graph]) => graph === value)?.[1];
  // Null clears a text here; "" may be stored as one.
  const message = (value: string | undefined) => (value === "" ? null : value);
  return defined({
    AutoReplyState: word(STATES, replies.status),
    ExternalAudience: word(AUDIENCES, replies.externalAudience),
    InternalMessage: message(replies.internalMessage),
    ExternalMessage: message(replies.externalMessage),
    StartTime: replies.start,
    EndTime: replies.end,
  });
}

function regionalOfRow(row: Row): RegionalSettings {
  return {
    language: text(row.Language) || undefined,
    timeZone: text(row.TimeZone) || undefined,
    dateFormat: text(row.DateFormat) || undefined,
    timeFormat: text(row.TimeFormat) || undefined,
  };
}

function regionalParameters(regional: NonNullable<SettingsChange["regional"]>): Row {
  return defined({
    Language: regional.language,
    TimeZone: regional.timeZone,
    DateFormat: regional.dateFormat,
    TimeFormat: regional.timeFormat,
    LocalizeDefaultFolderName: regional.localizeFolders,
  });
}

function defined(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}

/**
 * Zones whose rules have changed since Unicode mapped them, and the Windows zone that has their rules now (IANA tz database, NEWS:
 * 2023d for Casey, Vostok and Scoresbysund).
 */
const MOVED: Readonly<Record<string, string>> = {
  "america/scoresbysund": "Greenland Standard Time",
  "antarctica/casey": "W. Australia Standard Time",
  "antarctica/vostok": "West Asia Standard Time",
};

/** Unicode CLDR: a Windows zone's name, and the IANA zones that have its rules in a territory. "001" has the one that stands for it. */
const zones = windowsZones.supplemental.windowsZones.mapTimezones.map(({ mapZone }) => ({
  windows: mapZone._other,
  iana: mapZone._type.trim().split(/\s+/),
  isStandard: mapZone._territory === "001",
}));

/** Windows and IANA names in lower case → the Windows name. */
const windowsNames = new Map([
  ...zones.flatMap(({ windows, iana }): [string, string][] =>
    [...iana, windows].map((name) => [name.toLowerCase(), windows]),
  ),
  ...Object.entries(MOVED),
]);

/** Windows names → the IANA zone of the same rules that stands for it. */
const ianaNames = new Map(
  zones.filter(({ isStandard }) => isStandard).map(({ windows, iana: [standard] }) => [windows, standard]),
);

/**
 * The Windows name of a time zone, which is how Exchange keeps it: two names of one zone give the same.
 *
 * @param name a Windows or IANA name, in any case: `romance standard time`, `Europe/Copenhagen`.
 * @returns undefined for a name that is neither, and for one of the few zones that Windows does not have.
 */
export function windowsTimeZone(name: string): string | undefined {
  const key = name.trim().toLowerCase();
  // A link such as Europe/Kyiv is in no mapping, but the zone it stands for is.
  return windowsNames.get(key) ?? windowsNames.get(formatIn(key)?.resolvedOptions().timeZone.toLowerCase() ?? "");
}

/** The IANA zone that stands for a Windows zone; undefined for a name that is none. */
export function standardZone(windows: string): string | undefined {
  return ianaNames.get(windows);
}

/**
 * The instant of a time as a service writes it, to the second: `2026-09-01T06:00:00Z`.
 *
 * @param dateTime ISO 8601. With an offset it is an instant already.
 * @param timeZone where a time without an offset is meant, by its Windows or IANA name.
 * @returns undefined when either is not valid.
 */
export function instantIn(dateTime: string, timeZone: string): string | undefined {
  if (/(Z|[+-]\d\d:?\d\d)$/i.test(dateTime)) {
    return instant(dateTime);
  }
  const format = formatIn(standardZone(windowsTimeZone(timeZone) ?? "") ?? timeZone);
  const local = Date.parse(`${dateTime.trim()}Z`);
  if (format === undefined || Number.isNaN(local)) {
    return undefined;
  }
  // Twice, because the offset at the first guess may be that of the other side of a clock change.
  const guess = local - offsetAt(format, local);
  return spell(local - offsetAt(format, guess));
}

const INSTANT = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:[.,]\d+)?(?:Z|([+-]\d\d):?(\d\d))$/;

/**
 * A point in time to the second, in UTC: `2026-09-01T06:00:00Z`.
 *
 * @param text ISO 8601 with `Z` or an offset; seconds may be left out, fractions are dropped.
 * @returns undefined when it is not, and for a day or hour that does not exist.
 */
export function instant(text: string): string | undefined {
  const [, date, time, seconds = ":00", hours = "+00", minutes = "00"] = INSTANT.exec(text.trim().toUpperCase()) ?? [];
  const local = Date.parse(`${date}T${time}${seconds}Z`);
  // A 30th of February would be taken for the 2nd of March.
  if (Number.isNaN(local) || !spell(local).startsWith(`${date}T${time}`) || Number(minutes) > 59) {
    return undefined;
  }
  const at = Date.parse(`${date}T${time}${seconds}${hours}:${minutes}`);
  return Number.isNaN(at) ? undefined : spell(at);
}

function spell(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

function formatIn(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  } catch {
    return undefined;
  }
}

function offsetAt(format: Intl.DateTimeFormat, milliseconds: number): number {
  const parts = Object.fromEntries(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]));
  const local = Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`);
  return local - Math.floor(milliseconds / 1000) * 1000;
}
