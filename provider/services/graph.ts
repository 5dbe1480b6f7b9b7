import type { Call, CallContext } from "../http/call";
import { isClass, unless } from "../http/errors";
import { chunks, filterLiteral, isGuid, isObject, mapOf, type Row, rowsOf, sameText, texts } from "../http/json";
import { batchedError } from "../http/parse";
import type { Pipeline } from "../http/pipeline";
import { actionOf, type BatchedReads, Batches, sendBatch } from "./batching";
import { type Listed, Listing, type OwnWrites, type Shared, sharingNothing } from "./listing";
import { notWhatWasAsked } from "./refused";
import { sharedWrites } from "./shared-writes";
import type { Scope } from "./waiting";

/** What mailboxes need of an Entra user. */
export interface User {
  id: string;
  userPrincipalName: string;
  accountEnabled: boolean;
}

/** An account that holds an address. */
export interface AddressHolder {
  id: string;
  /** Those of the addresses that were asked for which it holds. */
  addresses: string[];
  /** For an error. */
  words: string;
  isDeleted: boolean;
  /** ISO 8601; "" where Entra does not say. */
  createdAt: string;
}

/** Requests one `$batch` may hold (Microsoft's limit). */
const BATCH = 20;

/** Rows a page of a listing; the most Graph gives. */
const PAGE = 999;

/**
 * How many values one filter may have (documented for `in`).
 *
 * @see https://learn.microsoft.com/graph/filter-query-parameter
 */
const IN_ONE_FILTER = 15;

/** `id`: of the account that it reads, where it reads one by its object id. */
type Reading = { path: string; action: string; listed?: Listed<Row>; id?: string };
/** A write; its path is that below `/v1.0`, its body undefined where it has none. */
type Writing = { method: "POST" | "PATCH" | "DELETE"; path: string; body: unknown; action: string };
/** What a write was answered with. */
type Written = { body: unknown };

/** Microsoft Graph: accounts, deleted accounts and inbox rules. */
export class Graph {
  readonly #pipeline: Pipeline;
  readonly #reads: Batches<Reading, Row>;
  readonly #bounds: () => CallContext;
  readonly #writes: OwnWrites;
  readonly #writeTogether: (writing: Writing, of: string, context: CallContext) => Promise<Written>;
  readonly #users: Listing<Row>;
  #accounts: Promise<number | undefined> | undefined;

