import { writeFileSync } from "node:fs";
import type { Call } from "../http/call";
import { redact } from "../http/errors";
import type { Received } from "../http/parse";

/** Rows of a list that a record keeps; the rest is counted. */
const ROWS = 3;
/** How many characters are kept of a body that is not JSON. */
const LONGEST_TEXT = 2000;

/** Requests of one probe that are kept where they and the statuses of their answers are the same. */
const ALIKE = 3;

/** Headers of which nothing is anybody's. */
const PLAIN_HEADERS =
  /^(accept|allow|consistencylevel|content-(encoding|type)|odata-(max)?version|prefer(ence-applied)?|x-cmdletname|x-exceptiontype|x-ms-ratelimit.*|retry-after)$/i;

/** Headers that say what was asked and answered, and nothing about who. */
const HEADERS = new Set([
  "accept",
  "allow",
  "consistencylevel",
  "content-encoding",
  "content-type",
  "etag",
  "if-match",
  "if-none-match",
  "location",
  "odata-entityid",
  "odata-maxversion",
  "odata-version",
  "prefer",
  "preference-applied",
  "retry-after",
  "www-authenticate",
  "x-anchormailbox",
  "x-cmdletname",
  "x-exceptiontype",
  "x-ms-diagnostics",
  "x-ms-ratelimit-burst-remaining-xrm-requests",
  "x-ms-ratelimit-time-remaining-xrm-requests",
  "x-warnings",
]);

/** One request and its answer, as they went over the wire. */
interface Kept {
  probe: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
  answer: { status: number; headers: Record<string, string>; body: unknown } | undefined;
}

/** What a record says besides the requests. */
interface RecordHead {
  /** Version of the package. */
  version: string;
  /** "Microsoft 365" or "a local tenant". */
  target: string;
  mode: string;
  started: string;
  ended: string;
  results: readonly { probe: string; is: string; said: string }[];
}

/**
 * The requests of a run and their answers, to be attached to an issue. What could be anybody's is replaced by pseudonyms when it is
 * written, after everything was seen; authorization headers never get here.
 */
export class Recording {
  readonly #pseudonyms = new Pseudonyms();
  readonly #kept: Kept[] = [];
  readonly #alike = new Map<string, number>();
  /** The probe that is asking. */
  probe = "";

  /** Notes a value of the user's: their domain, prefix, tenant, environment. */
  learn(value: string | undefined, kind?: "domain"): void {
    if (value !== undefined) {
      this.#pseudonyms.learn(value, kind);
    }
  }

