import DataLoader from "dataloader";
import type { Answer, CallContext } from "../http/call";
import { isClass, ProviderError } from "../http/errors";
import { exchangeError } from "../http/parse";
import type { Pipeline } from "../http/pipeline";

/** A row a cmdlet puts out, as it stands on the wire; side-car members (names with `@`) removed. */
export type Row = Record<string, unknown>;

/** What a cmdlet answered. */
export interface Output {
  rows: Row[];
  /** PowerShell warnings; no-ops and truncations are told nowhere else. */
  warnings: string[];
  /** Whether there was a body without the rows: an answer of something else on the way, never "nobody". */
  isForeign?: boolean;
}

/** A cmdlet and its parameters, as they go over the wire. */
export interface Cmdlet {
  name: string;
  parameters: Record<string, unknown>;
  /** Output properties wanted; fewer are much faster, a full `Get-Mailbox` has over 230. */
  select?: readonly string[];
  /** What is being done to what, in words, for errors and the trace. */
  action: string;
}

/** Reads that may go into one `$batch`; the number public clients use. */
const BATCH = 10;
/** Milliseconds in which reads gather before they are sent together. */
const GATHER = 5;
/** Rows a page; the most the service gives. */
const PAGE = 1000;

/** The routing hint for calls that concern no mailbox yet; the system mailbox has this id in every tenant. */
const ORGANIZATION_ANCHOR = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}";

/**
 * Cmdlets and parameters that are never sent, whatever asks for them: they reset or destroy more than any declared change
 * could mean. `Disable-Mailbox` without `Archive` disables the whole mailbox.
 */
const DENIED_PARAMETERS = ["ResetDefault", "ClearAutoMapping", "RemoveDelayHoldApplied", "PermanentlyDisable"];

/**
 * The Exchange admin API: cmdlets over HTTP (`InvokeCommand`), the way the official PowerShell module works. Microsoft
 * publishes no support statement for it.
 */
export class Exchange {
  readonly #pipeline: Pipeline;
  readonly #tenant: (context: CallContext) => Promise<string>;
  readonly #reads: DataLoader<Cmdlet, Output>;
  readonly #listeners: ((concerned: string) => void)[] = [];

