import { wait } from "../http/call";
import { ConflictError } from "../http/errors";

/** How long the engine may take between two of the deletions that it sends side by side, in milliseconds. */
const BETWEEN = 400;
/** Longest wait for more of them, in milliseconds. */
const LONGEST = 5_000;
/** Longest wait for other deletions that take up the engine's places meanwhile, in milliseconds. */
const LONGEST_FOR_OTHERS = 60_000;

/** The two halves of a mailbox's removal: its membership, then itself. */
type Half = "members" | "mailbox";

/** What is to go. */
interface Removal {
  /** Its Entra object id. */
  mailboxId: string;
  /** URN of the resource that goes. */
  urn: string;
  half: Half;
  /** What is being done, for the error. */
  action: string;
  /** How many mailboxes one deployment may take away. */
  limit: number;
  /** Whether its resource is in the program and is replaced: then the engine has not looked at the whole program yet. */
  isReplaced: boolean;
}

/**
 * The mailboxes that one deployment takes away from people: deletes, or leaves without the membership that this program declared.
 * They are counted before the first of them goes. The engine sends deletions side by side, as many as its `--parallel` says: first all
 * memberships, then all mailboxes. So each is held for a moment, until no more arrive and no other deletion takes up a place. Over the limit
 * none of them happens.
 *
 * What is not known: deletions that the engine has not sent yet, unless a refresh in the same deployment saw the mailbox. A limit
 * above the engine's parallelism is therefore reached in waves, and so is one that only the mailboxes without a membership pass: what
 * went in the waves before has happened.
 */
export class Removals {
  readonly #isDeclared: (thing: string) => boolean;
  /** Mailboxes that were asked for in this deployment, by object id: those that went and those that were refused. */
  readonly #asked = new Set<string>();
  readonly #admitted = new Set<string>();
  /** Mailboxes that a refresh of this deployment saw in the state, with what is declared of them while they stay in the program. */
  readonly #seen = new Map<string, Set<string>>();
  #gathering: Promise<void> | undefined;
  /** URNs of resources that are being deleted and take no mailbox away: while they last, the engine may hold back some that do. */
  readonly #others = new Set<string>();

  /** @param isDeclared whether any resource of the program declares something. */
  constructor(isDeclared: (thing: string) => boolean) {
    this.#isDeclared = isDeclared;
  }

  /** Notes a mailbox that a refresh saw, and that goes with its resource. */
  see(mailboxId: string, thing: string): void {
    const id = mailboxId.toLowerCase();
    this.#seen.set(id, new Set([...(this.#seen.get(id) ?? []), thing]));
  }

  /** Runs the deletion of any resource. Until it asks whether a mailbox may go, it is taken for one that takes none away. */
  async during<T>(urn: string, work: () => Promise<T>): Promise<T> {
    this.#others.add(urn);
    try {
      return await work();
    } finally {
      this.#others.delete(urn);
    }
  }

  /**
   * Returns once a mailbox may go.
   *
   * @throws ConflictError when the deployment takes away more than the limit; then none of those that were held together goes.
   */
  async admit({ mailboxId, urn, half, action, limit, isReplaced }: Removal, signal: AbortSignal): Promise<void> {
    this.#others.delete(urn);
    const id = mailboxId.toLowerCase();
    if (this.#admitted.has(`${half} ${id}`)) {
      return;
    }
    this.#asked.add(id);
    this.#gathering ??= this.#gather(action, signal).finally(() => {
      this.#gathering = undefined;
    });
    await this.#gathering;
    // Counted now: one that came in at the very end is among them.
    const count = new Set([...this.#asked, ...(isReplaced ? [] : this.#leaving())]).size;
    if (count > limit) {
      const isHalfGone = half === "mailbox" && this.#admitted.has(`members ${id}`);
      throw new ConflictError({
        action,
        words: `this deployment takes away ${count} mailboxes or more, and mailboxes:maxMailboxDeletes is ${limit}`,
        nextStep: `${
          isHalfGone
            ? "It was not deleted. The members that this program declared have lost their access: their membership went before the others were known."
            : "Nothing of this one was deleted, and nobody lost access to it."
        } If all of it is meant, run the command again with MAILBOXES_MAX_MAILBOX_DELETES=${count} in its environment.`,
      });
    }
    this.#admitted.add(`${half} ${id}`);
  }

  /** Mailboxes that a refresh saw and no resource of the program declares. */
  #leaving(): string[] {
    return [...this.#seen].flatMap(([id, things]) => ([...things].some(this.#isDeclared) ? [] : [id]));
  }

  /** Returns once no more are asked for. */
  async #gather(action: string, signal: AbortSignal): Promise<void> {
    const began = Date.now();
    let [seen, isPlaceTaken] = [0, false];
    while (
      (seen < this.#asked.size && Date.now() < began + LONGEST) ||
      (isPlaceTaken && Date.now() < began + LONGEST_FOR_OTHERS)
    ) {
      seen = this.#asked.size;
      isPlaceTaken = this.#others.size > 0;
      await wait(BETWEEN, signal, action);
      isPlaceTaken ||= this.#others.size > 0;
    }
  }
}