  /** @param bounds the bounds of a whole deployment: reads are shared, so none of their askers bounds them alone. */
  constructor(pipeline: Pipeline, bounds: () => CallContext, { writes, accounts }: Shared = sharingNothing()) {
    this.#pipeline = pipeline;
    this.#bounds = bounds;
    this.#writes = writes;
    const alone = async ({ path, action }: Reading, context: CallContext): Promise<Row> => {
      const call: Call = { service: "graph", method: "GET", path: `/v1.0${path}`, kind: "read", action };
      return bodyOf(await pipeline.send(call, context));
    };
    const listed = `/users?${USER}&$top=${PAGE}`;
    this.#users = new Listing(
      {
        pages: (accounts) => Math.ceil(accounts / PAGE),
        all: async () =>
          new Map(
            (await this.#list(listed, "listing the accounts", (page) => alone(page, bounds()))).flatMap((user) =>
              [user.id, user.userPrincipalName].map((key) => [String(key).toLowerCase(), user] as const),
            ),
          ),
        rowsIn: () => 1,
        idsIn: ({ id }) => [String(id)],
      },
      writes,
      accounts,
    );
    const reads: BatchedReads<Reading, Row> = {
      service: "graph",
      size: BATCH,
      key: ({ path }) => path,
      alone,
      together: async (readings) => ({
        path: "/v1.0/$batch",
        requests: readings.map(({ path }) => ({ method: "GET", url: path })),
      }),
      parse: bodyOf,
      failure: (answer, { path, action }) => batchedError("graph", answer, action, path),
      filter: {
        size: IN_ONE_FILTER,
        kind: ({ id }) => (id === undefined ? undefined : "users"),
        of: (readings) => {
          const ids = readings.map(({ id = "" }) => filterLiteral(id)).join(",");
          return {
            path: `/users?$filter=${encodeURIComponent(`id in (${ids})`)}&${USER}`,
            action: actionOf(readings),
          };
        },
        part: (body, { id = "" }) => rowsOf(body.value)?.find((user) => sameText(String(user.id), id)),
      },
    };
    this.#reads = new Batches(reads, pipeline, bounds);
    this.#writeTogether = sharedWrites<Writing, Written>({
      service: "graph",
      size: BATCH,
      // A rule that is created twice is there twice.
      isInRow: false,
      alone: ({ body, ...writing }, context) =>
        pipeline.send(
          {
            ...writing,
            service: "graph",
            path: `/v1.0${writing.path}`,
            kind: "write",
            ...(body === undefined ? {} : { body }),
          },
          context,
        ),
      together: async (writings, _goesOn, context) => {
        // A write without a body costs the whole batch, but for DELETE: where the operation takes none, an empty object stands for it.
        const requests = writings.map(({ method, path, body = method === "DELETE" ? undefined : {} }) => ({
          ...{ method, url: path },
          ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body }),
        }));
        const how = { service: "graph", kind: "write", action: actionOf(writings) } as const;
        return sendBatch(pipeline, how, { path: "/v1.0/$batch", requests }, context);
      },
      hasToWait: ({ path }) => pipeline.isSilenced(path),
      done: (answer) => answer,
      explained: (error) => error,
    });
  }

  /** The user with this object id or sign-in name, or undefined when Graph has none. */
  async user(identifier: string): Promise<User | undefined> {
    const byId = isGuid(identifier) ? { id: identifier } : {};
    const body = await this.#read({
      path: `${userPath(identifier)}?${USER}`,
      action: `reading the account ${identifier}`,
      // An object id that this process has written to is asked for by itself.
      listed: { listing: this.#users, key: identifier.toLowerCase(), ...byId },
      ...byId,
    });
    if (body === undefined) {
      return undefined;
    }
    const { id, userPrincipalName, accountEnabled } = body;
    if (typeof id !== "string" || typeof userPrincipalName !== "string" || typeof accountEnabled !== "boolean") {
      throw notWhatWasAsked("Graph", `reading the account ${identifier}`);
    }
    return { id, userPrincipalName, accountEnabled };
  }

  /** How many accounts the tenant has, asked for once; undefined where the application may not know. It may lag. */
  accounts(): Promise<number | undefined> {
    this.#accounts ??= this.#pipeline
      .send(
        {
          service: "graph",
          method: "GET",
          path: "/v1.0/users?$count=true&$top=1&$select=id",
          headers: { ConsistencyLevel: "eventual" },
          kind: "read",
          action: "counting the accounts",
        },
        this.#bounds(),
      )
      .then((answer) => Number(bodyOf(answer)["@odata.count"] ?? Number.NaN))
      .then((count) => (Number.isNaN(count) ? undefined : count))
      .catch(() => undefined);
    return this.#accounts;
  }

  /** Brings a deleted account back, and with it its mailbox. */
  async restoreUser(id: string, action: string, scope: Scope): Promise<void> {
    await this.#write("POST", `/directory/deletedItems/${encodeURIComponent(id)}/restore`, undefined, action, scope);
  }

  /** Whether Entra lists an account as deleted. */
  async isDeleted(id: string): Promise<boolean> {
    const body = await this.#read({
      path: `/directory/deletedItems/${encodeURIComponent(id)}?$select=id`,
      action: `looking for the deleted account ${id}`,
    });
    return body !== undefined;
  }

  /** The display name of the group with this id, or undefined when Graph has none. */
  async groupName(id: string): Promise<string | undefined> {
    const body = await this.#read({
      path: `/groups/${encodeURIComponent(id)}?$select=id,displayName`,
      action: `looking for the group ${id}`,
    });
    return body === undefined ? undefined : String(body.displayName ?? id);
  }

  /**
   * The object ids of a group's members, those of groups in it among them, without these groups; undefined when Graph has no such group.
   */
  async groupMembers(id: string): Promise<string[] | undefined> {
    const path = `/groups/${encodeURIComponent(id)}/transitiveMembers?$select=id&$top=999`;
    const rows = await ifThere(this.#list(path, `reading the members of the group ${id}`));
    return rows?.filter((row) => row["@odata.type"] !== "#microsoft.graph.group").map((row) => String(row.id));
  }

  /** Ids of the deleted accounts that hold an address as sign-in name, mail or proxy address. */
  async deletedHoldersOf(address: string): Promise<string[]> {
    const rows = await this.#list(
      `/directory/deletedItems/microsoft.graph.user?$filter=${holding(address)}&$select=id`,
      `looking for the deleted account ${address}`,
    );
    return rows.map(({ id }) => String(id));
  }

  /** Deletes a deleted account for good. @returns false when Entra does not list it as deleted: no longer, or not yet. */
  async purgeUser(id: string, action: string, scope: Scope): Promise<boolean> {
    try {
      await this.#write("DELETE", `/directory/deletedItems/${encodeURIComponent(id)}`, undefined, action, scope);
    } catch (error) {
      if (!isClass(error, "notFound")) {
        throw error;
      }
      return false;
    }
    return true;
  }

  /** Accounts that hold one of some addresses as sign-in name, mail or proxy address, the deleted ones last. */
  async holdersOf(addresses: readonly string[]): Promise<AddressHolder[]> {
    const select = "$select=id,displayName,userPrincipalName,mail,proxyAddresses,createdDateTime";
    const rows = (path: string, chunk: readonly string[]) =>
      this.#list(path, `looking for the holder of ${chunk.join(", ")}`);
    const found = await Promise.all(
      chunks(addresses, ADDRESSES).map(async (chunk) => {
        const live = chunk.map(holding).join(OR);
        // Entra puts the id before the sign-in name of a deleted account, so that one is found by its nickname.
        const nicknames = chunk.map((one) => `mailNickname eq ${filterLiteral(one.split("@")[0] ?? "")}`);
        const deleted = [live, ...nicknames.map(encodeURIComponent)].join(OR);
        const lists = await Promise.all([
          rows(`/users?$filter=${live}&${select}`, chunk),
          rows(`/directory/deletedItems/microsoft.graph.user?$filter=${deleted}&${select}`, chunk),
        ]);
        return lists.flatMap((list, index) => holdersIn(list, chunk, index === 1));
      }),
    );
    return found.flat().sort((a, b) => Number(a.isDeleted) - Number(b.isDeleted));
  }

  /** Allows or blocks sign-in. */
  async setAccountEnabled(id: string, enabled: boolean, action: string, scope: Scope): Promise<void> {
    await this.#write("PATCH", userPath(id), { accountEnabled: enabled }, action, scope);
  }

  /** Ends the sessions that are open: blocking alone lets them go on until their tokens expire. */
  async revokeSessions(id: string, action: string, scope: Scope): Promise<void> {
    await this.#write("POST", `${userPath(id)}/revokeSignInSessions`, undefined, action, scope);
  }

  /** The licences of an account and where it is used, or undefined when Graph has no such account. */
  async licenses(id: string): Promise<AccountLicenses | undefined> {
    const action = `reading the licences of the account ${id}`;
    const path = `${userPath(id)}?$select=id,usageLocation,licenseAssignmentStates`;
    const body = await this.#read({ path, action });
    if (body === undefined) {
      return undefined;
    }
    const states = rowsOf(body.licenseAssignmentStates);
    if (states === undefined) {
      // Taken for none, an account that has a licence would get a second one.
      throw notWhatWasAsked("Graph", action);
    }
    const { usageLocation: where } = body;
    return {
      usageLocation: typeof where === "string" && where !== "" ? where : undefined,
      assignments: states.filter(isInForce).map(assignmentOf),
    };
  }

  /** The tenant's subscriptions with their seats. */
  async subscriptions(): Promise<Subscription[]> {
    return (await this.#list("/subscribedSkus", "reading the tenant's licences")).map(subscriptionOf);
  }

  /** Assigns a licence, takes others away, or both at once: plans that exclude each other must change in one step. */
  async assignLicenses(
    id: string,
    add: readonly { skuId: string; disabledPlans: readonly string[] }[],
    remove: readonly string[],
    action: string,
    scope: Scope,
  ): Promise<void> {
    const body = { addLicenses: add, removeLicenses: remove };
    await this.#write("POST", `${userPath(id)}/assignLicense`, body, action, scope);
  }

  /** Sets where an account is used: two letters, needed before a licence can be assigned. */
  async setUsageLocation(id: string, usageLocation: string, action: string, scope: Scope): Promise<void> {
    await this.#write("PATCH", userPath(id), { usageLocation }, action, scope);
  }

  /** The inbox rules of a mailbox as Graph writes them, or undefined while its mailbox is not ready (or there is none). */
  inboxRules(userId: string, who: string): Promise<Row[] | undefined> {
    return ifThere(this.#list(rulesPath(userId), `reading the inbox rules of ${who}`));
  }

  /** Creates an inbox rule. @returns it, as Graph writes it. */
  async createInboxRule(userId: string, rule: Row, action: string, scope: Scope): Promise<Row> {
    const answer = await this.#write("POST", rulesPath(userId), rule, action, scope);
    return bodyOf(answer);
  }

  /** Changes members of an inbox rule. */
  async updateInboxRule(userId: string, ruleId: string, rule: Row, action: string, scope: Scope): Promise<void> {
    await this.#write("PATCH", `${rulesPath(userId)}/${encodeURIComponent(ruleId)}`, rule, action, scope);
  }

  /** Deletes an inbox rule; gone already, or its mailbox gone, is success. */
  async deleteInboxRule(userId: string, ruleId: string, action: string, scope: Scope): Promise<void> {
    await ifThere(
      this.#write("DELETE", `${rulesPath(userId)}/${encodeURIComponent(ruleId)}`, undefined, action, scope),
    );
  }

  /** The mailbox settings, or undefined while Graph does not serve the mailbox (or there is none). */
  async mailboxSettings(userId: string, who: string): Promise<Row | undefined> {
    const action = `reading the mailbox settings of ${who}`;
    const settings = await this.#read({ path: `${userPath(userId)}/mailboxSettings`, action });
    if (settings !== undefined && !isObject(settings.automaticRepliesSetting)) {
      throw notWhatWasAsked("Graph", action);
    }
    return settings;
  }

  /** Changes members of the mailbox settings. */
  async updateMailboxSettings(userId: string, settings: Row, action: string, scope: Scope): Promise<void> {
    await this.#write("PATCH", `${userPath(userId)}/mailboxSettings`, settings, action, scope);
  }

  /**
   * The rows of a list, over all its pages.
   *
   * @param read how a page is read; by default together with what others read.
   * @throws where the list itself is not found: that says nothing about what was looked for in it.
   */
  async #list(first: string, action: string, read = (one: Reading) => this.#reads.read(one)): Promise<Row[]> {
    const found: Row[] = [];
    let path: string | undefined = first;
    while (path !== undefined) {
      const page: Row = await read({ path, action });
      const rows = rowsOf(page.value);
      if (rows === undefined) {
        // Taken for an empty list, it would lead to a second rule, or a second mailbox of one name.
        throw notWhatWasAsked("Graph", action);
      }
      found.push(...rows);
      path = typeof page["@odata.nextLink"] === "string" ? relative(page["@odata.nextLink"]) : undefined;
    }
    return found;
  }

  /** Writes, in one request with what is written of other accounts at the same time. */
  async #write(method: Writing["method"], path: string, body: unknown, action: string, scope: Scope): Promise<Written> {
    const id = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(path)?.[0];
    try {
      return await this.#writeTogether({ method, path, body, action }, (id ?? path).toLowerCase(), scope);
    } finally {
      this.#writes.note(id);
    }
  }

  #read(reading: Reading): Promise<Row | undefined> {
    return ifThere(this.#reads.read(reading));
  }
}

