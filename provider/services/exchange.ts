import { type Answer, type CallContext, wait } from "../http/call";
import { classifyWarning, type WarningMeaning } from "../http/classify";
import { isClass, isServiceError, ProviderError } from "../http/errors";
import { mapOf, type Row, rowsOf, text } from "../http/json";
import { batchedError } from "../http/parse";
import type { Pipeline } from "../http/pipeline";
import { actionOf, type Batch, type BatchedReads, Batches, sendBatch } from "./batching";
import { type Listed, Listing, ReadAhead, type Shared, sharingNothing } from "./listing";
import { missingRole, notWhatWasAsked } from "./refused";
import { sharedWrites } from "./shared-writes";
import type { Scope } from "./waiting";

/** What a cmdlet answered. */
export interface Output {
  /** As they are on the wire, without annotations (names with `@`). */
  rows: Row[];
  /** PowerShell's warnings for people. Warnings about paging, or that a write had nothing to do, are left out. */
  warnings: string[];
  /** Exchange's words that a write had nothing to do. */
  nothingToDo?: string;
  /** Exchange's words that there are more rows than it gave. */
  truncation?: string;
  /** Set where the body has no list of rows. Something between here and Exchange answered; it never means an empty list. */
  foreign?: {
    /** The service's id for the request, where the answer has one. */
    requestId?: string;
  };
}

/** A cmdlet and its parameters, as they go over the wire. */
export interface Cmdlet {
  name: string;
  parameters: Record<string, unknown>;
  /** Output properties wanted; fewer are much faster, a full `Get-Mailbox` has over 230. */
  select?: readonly string[];
  /** What is being done to what, in words, for errors and the trace. */
  action: string;
  /**
   * A write that may be repeated without harm: it shares a `$batch` with others. Those of one mailbox's permissions, and those of its
   * settings, keep their order. Neither waits for the other or ends with it.
   */
  isRepeatable?: "permissions" | "settings";
  /** Where a listing of all may answer in its place. */
  listed?: Listed<Output>;
  /** Where what it reads has a listing: a filter that it can be asked for with, and the rows that are its own. */
  among?: { filter: string; isOwn: (row: Row) => boolean };
  /** Where it may have been read before anybody asked: Entra object id of the mailbox. */
  ahead?: string;
}

/** Reads that may go into one `$batch`; the number public clients use. */
const BATCH = 10;
/** Rows a page; the most the service gives. */
const PAGE = 1000;
/**
 * How many names, ids or SIDs one filter asks for. **Unverified:** how long a filter may be, and how long it takes. Somebody reports 59
 * object ids in one of `Get-User` (office-docs-powershell #7471). `mailboxes acceptance` probes fifteen (`exchange.filter-length`).
 */
export const IN_ONE_FILTER = 15;

/** How often a listing begins again after a page was lost: a nextLink works once, and only for minutes. */
const RESTARTS = 2;
/** How often a cmdlet is sent to another server because the first one cannot run it. */
const REROUTES = 4;
/** Pause before the second such change, in milliseconds; each later one is twice as long. */
const REROUTE_PAUSE = 250;

/**
 * Parameters that are never sent, whatever asks for them: they reset or destroy more than any declared change could mean.
 * `Disable-Mailbox` without `Archive`, which disables the whole mailbox, is never sent either.
 */
const DENIED_PARAMETERS = ["ResetDefault", "ClearAutoMapping", "RemoveDelayHoldApplied", "PermanentlyDisable"];

/**
 * The Exchange admin API: cmdlets over HTTP (`InvokeCommand`), the way the official PowerShell module works. Microsoft
 * publishes no support statement for it.
 */
