import DataLoader from "dataloader";
import { ifAllowed } from "./allowed";
import { type Exchange, filterLiteral, type Row } from "./exchange";
import { text, texts } from "./mailboxes";

/** How many ids or SIDs one filter asks for. */
const TOGETHER = 15;
/** Milliseconds in which questions gather before they are asked together. */
const GATHER = 5;
/** How long SIDs that were found are not asked for again, in milliseconds: the same people have access to many mailboxes. */
const REMEMBERED = 60_000;

/** A user or group by Entra object id. */
interface Asked {
  id: string;
  isGroup: boolean;
}

/**
 * Whose a SID is. Entries of permission lists belong to a SID; the name printed beside it may be several people's. Many are asked
 * for in one filter.
 */
export class SecurityPrincipals {
  readonly #exchange: Exchange;
  readonly #known = new Map<string, { at: number; sids: string[] }>();
  readonly #sids: DataLoader<Asked, string[], string>;
  readonly #owners: DataLoader<string, string | undefined>;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    const batchScheduleFn = (send: () => void) => setTimeout(send, GATHER);
    this.#sids = new DataLoader((asked) => this.#askForSids(asked), { cache: false, batchScheduleFn });
    this.#owners = new DataLoader((sids) => this.#askForOwners(sids), { cache: false, batchScheduleFn });
  }

  /**
   * The SIDs of a user or group: the present one first, then those of its history, whose entries count too.
   *
   * @returns none where Exchange does not show them, or the application may not ask: then only printed names are left to go by.
   */
  async sidsOf(id: string, isGroup: boolean): Promise<string[]> {
    const key = id.toLowerCase();
    const known = this.#known.get(key);
    const at = Date.now();
    if (known !== undefined && at - known.at < REMEMBERED) {
      return known.sids;
    }
    const sids = await this.#sids.load({ id: key, isGroup });
    if (sids.length > 0) {
      this.#known.set(key, { at, sids });
    }
    return sids;
  }

  /** The Entra object id of the living user or group that has a SID, or undefined when nobody has it (any more). */
  async ownerOf(sid: string): Promise<string | undefined> {
    return this.#owners.load(sid);
  }

  async #askForSids(asked: readonly Asked[]): Promise<string[][]> {
    const rows = await Promise.all(
      (["Get-User", "Get-Group"] as const).flatMap((cmdlet) => {
        const ids = asked.filter(({ isGroup }) => isGroup === (cmdlet === "Get-Group")).map(({ id }) => id);
        return chunks([...new Set(ids)]).map((chunk) =>
          this.#find(
            cmdlet,
            chunk.map((id) => `ExternalDirectoryObjectId -eq ${filterLiteral(id)}`),
          ),
        );
      }),
    );
    const byId = new Map(rows.flat().map((row) => [text(row.ExternalDirectoryObjectId).toLowerCase(), sidsIn(row)]));
    return asked.map(({ id }) => byId.get(id) ?? []);
  }

  async #askForOwners(sids: readonly string[]): Promise<(string | undefined)[]> {
    const rows = await Promise.all(
      (["Get-User", "Get-Group"] as const).flatMap((cmdlet) =>
        chunks([...new Set(sids)]).map((chunk) =>
          this.#find(
            cmdlet,
            chunk.flatMap((sid) => [`Sid -eq ${filterLiteral(sid)}`, `SidHistory -eq ${filterLiteral(sid)}`]),
          ),
        ),
      ),
    );
    const owners = new Map(
      rows.flat().flatMap((row) => sidsIn(row).map((sid) => [sid, text(row.ExternalDirectoryObjectId)] as const)),
    );
    return sids.map((sid) => owners.get(sid.toUpperCase()) || undefined);
  }

  async #find(name: "Get-User" | "Get-Group", alternatives: string[]): Promise<Row[]> {
    // A role made of single cmdlets may lack these two; printed names and their refusal where ambiguous are left then.
    const output = await ifAllowed(
      this.#exchange.read({
        name,
        parameters: { Filter: alternatives.join(" -or "), ResultSize: "Unlimited" },
        select: ["ExternalDirectoryObjectId", "Sid", "SidHistory"],
        action: name === "Get-User" ? "looking up the SIDs of users" : "looking up the SIDs of groups",
      }),
    );
    return output?.rows ?? [];
  }
}

function sidsIn(row: Row): string[] {
  return [text(row.Sid), ...texts(row.SidHistory)].filter((sid) => sid !== "").map((sid) => sid.toUpperCase());
}

function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / TOGETHER) }, (_, index) =>
    all.slice(index * TOGETHER, (index + 1) * TOGETHER),
  );
}