  /**
   * @param tenant the tenant's id, which stands in every path.
   * @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone.
   */
  constructor(pipeline: Pipeline, tenant: (context: CallContext) => Promise<string>, bounds: () => CallContext) {
    this.#pipeline = pipeline;
    this.#tenant = tenant;
    this.#reads = new DataLoader((cmdlets) => this.#readTogether(cmdlets, bounds()), {
      cache: false,
      batchScheduleFn: (send) => setTimeout(send, GATHER),
    });
  }

  /**
   * Runs a reading cmdlet. Reads that are asked for at the same time travel together, equal ones once.
   *
   * @throws ExchangeError; ProviderError when the answer was cut short.
   */
  async read(cmdlet: Cmdlet): Promise<Output> {
    guard(cmdlet);
    const output = await this.#reads.load(cmdlet);
    if (output.isForeign === true) {
      throw new ProviderError({ action: cmdlet.action, words: "Exchange answered with something that is not a list" });
    }
    // A truncated list looks like people without access: it must never be taken for the whole.
    const truncated = output.warnings.find((warning) => /ResultSize|there are more results/i.test(warning));
    if (truncated !== undefined) {
      throw new ProviderError({ action: cmdlet.action, words: `Exchange cut the answer short: ${truncated}` });
    }
    return output;
  }

  /**
   * Runs a writing cmdlet, once.
   *
   * @param anchor the mailbox it concerns (its Entra object id), which leads to the server that will read it back first.
   * @throws ExchangeError; UnknownOutcomeError when the answer was lost.
   */
  async write(cmdlet: Cmdlet, anchor: string | undefined, context: CallContext): Promise<Output> {
    guard(cmdlet);
    try {
      return await this.#send(cmdlet, "write", anchor, context);
    } finally {
      if (anchor !== undefined) {
        for (const listener of this.#listeners) {
          listener(anchor);
        }
      }
    }
  }

  /** Calls back after each write that concerns something there is, with its Entra object id: whoever remembers it forgets it. */
  onWrite(listener: (concerned: string) => void): void {
    this.#listeners.push(listener);
  }

  async #readTogether(cmdlets: readonly Cmdlet[], context: CallContext): Promise<(Output | Error)[]> {
    const distinct = new Map(cmdlets.map((cmdlet) => [keyOf(cmdlet), cmdlet]));
    const outputs = new Map<string, Output | Error>();
    const entries = [...distinct];
    const chunks = Array.from({ length: Math.ceil(entries.length / BATCH) }, (_, index) =>
      entries.slice(index * BATCH, (index + 1) * BATCH),
    );
    await Promise.all(
      chunks.map(async (chunk) => {
        const answers = await this.#readChunk(
          chunk.map(([, cmdlet]) => cmdlet),
          context,
        );
        for (const [index, [key]] of chunk.entries()) {
          outputs.set(key, answers[index] ?? new ProviderError("Exchange left a request of a batch unanswered"));
        }
      }),
    );
    return cmdlets.map((cmdlet) => outputs.get(keyOf(cmdlet)) ?? new ProviderError("unreachable"));
  }

  async #readChunk(cmdlets: Cmdlet[], context: CallContext): Promise<(Output | Error)[]> {
    const single = (cmdlet: Cmdlet) => this.#send(cmdlet, "read", undefined, context).catch(asError);
    if (cmdlets.length === 1) {
      return Promise.all(cmdlets.map(single));
    }
    const tenant = await this.#tenant(context).catch(asError);
    if (tenant instanceof Error) {
      return cmdlets.map(() => tenant);
    }
    const answer = await this.#pipeline
      .send(
        {
          service: "exchange",
          method: "POST",
          path: `/adminapi/beta/${tenant}/$batch`,
          kind: "read",
          action: cmdlets.map((cmdlet) => cmdlet.action).join(", "),
          cmdlet: "$batch",
          headers: {
            "X-AnchorMailbox": `${ORGANIZATION_ANCHOR}@${tenant}`,
            // Without it OData ends a batch at the first request that fails, and "not found" is an answer here.
            Prefer: "odata.continue-on-error",
          },
          body: {
            requests: cmdlets.map((cmdlet, index) => ({
              id: String(index),
              method: "POST",
              // Whole addresses, as the public clients that batch send them; whether a path alone will do is unverified.
              url: `${this.#pipeline.exchangeOrigin}${pathOf(cmdlet, tenant)}`,
              headers: { "Content-Type": "application/json", ...headersOf(cmdlet, undefined, tenant) },
              body: bodyOf(cmdlet),
            })),
          },
        },
        context,
      )
      .catch(asError);
    if (answer instanceof Error) {
      return cmdlets.map(() => answer);
    }
    const responses = new Map(
      listAt(answer.body, "responses").map((response) => [String(response.id), response] as const),
    );
    return Promise.all(
      cmdlets.map((cmdlet, index) => {
        const response = responses.get(String(index));
        const status = Number(response?.status ?? 0);
        // Inside a batch the single requests are throttled, and fail in passing, each for itself; alone they are retried.
        if (status === 0 || status === 429 || status >= 500 || nextLinkOf(response?.body) !== undefined) {
          return single(cmdlet);
        }
        if (status >= 400) {
          return exchangeError({ status, headers: new Headers(), body: response?.body }, cmdlet.action, "read");
        }
        return outputOf(response?.body);
      }),
    );
  }

  async #send(
    cmdlet: Cmdlet,
    kind: "read" | "write",
    anchor: string | undefined,
    context: CallContext,
  ): Promise<Output> {
    const tenant = await this.#tenant(context);
    const ask = (path: string): Promise<Answer> =>
      this.#pipeline.send(
        {
          service: "exchange",
          method: "POST",
          path,
          kind,
          action: cmdlet.action,
          cmdlet: cmdlet.name,
          headers: headersOf(cmdlet, anchor, tenant),
          body: bodyOf(cmdlet),
        },
        context,
      );
    let output = emptyOutput();
    let path: string | undefined = pathOf(cmdlet, tenant);
    const followed = new Set<string>();
    let restarts = 0;
    while (path !== undefined) {
      let answer: Answer;
      try {
        answer = await ask(path);
      } catch (error) {
        if (isClass(error, "pagingExpired") && kind === "read" && restarts < 2) {
          restarts += 1;
          followed.clear();
          output = emptyOutput();
          path = pathOf(cmdlet, tenant);
          continue;
        }
        throw error;
      }
      const page = outputOf(answer.body);
      output.isForeign = output.isForeign === true || page.isForeign === true;
      output.rows.push(...page.rows);
      const next = nextLinkOf(answer.body);
      // The truncation warning of a page is answered by following its link.
      output.warnings.push(...page.warnings.filter(() => next === undefined));
      if (next !== undefined && followed.has(next)) {
        throw new ProviderError({ action: cmdlet.action, words: "Exchange gave the same page twice" });
      }
      followed.add(next ?? "");
      path = next;
    }
    return output;
  }
}