/** What a read shows; undefined where there is no such object, or Graph does not serve its mailbox. */
function ifThere<T>(read: Promise<T>): Promise<T | undefined> {
  return unless(read, "notFound", "mailboxNotReady");
}

/** What is read of an account. */
const USER = "$select=id,userPrincipalName,accountEnabled";

/**
 * How many addresses one filter asks for: Entra takes fifteen conditions joined by "or" ("Too many child clauses specified in search
 * filter expression"), and each address is up to four.
 */
const ADDRESSES = 3;

/** "or" between two filters that are ready for a query. */
const OR = encodeURIComponent(" or ");

/** The filter for accounts that hold an address as sign-in name, mail or proxy address, ready for a query. */
function holding(address: string): string {
  const value = filterLiteral(address);
  return encodeURIComponent(
    `userPrincipalName eq ${value} or mail eq ${value} or proxyAddresses/any(p:p eq ${filterLiteral(`smtp:${address}`)})`,
  );
}

/** The accounts of an answer that hold one of some addresses. */
function holdersIn(rows: readonly Row[], asked: readonly string[], isDeleted: boolean): AddressHolder[] {
  return rows.flatMap((user) => {
    const name = String(user.userPrincipalName).replace(isDeleted ? /^[0-9a-f]{32}/i : "", "");
    const proxies = texts(user.proxyAddresses).map((one) => one.replace(/^smtp:/i, ""));
    const addresses = asked.filter((address) =>
      [name, user.mail, ...proxies].some((one) => sameText(String(one), address)),
    );
    const holder = {
      id: String(user.id),
      addresses,
      words: `the ${isDeleted ? "deleted account" : "account"} "${user.displayName}" (${name}, id ${user.id})`,
      isDeleted,
      createdAt: String(user.createdDateTime ?? ""),
    };
    return addresses.length === 0 ? [] : [holder];
  });
}

