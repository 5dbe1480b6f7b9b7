import { wait } from "../http/call";
import { ConflictError } from "../http/errors";

/** How long the engine may take between two of the deletions that it sends side by side, in milliseconds. */
const BETWEEN = 400;
/** Longest wait for more of them, in milliseconds. */
const LONGEST = 5_000;

/**
 * The mailboxes that one deployment takes away from people: deletes, or leaves without the membership that this program declared.
 * They are counted before the first of them goes. The engine sends deletions side by side, as many as its `--parallel` says, and
 * memberships before their mailboxes; so each is held for a moment, until no more arrive. Over the limit none of them happens.
 *
 * What is not known: deletions that the engine has not sent yet. A limit above its parallelism is therefore reached in waves, and
 * the waves before the one that passes the limit have happened.
 */
export class Removals {
  /** Mailboxes that were asked for in this deployment, by object id: those that went and those that were refused. */
  readonly #asked = new Set<string>();
  readonly #admitted = new Set<string>();
  #gathering: Promise<void> | undefined;

  /**
   * Returns once a mailbox may go.
   *
   * @param mailboxId its Entra object id.
   * @param action what is being done, for the error.
   * @param limit how many mailboxes one deployment may take away.
   * @throws ConflictError when the deployment takes away more; then none of those that were held together goes.
   */
  async admit(mailboxId: string, action: string, limit: number, signal: AbortSignal): Promise<void> {
    const id = mailboxId.toLowerCase();
    if (this.#admitted.has(id)) {
      return;
    }
    this.#asked.add(id);
    this.#gathering ??= this.#gather(action, signal).finally(() => {
      this.#gathering = undefined;
    });
    await this.#gathering;
    // Counted now: one that came in at the very end is among them.
    const count = this.#asked.size;
    if (count > limit) {
      throw new ConflictError({
        action,
        words: `this deployment takes away ${count} mailboxes or more, and mailboxes:maxMailboxDeletes is ${limit}`,
        nextStep:
          "Nothing of this one was deleted, and nobody lost access to it. If all of it is meant, run the command again with " +
          `MAILBOXES_MAX_MAILBOX_DELETES=${count} in its environment.`,
      });
    }
    this.#admitted.add(id);
  }

  /** Returns once no more are asked for. */
  async #gather(action: string, signal: AbortSignal): Promise<void> {
    const end = Date.now() + LONGEST;
    for (let seen = 0; seen < this.#asked.size && Date.now() < end; ) {
      seen = this.#asked.size;
      await wait(BETWEEN, signal, action);
    }
  }
}