function guard(cmdlet: Cmdlet): void {
  for (const [name, value] of Object.entries(cmdlet.parameters)) {
    // An empty identity makes Get cmdlets answer with everybody's rows and is never meant.
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

function keyOf(cmdlet: Cmdlet): string {
  return JSON.stringify([cmdlet.name, cmdlet.parameters, cmdlet.select ?? []]);
}

function pathOf(cmdlet: Cmdlet, tenant: string): string {
  const select = cmdlet.select === undefined ? "" : `?$select=${cmdlet.select.join(",")}`;
  return `/adminapi/beta/${tenant}/InvokeCommand${select}`;
}

function headersOf(cmdlet: Cmdlet, anchor: string | undefined, tenant: string): Record<string, string> {
  return {
    "X-CmdletName": cmdlet.name,
    "X-AnchorMailbox": anchor === undefined ? `${ORGANIZATION_ANCHOR}@${tenant}` : `MBX:${anchor}@${tenant}`,
    Prefer: `odata.maxpagesize=${PAGE}`,
  };
}

function bodyOf(cmdlet: Cmdlet): unknown {
  return { CmdletInput: { CmdletName: cmdlet.name, Parameters: cmdlet.parameters } };
}

function emptyOutput(): Output {
  return { rows: [], warnings: [] };
}

/** Some cmdlets answer with no body at all: no output is success. */
function outputOf(body: unknown): Output {
  return {
    isForeign: body !== undefined && body !== null && !Array.isArray(at(body, "value")),
    rows: listAt(body, "value").map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => !name.includes("@"))),
    ),
    warnings: (at(body, "@adminapi.warnings") as unknown[] | undefined)?.map(String) ?? [],
  };
}

function nextLinkOf(body: unknown): string | undefined {
  const link = at(body, "@odata.nextLink");
  return typeof link === "string" ? link : undefined;
}

function listAt(body: unknown, name: string): Row[] {
  const list = at(body, name);
  return Array.isArray(list) ? (list as Row[]) : [];
}

function at(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? (body as Row)[name] : undefined;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** A value for a multi-valued parameter that adds and removes entries and leaves the others alone. */
export function addAndRemove(add: readonly string[], remove: readonly string[]): Row {
  return {
    "@odata.type": "#Exchange.GenericHashTable",
    ...(add.length > 0 ? { Add: [...add] } : {}),
    ...(remove.length > 0 ? { Remove: [...remove] } : {}),
  };
}

/** A string literal of an Exchange filter. */
export function filterLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