function bodyOf({ body }: { body?: unknown }): Row {
  return mapOf(body);
}

/**
 * Where a user is, by id or sign-in name. In a path only OData's own names may begin with a dollar: a sign-in name that does is
 * written as a key in brackets.
 *
 * @see https://learn.microsoft.com/graph/api/user-get
 */
function userPath(identifier: string): string {
  return identifier.startsWith("$")
    ? `/users('${encodeURIComponent(identifier.replaceAll("'", "''"))}')`
    : `/users/${encodeURIComponent(identifier)}`;
}

function rulesPath(userId: string): string {
  return `${userPath(userId)}/mailFolders/inbox/messageRules`;
}

function relative(link: string): string {
  const url = new URL(link);
  return `${url.pathname}${url.search}`.replace(/^\/v1\.0/i, "");
}

/** A subscription of the tenant (`subscribedSku`). */
export interface Subscription {
  skuId: string;
  skuPartNumber: string;
  /** Whether licences of it can be assigned. */
  isActive: boolean;
  /** Seats bought. */
  enabled: number;
  /** Seats in use. */
  consumed: number;
  plans: ServicePlan[];
}

/** One service of a licence. */
export interface ServicePlan {
  id: string;
  name: string;
}

/** One way in which an account holds a licence: directly, or through a group. */
export interface Assignment {
  skuId: string;
  disabledPlans: string[];
  /** The group that gives it; undefined for a direct assignment. */
  byGroup: string | undefined;
}