export class Exchange {
  readonly #pipeline: Pipeline;
  readonly #tenant: (context: CallContext) => Promise<string>;
  readonly #reads: Batches<Cmdlet, Output>;
  readonly #writeTogether: (cmdlet: Cmdlet, of: string, context: CallContext) => Promise<Output>;
  readonly #anchors = new Anchors();
  /** Cmdlets that Exchange has run for this application. */
  readonly #worked = new Set<string>();
  readonly #listeners: ((concerned: string) => void)[] = [];
  readonly #shared: Shared;
  readonly #ahead: ReadAhead<Cmdlet, Output>;
  readonly #bounds: () => CallContext;

  /**
   * @param tenant the tenant's id, which stands in every path.
   * @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone.
   */
  constructor(
    pipeline: Pipeline,
    tenant: (context: CallContext) => Promise<string>,
    bounds: () => CallContext,
    shared: Shared = sharingNothing(),
  ) {
    this.#shared = shared;
    this.#ahead = new ReadAhead(BATCH, (output) => rowsIn(output) > 0, shared.writes);
    this.#bounds = bounds;
    this.#pipeline = pipeline;
    this.#tenant = tenant;
    const reads: BatchedReads<Cmdlet, Output> = {
      service: "exchange",
      size: BATCH,
      key: ({ name, parameters, select = [] }) => JSON.stringify([name, parameters, select]),
      alone: (cmdlet, context) => this.#send(cmdlet, "read", context),
      together: (cmdlets, context) => this.#together(cmdlets, context),
      parse: ({ body, headers }, cmdlet) =>
        nextLinkOf(body) === undefined ? this.#noted(cmdlet, outputOf(body, headers)) : undefined,
      failure: (answer, cmdlet) => this.#explained(batchedError("exchange", answer, cmdlet.action), cmdlet),
      filter: {
        size: IN_ONE_FILTER,
        kind: ({ name, select = [], among }) => (among === undefined ? undefined : JSON.stringify([name, select])),
        of: (cmdlets) => filtering(cmdlets),
        part: (output, { among }) => {
          const rows = rowsIn(output) === 0 ? [] : output.rows.filter((row) => among?.isOwn(row) === true);
          return rows.length === 0 ? undefined : { rows, warnings: output.warnings };
        },
      },
      ahead: this.#ahead,
    };
    this.#reads = new Batches(reads, pipeline, bounds);
    this.#writeTogether = sharedWrites<Cmdlet, Output>({
      service: "exchange",
      size: BATCH,
      isInRow: true,
      alone: (cmdlet, context) => this.#send(cmdlet, "write", context),
      together: async (cmdlets, goesOn, context) => {
        const how = { service: "exchange", kind: "write", action: actionOf(cmdlets) } as const;
        return sendBatch(pipeline, how, await this.#together(cmdlets, context, goesOn), context);
      },
      done: ({ body, headers }, cmdlet) => this.#noted(cmdlet, outputOf(body, headers)),
      explained: (error, cmdlet) => this.#explained(error, cmdlet),
    });
  }

  /**
   * Runs a reading cmdlet. Reads that are asked for at the same time travel together, equal ones once.
   *
   * @throws ExchangeError; ProviderError when the answer was cut short.
   */
  async read(cmdlet: Cmdlet): Promise<Output> {
    guard(cmdlet);
    return whole(await this.#reads.read(cmdlet), cmdlet);
  }

  /**
   * Runs a writing cmdlet, once.
   *
   * @param concerned the mailbox it concerns (its Entra object id): what is cached about it is dropped.
   * @throws ExchangeError; UnknownOutcomeError when the answer was lost.
   */
  async write(cmdlet: Cmdlet, concerned: string | undefined, context: CallContext): Promise<Output> {
    guard(cmdlet);
    let made: string | undefined;
    try {
      const output = await (cmdlet.isRepeatable !== undefined && concerned !== undefined
        ? this.#writeTogether(cmdlet, `${cmdlet.isRepeatable} ${concerned.toLowerCase()}`, context)
        : this.#send(cmdlet, "write", context));
      made = text(output.rows[0]?.ExternalDirectoryObjectId) || undefined;
      return output;
    } finally {
      // A creation without an answer made something that nothing was read of.
      if (concerned !== undefined || made !== undefined || cmdlet.name !== "New-Mailbox") {
        this.#shared.writes.note(concerned ?? made);
      }
      if (concerned !== undefined) {
        for (const listener of this.#listeners) {
          listener(concerned);
        }
      }
    }
  }

  /**
   * Rows of one kind that are read one by one, or all together by a cmdlet that names none.
   *
   * @param cmdlet lists all.
   * @param keysOf what a row is asked for with.
   * @param isWhole whether the rows under one key can be told to be all of one object's. Default: they always are.
   */
  listing(
    cmdlet: Cmdlet,
    keysOf: (row: Row) => readonly string[],
    isWhole: (rows: readonly Row[]) => boolean = () => true,
  ): Listing<Output> {
    return new Listing(
      {
        pages: (accounts, rows) => Math.ceil((accounts * Math.max(rows, 1)) / PAGE),
        all: async () => {
          const found = new Map<string, Output>();
          // By itself: in a batch only its first page would come, after all the others' reads, and would have to be asked for again.
          const listed = whole(await this.#send(cmdlet, "read", this.#bounds()), cmdlet);
          for (const row of listed.rows) {
            for (const key of new Set(keysOf(row).map((one) => one.toLowerCase()))) {
              const output = found.get(key) ?? emptyOutput();
              output.rows.push(row);
              found.set(key, output);
            }
          }
          return new Map([...found].filter(([, { rows }]) => isWhole(rows)));
        },
        rowsIn,
        idsIn: ({ rows }) => rows.map((row) => text(row.ExternalDirectoryObjectId)).filter((id) => id !== ""),
      },
      this.#shared.writes,
      this.#shared.accounts,
    );
  }

  /** Learns what a refresh may ask for. @param cmdlet with the id of the mailbox in {@link Cmdlet.ahead}. */
  expect(cmdlet: Cmdlet & { ahead: string }): void {
    this.#ahead.expect(cmdlet.ahead, cmdlet);
  }

  /** Calls back after each write, with the Entra object id of what it concerns, so that caches can drop it. */
  onWrite(listener: (concerned: string) => void): void {
    this.#listeners.push(listener);
  }

  /** @param goesOn whether what comes after a request that fails is run as well: OData ends a batch there, unless it is told. */
  async #together(cmdlets: readonly Cmdlet[], context: CallContext, goesOn = true): Promise<Batch> {
    const tenant = await this.#tenant(context);
    return {
      path: `/adminapi/beta/${tenant}/$batch`,
      cmdlet: "$batch",
      headers: {
        "X-AnchorMailbox": this.#anchors.of(undefined, tenant),
        Prefer: goesOn ? "odata.continue-on-error" : `odata.maxpagesize=${PAGE}`,
      },
      requests: cmdlets.map((cmdlet) => ({
        method: "POST",
        // Whole addresses, as the public clients that batch send them; whether a path alone will do is unverified.
        url: `${this.#pipeline.exchangeOrigin}${pathOf(cmdlet, tenant)}`,
        headers: { "Content-Type": "application/json", ...this.#headersOf(cmdlet, tenant) },
        body: bodyOf(cmdlet),
      })),
    };
  }

  async #send(cmdlet: Cmdlet, kind: "read" | "write", context: CallContext): Promise<Output> {
    let reroutes = 0;
    let restarts = 0;
    for (;;) {
      try {
        return this.#noted(cmdlet, await this.#listing(cmdlet, kind, context));
      } catch (failure) {
        const isLost = failure instanceof PageLost;
        const error = isLost ? failure.cause : failure;
        if (isClass(error, "misrouted") && reroutes < REROUTES) {
          reroutes += 1;
          this.#anchors.change(cmdlet);
          await wait(reroutes === 1 ? 0 : REROUTE_PAUSE * 2 ** (reroutes - 2), context.signal, cmdlet.action);
        } else if (isLost && kind === "read" && restarts < RESTARTS) {
          restarts += 1;
        } else {
          throw this.#explained(error, cmdlet);
        }
      }
    }
  }

  /** All pages of an answer. A page's link is followed with the same body and anchor. */
  async #listing(cmdlet: Cmdlet, kind: "read" | "write", context: CallContext): Promise<Output> {
    const tenant = await this.#tenant(context);
    const headers = this.#headersOf(cmdlet, tenant);
    const about = mailboxOf(cmdlet);
    const ask = (path: string): Promise<Answer> =>
      this.#pipeline.send(
        {
          ...(about === undefined ? {} : { about }),
          service: "exchange",
          method: "POST",
          path,
          kind,
          action: cmdlet.action,
          cmdlet: cmdlet.name,
          headers,
          body: bodyOf(cmdlet),
        },
        context,
      );
    const output = emptyOutput();
    let path: string | undefined = pathOf(cmdlet, tenant);
    const followed = new Set<string>();
    while (path !== undefined) {
      const answer: Answer = await (followed.size === 0 ? ask(path) : this.#following(ask(path)));
      const page = outputOf(answer.body, answer.headers);
      if (page.foreign !== undefined) {
        output.foreign = page.foreign;
      }
      output.rows.push(...page.rows);
      output.warnings.push(...page.warnings);
      if (page.nothingToDo !== undefined) {
        output.nothingToDo = page.nothingToDo;
      }
      const next = nextLinkOf(answer.body);
      if (next === undefined && page.truncation !== undefined) {
        output.truncation = page.truncation;
      }
      if (next !== undefined && followed.has(next)) {
        throw new ProviderError({ action: cmdlet.action, words: "Exchange gave the same page twice" });
      }
      followed.add(next ?? "");
      path = next;
    }
    return output;
  }

  /** Waits for a page that a link leads to. Any refusal means that the link has expired, because it worked when it was given. */
  async #following(page: Promise<Answer>): Promise<Answer> {
    try {
      return await page;
    } catch (error) {
      throw LOST.some((lost) => isClass(error, lost)) ? new PageLost(error) : error;
    }
  }

  #headersOf(cmdlet: Cmdlet, tenant: string): Record<string, string> {
    return {
      "X-CmdletName": cmdlet.name,
      "X-AnchorMailbox": this.#anchors.of(cmdlet, tenant),
      Prefer: `odata.maxpagesize=${PAGE}`,
    };
  }

  /** Remembers which cmdlets the application may run, and the names of mailboxes. */
  #noted(cmdlet: Cmdlet, output: Output): Output {
    this.#worked.add(cmdlet.name);
    this.#anchors.learn(output.rows);
    return output;
  }

  /** The error, with the missing right where the cmdlets that have worked so far tell which one it is. */
  #explained(error: unknown, cmdlet: Cmdlet): Error {
    const nextStep = isServiceError(error) ? missingRole(error, cmdlet.name, this.#worked) : undefined;
    return isServiceError(error) && nextStep !== undefined ? error.advising(nextStep) : asError(error);
  }
}

