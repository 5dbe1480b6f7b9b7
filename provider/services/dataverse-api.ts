import type { Answer, CallContext } from "../http/call";
import { isServiceError, ProviderError, unless } from "../http/errors";
import { filterLiteral, isGuid } from "../http/json";
import type { Pipeline } from "../http/pipeline";
import { notWhatWasAsked } from "./refused";

/** A row of a Dataverse table; lookups as `_name_value`. */
export type DataverseRow = Record<string, unknown>;

/** The Dataverse Web API v9.2 of one environment: rows by their path, and nothing about what they mean. */
export class DataverseApi {
  readonly #pipeline: Pipeline;
  readonly #environmentUrl: string | undefined;

  /** @param environmentUrl origin of the environment; undefined for the configured one. */
  constructor(pipeline: Pipeline, environmentUrl?: string) {
    this.#pipeline = pipeline;
    this.#environmentUrl = environmentUrl;
  }

  /** One row, or the answer of a function; undefined when Dataverse says that there is none. */
  async get(path: string, action: string, context: CallContext): Promise<DataverseRow | undefined> {
    const answer = await unless(this.#send("GET", path, undefined, {}, action, context), "notFound");
    if (answer !== undefined && (typeof answer.body !== "object" || answer.body === null)) {
      // Only a 404 proves that the row does not exist.
      throw notWhatWasAsked("Dataverse", action);
    }
    return answer?.body as DataverseRow | undefined;
  }

  /** All rows of a query, page after page. */
  async list(path: string, action: string, context: CallContext): Promise<DataverseRow[]> {
    const rows: DataverseRow[] = [];
    let next: string | undefined = path;
    while (next !== undefined) {
      const answer = await this.#send("GET", next, undefined, {}, action, context);
      const body = answer.body as { value?: DataverseRow[]; "@odata.nextLink"?: string };
      if (!Array.isArray(body?.value)) {
        throw new ProviderError({ action, words: "Dataverse answered with something that is not a list" });
      }
      rows.push(...body.value);
      const link = body["@odata.nextLink"];
      next = link === undefined ? undefined : link.slice(link.indexOf(BASE) + BASE.length);
    }
    return rows;
  }

  /**
   * Creates a row under an id chosen here, so that a repetition finds the row of a lost answer.
   *
   * @returns false when there is a row with this id already.
   */
  async create(path: string, columns: DataverseRow, action: string, context: CallContext): Promise<boolean> {
    const creation = this.#send("PATCH", path, columns, { "If-None-Match": "*" }, action, context);
    return (await unless(creation, "precondition")) !== undefined;
  }

  /**
   * Changes columns of a row. Without a condition Dataverse would create one that is gone.
   *
   * @param etag the version that was read; "*" for any version.
   * @throws DataverseError of class `precondition` when somebody has changed it since.
   */
  async update(path: string, etag: string, columns: DataverseRow, action: string, context: CallContext): Promise<void> {
    try {
      await this.#send("PATCH", path, columns, { "If-Match": etag }, action, context);
    } catch (error) {
      const isUnversioned = isServiceError(error) && error.code.toLowerCase() === NO_CONCURRENCY;
      if (!isUnversioned || etag === "*") {
        throw error;
      }
      // Mailbox records have versions; whether users' and queues' rows do depends on the environment.
      await this.#send("PATCH", path, columns, { "If-Match": "*" }, action, context);
    }
  }

  /** Deletes a row; gone already is success. */
  async delete(path: string, action: string, context: CallContext): Promise<void> {
    await unless(this.#send("DELETE", path, undefined, {}, action, context), "notFound");
  }

  async #send(
    method: "GET" | "PATCH" | "DELETE",
    path: string,
    body: DataverseRow | undefined,
    headers: Record<string, string>,
    action: string,
    context: CallContext,
  ): Promise<Answer> {
    const kind = method === "GET" ? "read" : "write";
    return this.#pipeline.send(
      {
        service: "dataverse",
        method,
        path: `${BASE}${path}`,
        kind,
        action,
        headers: {
          "OData-MaxVersion": "4.0",
          "OData-Version": "4.0",
          // Overrides caches between here and the row (Microsoft's page on composing requests); conditions replace it.
          ...(kind === "read" ? { "If-None-Match": "null" } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        ...(this.#environmentUrl === undefined ? {} : { base: this.#environmentUrl }),
      },
      context,
    );
  }
}

const BASE = "/api/data/v9.2";
/** OptimisticConcurrencyNotEnabled: rows of this table have no versions to compare. */
const NO_CONCURRENCY = "0x8006088d";

/** A query for the rows whose columns have a value, or one of several: `$select`, and a `$filter` of alternatives. */
export function query(
  set: string,
  select: readonly string[],
  alternatives: Readonly<Record<string, string | readonly string[]>>,
): string {
  const filter = Object.entries(alternatives)
    .flatMap(([column, values]) => [values].flat().map((value) => [column, value] as const))
    .map(
      ([column, value]) =>
        `${column} eq ${isGuid(value) && /id(_value)?$/.test(column) ? value : filterLiteral(value)}`,
    )
    .join(" or ");
  return `/${set}?$select=${select.join(",")}&$filter=${encodeURIComponent(filter)}`;
}

/** A text of a row; undefined for null and for anything that is not text. */
export function optional(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