  /** Notes one request and its answer. */
  note(call: Pick<Call, "method" | "headers" | "body">, url: string, received: Received | undefined): void {
    const key = JSON.stringify([this.probe, call.method, url, call.body, received?.status]);
    const alike = (this.#alike.get(key) ?? 0) + 1;
    this.#alike.set(key, alike);
    if (alike > ALIKE) {
      return;
    }
    this.#kept.push({
      probe: this.probe,
      method: call.method,
      url,
      headers: call.headers ?? {},
      body: call.body,
      answer:
        received === undefined
          ? undefined
          : {
              status: received.status,
              headers: Object.fromEntries(received.headers),
              body: bodyOf(received.text),
            },
    });
  }

  /** The record, as JSON. */
  #text(head: RecordHead): string {
    for (const { body, answer } of this.#kept) {
      this.#pseudonyms.learnFrom(body);
      this.#pseudonyms.learnFrom(answer?.body);
    }
    const exchanges = this.#kept.map(({ probe, method, url, headers, body, answer }) => ({
      probe,
      request: {
        method,
        url: this.#pseudonyms.link(url),
        headers: this.#headers(headers),
        ...(body === undefined ? {} : { body: this.#pseudonyms.value(shortened(body)) }),
      },
      answer:
        answer === undefined
          ? "none came"
          : {
              status: answer.status,
              headers: this.#headers(answer.headers),
              ...(answer.body === undefined ? {} : { body: this.#body(answer.body) }),
            },
    }));
    const results = head.results.map(({ said, ...result }) => ({ ...result, said: this.#pseudonyms.ownText(said) }));
    return `${JSON.stringify({ ...head, results, exchanges }, undefined, 1)}\n`;
  }

  /** Makes sure before the run that the record can be written, over nothing that is there already. */
  reserve(file: string): void {
    writeFileSync(file, "", { flag: "wx", mode: 0o600 });
  }

  /** Writes the record, in a file that was reserved. */
  write(file: string, head: RecordHead): void {
    writeFileSync(file, this.#text(head));
  }

  #body(body: unknown): unknown {
    return typeof body === "string" ? this.#pseudonyms.text(body) : this.#pseudonyms.value(shortened(body));
  }

  #headers(headers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => HEADERS.has(name.toLowerCase()))
        .map(([name, value]) => [name, PLAIN_HEADERS.test(name) ? value : this.#pseudonyms.link(value)]),
    );
  }
}

function bodyOf(text: string | undefined): unknown {
  if (text === undefined || text === "") {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    const nuls = [...text].filter((character) => character === "\u0000").length;
    return nuls === text.length ? `${nuls} NUL bytes` : text.slice(0, LONGEST_TEXT);
  }
}

/** Long lists cut short, however deep they are. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.slice(0, ROWS).map(shortened);
    return value.length > ROWS ? [...kept, { more: value.length - ROWS }] : kept;
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
  }
  return value;
}

/** What a pseudonym stands for. */
type Kind = "address" | "domain" | "id" | "sid" | "dn" | "name" | "text" | "number" | "token" | "ip";

/** Members that hold sentences. */
const SENTENCES =
  /^(message|error_description|description|words|failure|said|lastsyncerror|@adminapi\.warnings|adminapi\.warnings)$/i;
/** Members that hold words of the service's own vocabulary, as long as they look like it. */
const TECHNICAL =
  /(^|[.@])(odata\.type|data\.type|code|type|error|CmdletName|X-CmdletName|Content-Type|Prefer|grant_type|method|target)$/i;
const TECHNICAL_VALUE = /^[#A-Za-z0-9_.+()`$/;:= -]{1,160}$/;
/** Members that hold addresses of the web. */
const LINKS = /(^url$|odata\.(context|nextLink|id|deltaLink)$|^(location|odata-entityid)$)/i;

const ADDRESS =
  /[^\s"'`<>@,;:()[\]|/\\=]+@(?!(?:odata|data|adminapi|microsoft|microsoft\.dynamics)\.)[^\s"'`<>@,;:()[\]|/\\?&#=]+/giu;
const GUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b/gi;
const SID = /\bS-1-\d+(?:-\d+)+\b/g;
const WELL_KNOWN_SID = /^S-1-(?:\d+|5-(?:\d{1,2}|32-\d+))$/;
const DN = /\/o=[^"'\n,;]+|\bCN=[^"'\n]+?,\s*(?:OU|DC)=[^"'\n\s]+/gi;
const IP = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;
const TOP_LEVEL =
  "com|net|org|info|biz|edu|gov|mil|int|io|dev|app|cloud|online|site|shop|tech|email|example|test|local|invalid|localhost|internal|lan|[a-z]{2}";
const DOMAIN = new RegExp(
  `(?<![\\p{L}\\d.@_-])(?!(?:microsoft|system|odata|data|exchange|edm|adminapi)\\.(?!com\\b))(?:[\\p{L}\\d](?:[\\p{L}\\d-]*[\\p{L}\\d])?\\.)+(?:${TOP_LEVEL})(?![\\p{L}\\d_-]|\\.[\\p{L}\\d])`,
  "giu",
);
/** Long runs that are not a word: page marks, thumbprints, encoded ids. In a link, slashes part them. */
const TOKEN = /(?<![\p{L}\d+/_=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/-]{20,}={0,2}/gu;
const LINK_TOKEN = /(?<![\p{L}\d+_=-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+-]{20,}={0,2}/gu;
const LONG_NUMBER = /(?<![\w.,-])\+?\d{7,}(?![\w-])/g;
const QUOTED = /(?<![\p{L}\d])(['"‘“`])([^'"‘’“”`\n]{1,200})(['"’”`])(?![\p{L}\d])/gu;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?$/;
/** Numbers, sizes, spans of time, versions, languages, formats of dates. */
const PLAIN_VALUE =
  /^(?:|true|false|-?\d{1,6}(?:\.\d+)?|[\d.,]+ ?[KMGT]?B(?: \([\d,]+ bytes\))?|\d{1,3}%|(?:\d{1,3}\.)?\d\d:\d\d:\d\d(?:\.\d+)?|W\/"\d+"|[a-z]{2,3}-[A-Z]{2}|[dMyHhmst]{1,4}(?:[/.: -]+[dMyHhmst]{1,4}){1,3})$/;
const CMDLET = /^(?:Get|Set|New|Add|Remove|Enable|Disable|Undo|Restore|Test)-[A-Z]\w+$/;

/** Stands for the n-th pseudonym while a text is worked on, so that no later rule sees words in it. */
const FIRST_MARK = 0xf0000;
const MARKS = /[\u{f0000}-\u{ffffd}]/gu;

/**
 * Replaces everything in requests and answers that could be somebody's: an allow-list. A value is kept only where it is known to be
 * the services' own vocabulary. The same value always has the same pseudonym, whatever its case and wherever it stands.
 *
 * Learn everything first, then write: names seen in one place are then found in the sentences of another.
 */
export class Pseudonyms {
  readonly #marks = new Map<string, string>();
  readonly #shown: string[] = [];
  readonly #counts = new Map<Kind, number>();
  /** Values that are somebody's, in lower case. */
  readonly #known = new Map<string, Kind>();
  /** Names of members: the services' vocabulary too. */
  readonly #members = new Set<string>();
  #pattern: RegExp | undefined;

  /** Notes a value as somebody's, wherever it will stand. */
  learn(value: string, kind: Kind = "name"): void {
    const trimmed = value.trim().toLowerCase();
    if (trimmed.length > 1 && !PLAIN_VALUE.test(trimmed) && !this.#known.has(trimmed)) {
      this.#known.set(trimmed, kind);
      this.#pattern = undefined;
    }
  }

  /** Takes in what a body says about people and things. */
  learnFrom(body: unknown, member = ""): void {
    if (Array.isArray(body)) {
      for (const element of body) {
        this.learnFrom(element, member);
      }
    } else if (typeof body === "object" && body !== null) {
      for (const [name, value] of Object.entries(body)) {
        if (isMember(name)) {
          this.#members.add(name);
        }
        this.learnFrom(value, name);
      }
    } else if (
      typeof body === "string" &&
      !this.#isKept(body, member) &&
      !SENTENCES.test(member) &&
      !LINKS.test(member)
    ) {
      this.#learnValue(body);
    }
  }

  #learnValue(value: string): void {
    const whole = kindOf(value.trim());
    if (value.length > 200) {
      return;
    }
    this.learn(value, whole);
    if (whole === "address") {
      this.learn(value.slice(value.lastIndexOf("@") + 1), "domain");
      this.learn(value.slice(0, value.lastIndexOf("@")).replace(/^.*:/, ""));
    }
    if (whole === "text") {
      for (const part of value.split(/[^\p{L}\p{M}\d]+/u)) {
        if (part.length > 2 && !CAPITALISED.has(part) && !this.#members.has(part) && /^\p{Lu}|\p{Lo}/u.test(part)) {
          this.learn(part);
        }
      }
    }
  }

  /** A body, or any plain value, with pseudonyms. */
  value(body: unknown, member = ""): unknown {
    if (Array.isArray(body)) {
      return body.map((element) => this.value(element, member));
    }
    if (typeof body === "object" && body !== null) {
      return Object.fromEntries(
        Object.entries(body).map(([name, inner]) => [isMember(name) ? name : this.text(name), this.value(inner, name)]),
      );
    }
    if (typeof body === "number") {
      return Math.abs(body) >= 2 ** 31 ? this.#shownOf(this.#mark("number", String(body))) : body;
    }
    if (typeof body !== "string" || this.#isKept(body, member)) {
      return body;
    }
    if (SENTENCES.test(member)) {
      return this.text(body);
    }
    if (LINKS.test(member)) {
      return this.link(body);
    }
    const trimmed = body.trim();
    return this.#shownOf(this.#mark(this.#known.get(trimmed.toLowerCase()) ?? kindOf(trimmed), trimmed));
  }

  #isKept(value: string, member: string): boolean {
    return (
      VALUES.has(value) ||
      PLAIN_VALUE.test(value) ||
      TIME.test(value) ||
      CMDLET.test(value) ||
      (TECHNICAL.test(member) && TECHNICAL_VALUE.test(value) && !this.#known.has(value.toLowerCase()))
    );
  }

  /** A sentence of a service: every word that might be a name is replaced. */
  text(text: string): string {
    return this.#expanded(this.#words(this.#quoted(this.#marked(text))));
  }

  /** A sentence of our own, in which a service's words may stand. */
  ownText(text: string): string {
    return this.#expanded(this.#marked(text));
  }

  /** An address of the web, or a path with its query. */
  link(link: string): string {
    return this.#expanded(this.#quoted(this.#marked(decoded(link), LINK_TOKEN)));
  }

  /** Everything that shows by its form or is known already, in the order of how much it says. */
  #marked(text: string, tokens = TOKEN): string {
    const replace = (from: string, pattern: RegExp, kind: Kind, isKept = (_: string) => false): string =>
      from.replace(pattern, (found) => (isKept(found) ? found : this.#mark(kind, found)));
    let result = redact(text).replace(MARKS, "");
    result = replace(result, DN, "dn");
    result = result.replace(
      ADDRESS,
      (found) => this.#mark("address", found.replace(/[.!?]+$/, "")) + (/[.!?]+$/.exec(found)?.[0] ?? ""),
    );
    result = replace(result, GUID, "id");
    result = replace(result, SID, "sid", (sid) => WELL_KNOWN_SID.test(sid));
    result = replace(result, IP, "ip", (ip) => ip.startsWith("127."));
    result = replace(result, DOMAIN, "domain", (host) => PUBLIC_HOSTS.has(host.toLowerCase()));
    result = replace(result, tokens, "token", (token) => this.#members.has(token));
    result = replace(result, LONG_NUMBER, "number");
    const known = this.#knownPattern();
    return known === undefined
      ? result
      : result.replace(known, (found) => this.#mark(this.#known.get(found.toLowerCase()) ?? "name", found));
  }

  #knownPattern(): RegExp | undefined {
    if (this.#pattern === undefined && this.#known.size > 0) {
      const alternatives = [...this.#known.keys()]
        .sort((a, b) => b.length - a.length)
        .map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+"));
      this.#pattern = new RegExp(`(?<![\\p{L}\\p{M}\\d])(?:${alternatives.join("|")})(?![\\p{L}\\p{M}\\d])`, "giu");
    }
    return this.#pattern;
  }

  #quoted(text: string): string {
    return text.replace(QUOTED, (whole, open: string, inner: string, close: string) =>
      this.#isTechnicalWord(inner) || onlyMarks(inner) ? whole : `${open}${this.#mark("name", inner)}${close}`,
    );
  }

  #words(text: string): string {
    return text.replace(/[\p{L}\p{M}][\p{L}\p{M}\d_]*(?:-[\p{L}\p{M}\d_]+)*/gu, (word) =>
      /\p{Lu}|\p{Lo}|\p{Lt}/u.test(word) && !this.#isTechnicalWord(word) ? this.#mark("name", word) : word,
    );
  }

  #isTechnicalWord(word: string): boolean {
    return (
      CAPITALISED.has(word) ||
      VALUES.has(word) ||
      this.#members.has(word) ||
      CMDLET.test(word) ||
      /^(?:AADSTS\d+|Ex[0-9A-F]{6}|0x[0-9A-Fa-f]{8}|[A-Za-z]*(?:Exception|Error))$/.test(word) ||
      /^(?:#?(?:Collection\()?(?:Microsoft|System|Edm)\.[\w.()]+)$/.test(word)
    );
  }

  #mark(kind: Kind, value: string): string {
    const key = value.trim().toLowerCase();
    const found = this.#marks.get(key);
    if (found !== undefined) {
      return found;
    }
    const number = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, number);
    const mark = String.fromCodePoint(FIRST_MARK + this.#shown.length);
    this.#shown.push(`${kind}-${number}`);
    this.#marks.set(key, mark);
    return mark;
  }

  #shownOf(mark: string): string {
    return this.#shown[(mark.codePointAt(0) ?? FIRST_MARK) - FIRST_MARK] ?? "";
  }

  #expanded(text: string): string {
    return text.replace(MARKS, (mark) => this.#shownOf(mark));
  }
}

function kindOf(value: string): Kind {
  const isWhole = (pattern: RegExp) =>
    new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace("g", "")).test(value);
  return isWhole(GUID)
    ? "id"
    : isWhole(SID)
      ? "sid"
      : isWhole(ADDRESS) || /^[a-z]+:[^\s@]+@[^\s@]+$/i.test(value)
        ? "address"
        : isWhole(DN)
          ? "dn"
          : isWhole(DOMAIN)
            ? "domain"
            : "text";
}

/** Whether a member's name is an identifier, with an annotation of OData perhaps, and so no data. */
function isMember(name: string): boolean {
  return (
    /^[A-Za-z_$][\w$-]{0,60}$/.test(name) ||
    /^(?:[A-Za-z_$][\w$.-]{0,60})?@(?:odata|data|adminapi|Microsoft|OData)\.[\w.]+$/.test(name) ||
    /^(?:adminapi\.warnings|odata\.type)(?:@odata\.type)?$/.test(name)
  );
}

function onlyMarks(text: string): boolean {
  return text.replace(MARKS, "").trim() === "";
}

function decoded(link: string): string {
  try {
    return decodeURIComponent(link.replaceAll("+", " "));
  } catch {
    return link;
  }
}

/** What a record may show as it is: the services' own vocabulary. Everything else in it is replaced. */
const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Values of enumerations, compared whole and with case. */
const VALUES = words(`
  Unlimited Enabled Disabled None All Mail Internal External True False Default Custom Known
  SharedMailbox UserMailbox RoomMailbox EquipmentMailbox MailUser MailContact MailUniversalSecurityGroup User Shared
  FullAccess SendAs SendOnBehalf ReadPermission ChangePermission ChangeOwner DeleteItem ExternalAccount Allow Deny
  alwaysEnabled scheduled disabled none all contactsOnly shared user linked inference default custom
  tenant application systemuser queue team mailbox businessunit organization UTC Authoritative InternalRelay
  monday tuesday wednesday thursday friday saturday sunday inbox text/html application/json
  sendToDelegateOnly sendToDelegateAndPrincipal sendToDelegateAndInformationToPrincipal
  DiscoveryMailbox ArbitraryMailbox GuestMailUser InlineAttachments FileAttachments
`);

/** Words that begin with a capital letter in the services' texts and belong to nobody. */
const CAPITALISED = words(`
  A About Access According Account Accounts Action Active Actual Add After All Allowed Also An And Another Any Application
  Approve Are Argument As At Attribute Authorization Automatic Azure Bad Batch Because Before Body But By Can Cannot Change Check
  Clean Client Code Column Command Conflict Contact Continue Correlation Could Couldn Create Current Data Date Default Delete
  Directory Do Does Doesn Don Dual Duplicate Dynamics Each Either Email Empty Enabled Enforced Entity Entra Entry Error Errors
  Every Exchange Expected Expired Expiry Failed File Filter Following For Found From Full Get Graph Group Has Have He Host Http
  However If Immutable In Inbox Incoming Incorrect Insufficient Internal Invalid Is It Item Its Key Language Limit List Location
  Mail Mailbox Mailboxes Make Maximum Member Message Method Micro Microsoft Missing More Multiple Must Name Need New No Not
  Nothing Object Of Office On One Online Only Open Operation Or Organization Other Outgoing Owner Parameter Parameters Path Pending
  Permission Permissions Please Policy Port Prefer Priority Privilege Profile Property Provide Queue Read Reason Recipient
  Record Remove Request Requests Required Resource Response Result Retry Role Row Rule Rules Run Schema Select Send Server
  Service Set Several Should Sign Size Some Specify Specified Status Subject Success Sync System Target Team Tenant Test Text The
  There These This Those Time Timestamp To Token Too Trace Trustee Try Type Unable Unexpected Unknown Unlimited Update Use User
  Users Valid Value Values Version Virtual Warning We Web When Where Which While With Without Write Yes You Your
  Active-Directory Bad-Request Not-Found Forbidden Unauthorized Conflict Accepted Created
  January February July September October November December
  Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec
  Full-Access Send-As Bearer Basic Resultset Default-Expiry Inactive Forward Credentials
  AD AAD ACE ACL API ARM DC DN EXO GB GMT GUID HTTP HTTPS ID IMAP JSON KB LDAP MAPI MB NUL OAuth OData OOF OWA POP SID SMTP SPO TB UPN URI URL
  UTC XML CRM EX GET PATCH POST PUT DELETE
`);

/** Hosts that everybody talks to. */
const PUBLIC_HOSTS = words(`
  outlook.office365.com outlook.office.com graph.microsoft.com login.microsoftonline.com login.windows.net sts.windows.net
  outlook.office365.us graph.microsoft.us dod-graph.microsoft.us login.microsoftonline.us
  partner.outlook.cn microsoftgraph.chinacloudapi.cn login.chinacloudapi.cn login.partner.microsoftonline.cn
  go.microsoft.com aka.ms docs.microsoft.com learn.microsoft.com localhost
`);