/** How Exchange answers a link that has expired or was followed before. */
const LOST = ["pagingExpired", "refused", "badParameter", "notFound"] as const;

/** A page of a listing is lost; the cause is the service's answer. */
class PageLost extends Error {
  constructor(cause: unknown) {
    super("a page of a listing is lost", { cause });
  }
}

function guard(cmdlet: Cmdlet): void {
  for (const [name, value] of Object.entries(cmdlet.parameters)) {
    // An empty identity makes Get cmdlets return everybody's rows. No caller means that.
    if (
      ["identity", "mailbox", "user", "trustee"].includes(name.toLowerCase()) &&
      (typeof value !== "string" || value.trim() === "")
    ) {
      throw new ProviderError({
        action: cmdlet.action,
        words: `${cmdlet.name} was about to be sent with an empty ${name}`,
      });
    }
    if (DENIED_PARAMETERS.some((denied) => denied.toLowerCase() === name.toLowerCase())) {
      throw new ProviderError({ action: cmdlet.action, words: `${cmdlet.name} -${name} is never sent` });
    }
  }
  if (cmdlet.name.toLowerCase() === "disable-mailbox" && cmdlet.parameters.Archive !== true) {
    throw new ProviderError({ action: cmdlet.action, words: "Disable-Mailbox is never sent without Archive" });
  }
}