/** What an account has of licences. */
export interface AccountLicenses {
  /** Two letters; undefined where none is set, and then nothing can be assigned. */
  usageLocation: string | undefined;
  assignments: Assignment[];
}

/** Whether a licence gives what it holds. Graph keeps one in error listed. */
function isInForce({ state }: Row): boolean {
  return state === undefined || /^Active/i.test(String(state));
}

/** Reads how one licence is assigned: directly, where Graph names no group. */
function assignmentOf({ skuId, disabledPlans, assignedByGroup }: Row): AccountLicenses["assignments"][number] {
  return {
    skuId: String(skuId).toLowerCase(),
    disabledPlans: (Array.isArray(disabledPlans) ? disabledPlans : []).map((plan) => String(plan).toLowerCase()),
    byGroup: typeof assignedByGroup === "string" ? assignedByGroup : undefined,
  };
}

/** Reads one of the tenant's subscriptions. */
function subscriptionOf(row: Row): Subscription {
  const seats = mapOf(row.prepaidUnits);
  return {
    skuId: String(row.skuId).toLowerCase(),
    skuPartNumber: String(row.skuPartNumber),
    // A subscription that ran out keeps working for its grace period ("Warning").
    isActive: /^(Enabled|Warning)$/i.test(String(row.capabilityStatus ?? "Enabled")),
    enabled: Number(seats.enabled ?? 0) + Number(seats.warning ?? 0),
    consumed: Number(row.consumedUnits ?? 0),
    plans: (rowsOf(row.servicePlans) ?? []).map((plan) => ({
      id: String(plan.servicePlanId).toLowerCase(),
      name: String(plan.servicePlanName),
    })),
  };
}