function pathOf(cmdlet: Cmdlet, tenant: string): string {
  const select = cmdlet.select === undefined ? "" : `?$select=${cmdlet.select.join(",")}`;
  return `/adminapi/beta/${tenant}/InvokeCommand${select}`;
}

function bodyOf(cmdlet: Cmdlet): unknown {
  return { CmdletInput: { CmdletName: cmdlet.name, Parameters: cmdlet.parameters } };
}

/** The output, where it is the whole one. @throws ProviderError when the answer was cut short, or is no list. */
function whole(output: Output, cmdlet: Cmdlet): Output {
  if (output.foreign !== undefined) {
    throw notWhatWasAsked("Exchange", cmdlet.action, output.foreign.requestId);
  }
  // A truncated list looks like people without access: it must never be taken for the whole.
  if (output.truncation !== undefined) {
    throw new ProviderError({ action: cmdlet.action, words: `Exchange cut the answer short: ${output.truncation}` });
  }
  return output;
}

/** How many rows there are in an output that is whole. */
function rowsIn({ rows, foreign, truncation }: Output): number {
  return foreign !== undefined || truncation !== undefined ? 0 : rows.length;
}

/** Several cmdlets that are {@link Cmdlet.among} others, as one. */
function filtering(cmdlets: readonly Cmdlet[]): Cmdlet {
  const [{ name, select } = { name: "", select: undefined }] = cmdlets;
  return {
    name,
    parameters: { Filter: cmdlets.flatMap(({ among }) => among?.filter ?? []).join(" -or "), ResultSize: "Unlimited" },
    ...(select === undefined ? {} : { select }),
    action: actionOf(cmdlets),
  };
}

function emptyOutput(): Output {
  return { rows: [], warnings: [] };
}

/** What a write that changed nothing warns of. */
const NOTHING_TO_DO: readonly WarningMeaning[] = ["noChange", "alreadyGranted", "alreadyRevoked"];

/** Some cmdlets answer with no body at all: no output is success. */
function outputOf(body: unknown, headers: Headers): Output {
  const warnings = [...textsIn(mapOf(body)["@adminapi.warnings"]), ...warningsOf(headers)];
  const truncation = warnings.find((warning) => classifyWarning(warning) === "truncated");
  const nothingToDo = warnings.find((warning) => NOTHING_TO_DO.includes(classifyWarning(warning)));
  const rows = rowsOf(mapOf(body).value);
  const isForeign = body !== undefined && body !== null && rows === undefined;
  const requestId = headers.get("request-id");
  return {
    ...(isForeign ? { foreign: requestId === null ? {} : { requestId } } : {}),
    rows: (rows ?? []).map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.includes("@")))),
    warnings: [...new Set(warnings)].filter((warning) => classifyWarning(warning) === "informative"),
    ...(truncation === undefined ? {} : { truncation }),
    ...(nothingToDo === undefined ? {} : { nothingToDo }),
  };
}

/** Microsoft's module also reads warnings from a header. Its form is not documented, so both a list and plain text are accepted. */
function warningsOf(headers: Headers): string[] {
  const header = headers.get("x-warnings")?.trim() ?? "";
  if (header === "") {
    return [];
  }
  try {
    return textsIn(JSON.parse(header));
  } catch {
    return [header];
  }
}

function textsIn(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : typeof list === "string" ? [list] : [];
}

function nextLinkOf(body: unknown): string | undefined {
  const link = mapOf(body)["@odata.nextLink"];
  return typeof link === "string" ? link : undefined;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

const HASH_TABLE = "#Exchange.GenericHashTable";

/** A value for a multi-valued parameter that adds and removes entries and leaves the others alone. */
export function addAndRemove(add: readonly string[], remove: readonly string[]): Row {
  return {
    "@odata.type": HASH_TABLE,
    ...(add.length > 0 ? { Add: [...add] } : {}),
    ...(remove.length > 0 ? { Remove: [...remove] } : {}),
  };
}

/** Whether a parameter's value is one that {@link addAndRemove} makes. */
export function isAddAndRemove(value: unknown): boolean {
  return mapOf(value)["@odata.type"] === HASH_TABLE;
}

/** A mailbox's own names, as the rows of `Get-Mailbox` and `Get-Recipient` show them. */
interface Names {
  signInName: string;
  primarySmtpAddress: string;
}

/**
 * Routing hints (`X-AnchorMailbox`): each leads to the server of a mailbox, and what one server has written another one shows only
 * after a while.
 *
 * Everything goes to the organisation's system mailbox, which is what Microsoft documents for an application: so a mailbox has one
 * anchor from before its creation on, whatever its address becomes. A cmdlet that only the mailbox's own server can run is refused
 * there ("Cmdlet needs proxy"); from then on whatever concerns this mailbox goes to it by its own names.
 *
 * @see https://learn.microsoft.com/exchange/reference/admin-api-authentication
 */
class Anchors {
  readonly #names = new Map<string, Names>();
  /** By mailbox, as cmdlets name it: how often its anchor was changed. */
  readonly #changes = new Map<string, number>();

  /** Remembers the names of mailboxes that an answer shows. */
  learn(rows: readonly Row[]): void {
    for (const row of rows) {
      const id = text(row.ExternalDirectoryObjectId).toLowerCase();
      const names = {
        signInName: text(row.UserPrincipalName) || text(row.WindowsLiveID),
        primarySmtpAddress: text(row.PrimarySmtpAddress),
      };
      if (id !== "" && names.signInName + names.primarySmtpAddress !== "") {
        this.#names.set(id, names);
      }
    }
  }

  /** The anchor of a cmdlet; undefined for one that concerns no mailbox: that of the organisation. */
  of(cmdlet: Cmdlet | undefined, tenant: string): string {
    const organization = `APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@${tenant}`;
    const mailbox = cmdlet === undefined ? undefined : mailboxOf(cmdlet);
    const changes = mailbox === undefined ? 0 : (this.#changes.get(mailbox) ?? 0);
    if (mailbox === undefined || changes === 0) {
      return organization;
    }
    const { signInName = "", primarySmtpAddress = "" } = this.#names.get(mailbox) ?? {};
    const own = [
      ...(signInName === "" ? [] : [`UPN:${signInName}`]),
      ...(primarySmtpAddress === "" ? [] : [`SMTP:${primarySmtpAddress}`]),
      ...(mailbox.includes("@") ? [`SMTP:${mailbox}`] : []),
    ];
    const all = [organization, ...own];
    return all[changes % all.length] ?? organization;
  }

  /** The server that the cmdlet's anchor leads to cannot run it: the next one is used. */
  change(cmdlet: Cmdlet): void {
    const mailbox = mailboxOf(cmdlet);
    if (mailbox !== undefined) {
      this.#changes.set(mailbox, (this.#changes.get(mailbox) ?? 0) + 1);
    }
  }
}

/** What names the mailbox of a cmdlet: `Identity` is the rule's where there is a `Mailbox` too. */
function mailboxOf({ parameters }: Cmdlet): string | undefined {
  const named = text(parameters.Mailbox) || text(parameters.Identity);
  return named === "" ? undefined : named.toLowerCase();
}

/** Passes on what Exchange warned of. */
export function tellWarnings(action: string, warnings: readonly string[], scope: Pick<Scope, "warn">): void {
  for (const warning of warnings) {
    scope.warn(`${action}: Exchange: ${warning}`);
  }
}
